"""What must hold after any number of kills: pure functions from what was acknowledged and what is there to complaints."""
from dataclasses import dataclass, field


@dataclass
class History:
    """What one client says that happened."""
    acks: dict = field(default_factory=dict)            # (partition, n): offset
    failed: set = field(default_factory=set)            # (partition, n)
    commits: list = field(default_factory=list)         # (partition, from, to), in order
    wrong: list = field(default_factory=list)
    ended: bool = False

    def feed(self, lines):
        for line in lines:
            kind, *words = line.split(" ", 3)
            if kind == "ack":
                partition, n, offset = map(int, words)
                if self.acks.setdefault((partition, n), offset) != offset:
                    self.wrong.append(f"value {n} was acknowledged twice, at {self.acks[partition, n]} and {offset}")
            elif kind == "fail":
                self.failed.add((int(words[0]), int(words[1])))
            elif kind == "commit":
                self.commits.append(tuple(map(int, words)))
            elif kind == "wrong":
                self.wrong.append(line[6:].strip())
            elif kind == "end":
                self.ended = True
        return self


def parse_value(value):
    """(producer, partition, n)."""
    producer, partition, n, _ = value.split(b"/", 3)
    return producer.decode(), int(partition), int(n)


def check_partition(partition, found, histories):
    """found: [(offset, value)] of everything that can be read. Complaints about loss, duplicates, gaps and order."""
    complaints = []
    by_offset, seen, last = {}, {}, {}
    for expected, (offset, value) in enumerate(found):
        if offset != expected:
            complaints.append(f"partition {partition}: offset {offset} where {expected} was due: offsets are not contiguous")
            return complaints
        producer, part, n = parse_value(value)
        if part != partition:
            complaints.append(f"partition {partition}: offset {offset} holds a record of partition {part}")
        if (producer, n) in seen:
            complaints.append(f"partition {partition}: duplicate: value {n} of {producer} is at {seen[producer, n]} and at {offset}")
        else:
            if n < last.get(producer, -1):
                complaints.append(f"partition {partition}: order: value {n} of {producer} at {offset} comes after {last[producer]}")
            history = histories.get(producer)
            for skipped in range(last.get(producer, -1) + 1, n):
                if history and (partition, skipped) not in history.failed:
                    complaints.append(f"partition {partition}: gap: value {skipped} of {producer} is missing before {n}")
            last[producer] = max(n, last.get(producer, -1))
        seen.setdefault((producer, n), offset)
        by_offset[offset] = producer, n
    for producer, history in histories.items():
        for (part, n), offset in history.acks.items():
            if part == partition and by_offset.get(offset) != (producer, n):
                there = by_offset.get(offset)
                complaints.append(f"partition {partition}: lost: value {n} of {producer} was acknowledged at {offset}, "
                                  + (f"where value {there[1]} of {there[0]} is" if there else f"but the log ends at {len(found)}"))
    return complaints


def check_commits(histories, ends):
    """Nobody commits what nobody read, or beyond the end; in the end the group has read everything."""
    complaints = []
    for partition, end in ends.items():
        spans = sorted((a, b) for h in histories.values() for p, a, b in h.commits if p == partition)
        covered = 0
        for start, stop in spans:
            if start > covered:
                complaints.append(f"partition {partition}: the group jumped from offset {covered} to {start}")
            covered = max(covered, stop)
        if covered != end:
            complaints.append(f"partition {partition}: the group read and committed up to {covered}, the log ends at {end}")
    return complaints


def acknowledged(histories):
    """{partition: the highest acknowledged offset}, {partition: the highest acknowledged commit}."""
    offsets, commits = {}, {}
    for history in histories.values():
        for (partition, _), offset in history.acks.items():
            offsets[partition] = max(offset, offsets.get(partition, -1))
        for partition, _, end in history.commits:
            commits[partition] = max(end, commits.get(partition, -1))
    return offsets, commits
