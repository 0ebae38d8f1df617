#!/usr/bin/env python3
"""One client of the crash test, a process of its own: worker.py ROLE NAME ADDRESS TOPIC PARTITIONS DIRECTORY [RATE [WINDOW]]

Roles: librdkafka, kafka-python (idempotent producers, acks=all), raw (an idempotent producer that sends its last batches
again after every lost connection), member (of the group, commits what it has read). It appends lines to DIRECTORY/NAME.log:
  ack PARTITION N OFFSET      the broker has acknowledged value N of this producer at that offset
  fail PARTITION N WHY        it gave value N up; the record may be in the log or not
  commit PARTITION FROM TO    a member has read FROM..TO-1 and its commit of TO is acknowledged
  wrong TEXT                  the broker broke a promise
until a file named stop (producers) or halt (members) is in DIRECTORY.
"""
import os
import random
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.lib import records, wire  # noqa: E402

GROUP = "crash-group"


def value(name, partition, n, size=400):
    head = f"{name}/{partition}/{n}/".encode()
    return head + b"." * (random.randrange(20, size) if size else 0)


class Worker:
    def __init__(self, name, address, topic, partitions, directory, rate):
        self.name, self.address, self.topic, self.partitions, self.rate = name, address, topic, partitions, rate
        self.directory = Path(directory)
        self.out = open(self.directory / f"{name}.log", "a", buffering=1)
        self.sent = [0] * partitions

    def say(self, *words):
        self.out.write(" ".join(map(str, words)) + "\n")

    def stopped(self, mark="stop"):
        return (self.directory / mark).exists()

    def pace(self, began, count):
        late = began + count / self.rate - time.monotonic()
        if late > 0:
            time.sleep(min(late, 0.5))

    def next(self):
        """(partition, n, value) of the next record; the partitions take turns in uneven bursts."""
        partition = random.randrange(self.partitions)
        n = self.sent[partition]
        self.sent[partition] += 1
        return partition, n, value(self.name, partition, n)

    def librdkafka(self):
        import confluent_kafka
        p = confluent_kafka.Producer({
            "bootstrap.servers": self.address, "enable.idempotence": True, "acks": "all", "linger.ms": 2,
            "message.timeout.ms": 300000, "reconnect.backoff.max.ms": 500, "retry.backoff.ms": 50, "retry.backoff.max.ms": 200,
            "batch.num.messages": 100, "queue.buffering.max.messages": 20000})

        def report(partition, n):
            def done(error, message):
                self.say("fail", partition, n, error) if error else self.say("ack", partition, n, message.offset())
            return done
        began, count = time.monotonic(), 0
        while not self.stopped():
            for _ in range(20):
                partition, n, v = self.next()
                while True:
                    try:
                        p.produce(self.topic, v, partition=partition, on_delivery=report(partition, n))
                        break
                    except BufferError:
                        p.poll(0.1)
                count += 1
            p.poll(0)
            self.pace(began, count)
        left = p.flush(120)
        if left:
            self.say("wrong", f"{left} records of the librdkafka producer could not be delivered")

    def kafka_python(self):
        import kafka
        p = kafka.KafkaProducer(bootstrap_servers=self.address, enable_idempotence=True, acks="all", linger_ms=2,
                                delivery_timeout_ms=300000, request_timeout_ms=20000, retry_backoff_ms=50,
                                reconnect_backoff_max_ms=500, batch_size=8192, max_block_ms=120000)
        began, count = time.monotonic(), 0
        while not self.stopped():
            for _ in range(5):
                partition, n, v = self.next()
                future = p.send(self.topic, v, partition=partition)
                future.add_callback(lambda m, partition=partition, n=n: self.say("ack", partition, n, m.offset))
                future.add_errback(lambda e, partition=partition, n=n: self.say("fail", partition, n, repr(e)))
                count += 1
            self.pace(began, count)
        p.flush(timeout=120)
        p.close(timeout=10)

    def raw(self, window):
        """One partition (the last), batches of 1 to 3 records; the last `window` acknowledged ones are sent again after a
        lost connection and must be answered with the offsets they have."""
        partition, sequence, recent, pending = self.partitions - 1, 0, [], None
        producer = None
        while not self.stopped():
            try:
                with wire.Connection(self.address, timeout=10) as c:
                    if producer is None:
                        error, producer, epoch = c.init_producer_id()
                        if error:
                            producer = None
                            time.sleep(0.1)
                            continue
                    for batch, base, _ in recent[-window:]:
                        self.again(c, partition, batch, base)
                    while not self.stopped():
                        if pending is None:
                            numbers = [self.sent[partition] + i for i in range(random.randint(1, 3))]
                            self.sent[partition] += len(numbers)
                            pending = records.batch([value(self.name, partition, n) for n in numbers], producer_id=producer,
                                                    producer_epoch=epoch, base_sequence=sequence, timestamp=int(time.time() * 1000)), numbers
                            sequence += len(numbers)
                        error, base, _ = c.produce(self.topic, partition, pending[0])
                        if error in (3, 5, 6, 7, 14, 15, 16, 56):    # not there yet, after a start
                            time.sleep(0.02)
                            continue
                        if error:
                            self.say("wrong", f"error {error} for records {pending[1]} of an idempotent producer")
                            return
                        for i, n in enumerate(pending[1]):
                            self.say("ack", partition, n, base + i)
                        recent = recent[-8:] + [(pending[0], base, pending[1])]
                        pending = None
                        if random.random() < 0.05 and window > 1:
                            self.again(c, partition, *random.choice(recent[-5:])[:2])
                        time.sleep(1 / self.rate)
            except (OSError, wire.WireError):
                time.sleep(0.05)

    def again(self, c, partition, batch, base):
        while True:
            error, offset, _ = c.produce(self.topic, partition, batch)
            if error not in (3, 5, 6, 7, 14, 15, 16, 56):
                break
            time.sleep(0.02)
        if (error, offset) != (0, base):
            self.say("wrong", f"duplicate window: a batch acknowledged at offset {base} was sent again and answered with error {error}, offset {offset}")

    def member(self):
        import confluent_kafka
        c = confluent_kafka.Consumer({
            "bootstrap.servers": self.address, "group.id": GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 500, "fetch.wait.max.ms": 100, "reconnect.backoff.max.ms": 500,
            "retry.backoff.ms": 50, "partition.assignment.strategy": "cooperative-sticky"})
        read = {}                                       # partition: [from, to) read since the last commit

        def forget(consumer, partitions):
            for p in partitions:
                read.pop(p.partition, None)
        c.subscribe([self.topic], on_assign=forget, on_revoke=forget, on_lost=forget)
        while not self.stopped("halt"):
            for m in c.consume(500, timeout=0.2):
                if m.error():
                    continue
                span = read.setdefault(m.partition(), [m.offset(), m.offset()])
                if m.offset() != span[1]:
                    self.say("wrong", f"the group's member read offset {m.offset()} of partition {m.partition()} after {span[1] - 1}")
                span[1] = m.offset() + 1
            spans = {p: s for p, s in read.items() if s[1] > s[0]}
            if spans:
                try:
                    answer = c.commit(offsets=[confluent_kafka.TopicPartition(self.topic, p, s[1]) for p, s in spans.items()],
                                      asynchronous=False)
                except confluent_kafka.KafkaException:
                    continue
                for one in answer:
                    if one.error is None and one.partition in read:
                        start, end = spans[one.partition]
                        self.say("commit", one.partition, start, end)
                        read[one.partition] = [end, end]
        c.close()


def main():
    role, name, address, topic, partitions, directory, *more = sys.argv[1:]
    worker = Worker(name, address, topic, int(partitions), directory, float(more[0]) if more else 100)
    if role == "raw":
        worker.raw(int(more[1]))
    else:
        getattr(worker, role.replace("-", "_"))()
    worker.say("end")


if __name__ == "__main__":
    random.seed(os.urandom(8))
    main()
