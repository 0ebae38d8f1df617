//! `quorum-state` and the first batch of an epoch: who leads the metadata log.
//!
//! Layout of the file: one line of JSON without a newline. `data_version` 0 (voters named in the configuration):
//! clusterId "", leaderId, leaderEpoch, votedId, appliedOffset 0, currentVoters; 1 (voters in the log): leaderId,
//! leaderEpoch, votedId, votedDirectoryId. Crash policy: authoritative for the epoch, replaced as a whole (temporary file,
//! rename); without it the log's last epoch serves. Source: files of Apache Kafka 4.3.1.

use crate::base::ids::{BrokerId, LeaderEpoch, Offset, Uuid};
use crate::batch::{BatchError, BatchOptions, ControlType, control_batch};
use crate::wire::encode_to_bytes;
use crate::wire::records::{LeaderChangeMessage, LeaderChangeMessageVoter};
use serde_json::{Value, json};

/// The name of the file, in the metadata log's directory.
pub const QUORUM_STATE: &str = "quorum-state";

/// What the node knew of the election when it wrote the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumState {
    /// The leader; -1 if there was none.
    pub leader_id: BrokerId,
    /// The epoch.
    pub leader_epoch: LeaderEpoch,
    /// Whom this node voted for; -1 if it has not.
    pub voted_id: BrokerId,
    /// Who the voters are.
    pub voters: Voters,
}

/// Where a quorum's voters are written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voters {
    /// In every node's configuration (kraft.version 0).
    Static(Vec<BrokerId>),
    /// In the log (kraft.version 1); the directory of the node that was voted for, zero if none was.
    Dynamic {
        /// Its directory.
        voted_directory_id: Uuid,
    },
}

/// A text that is no `quorum-state`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed quorum-state: {0}")]
pub struct QuorumStateError(String);

impl QuorumState {
    /// Of a new node that is its own and only voter, before its first epoch.
    pub fn new(node_id: BrokerId) -> Self {
        let none = BrokerId::new(-1);
        let voters = Voters::Static(vec![node_id]);
        Self { leader_id: none, leader_epoch: LeaderEpoch::new(0), voted_id: none, voters }
    }

    /// The state with which `node_id`, the only voter, takes the lead: one epoch above this file's and the log's last.
    #[must_use]
    pub fn take_lead(self, node_id: BrokerId, last_log_epoch: LeaderEpoch) -> Self {
        let leader_epoch = self.leader_epoch.max(last_log_epoch).next();
        let voters = match self.voters {
            Voters::Static(_) => self.voters,
            Voters::Dynamic { .. } => Voters::Dynamic { voted_directory_id: Uuid::ZERO },
        };
        Self { leader_id: node_id, leader_epoch, voted_id: BrokerId::new(-1), voters }
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let (leader, epoch, voted) = (self.leader_id, self.leader_epoch, self.voted_id);
        // Written by hand: Kafka keeps this order, and a comparison of files is worth more than a call saved.
        let text = match &self.voters {
            Voters::Static(ids) => {
                let voters: Vec<_> = ids.iter().map(|id| format!("{{\"voterId\":{id}}}")).collect();
                let voters = voters.join(",");
                format!(
                    "{{\"clusterId\":\"\",\"leaderId\":{leader},\"leaderEpoch\":{epoch},\"votedId\":{voted},\
                     \"appliedOffset\":0,\"currentVoters\":[{voters}],\"data_version\":0}}"
                )
            }
            Voters::Dynamic { voted_directory_id } => format!(
                "{{\"leaderId\":{leader},\"leaderEpoch\":{epoch},\"votedId\":{voted},\
                 \"votedDirectoryId\":\"{voted_directory_id}\",\"data_version\":1}}"
            ),
        };
        text.into_bytes()
    }

    /// Reads the file's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, QuorumStateError> {
        let error = |what: &str| QuorumStateError(what.to_owned());
        let value: Value = serde_json::from_slice(bytes).map_err(|e| QuorumStateError(e.to_string()))?;
        let number = |of: &Value, name: &str| -> Result<i32, QuorumStateError> {
            let number = of.get(name).and_then(Value::as_i64);
            number.and_then(|n| i32::try_from(n).ok()).ok_or_else(|| error(name))
        };
        let voters = match value.get("data_version").unwrap_or(&json!(0)).as_i64() {
            Some(0) => {
                let voters = value.get("currentVoters").and_then(Value::as_array);
                let ids =
                    voters.into_iter().flatten().map(|voter| number(voter, "voterId").map(BrokerId::new));
                Voters::Static(ids.collect::<Result<_, _>>()?)
            }
            Some(1) => {
                let directory = value.get("votedDirectoryId").and_then(Value::as_str);
                let directory = directory.and_then(|text| text.parse().ok());
                let voted_directory_id = directory.ok_or_else(|| error("votedDirectoryId"))?;
                Voters::Dynamic { voted_directory_id }
            }
            _ => return Err(error("data_version")),
        };
        Ok(Self {
            leader_id: BrokerId::new(number(&value, "leaderId")?),
            leader_epoch: LeaderEpoch::new(number(&value, "leaderEpoch")?),
            voted_id: BrokerId::new(number(&value, "votedId")?),
            voters,
        })
    }

    /// The control batch that this leader's epoch begins with, at `offset` (the end of the log). `directory_id` is that of
    /// the metadata log; a quorum with voters in the log names it. Errors: none for a node id.
    pub fn leader_change(
        &self,
        now_ms: i64,
        offset: Offset,
        directory_id: Uuid,
    ) -> Result<Vec<u8>, BatchError> {
        let version = match self.voters {
            Voters::Static(_) => 0,
            Voters::Dynamic { .. } => 1,
        };
        let voter_directory_id = if version == 0 { Uuid::ZERO } else { directory_id };
        let voters = vec![LeaderChangeMessageVoter { voter_id: self.leader_id.get(), voter_directory_id }];
        let granting_voters = voters.clone();
        let message =
            LeaderChangeMessage { version, leader_id: self.leader_id.get(), voters, granting_voters };
        // Two voters cannot be too many for a length field.
        let value = encode_to_bytes(&message, version).unwrap_or_default();
        let options =
            BatchOptions { base_offset: offset, leader_epoch: self.leader_epoch, ..BatchOptions::default() };
        control_batch(options, now_ms, ControlType::LeaderChange, &value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::batches;

    const STATIC: &str = "{\"clusterId\":\"\",\"leaderId\":1,\"leaderEpoch\":1,\"votedId\":-1,\"appliedOffset\":0,\
                          \"currentVoters\":[{\"voterId\":1}],\"data_version\":0}";
    const DYNAMIC: &str = "{\"leaderId\":1,\"leaderEpoch\":7,\"votedId\":-1,\
                           \"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"data_version\":1}";

    #[test]
    fn kafkas_files_are_read_and_written() {
        for text in [STATIC, DYNAMIC] {
            let state = QuorumState::decode(text.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(state.encode()).unwrap(), text);
        }
        for bad in [
            "",
            "{}",
            "{\"data_version\":2}",
            "[1]",
            "{\"leaderId\":1,\"leaderEpoch\":99999999999,\"votedId\":1}",
        ] {
            assert!(QuorumState::decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_start_is_an_epoch_of_its_own() {
        let node = BrokerId::new(1);
        let first = QuorumState::new(node).take_lead(node, LeaderEpoch::NONE);
        assert_eq!(String::from_utf8(first.encode()).unwrap(), STATIC);
        let next = first.clone().take_lead(node, LeaderEpoch::new(1));
        assert_eq!(next.leader_epoch, LeaderEpoch::new(2));
        assert_eq!(
            QuorumState::new(node).take_lead(node, LeaderEpoch::new(9)).leader_epoch,
            LeaderEpoch::new(10)
        );
        let dynamic = QuorumState::decode(DYNAMIC.as_bytes()).unwrap().take_lead(node, LeaderEpoch::new(3));
        assert_eq!((dynamic.leader_epoch, dynamic.leader_id), (LeaderEpoch::new(8), node));
    }

    #[test]
    fn the_first_batch_is_kafkas() {
        let log = include_bytes!("../../tests/golden/metadata/cluster_metadata.log");
        let golden = batches(log).next().unwrap().unwrap();
        let state = QuorumState::decode(STATIC.as_bytes()).unwrap();
        let ours = state.leader_change(golden.max_timestamp, Offset::ZERO, Uuid::from_u128(9)).unwrap();
        assert_eq!(ours, golden.bytes());
    }
}
