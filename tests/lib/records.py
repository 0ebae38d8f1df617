"""Record batches (format 2) as bytes: build and parse. CRC-32C by the crc32c package where it is installed, else in Python.

Header of 61 bytes, big-endian: baseOffset i64, length i32 (of what follows), partitionLeaderEpoch i32, magic i8, crc u32 (from
byte 21 on), attributes i16, lastOffsetDelta i32, baseTimestamp i64, maxTimestamp i64, producerId i64, producerEpoch i16,
baseSequence i32, count i32.
"""
import gzip
import struct
from dataclasses import dataclass

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = 61

try:
    from crc32c import crc32c
except ImportError:
    _TABLE = []
    for _n in range(256):
        for _ in range(8):
            _n = _n >> 1 ^ (0x82F63B78 if _n & 1 else 0)
        _TABLE.append(_n)

    def crc32c(data):
        crc = 0xFFFFFFFF
        for byte in data:
            crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
        return crc ^ 0xFFFFFFFF


def varint(value):
    """Zig-zag."""
    return uvarint((value << 1) ^ (value >> 63))


def uvarint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_uvarint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def read_varint(data, at):
    value, at = read_uvarint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _bytes(value):
    return varint(-1) if value is None else varint(len(value)) + value


def record(delta, key, value, timestamp_delta=0, headers=()):
    body = b"\0" + varint(timestamp_delta) + varint(delta) + _bytes(key) + _bytes(value) + varint(len(headers))
    body += b"".join(varint(len(k)) + k + _bytes(v) for k, v in headers)
    return varint(len(body)) + body


def batch(values, *, base_offset=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, timestamp=1700000000000,
          attributes=0, keys=None, count=None, last_delta=None, headers=(), spoil_crc=False):
    """One batch. values: bytes or None each; attributes 1 compresses with gzip."""
    keys = keys or [None] * len(values)
    body = b"".join(record(i, k, v, headers=headers) for i, (k, v) in enumerate(zip(keys, values)))
    if attributes & 7 == 1:
        body = gzip.compress(body, mtime=0)
    count = len(values) if count is None else count
    last_delta = count - 1 if last_delta is None else last_delta
    tail = struct.pack(">hiqqqhii", attributes, last_delta, timestamp, timestamp, producer_id, producer_epoch, base_sequence, count) + body
    crc = crc32c(tail) ^ (1 if spoil_crc else 0)
    return struct.pack(">qiibI", base_offset, 9 + len(tail), 0, 2, crc) + tail


@dataclass
class Header:
    """The header of a batch that begins at `position` of what was read."""
    position: int
    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int

    @property
    def last_offset(self):
        return self.base_offset + self.last_offset_delta

    @property
    def end(self):
        return self.position + 12 + self.length

    @property
    def is_control(self):
        return bool(self.attributes & 0x20)


def headers(data):
    """The headers of whole batches one after another, up to the first that is cut or is not one."""
    at = 0
    while at + HEADER_BYTES <= len(data):
        header = Header(at, *HEADER.unpack_from(data, at))
        if header.magic != 2 or header.length < HEADER_BYTES - 12 or header.end > len(data):
            return
        yield header
        at = header.end


def crc_ok(data, header):
    return crc32c(bytes(data[header.position + 21:header.end])) == header.crc


def _inflate(codec, data):
    if codec == 0:
        return data
    if codec == 1:
        return gzip.decompress(data)
    if codec == 2:
        import snappy
        return snappy.StreamDecompressor().decompress(data) if data[:1] == b"\xff" else _snappy(data)
    if codec == 3:
        import lz4.frame
        return lz4.frame.decompress(data)
    import zstandard
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def _snappy(data):
    import cramjam
    if data[:8] != b"\x82SNAPPY\0":
        return bytes(cramjam.snappy.decompress_raw(data))
    out, at = b"", 16
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        out += bytes(cramjam.snappy.decompress_raw(data[at + 4:at + 4 + size]))
        at += 4 + size
    return out


def records(data, header):
    """(offset, timestamp, key, value) of every record of a batch."""
    body = _inflate(header.attributes & 7, bytes(data[header.position + HEADER_BYTES:header.end]))
    at = 0
    for _ in range(header.count):
        size, at = read_varint(body, at)
        end, at = at + size, at + 1
        timestamp, at = read_varint(body, at)
        delta, at = read_varint(body, at)
        parts = []
        for _part in range(2):
            length, at = read_varint(body, at)
            parts.append(None if length < 0 else body[at:at + length])
            at += max(length, 0)
        yield header.base_offset + delta, header.base_timestamp + timestamp, *parts
        at = end


def message_set(values, magic=1, timestamp=1700000000000, codec=0, keys=None, offset=0, spoil_crc=False):
    """Messages of format 0 or 1: offset i64, size i32, crc u32 (CRC-32 of the rest), magic i8, attributes i8, [timestamp i64,
    format 1], key, value. codec 1 wraps them in one gzip message (inner offsets relative in format 1, absolute in 0)."""
    import zlib

    def message(at, key, value, attributes):
        body = struct.pack(">bb", magic, attributes) + (struct.pack(">q", timestamp) if magic else b"")
        for part in (key, value):
            body += struct.pack(">i", -1 if part is None else len(part)) + (part or b"")
        crc = zlib.crc32(body) ^ (1 if spoil_crc else 0)
        return struct.pack(">qiI", at, 4 + len(body), crc) + body
    plain = b"".join(message(offset + i, k, v, 0) for i, (k, v) in enumerate(zip(keys or [None] * len(values), values)))
    if codec == 0:
        return plain
    return message(offset + (len(values) - 1 if magic else 0), None, gzip.compress(plain, mtime=0), codec)


def messages(data):
    """(offset, magic, attributes, timestamp, key, value) of a message set of format 0 or 1, wrappers opened."""
    import zlib
    found, at = [], 0
    while at + 12 <= len(data):
        offset, size = struct.unpack_from(">qi", data, at)
        if at + 12 + size > len(data):
            break
        crc, magic, attributes = struct.unpack_from(">Ibb", data, at + 12)
        if crc != zlib.crc32(bytes(data[at + 16:at + 12 + size])):
            raise ValueError(f"bad CRC-32 at offset {offset}")
        where, timestamp = at + 18, -1
        if magic:
            timestamp, = struct.unpack_from(">q", data, where)
            where += 8
        parts = []
        for _ in range(2):
            length, = struct.unpack_from(">i", data, where)
            where += 4
            parts.append(None if length < 0 else bytes(data[where:where + length]))
            where += max(length, 0)
        if attributes & 7:
            inner = messages(_inflate(attributes & 7, parts[1]))
            shift = offset - inner[-1][0] if magic else 0
            found += [(o + shift, m, a, t, k, v) for o, m, a, t, k, v in inner]
        else:
            found.append((offset, magic, attributes, timestamp, *parts))
        at += 12 + size
    return found
