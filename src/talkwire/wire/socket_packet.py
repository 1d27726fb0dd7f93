"""Encodes and decodes Socket.IO packets, which Engine.IO messages contain.

Socket.IO protocol, revision 5, section "Packet encoding". Accepts the same packets as Node's socket.io-parser 4.2.7,
except for packets that are too expensive to handle (the limits in this module). Checks whether a packet is well formed,
not whether the client may send it now.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from json import JSONDecoder
from typing import Any, Final

import msgspec

from talkwire.wire.errors import LocalProtocolError, RemoteProtocolError
from talkwire.wire.frame import encode_text, text_header

MAX_ATTACHMENTS: Final = 10
"""Most attachments that one packet may have, as in Node's parser."""

MAX_DEPTH: Final = 64
"""Most levels of nested arrays and objects in one packet. Node has no limit; this one protects recursive code."""

MAX_CONTAINERS: Final = 50_000
"""Most arrays and objects in one packet: the server visits each of them."""

MAX_EXPONENTS: Final = 15_000
"""Most numbers with a two-digit exponent in one packet; one with three digits counts as 25. msgspec takes up to 0.4 µs
for the former and 10 µs for the latter, against 0.05 µs for other numbers (docs/decisions/0015)."""

MAX_TEXTS: Final = 25_000
"""Most strings in a packet, keys included, with which `MAX_CONTAINERS` and `MAX_EXPONENTS` ignore what is inside
strings.

Beyond it, brackets and exponents inside strings count too, because removing the strings first would take too long.
"""

_COSTLY_EXPONENT: Final = 25

_CHECKED_FROM: Final = 4096
"""Number of characters from which on JSON is checked before it is decoded. Shorter JSON is cheap, whatever it
contains."""

_RESERVED_NAMES: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
# `[<nsp>,][<id>]`, as Node reads it: it accepts white space among the digits of the id and ignores it.
_HEADER: Final = re.compile(r"(?:(/[^,]*),?)?([0-9 \t\r\n]*)")
_EXPONENT: Final = re.compile(r"[\[,:\s]-?\d[\d.]*+[eE][+-]?\d\d(\d?)")
_LONE_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]..")
_lenient: Final = JSONDecoder()
# More digits than any counter reaches; Node's ids lose precision long before.
_MAX_DIGITS: Final = 32

_ROOT_EVENT_FROM: Final = 14
"""Index of the character before which `read_root_event` finds the array: behind the two of the type and at most eleven
digits."""

_decode_list: Final = msgspec.json.Decoder(list[Any]).decode


class Connect(msgspec.Struct, frozen=True):
    """The CONNECT packet: the peer asks to join a namespace. `data` is the whole auth payload, None without one."""

    namespace: str
    data: dict[str, Any] | None = None


class Disconnect(msgspec.Struct, frozen=True):
    """The DISCONNECT packet: the peer leaves a namespace."""

    namespace: str


class Event(msgspec.Struct, frozen=True):
    """An event packet. `args[0]` is the event's name, a text or a number; `args` is empty only for the bare packet `2`.
    The peer expects an acknowledgement with this `ack_id`, or none if it is None.

    If `flaw` is not empty, this server refuses to decode the payload, for the reason in `flaw`, although Node's parser
    accepts it: then `args` has only the name.
    """

    namespace: str
    args: list[Any]
    ack_id: int | None = None
    flaw: str = ""


class Ack(msgspec.Struct, frozen=True):
    """The acknowledgement of the event with this `ack_id`. A packet with the `ack_id` None is well formed, but
    acknowledges nothing.
    """

    namespace: str
    args: list[Any]
    ack_id: int | None = None


class ConnectError(msgspec.Struct, frozen=True):
    """The CONNECT_ERROR packet: the server refuses a client a namespace, with the reason in `data`."""

    namespace: str
    data: dict[str, Any] | str | None = None


SocketPacket = Connect | Disconnect | Event | Ack | ConnectError


class Decoder:
    """Turns the Engine.IO messages of one session into Socket.IO packets. Keeps a packet until its binary attachments,
    which follow as separate messages, have arrived. A packet with more than `max_attachments`, or larger than
    `max_size` (characters of text plus bytes of attachments), is refused.

    After a RemoteProtocolError the decoder is unusable: the caller closes the session.
    """

    __slots__ = ("_max_attachments", "_partial", "max_size")

    def __init__(self, max_attachments: int = MAX_ATTACHMENTS, max_size: int = sys.maxsize) -> None:
        self._max_attachments = max_attachments
        self.max_size = max_size
        """Largest packet: characters of its text plus bytes of all its attachments."""
        self._partial: _Partial | None = None

    def receive(self, data: str | bytes) -> SocketPacket | None:
        """Decodes one message. Returns the packet that it completes, or None if attachments of the packet are still
        missing.

        Raises RemoteProtocolError for a packet that is malformed or too large; the caller then closes the session.
        """
        if len(data) > self.max_size:
            raise RemoteProtocolError("a packet is larger than the limit")
        if isinstance(data, bytes):
            return self._receive_attachment(data)
        if self._partial is not None:
            raise RemoteProtocolError("a text message arrived while attachments are missing")
        if data[:2] == "2[":  # the most frequent packet: on the root namespace, without an ack id
            return _read_event("/", None, data[1:])
        return self._receive_text(data)

    def _receive_text(self, text: str) -> SocketPacket | None:
        read = _READERS.get(text[:1])
        if read is not None:
            return read(*_split(text, 1))
        read_binary = _BINARY_READERS.get(text[:1])
        if read_binary is None:
            raise RemoteProtocolError("unknown packet type")
        count = self._read_count(text)
        self._partial = _Partial(read_binary(*_split(text, len(count) + 2)), int(count), len(text))
        return None

    def forget(self) -> None:
        """Drops an incomplete packet whose binary attachments have not all arrived."""
        self._partial = None

    def _read_count(self, text: str) -> str:
        """Returns the digits of the attachment count at the front of a binary packet: `2` for `52-[...]`. Raises
        RemoteProtocolError for an invalid count.
        """
        count, dash, _ = text[1:].partition("-")
        # Longer numbers are refused before they are parsed: int() is slow for them.
        if not (dash and count.isascii() and count.isdigit() and len(count) <= _MAX_DIGITS):
            raise RemoteProtocolError("illegal attachments")
        if not 1 <= int(count) <= self._max_attachments:
            raise RemoteProtocolError("illegal number of attachments")
        return count

    def _receive_attachment(self, attachment: bytes) -> SocketPacket | None:
        partial = self._partial
        if partial is None:
            raise RemoteProtocolError("an attachment arrived without its packet")
        partial.size += len(attachment)
        if partial.size > self.max_size:
            raise RemoteProtocolError("a packet is larger than the limit")
        partial.attachments.append(attachment)
        if len(partial.attachments) < partial.count:
            return None
        self._partial = None
        _fill_placeholders(partial.packet.args, partial.attachments)
        return partial.packet


def read_root_event(message: str, size_max: int) -> tuple[list[Any], int | None] | None:
    """Decodes an Engine.IO message packet (text that begins with its type `4`) quickly if it is an event of the root
    namespace `/`, the most frequent case. Returns the event's arguments and its ack id, which is None without one.

    Returns None for every other message, for one of more than `size_max` or 4096 characters, and for an event that
    `Decoder.receive` would refuse or reduce to its name. Pass the message to the decoder then.
    """
    if message[:2] != "42" or not len(message) <= min(_CHECKED_FROM, size_max):
        return None
    start = message.find("[", 2, _ROOT_EVENT_FROM)
    ack_id = None
    if start != 2:
        digits = message[2:start]
        if start < 0 or not (digits.isascii() and digits.isdigit()):
            return None
        ack_id = int(digits)
    json = message[start:]
    try:
        args = _decode_list(json)
    except (ValueError, RecursionError):
        return None
    if not args or type(args[0]) is not str or args[0] in _RESERVED_NAMES or _may_be_too_deep(json):
        return None
    return args, ack_id


class _Partial:
    """A packet whose binary attachments have not all arrived: `count` are expected. `size` is the length of its text
    plus the bytes of the attachments so far."""

    __slots__ = ("attachments", "count", "packet", "size")

    def __init__(self, packet: Event | Ack, count: int, size: int) -> None:
        self.packet = packet
        self.count = count
        self.size = size
        self.attachments: list[bytes] = []


def encode_event(namespace: str, args: Sequence[Any], ack_id: int | None = None) -> list[str | bytes]:
    """Encodes an event as Engine.IO messages: the text, then one binary attachment for each bytes value anywhere inside
    `args`. Pass each message to `Session.send_message`, in this order.

    `args[0]` is the event's name; the rest is anything that msgspec encodes. With an `ack_id`, the client is asked for
    an acknowledgement, which repeats it. Raises LocalProtocolError for a value that JSON cannot hold or that contains
    itself.
    """
    return _encode_with_attachments("2", "5", namespace, args, ack_id)


def encode_ack(namespace: str, args: Sequence[Any], ack_id: int) -> list[str | bytes]:
    """Encodes the acknowledgement of the event `ack_id` as Engine.IO messages: the text, then one binary attachment for
    each bytes value inside `args`. Raises as `encode_event`.
    """
    return _encode_with_attachments("3", "6", namespace, args, ack_id)


def encode_connect(namespace: str, socket_id: str, pid: str | None = None) -> str:
    """Returns the packet that accepts a client in a namespace. Pass a `pid` (recovery token) only if the socket is
    recoverable: clients check whether the key exists.
    """
    data = {"sid": socket_id} if pid is None else {"sid": socket_id, "pid": pid}
    return f"0{_prefix(namespace)}{_to_json(data)}"


def encode_connect_error(namespace: str, message: str, data: object = None) -> str:
    """Returns the packet that refuses a client a namespace, with a message for the client and optional data."""
    details = {"message": message} if data is None else {"message": message, "data": data}
    return f"4{_prefix(namespace)}{_to_json(details)}"


def encode_disconnect(namespace: str) -> str:
    """Returns the packet that disconnects a client from a namespace."""
    return f"1{_prefix(namespace)}"


def event_frame(namespace: str, name: str, payload_json: bytes, offset: str | None = None) -> bytes:
    """Returns the WebSocket frame of the event `name` with one argument, which is JSON already. The same frame serves
    all recipients.

    `offset` (the position in the event log from which a client can resume) is appended as the last argument unless it
    is None.
    """
    head = _event_head(namespace, name)
    tail = b"]" if offset is None else encode_text(f",{_to_json(offset)}]")
    return b"".join((text_header(len(head) + len(payload_json) + len(tail)), head, payload_json, tail))


@lru_cache(1024)  # names are few, unless an application makes them up: then the oldest are forgotten
def _event_head(namespace: str, name: str) -> bytes:
    return encode_text(f"42{_prefix(namespace)}[{_to_json(name)},")


@lru_cache(64)
def _ack_head(namespace: str) -> bytes:
    return encode_text(f"43{_prefix(namespace)}")


def ack_frame(namespace: str, ack_id: int, payload_json: bytes) -> bytes:
    """Returns the WebSocket frame that acknowledges the event `ack_id`, with one argument, which is JSON already."""
    head = b"%b%d[" % (_ack_head(namespace), ack_id)
    return b"".join((text_header(len(head) + len(payload_json) + 1), head, payload_json, b"]"))


def _split(text: str, position: int) -> tuple[str, int | None, str]:
    """Parses `[<nsp>,][<id>][json]`, the part of a packet that begins at index `position`, after its type and
    attachment count. Returns the namespace, the ack id (None without one) and the JSON text.
    """
    header = _HEADER.match(text, position)
    assert header is not None
    namespace, digits = header.groups()
    if namespace is not None:
        _check_unicode(namespace)
    return namespace or "/", _read_ack_id(digits) if digits else None, text[header.end() :]


def _read_ack_id(digits: str) -> int:
    number = digits if digits.isdigit() else digits.strip() or "0"
    if not number.isdigit() or len(number) > _MAX_DIGITS:
        raise RemoteProtocolError("illegal ack id")
    return int(number)


def _check_unicode(text: str) -> None:
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise RemoteProtocolError("a lone surrogate") from error


def _read_connect(namespace: str, _ack_id: int | None, json: str) -> Connect:
    if not json:
        return Connect(namespace)
    data = _decode_json(json)
    if not isinstance(data, dict):
        raise RemoteProtocolError("the payload of a CONNECT must be an object")
    return Connect(namespace, data)


def _read_disconnect(namespace: str, _ack_id: int | None, json: str) -> Disconnect:
    if json:
        raise RemoteProtocolError("a DISCONNECT has no payload")
    return Disconnect(namespace)


def _read_event(namespace: str, ack_id: int | None, json: str) -> Event:
    try:
        return Event(namespace, _decode_event(json) if json else [], ack_id)
    except _Undecodable as error:
        return Event(namespace, [_name_in(json)], ack_id, error.reason)


def _read_ack(namespace: str, ack_id: int | None, json: str) -> Ack:
    args = _decode_json(json) if json else []
    if not isinstance(args, list):
        raise RemoteProtocolError("the payload of an ACK must be an array")
    return Ack(namespace, args, ack_id)


def _read_connect_error(namespace: str, _ack_id: int | None, json: str) -> ConnectError:
    if not json:
        return ConnectError(namespace)
    data = _decode_json(json)
    if not isinstance(data, dict | str):
        raise RemoteProtocolError("the payload of a CONNECT_ERROR must be an object or a text")
    return ConnectError(namespace, data)


_READERS: Final[dict[str, Callable[[str, int | None, str], SocketPacket]]] = {
    "": _read_connect,  # Node reads the type of an empty message as 0
    "0": _read_connect,
    "1": _read_disconnect,
    "2": _read_event,
    "3": _read_ack,
    "4": _read_connect_error,
}
_BINARY_READERS: Final[dict[str, Callable[[str, int | None, str], Event | Ack]]] = {
    "5": _read_event,
    "6": _read_ack,
}


def _decode_event(json: str) -> list[Any]:
    args = _decode_json(json)
    if not isinstance(args, list) or not args:
        raise RemoteProtocolError("the payload of an EVENT must be an array that is not empty")
    _check_name(args[0])
    return args


def _check_name(name: object) -> None:
    if type(name) is str:
        if name in _RESERVED_NAMES:
            raise RemoteProtocolError("a reserved event name")
    elif type(name) is not int and type(name) is not float:  # True is an int in Python, but no name
        raise RemoteProtocolError("an event's name must be a text or a number")


class _Undecodable(RemoteProtocolError):
    """Well-formed JSON that this server refuses to decode, for instance because it is too deep. It breaks no protocol:
    browsers send such JSON when users paste it.
    """


def _decode_json(json: str) -> object:
    """Returns the value of a JSON text. Raises RemoteProtocolError for invalid JSON, NaN included, and _Undecodable for
    lone surrogates, nesting beyond MAX_DEPTH and JSON that is slow to decode.
    """
    if len(json) > _CHECKED_FROM:
        _check_cost(json)
    try:
        value: object = msgspec.json.decode(json)
    except RecursionError as error:
        raise _Undecodable("nested too deeply") from error
    except ValueError as error:
        if _has_lone_surrogates(json):
            raise _Undecodable("a lone surrogate") from error
        raise RemoteProtocolError("invalid JSON") from error
    if _may_be_too_deep(json) and _is_too_deep(value):
        raise _Undecodable("nested too deeply")
    return value


def _check_cost(json: str) -> None:
    """Raises _Undecodable for JSON that is slow to decode or to traverse: with too many arrays, objects or numbers with
    an exponent. Brackets and exponents inside strings are not counted, unless the JSON has more than MAX_TEXTS (25,000)
    strings.
    """
    if _flaw_of(json) and (flaw := _flaw_of(_without_texts(json))):
        raise _Undecodable(flaw)


def _flaw_of(json: str) -> str:
    """Returns the reason why JSON would be slow to decode, as far as counting characters shows it; an empty text if it
    would not.
    """
    if json.count("[") + json.count("{") > MAX_CONTAINERS:
        return "too many arrays and objects"
    if json.count("e") + json.count("E") <= MAX_EXPONENTS // _COSTLY_EXPONENT:
        return ""
    cost = 0
    for match in _EXPONENT.finditer(json):
        cost += _COSTLY_EXPONENT if match[1] else 1
        if cost > MAX_EXPONENTS:
            return "too many numbers with an exponent"
    return ""


def _without_texts(json: str) -> str:
    """Returns JSON without its string literals, so that characters inside them are not counted; returns it unchanged if
    it has more than MAX_TEXTS of them, since that would take too long.
    """
    bare = json.replace("\\\\", "").replace('\\"', "")
    return json if bare.count('"') > 2 * MAX_TEXTS else "".join(bare.split('"')[::2])


def _has_lone_surrogates(json: str) -> bool:
    """Returns whether a JSON text that was refused would be valid without its escaped lone surrogates (half of a UTF-16
    pair)."""
    readable, found = _LONE_SURROGATE.subn(r"\\ufffd", json)
    if not found:
        return False
    try:
        msgspec.json.decode(readable)
    except (ValueError, RecursionError):
        return False
    return True


def _name_in(json: str) -> str | int | float:
    """Returns the event name, the first element of a JSON array, without decoding the other elements. Raises
    RemoteProtocolError for an invalid name or array.
    """
    text = json.strip()
    first = text[1:].lstrip()
    if first[:1] in {"[", "{"}:
        raise RemoteProtocolError("an event's name must be a text or a number")
    try:
        name: str | int | float = _lenient.raw_decode(first)[0]
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("invalid JSON") from error
    _check_name(name)
    if text[0] != "[":
        raise RemoteProtocolError("the payload of an EVENT must be an array that is not empty")
    if isinstance(name, str):
        _check_unicode(name)
    return name


def _may_be_too_deep(json: str) -> bool:
    """Returns whether a JSON text has more opening brackets than MAX_DEPTH. If not, its value cannot be nested too
    deeply and need not be traversed.
    """
    return len(json) > 2 * MAX_DEPTH and json.count("[") + json.count("{") > MAX_DEPTH


def _is_too_deep(value: object) -> bool:
    level = [value] if type(value) is list or type(value) is dict else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        # Inlined, since a function call for each value would take five times as long.
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is list or type(child) is dict
        ]
    return bool(level)


def _fill_placeholders(args: list[Any], attachments: list[bytes]) -> None:
    """Replaces each `{"_placeholder":true,"num":n}` inside `args` by attachment n, in place and without recursion.

    Raises RemoteProtocolError for an attachment that is missing or named twice. Clients send each value as an
    attachment of its own. If one attachment had many names, the arguments would be much larger than the packet.
    """
    unused: list[bytes | None] = [*attachments]
    open_containers: list[Any] = [args]
    while open_containers:
        container = open_containers.pop()
        for key, child in container.items() if isinstance(container, dict) else enumerate(container):
            if type(child) is list:
                open_containers.append(child)
            elif type(child) is dict:
                if child.get("_placeholder") is True:
                    container[key] = _take_attachment(child.get("num"), unused)
                else:
                    open_containers.append(child)


def _take_attachment(number: object, unused: list[bytes | None]) -> bytes:
    # True is an int in Python, and Node accepts numbers only.
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(unused):
        raise RemoteProtocolError("illegal attachments")
    attachment, unused[number] = unused[number], None
    if attachment is None:
        raise RemoteProtocolError("illegal attachments")
    return attachment


def _encode_with_attachments(
    plain_type: str, binary_type: str, namespace: str, args: Sequence[Any], ack_id: int | None
) -> list[str | bytes]:
    attachments: list[str | bytes] = []
    try:
        # Structs and the like become dicts first, so that bytes inside them are found too.
        json = _to_json([_detach(msgspec.to_builtins(arg, builtin_types=_BINARY), attachments) for arg in args])
    except (TypeError, RecursionError) as error:
        raise LocalProtocolError("a value cannot be encoded as JSON, or contains itself") from error
    header = f"{binary_type}{len(attachments)}-" if attachments else plain_type
    return [f"{header}{_prefix(namespace)}{'' if ack_id is None else ack_id}{json}", *attachments]


_BINARY: Final = (bytes, bytearray, memoryview)


def _detach(value: object, attachments: list[str | bytes]) -> object:
    """Returns a copy of `value` with a placeholder for each bytes value inside it, and appends the bytes to
    `attachments`.
    """
    if isinstance(value, _BINARY):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, dict):
        return {key: _detach(child, attachments) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_detach(child, attachments) for child in value]
    return value


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else namespace + ","


def _to_json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError) as error:
        raise LocalProtocolError("a value cannot be encoded as JSON") from error
