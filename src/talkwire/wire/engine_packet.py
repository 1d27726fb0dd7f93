"""Encodes and decodes Engine.IO packets and polling payloads.

Engine.IO protocol, revision 4, section "Packet encoding". Knows nothing of sessions or of WebSocket frames.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from talkwire.wire.errors import RemoteProtocolError

SEPARATOR: Final = "\x1e"

_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FROM_URL_ALPHABET: Final = bytes.maketrans(b"-_", b"+/")
_NOT_BASE64: Final = bytes(set(range(256)) - set(_BASE64 + b"-_"))


class PacketType(IntEnum):
    """The type of an Engine.IO packet, such as ping or message: the first digit of a text packet. Binary data is always
    a message and has no digit."""

    OPEN = 0
    CLOSE = 1
    PING = 2
    PONG = 3
    MESSAGE = 4
    UPGRADE = 5
    NOOP = 6


class Packet(NamedTuple):
    """One Engine.IO packet. `data` is bytes for a binary message and text for everything else."""

    type: PacketType
    data: str | bytes = ""


_TYPES: Final = {str(packet_type.value): packet_type for packet_type in PacketType}
_MESSAGE: Final = PacketType.MESSAGE


def decode_packet(message: str | bytes) -> Packet:
    """Decodes one Engine.IO packet: the content of one WebSocket message, or one part of a polling body.

    Raises RemoteProtocolError for an unknown packet type; the caller then closes the session.
    """
    if isinstance(message, bytes):
        return Packet(_MESSAGE, message)
    packet_type = _TYPES.get(message[:1])
    if packet_type is not None:
        return Packet(packet_type, message[1:])
    if message[:1] == "b":
        return Packet(_MESSAGE, _decode_base64(message[1:]))
    raise RemoteProtocolError("unknown packet type")


def encode_packet(packet: Packet) -> str | bytes:
    """Returns a packet as the content of one WebSocket message: text, or bytes for a binary message."""
    if isinstance(packet.data, bytes):
        return packet.data
    return f"{packet.type.value}{packet.data}"


def iter_payload(body: str) -> Iterator[Packet]:
    """Yields the packets of a polling body. Raises RemoteProtocolError at the first broken packet, after yielding the
    packets before it.

    Decodes one packet at a time, so that the caller can spread the work over several turns of the event loop, and a
    body of nothing but separators fills no memory.
    """
    start = 0
    while (end := body.find(SEPARATOR, start)) >= 0:
        yield decode_packet(body[start:end])
        start = end + 1
    yield decode_packet(body[start:])


def decode_payload(body: str) -> list[Packet]:
    """Returns the packets of a whole polling body. Raises RemoteProtocolError if any of them is broken."""
    return list(iter_payload(body))


def encode_payload(packets: Iterable[Packet]) -> str:
    """Returns the body of a polling request or response with these packets, in their order."""
    return join_payload(encode_packet(packet) for packet in packets)


def join_payload(encoded: Iterable[str | bytes]) -> str:
    """Returns the polling body of packets that are encoded already. Polling transports only text, so a binary message
    becomes the letter `b` and its base64.
    """
    return SEPARATOR.join([_encode_base64(data) if isinstance(data, bytes) else data for data in encoded])


def _encode_base64(data: bytes) -> str:
    return "b" + b2a_base64(data, newline=False).decode("ascii")


def _decode_base64(text: str) -> bytes:
    """Decodes base64, and tolerates the same deviations as Socket.IO's Node server.

    Skips line breaks (Android's encoder writes them) and all characters outside the alphabet, accepts the URL-safe
    alphabet and missing padding, and stops at the first padding character.
    """
    data, _, _ = text.encode("ascii", "ignore").partition(b"=")
    digits = data.translate(_FROM_URL_ALPHABET, _NOT_BASE64)
    if len(digits) % 4 == 1:
        digits = digits[:-1]  # the last digit alone holds six bits, which are no byte
    return a2b_base64(digits + b"=" * (-len(digits) % 4))
