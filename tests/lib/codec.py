"""Requests and responses of every version as dictionaries, by the broker's own schemas (schema/README.md describes them).

A missing field of a request takes its default; a response holds every field that its version has. Null is None.
"""
import functools
import re
import struct
import uuid
from dataclasses import dataclass, field

from . import paths, records, wire

INTS = {"int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint16": "H", "uint32": "I", "float64": "d"}
RANGE = re.compile(r"^(\d+)(\+|-(\d+))?$")
EVERY = (0, 1 << 15)


class CodecError(Exception):
    """A schema that cannot be read, or bytes that do not fit it."""


def _range(text):
    m = RANGE.match(text)
    if not m:
        return None
    low = int(m[1])
    return low, EVERY[1] if m[2] == "+" else int(m[3]) if m[3] else low


@dataclass
class Field:
    name: str
    type: str
    array: bool
    versions: tuple = EVERY
    nullable: tuple = None
    default: object = None
    tag: int = None
    fields: list = None                                 # of a struct

    def in_version(self, version):
        return self.versions[0] <= version <= self.versions[1]

    def can_be_null(self, version):
        return self.nullable is not None and self.nullable[0] <= version <= self.nullable[1]

    def default_value(self):
        if self.default is not None:
            return None if self.default == "null" else self.default
        if self.array:
            return []
        if self.fields is not None:
            return {f.name: f.default_value() for f in self.fields}
        return {"bool": False, "string": "", "uuid": str(uuid.UUID(int=0)), "bytes": b"", "records": None}.get(self.type, 0)


@dataclass
class Message:
    versions: tuple
    flexible: int
    fields: list = field(default_factory=list)


@dataclass
class Api:
    key: int
    name: str
    request: Message = None
    response: Message = None


def _field(text):
    name, _, rest = text.partition(":")
    words = re.findall(r'"[^"]*"|\S+', rest)
    kind = words.pop(0)
    made = Field(name.strip(), kind.removeprefix("[]"), kind.startswith("[]"))
    while words:
        word = words.pop(0)
        if word == "nullable":
            made.nullable = _range(words.pop(0)) if words and RANGE.match(words[0]) else EVERY
        elif word == "=":
            value = words.pop(0)
            made.default = {"true": True, "false": False, "null": "null"}.get(value)
            if made.default is None:
                made.default = value.strip('"') if value.startswith('"') else int(value, 0)
        elif word == "tag":
            made.tag = int(words.pop(0))
        elif word != "ignorable":
            made.versions = _range(word) or _bad(text)
    return made


def _bad(text):
    raise CodecError(f"schema line not understood: {text}")


def parse(text):
    """The Api of one schema file."""
    api, message, stack, structs = None, None, [], {}
    for line in text.splitlines():
        line = line.split("#")[0].rstrip()
        if not line:
            continue
        depth, words = (len(line) - len(line.lstrip())) // 2, line.split()
        if depth == 0 and words[0] == "api":
            api = Api(int(words[1]), words[2])
        elif depth == 0:
            versions = _range(words[1])
            flexible = int(words[3].rstrip("+")) if len(words) > 3 and words[2] == "flexible" else EVERY[1]
            message, structs = Message(versions, flexible), {}
            setattr(api, words[0], message)
            stack = [message.fields]
        else:
            made = _field(line)
            if made.type[0].isupper():
                made.fields = structs.setdefault(made.type, [])
            stack[depth - 1:] = [stack[depth - 1]]
            stack[depth - 1].append(made)
            if made.fields is not None:
                stack.append(made.fields)
    return api


@functools.cache
def apis():
    """{name: Api} of every schema."""
    found = [parse(p.read_text()) for p in sorted((paths.ROOT / "schema").glob("*.schema"))]
    return {a.name: a for a in found if a}


# -- encoding --

def _length(out, flexible, value, short):
    if flexible:
        out += records.uvarint(0 if value is None else len(value) + 1)
    else:
        out += struct.pack(">h" if short else ">i", -1 if value is None else len(value))


def _put(out, f, value, version, flexible):
    if f.array:
        _length(out, flexible, value, False)
        for one in value or ():
            _put_one(out, f, one, version, flexible)
    else:
        _put_one(out, f, value, version, flexible)


def _put_one(out, f, value, version, flexible):
    if f.fields is not None:
        if f.can_be_null(version) and not f.array:
            out += b"\xff" if value is None else b"\x01"
            if value is None:
                return
        _put_struct(out, f.fields, value, version, flexible)
    elif f.type == "bool":
        out.append(1 if value else 0)
    elif f.type in INTS:
        out += struct.pack(">" + INTS[f.type], value)
    elif f.type == "uuid":
        out += uuid.UUID(value).bytes
    elif f.type == "string":
        raw = None if value is None else value.encode()
        _length(out, flexible, raw, True)
        out += raw or b""
    else:
        _length(out, flexible, value, False)
        out += value or b""


def _put_struct(out, fields, value, version, flexible):
    tagged = []
    for f in fields:
        if not f.in_version(version):
            continue
        one = value[f.name] if f.name in value else f.default_value()
        if f.tag is None:
            _put(out, f, one, version, flexible)
        elif one != f.default_value():
            data = bytearray()
            _put(data, f, one, version, flexible)
            tagged.append((f.tag, data))
    unknown = set(value) - {f.name for f in fields}
    if unknown:
        raise CodecError(f"no such field: {', '.join(sorted(unknown))}")
    if flexible:
        out += records.uvarint(len(tagged))
        for tag, data in sorted(tagged):
            out += records.uvarint(tag) + records.uvarint(len(data)) + data


def encode(api, version, value):
    out = bytearray()
    _put_struct(out, api.request.fields, value, version, version >= api.request.flexible)
    return bytes(out)


# -- decoding --

class _Reader(wire.In):
    def uvarint(self):
        value, self.at = records.read_uvarint(self.data, self.at)
        return value

    def length(self, flexible, short):
        return self.uvarint() - 1 if flexible else self.take("h" if short else "i")

    def raw(self, size):
        if size < 0:
            return None
        if self.at + size > len(self.data):
            raise CodecError("the message is shorter than it says")
        self.at += size
        return self.data[self.at - size:self.at]

    def field(self, f, version, flexible):
        if not f.array:
            return self.one(f, version, flexible)
        size = self.length(flexible, False)
        return None if size < 0 else [self.one(f, version, flexible) for _ in range(size)]

    def one(self, f, version, flexible):
        if f.fields is not None:
            if f.can_be_null(version) and not f.array and self.take("b") < 0:
                return None
            return self.struct(f.fields, version, flexible)
        if f.type == "bool":
            return self.take("b") != 0
        if f.type in INTS:
            return self.take(INTS[f.type])
        if f.type == "uuid":
            return str(uuid.UUID(bytes=bytes(self.raw(16))))
        raw = self.raw(self.length(flexible, f.type == "string"))
        return raw.decode() if f.type == "string" and raw is not None else raw

    def struct(self, fields, version, flexible):
        value = {f.name: self.field(f, version, flexible) if f.tag is None else f.default_value()
                 for f in fields if f.in_version(version)}
        if flexible:
            known = {f.tag: f for f in fields if f.tag is not None and f.in_version(version)}
            for _ in range(self.uvarint()):
                tag, size = self.uvarint(), self.uvarint()
                end = self.at + size
                if tag in known:
                    value[known[tag].name] = self.field(known[tag], version, flexible)
                    if self.at != end:
                        raise CodecError(f"tag {tag} ({known[tag].name}) has {size} bytes, read {size - end + self.at}")
                else:
                    value[f"unknown_tag_{tag}"] = self.raw(size)
        return value


def decode(api, version, data, message=None):
    message = message or api.response
    reader = _Reader(data)
    value = reader.struct(message.fields, version, version >= message.flexible)
    if reader.at != len(data):
        raise CodecError(f"{api.name} {version}: {len(data) - reader.at} bytes are left over")
    return value


def decode_response(api, version, data):
    """What follows the correlation id: the rest of the header, and the body."""
    if api.key == 18:
        try:
            return decode(api, version, data)
        except (CodecError, struct.error, IndexError):
            return decode(api, 0, data)                 # an unsupported version is answered in version 0
    if version >= api.response.flexible:
        if data[:1] != b"\0":
            raise CodecError("tagged fields in the response header")
        data = data[1:]
    return decode(api, version, data)


class Client(wire.Connection):
    """A connection that speaks in dictionaries."""

    def ask(self, name, version, body=None):
        api = apis()[name]
        sent = self.send(api.key, version, encode(api, version, body or {}), version >= api.request.flexible)
        got, data = self.receive_frame()
        if got != sent:
            raise wire.WireError(f"asked with correlation id {sent}, answered with {got}")
        return decode_response(api, version, data)

    def start(self, name, version, body=None):
        """Sends without waiting; `finish` gives the response."""
        api = apis()[name]
        return api, version, self.send(api.key, version, encode(api, version, body or {}), version >= api.request.flexible)

    def finish(self, started):
        api, version, sent = started
        got, data = self.receive_frame()
        if got != sent:
            raise wire.WireError(f"asked with correlation id {sent}, answered with {got}")
        return decode_response(api, version, data)
