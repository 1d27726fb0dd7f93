"""Encodes and decodes the messages between nodes: a parcel is a MessagePack array of messages from one sender.

During an upgrade, nodes of two versions exchange messages. A message that a node cannot decode is dropped. Of a
`CommittedBatch` with unknown events the node keeps the log positions, and reads the events from the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import structlog

from talkwire.bus.compression import CompressionError, decompress
from talkwire.core.domain.events import UnstoredEvent
from talkwire.core.ports.bus import AnyBusMessage, CommittedBatch, EphemeralBatch

_LONG_NUMBER = 1
"""MessagePack extension type for an integer beyond 64 bits, which JSON allows. Its data are the decimal digits."""

_ENCODING_FAILURES = (TypeError, ValueError, OverflowError, RecursionError)
_DECODING_FAILURES = (msgspec.MsgspecError, ValueError, RecursionError)

_encode = msgspec.msgpack.Encoder().encode
_logger = structlog.get_logger(__name__)


def pack(dispatches: Iterable[bytes]) -> bytes:
    """Returns a parcel (a MessagePack array) of messages that `encode` has encoded."""
    return _encode([msgspec.Raw(dispatch) for dispatch in dispatches])


def encode(dispatch: AnyBusMessage) -> bytes | None:
    """Returns a bus message as MessagePack bytes. Returns None and logs an error if it cannot be encoded, for example
    because it contains an object of the application's own class.
    """
    try:
        try:
            return _encode(dispatch)
        except OverflowError:
            plain = msgspec.to_builtins(dispatch, builtin_types=(bytes, msgspec.Raw))
            return _encode(_without_long_numbers(plain))
    except _ENCODING_FAILURES as error:
        # Logged without a traceback, which could contain users' messages.
        _logger.error("bus_message_not_encoded", kind=type(dispatch).__name__, error=str(error))  # noqa: TRY400
        return None


def _without_long_numbers(value: object) -> object:
    match value:
        case dict():
            return {key: _without_long_numbers(member) for key, member in value.items()}
        case list() | tuple():
            return [_without_long_numbers(member) for member in value]
        case int() if not -(2**63) <= value < 2**64:
            return msgspec.msgpack.Ext(_LONG_NUMBER, str(value).encode())
        case _:
            return value


def _extension(code: int, data: memoryview) -> object:
    if code != _LONG_NUMBER:
        raise ValueError(f"an extension of another version: {code}")
    return int(bytes(data))


class _Header(msgspec.Struct):
    """The fields of a message that a node can decode even if an unknown version of Talkwire has written the rest."""

    kind: str
    node_id: str
    start_pos: int = 0
    pos: int = 0
    events: tuple[msgspec.Raw, ...] | None = None


class _EventHeader(msgspec.Struct):
    type: str


_decode_all = msgspec.msgpack.Decoder(tuple[AnyBusMessage, ...], ext_hook=_extension).decode
_decode_parts = msgspec.msgpack.Decoder(tuple[msgspec.Raw, ...]).decode
_decode_one = msgspec.msgpack.Decoder(AnyBusMessage, ext_hook=_extension).decode
_decode_header = msgspec.msgpack.Decoder(_Header).decode
_decode_unstored = msgspec.msgpack.Decoder(UnstoredEvent, ext_hook=_extension).decode
_decode_event_header = msgspec.msgpack.Decoder(_EventHeader).decode


class Unpacker:
    """Decodes parcels into messages. Drops messages, and ephemeral events in a message, that it cannot decode, and logs
    each kind of them once. A commit with unknown events is returned without its events. Drops
    compressed parcels that have more than `max_bytes` bytes when they are decompressed."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.not_understood = 0
        """Number of dropped messages."""
        self._warned: set[str] = set()

    def unpack(self, parcel: bytes | memoryview) -> Sequence[AnyBusMessage]:
        try:
            parcel = decompress(parcel, self._max_bytes)
        except CompressionError:
            self._drop("parcel")
            return ()
        try:
            return _decode_all(parcel)
        except _DECODING_FAILURES:
            return self._unpack_parts(parcel)

    def _unpack_parts(self, parcel: bytes | memoryview) -> Sequence[AnyBusMessage]:
        try:
            parts = _decode_parts(parcel)
        except _DECODING_FAILURES:
            self._drop("parcel")
            return ()
        understood = [self._unpack_part(part) for part in parts]
        return [dispatch for dispatch in understood if dispatch is not None]

    def _unpack_part(self, part: msgspec.Raw) -> AnyBusMessage | None:
        try:
            understood: AnyBusMessage = _decode_one(part)
            return understood
        except _DECODING_FAILURES:
            pass
        try:
            header = _decode_header(part)
            match header:
                case _Header(kind="committed", events=tuple(events)):
                    self._warn_of_events(events)
                    return CommittedBatch(header.node_id, header.start_pos, header.pos)
                case _Header(kind="told", events=tuple(events)):
                    return EphemeralBatch(header.node_id, tuple(self._understood(events)))
                case _:
                    self._drop(header.kind)
        except _DECODING_FAILURES:
            self._drop("dispatch")
        return None

    def _understood(self, events: Iterable[msgspec.Raw]) -> Iterable[UnstoredEvent]:
        for event in events:
            try:
                yield _decode_unstored(event)
            except _DECODING_FAILURES:
                self._drop(_decode_event_header(event).type)

    def _warn_of_events(self, events: Iterable[msgspec.Raw]) -> None:
        # It does not matter which ones they were: the events are read from the log.
        self._warn(", ".join(sorted({_decode_event_header(event).type for event in events})))

    def _drop(self, what: str) -> None:
        self.not_understood += 1
        self._warn(what)

    def _warn(self, what: str) -> None:
        if what not in self._warned and len(self._warned) < _WARNINGS_MAX:
            self._warned.add(what)
            _logger.warning("bus_message_not_understood", what=what)


_WARNINGS_MAX = 100
"""Most log entries about unknown kinds of messages, of which a network may bring any number."""
