#!/bin/sh
# Makes tests/golden/kafka-*.txt again: what Apache Kafka's own message classes write (see GoldenBytes.java).
# Usage: regenerate.sh 'CLASSPATH of Kafka 4.3.1' 'kafka-clients-3.9.1.jar:slf4j-api.jar'
set -eu
cd "$(dirname "$0")/../../.."
names() { # of the messages in schemas
    sed -n -e 's/^api [0-9]* \(.*\)/\1Request \1Response/p' -e 's/^record [-0-9]* \([A-Za-z]*\) .*/\1/p' "$@"
}
java -cp "$1" tests/kafka/golden/GoldenBytes.java $(names schema/*.schema schema/records/*.schema) > tests/golden/kafka-4.3.1.txt
# The APIs whose oldest versions Kafka 4 has dropped.
cd schema
old=$(names produce.schema fetch.schema list_offsets.schema offset_commit.schema offset_fetch.schema \
    create_topics.schema delete_topics.schema offset_for_leader_epoch.schema describe_configs.schema)
cd ..
java -cp "$2" tests/kafka/golden/GoldenBytes.java $old > tests/golden/kafka-3.9.1.txt 2> /dev/null
