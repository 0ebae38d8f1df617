#!/bin/sh
# Makes tests/golden/kafka-*.txt again: what Apache Kafka's own message classes write (see GoldenBytes.java).
# Usage: regenerate.sh 'CLASSPATH of Kafka 4.3.1' 'kafka-clients-3.9.1.jar and slf4j-api.jar'
set -eu
cd "$(dirname "$0")/../../.."
names() {
    for file in "$@"; do
        api=$(sed -n 's/^api [0-9]* //p' "schema/$file.schema")
        echo "org.apache.kafka.common.message.${api}RequestData org.apache.kafka.common.message.${api}ResponseData"
    done
}
java -cp "$1" tests/kafka/golden/GoldenBytes.java \
    $(names $(cd schema && ls ./*.schema | sed 's/\.schema$//')) \
    org.apache.kafka.common.message.ConsumerProtocolSubscription \
    org.apache.kafka.common.message.ConsumerProtocolAssignment \
    $(sed -n 's/^record [0-9]* \([A-Za-z]*\) .*/org.apache.kafka.coordinator.transaction.generated.\1/p' schema/records/transaction_log.schema) \
    > tests/golden/kafka-4.3.1.txt
# The APIs whose oldest versions Kafka 4 has dropped.
java -cp "$2" tests/kafka/golden/GoldenBytes.java \
    $(names produce fetch list_offsets offset_commit offset_fetch create_topics delete_topics offset_for_leader_epoch describe_configs) \
    > tests/golden/kafka-3.9.1.txt 2> /dev/null
