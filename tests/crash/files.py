"""Reads a partition's directory as Kafka lays it out and complains of what does not fit together.

.log: batches back to back. .index: entries of 8 bytes, (last offset of a batch - base) u32 and the batch's position u32, one
whenever more than index.interval.bytes were appended since the last. .timeindex: entries of 12 bytes, the largest timestamp
so far i64 and (last offset of its batch - base) u32; a segment that was closed ends with its largest.
"""
import struct

from tests.lib import records


def check_index(name, base, batches, index, interval):
    """A new leader epoch means that the broker was started again; there it may have begun to count anew."""
    complaints, by_position = [], {h.position: h for h in batches}
    entries = [e for e in struct.iter_unpack(">II", index)]
    if len(index) % 8:
        complaints.append(f"{name}: {len(index)} bytes are no multiple of 8")
    if any(b <= a for a, b in zip(entries, entries[1:])):
        complaints.append(f"{name}: entries do not ascend")
    for relative, position in entries:
        header = by_position.get(position)
        if header is None:
            complaints.append(f"{name}: entry {relative}, {position}: no batch begins there")
        elif header.last_offset != base + relative:
            complaints.append(f"{name}: entry {relative}, {position}: that batch ends with offset {header.last_offset}")
    have = {position for _, position in entries}
    least = most = 0                                    # bytes since the last entry, with and without counting anew
    epoch = None
    for header in batches:
        if header.leader_epoch != epoch:
            least, epoch = 0, header.leader_epoch
        if header.position in have:
            if most <= interval:
                complaints.append(f"{name}: the entry for position {header.position} comes {most} bytes after the last, not over {interval}")
            least = most = 0
        elif least > interval:
            complaints.append(f"{name}: no entry for the batch at {header.position} (offset {header.base_offset}), "
                              f"{least} bytes after the last entry; the interval is {interval}")
            least = most = 0
        size = header.length + 12
        least, most = least + size, most + size
    return complaints


def check_time_index(name, base, batches, index):
    complaints = []
    entries = [e for e in struct.iter_unpack(">qI", index[:len(index) // 12 * 12])]
    if len(index) % 12:
        complaints.append(f"{name}: {len(index)} bytes are no multiple of 12")
    if any(b[0] <= a[0] or b[1] < a[1] for a, b in zip(entries, entries[1:])):
        complaints.append(f"{name}: entries do not ascend")
    newest, largest = {}, -1
    for header in batches:
        if header.max_timestamp > largest:
            largest = header.max_timestamp
            newest[header.last_offset] = largest
    for timestamp, relative in entries:
        if newest.get(base + relative) != timestamp:
            complaints.append(f"{name}: entry {timestamp}, {relative}: the batch that ends there does not bring that timestamp")
    if batches and (not entries or entries[-1][0] != largest):
        complaints.append(f"{name}: ends with {entries[-1][0] if entries else 'nothing'}, the largest timestamp is {largest}")
    return complaints


def check_partition(directory, interval=4096):
    """(complaints, end offset, batches) of one partition after a clean stop."""
    complaints, due, count = [], None, 0
    segments = sorted(directory.glob("*.log"))
    if not segments:
        return [f"{directory.name}: no .log file"], 0, 0
    for path in segments:
        name, base, data = f"{directory.name}/{path.name}", int(path.stem), path.read_bytes()
        batches = list(records.headers(data))
        count += len(batches)
        used = batches[-1].end if batches else 0
        if used != len(data):
            complaints.append(f"{name}: {len(data) - used} bytes behind the last whole batch, at {used}")
        if due is not None and base != due:
            complaints.append(f"{name}: the segment before ends at {due}")
        for header in batches:
            if due is not None and header.base_offset != due:
                complaints.append(f"{name}: offset {header.base_offset} follows {due - 1}")
            if not records.crc_ok(data, header):
                complaints.append(f"{name}: bad CRC in the batch at offset {header.base_offset}")
            due = header.last_offset + 1
        due = base if due is None else due
        for suffix, check in ((".index", lambda n, i: check_index(n, base, batches, i, interval)),
                              (".timeindex", lambda n, i: check_time_index(n, base, batches, i))):
            beside = path.with_suffix(suffix)
            if beside.exists():
                complaints += check(f"{directory.name}/{beside.name}", beside.read_bytes())
            else:
                complaints.append(f"{directory.name}: {beside.name} is missing")
    return complaints, due or 0, count
