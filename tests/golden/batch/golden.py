"""Writes the python-*.hex files into the directory given: kafka-python 1.4.7 with python-snappy, lz4 and xxhash."""
import pathlib
import sys

from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.legacy_records import LegacyRecordBatchBuilder


def build(builder, magic):
    for n in range(10):
        key = None if n % 5 == 4 else b"key-%d" % n
        value = None if n == 7 else b"value-%d " % n * 10
        headers = [("h", b"1"), ("h", b"2"), ("n", None)] if n == 3 and magic == 2 else []
        builder.append(n, timestamp=1700000000000 + n if magic else None, key=key, value=value, headers=headers)
    return bytes(builder.build()).hex()


for codec, name in enumerate(["none", "gzip", "snappy", "lz4"]):
    for magic in (0, 1, 2):
        if magic == 2:
            maker = DefaultRecordBatchBuilder(magic=2, compression_type=codec, is_transactional=0, producer_id=-1,
                                              producer_epoch=-1, base_sequence=-1, batch_size=10**6)
        else:
            maker = LegacyRecordBatchBuilder(magic=magic, compression_type=codec, batch_size=10**6)
        digits = build(maker, magic)
        lines = "".join(digits[at:at + 128] + "\n" for at in range(0, len(digits), 128))
        pathlib.Path(sys.argv[1], "python-v%d-%s.hex" % (magic, name)).write_text(lines)
