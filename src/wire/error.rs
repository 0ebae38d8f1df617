//! Kafka's error codes.

// One table makes the enumeration, the numbers and the texts: they cannot disagree.
macro_rules! error_codes {
    ($($(#[$attribute:meta])* $code:literal $name:ident $kafka:literal $retriable:literal $message:literal)*) => {
        /// An error code of the protocol.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(
                #[doc = $message]
                $(#[$attribute])*
                $name = $code,
            )*
        }

        impl ErrorCode {
            /// Every code, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code of a number; none if Kafka has no such code.
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Kafka's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $kafka,)*
                }
            }

            /// What went wrong, for people.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                }
            }

            /// Whether the same request can succeed when a client sends it again.
            pub const fn is_retriable(self) -> bool {
                match self {
                    $(Self::$name => $retriable,)*
                }
            }
        }
    };
}

error_codes! {
    -1 UnknownServerError "UNKNOWN_SERVER_ERROR" false "The server met an error that it did not expect."
    #[default]
    0 None "NONE" false "No error."
    1 OffsetOutOfRange "OFFSET_OUT_OF_RANGE" false "The offset is outside the range of offsets that the partition has."
    2 CorruptMessage "CORRUPT_MESSAGE" true "The records do not match their checksum, or are malformed."
    3 UnknownTopicOrPartition "UNKNOWN_TOPIC_OR_PARTITION" true "This server has no such topic or partition."
    4 InvalidFetchSize "INVALID_FETCH_SIZE" false "The size asked for in the fetch is invalid."
    5 LeaderNotAvailable "LEADER_NOT_AVAILABLE" true "The partition has no leader at present."
    6 NotLeaderOrFollower "NOT_LEADER_OR_FOLLOWER" true "This broker is neither leader nor follower of the partition."
    7 RequestTimedOut "REQUEST_TIMED_OUT" true "The request took longer than it was given."
    8 BrokerNotAvailable "BROKER_NOT_AVAILABLE" false "The broker is not available."
    9 ReplicaNotAvailable "REPLICA_NOT_AVAILABLE" true "The replica is not available for this partition."
    10 MessageTooLarge "MESSAGE_TOO_LARGE" false "The record batch is larger than the topic accepts."
    11 StaleControllerEpoch "STALE_CONTROLLER_EPOCH" false "The controller has moved on to a later epoch."
    12 OffsetMetadataTooLarge "OFFSET_METADATA_TOO_LARGE" false "The metadata of the offset commit is too long."
    13 NetworkException "NETWORK_EXCEPTION" true "The connection broke before the answer came."
    14 CoordinatorLoadInProgress "COORDINATOR_LOAD_IN_PROGRESS" true "The coordinator is still loading its state."
    15 CoordinatorNotAvailable "COORDINATOR_NOT_AVAILABLE" true "The coordinator is not available."
    16 NotCoordinator "NOT_COORDINATOR" true "This broker is not the coordinator asked for."
    17 InvalidTopicException "INVALID_TOPIC_EXCEPTION" false "The name is not a valid topic name, or the topic cannot be used so."
    18 RecordListTooLarge "RECORD_LIST_TOO_LARGE" false "The record batch is larger than a segment."
    19 NotEnoughReplicas "NOT_ENOUGH_REPLICAS" true "Fewer replicas are in sync than the topic demands."
    20 NotEnoughReplicasAfterAppend "NOT_ENOUGH_REPLICAS_AFTER_APPEND" true "The records were written, but to fewer replicas than demanded."
    21 InvalidRequiredAcks "INVALID_REQUIRED_ACKS" false "The acks of the produce must be -1, 0 or 1."
    22 IllegalGeneration "ILLEGAL_GENERATION" false "The group has another generation."
    23 InconsistentGroupProtocol "INCONSISTENT_GROUP_PROTOCOL" false "The member shares no protocol with the group."
    24 InvalidGroupId "INVALID_GROUP_ID" false "The group id is not valid."
    25 UnknownMemberId "UNKNOWN_MEMBER_ID" false "The group does not know this member."
    26 InvalidSessionTimeout "INVALID_SESSION_TIMEOUT" false "The session timeout is outside the bounds that the broker sets."
    27 RebalanceInProgress "REBALANCE_IN_PROGRESS" false "The group is rebalancing; the member must join again."
    28 InvalidCommitOffsetSize "INVALID_COMMIT_OFFSET_SIZE" false "The offsets are too large to be committed."
    29 TopicAuthorizationFailed "TOPIC_AUTHORIZATION_FAILED" false "Not authorized for the topic."
    30 GroupAuthorizationFailed "GROUP_AUTHORIZATION_FAILED" false "Not authorized for the group."
    31 ClusterAuthorizationFailed "CLUSTER_AUTHORIZATION_FAILED" false "Not authorized for the cluster."
    32 InvalidTimestamp "INVALID_TIMESTAMP" false "A record's timestamp is outside the accepted range."
    33 UnsupportedSaslMechanism "UNSUPPORTED_SASL_MECHANISM" false "The broker does not offer this SASL mechanism."
    34 IllegalSaslState "ILLEGAL_SASL_STATE" false "The request does not fit the state of the authentication."
    35 UnsupportedVersion "UNSUPPORTED_VERSION" false "The broker does not serve this version of the API."
    36 TopicAlreadyExists "TOPIC_ALREADY_EXISTS" false "A topic of this name exists."
    37 InvalidPartitions "INVALID_PARTITIONS" false "The number of partitions is not valid."
    38 InvalidReplicationFactor "INVALID_REPLICATION_FACTOR" false "The replication factor is not valid, or there are too few brokers for it."
    39 InvalidReplicaAssignment "INVALID_REPLICA_ASSIGNMENT" false "The replica assignment is not valid."
    40 InvalidConfig "INVALID_CONFIG" false "The configuration is not valid."
    41 NotController "NOT_CONTROLLER" true "This broker is not the controller."
    42 InvalidRequest "INVALID_REQUEST" false "The request contradicts itself or the protocol."
    43 UnsupportedForMessageFormat "UNSUPPORTED_FOR_MESSAGE_FORMAT" false "The message format of the partition does not support this."
    44 PolicyViolation "POLICY_VIOLATION" false "A policy of the broker forbids this."
    45 OutOfOrderSequenceNumber "OUT_OF_ORDER_SEQUENCE_NUMBER" false "The sequence number is not the one that was due."
    46 DuplicateSequenceNumber "DUPLICATE_SEQUENCE_NUMBER" false "The sequence number was used before."
    47 InvalidProducerEpoch "INVALID_PRODUCER_EPOCH" false "The producer epoch is older than the current one."
    48 InvalidTxnState "INVALID_TXN_STATE" false "The transaction is in no state for this."
    49 InvalidProducerIdMapping "INVALID_PRODUCER_ID_MAPPING" false "The producer id does not belong to the transactional id."
    50 InvalidTransactionTimeout "INVALID_TRANSACTION_TIMEOUT" false "The transaction timeout is above the broker's maximum."
    51 ConcurrentTransactions "CONCURRENT_TRANSACTIONS" true "The previous change of this transaction is still going on."
    52 TransactionCoordinatorFenced "TRANSACTION_COORDINATOR_FENCED" false "A newer coordinator has taken over the transaction."
    53 TransactionalIdAuthorizationFailed "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" false "Not authorized for the transactional id."
    54 SecurityDisabled "SECURITY_DISABLED" false "Security is not enabled on the broker."
    55 OperationNotAttempted "OPERATION_NOT_ATTEMPTED" false "Not attempted, because another part of the request failed."
    56 KafkaStorageError "KAFKA_STORAGE_ERROR" true "The disk failed while the log was accessed."
    57 LogDirNotFound "LOG_DIR_NOT_FOUND" false "The broker has no such log directory."
    58 SaslAuthenticationFailed "SASL_AUTHENTICATION_FAILED" false "The authentication failed."
    59 UnknownProducerId "UNKNOWN_PRODUCER_ID" false "The broker has no state for this producer id."
    60 ReassignmentInProgress "REASSIGNMENT_IN_PROGRESS" false "The partition is being reassigned."
    61 DelegationTokenAuthDisabled "DELEGATION_TOKEN_AUTH_DISABLED" false "Delegation tokens are not enabled."
    62 DelegationTokenNotFound "DELEGATION_TOKEN_NOT_FOUND" false "No such delegation token."
    63 DelegationTokenOwnerMismatch "DELEGATION_TOKEN_OWNER_MISMATCH" false "The delegation token belongs to someone else."
    64 DelegationTokenRequestNotAllowed "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED" false "Delegation tokens cannot be requested over this connection."
    65 DelegationTokenAuthorizationFailed "DELEGATION_TOKEN_AUTHORIZATION_FAILED" false "Not authorized for the delegation token."
    66 DelegationTokenExpired "DELEGATION_TOKEN_EXPIRED" false "The delegation token has expired."
    67 InvalidPrincipalType "INVALID_PRINCIPAL_TYPE" false "The principal's type is not supported."
    68 NonEmptyGroup "NON_EMPTY_GROUP" false "The group has members."
    69 GroupIdNotFound "GROUP_ID_NOT_FOUND" false "No such group."
    70 FetchSessionIdNotFound "FETCH_SESSION_ID_NOT_FOUND" true "No such fetch session."
    71 InvalidFetchSessionEpoch "INVALID_FETCH_SESSION_EPOCH" true "The fetch session has another epoch."
    72 ListenerNotFound "LISTENER_NOT_FOUND" true "The leader has no listener of the name that the request came by."
    73 TopicDeletionDisabled "TOPIC_DELETION_DISABLED" false "Deleting topics is disabled."
    74 FencedLeaderEpoch "FENCED_LEADER_EPOCH" true "The leader epoch of the request is older than the broker's."
    75 UnknownLeaderEpoch "UNKNOWN_LEADER_EPOCH" true "The leader epoch of the request is newer than the broker's."
    76 UnsupportedCompressionType "UNSUPPORTED_COMPRESSION_TYPE" false "The client's version does not support the compression in use."
    77 StaleBrokerEpoch "STALE_BROKER_EPOCH" false "The broker has registered again since."
    78 OffsetNotAvailable "OFFSET_NOT_AVAILABLE" true "The new leader cannot tell the offset yet."
    79 MemberIdRequired "MEMBER_ID_REQUIRED" false "The member must join again with the id that it was given."
    80 PreferredLeaderNotAvailable "PREFERRED_LEADER_NOT_AVAILABLE" true "The preferred leader is not available."
    81 GroupMaxSizeReached "GROUP_MAX_SIZE_REACHED" false "The group has as many members as it may."
    82 FencedInstanceId "FENCED_INSTANCE_ID" false "Another member has taken this instance id."
    83 EligibleLeadersNotAvailable "ELIGIBLE_LEADERS_NOT_AVAILABLE" true "No eligible leader is available."
    84 ElectionNotNeeded "ELECTION_NOT_NEEDED" true "The partition needs no election."
    85 NoReassignmentInProgress "NO_REASSIGNMENT_IN_PROGRESS" false "The partition is not being reassigned."
    86 GroupSubscribedToTopic "GROUP_SUBSCRIBED_TO_TOPIC" false "The group is subscribed to the topic."
    87 InvalidRecord "INVALID_RECORD" false "A record is not valid; the broker refused the batch."
    88 UnstableOffsetCommit "UNSTABLE_OFFSET_COMMIT" true "A transaction has offsets pending."
    89 ThrottlingQuotaExceeded "THROTTLING_QUOTA_EXCEEDED" true "The quota is used up for now."
    90 ProducerFenced "PRODUCER_FENCED" false "A newer producer uses the same transactional id."
    91 ResourceNotFound "RESOURCE_NOT_FOUND" false "No such resource."
    92 DuplicateResource "DUPLICATE_RESOURCE" false "The resource is named twice, or exists."
    93 UnacceptableCredential "UNACCEPTABLE_CREDENTIAL" false "The credential does not meet the requirements."
    94 InconsistentVoterSet "INCONSISTENT_VOTER_SET" false "The voters of the request are not those of the quorum."
    95 InvalidUpdateVersion "INVALID_UPDATE_VERSION" false "The version of the update is not valid."
    96 FeatureUpdateFailed "FEATURE_UPDATE_FAILED" false "The features could not be updated."
    97 PrincipalDeserializationFailure "PRINCIPAL_DESERIALIZATION_FAILURE" false "The forwarded principal could not be read."
    98 SnapshotNotFound "SNAPSHOT_NOT_FOUND" false "No such snapshot."
    99 PositionOutOfRange "POSITION_OUT_OF_RANGE" false "The position is outside the snapshot."
    100 UnknownTopicId "UNKNOWN_TOPIC_ID" true "This server has no topic of this id."
    101 DuplicateBrokerRegistration "DUPLICATE_BROKER_REGISTRATION" false "Another broker is registered with this id."
    102 BrokerIdNotRegistered "BROKER_ID_NOT_REGISTERED" false "No broker is registered with this id."
    103 InconsistentTopicId "INCONSISTENT_TOPIC_ID" true "The topic of the log has another id."
    104 InconsistentClusterId "INCONSISTENT_CLUSTER_ID" false "The request is for another cluster."
    105 TransactionalIdNotFound "TRANSACTIONAL_ID_NOT_FOUND" false "No such transactional id."
    106 FetchSessionTopicIdError "FETCH_SESSION_TOPIC_ID_ERROR" true "The fetch session mixes topic names and topic ids."
    107 IneligibleReplica "INELIGIBLE_REPLICA" false "The replica may not join those in sync."
    108 NewLeaderElected "NEW_LEADER_ELECTED" false "The change made another replica the leader."
    109 OffsetMovedToTieredStorage "OFFSET_MOVED_TO_TIERED_STORAGE" false "The offset lies in tiered storage."
    110 FencedMemberEpoch "FENCED_MEMBER_EPOCH" false "The coordinator has fenced this epoch of the member."
    111 UnreleasedInstanceId "UNRELEASED_INSTANCE_ID" false "Another member still holds this instance id."
    112 UnsupportedAssignor "UNSUPPORTED_ASSIGNOR" false "The group's assignor is not one that the broker has."
    113 StaleMemberEpoch "STALE_MEMBER_EPOCH" false "The member must take its new epoch first."
    114 MismatchedEndpointType "MISMATCHED_ENDPOINT_TYPE" false "The request came to the wrong kind of endpoint."
    115 UnsupportedEndpointType "UNSUPPORTED_ENDPOINT_TYPE" false "The kind of endpoint is not supported."
    116 UnknownControllerId "UNKNOWN_CONTROLLER_ID" false "No controller has this id."
    117 UnknownSubscriptionId "UNKNOWN_SUBSCRIPTION_ID" false "The telemetry subscription has changed."
    118 TelemetryTooLarge "TELEMETRY_TOO_LARGE" false "The telemetry is larger than accepted."
    119 InvalidRegistration "INVALID_REGISTRATION" false "The registration is not valid."
    120 TransactionAbortable "TRANSACTION_ABORTABLE" false "The transaction must be aborted."
    121 InvalidRecordState "INVALID_RECORD_STATE" false "The record is in no state to be acknowledged so."
    122 ShareSessionNotFound "SHARE_SESSION_NOT_FOUND" true "No such share session."
    123 InvalidShareSessionEpoch "INVALID_SHARE_SESSION_EPOCH" true "The share session has another epoch."
    124 FencedStateEpoch "FENCED_STATE_EPOCH" false "The epoch of the share state is older than the current one."
    125 InvalidVoterKey "INVALID_VOTER_KEY" false "The voter key is not that of the replica."
    126 DuplicateVoter "DUPLICATE_VOTER" false "The voter is a member already."
    127 VoterNotFound "VOTER_NOT_FOUND" false "No such voter."
    128 InvalidRegularExpression "INVALID_REGULAR_EXPRESSION" false "The regular expression is not valid."
    129 RebootstrapRequired "REBOOTSTRAP_REQUIRED" false "The client must begin again from its bootstrap servers."
    130 StreamsInvalidTopology "STREAMS_INVALID_TOPOLOGY" false "The topology is not valid."
    131 StreamsInvalidTopologyEpoch "STREAMS_INVALID_TOPOLOGY_EPOCH" false "The topology has another epoch."
    132 StreamsTopologyFenced "STREAMS_TOPOLOGY_FENCED" false "A newer topology has taken over."
    133 ShareSessionLimitReached "SHARE_SESSION_LIMIT_REACHED" true "No more share sessions fit."
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_no_gap_and_come_back() {
        for (number, code) in (-1..).zip(ErrorCode::ALL) {
            assert_eq!(code.code(), number);
            assert_eq!(ErrorCode::from_code(number), Some(*code));
        }
        assert_eq!(ErrorCode::from_code(ErrorCode::ALL.len() as i16 - 1), None);
        assert_eq!(ErrorCode::default().to_string(), "NONE");
    }
}
