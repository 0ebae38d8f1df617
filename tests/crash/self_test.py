#!/usr/bin/env python3
"""The checker's own test: sound histories pass, spoiled ones are found. Needs no broker."""
import struct
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.crash import check, files  # noqa: E402
from tests.lib import records, report  # noqa: E402


def history(lines):
    return check.History().feed(lines)


def log(*values):
    return [(i, v.encode()) for i, v in enumerate(values)]


def expect(complaints, *words):
    assert len(complaints) >= len(words) and all(any(w in c for c in complaints) for w in words), complaints
    assert words or not complaints, complaints


def sound():
    expect(check.check_partition(0, log("a/0/0/", "b/0/0/", "a/0/1/"), {"a": history(["ack 0 0 0", "ack 0 1 2"]), "b": history([])}))


def lost_at_the_end():
    expect(check.check_partition(0, log("a/0/0/"), {"a": history(["ack 0 0 0", "ack 0 1 1"])}), "lost")


def lost_and_written_over():
    expect(check.check_partition(0, log("a/0/0/", "b/0/0/"), {"a": history(["ack 0 0 0", "ack 0 1 1"])}), "lost")


def duplicate():
    expect(check.check_partition(0, log("a/0/0/", "a/0/1/", "a/0/1/"), {"a": history(["ack 0 0 0", "ack 0 1 1"])}), "duplicate")


def out_of_order():
    expect(check.check_partition(0, log("a/0/1/", "a/0/0/"), {"a": history(["fail 0 0 x"])}), "order")


def gap():
    expect(check.check_partition(0, log("a/0/0/", "a/0/2/"), {"a": history([])}), "gap")
    expect(check.check_partition(0, log("a/0/0/", "a/0/2/"), {"a": history(["fail 0 1 timed out"])}))
    expect(check.check_partition(0, [(0, b"a/0/0/"), (2, b"a/0/1/")], {}), "contiguous")


def commits():
    expect(check.check_commits({"m": history(["commit 0 0 5", "commit 0 5 9"])}, {0: 9}))
    expect(check.check_commits({"m": history(["commit 0 0 5", "commit 0 6 9"])}, {0: 9}), "jumped")
    expect(check.check_commits({"m": history(["commit 0 0 5"])}, {0: 9}), "read and committed up to 5")


def directory(where, drop=None, spoil=None, sizes=(1500,) * 20):
    """A partition's directory with one segment as Kafka would write it."""
    data, index, since, offset = b"", [], 0, 0
    for i, size in enumerate(sizes):
        batch = bytearray(records.batch([b"x" * size] * 2, base_offset=offset, timestamp=1000 + i))
        batch[:8] = struct.pack(">q", offset)
        if since > 4096:
            index.append((offset + 1, len(data)))
            since = 0
        since += len(batch)
        data += batch
        offset += 2
    if drop is not None:
        del index[drop]
    if spoil is not None:
        data = data[:spoil] + bytes([data[spoil] ^ 1]) + data[spoil + 1:]
    base = Path(where) / f"{0:020}.log"
    base.write_bytes(data)
    base.with_suffix(".index").write_bytes(b"".join(struct.pack(">II", *e) for e in index))
    base.with_suffix(".timeindex").write_bytes(struct.pack(">qI", 1000 + len(sizes) - 1, offset - 1))
    return files.check_partition(Path(where))[0]


def in_files(*words, **how):
    with tempfile.TemporaryDirectory() as where:
        expect(directory(where, **how), *words)


def main():
    out = report.Report("crash-checker")
    for test in (sound, lost_at_the_end, lost_and_written_over, duplicate, out_of_order, gap, commits):
        out.run(test.__name__, test)
    out.run("sound_files", in_files)
    out.run("last_index_entry_forgotten", in_files, "no entry", drop=-1)
    out.run("an_index_entry_forgotten", in_files, "no entry", drop=1)
    out.run("a_flipped_bit", in_files, "bad CRC", spoil=4000)
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
