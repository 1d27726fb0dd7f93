"""Compresses what nodes send each other, where it is sent to many.

A message between nodes is so short that hardly anything repeats in it. So sender and receiver share a dictionary of the
texts that nearly all messages contain, and a message is stored as differences from that (DEFLATE, RFC 1951, with a
preset dictionary as in RFC 1950, section 2.2).
"""

from __future__ import annotations

import zlib

import msgspec

COMPRESSED_MARKER = b"\xc1"
"""First byte of compressed data. Other data is a MessagePack array, which begins otherwise. Another dictionary needs
another first byte."""

COMPRESSED_MAX = 64 << 10
"""Largest data that is compressed, in bytes: that takes a millisecond."""

_ID, _POSITION, _MESSAGE_ID, _MS = "8000000000000000", 1 << 36, 1 << 39, 1_800_000_000_000


def _committed(event: dict[str, object]) -> dict[str, object]:
    return {
        "kind": "committed",
        "node_id": "",
        "start_pos": _POSITION,
        "pos": _POSITION,
        "events": [event],
        "more": False,
    }


def _ephemeral(event: dict[str, object]) -> dict[str, object]:
    return {"kind": "told", "node_id": "", "events": [event]}


def _of_log(type_: str, **members: object) -> dict[str, object]:
    return {"type": type_, "pos": _POSITION, "at_ms": _MS, **members}


_RECEIPT = {"conversation_id": _ID, "user_id": _ID, "seq": 1 << 8, "message_id": _MESSAGE_ID, "since": 1 << 8}
_MESSAGE = {
    "id": _MESSAGE_ID,
    "conversation_id": _ID,
    "seq": 1 << 8,
    "sender_id": _ID,
    "sender_name": "",
    "content": "",
    "created_ms": _MS,
    "client_message_id": "",
}
_EXAMPLES = (
    ["question", "answer", "topic", "body", "to", "label", "reply_to_id", "thread_id", "attachments", "metadata"],
    ["reactions", "unread_count", "mention_count", "authors", "withheld", "private", "streaming", "parts", "text"],
    _ephemeral({"type": "RoomLeft", "conversation_id": _ID, "user_id": _ID, "user_name": "", "node_id": ""}),
    _ephemeral({"type": "TurnWorking", "conversation_id": _ID, "user_id": _ID}),
    _ephemeral({"type": "SignalSent", "conversation_id": _ID, "user_id": _ID, "name": "", "data": {}, "source": ""}),
    _ephemeral(
        {"type": "StreamAdvanced", "conversation_id": _ID, "message_id": _MESSAGE_ID, "seq": 1 << 8, "changes": []}
    ),
    _ephemeral({"source": "", "attempt": 1, "number": 1, "home_id": "", "is_whole": False}),
    _ephemeral({"type": "UsersMovedCompactly", "node_id": "", "since": 1 << 16, "version": 1 << 16, "moves": []}),
    _committed(_of_log("MessageReacted", message=_MESSAGE, user_id=_ID, emoji="", added=True)),
    _committed(_of_log("MessagesDelivered", **_RECEIPT, covered=[])),
    _committed(_of_log("MessagesRead", **_RECEIPT, covered=[])),
    _committed(_of_log("MessageSent", message=_MESSAGE)),
    _ephemeral(
        {"type": "TypingChanged", "conversation_id": _ID, "user_id": _ID, "user_name": "", "is_typing": True},
    ),
)
_DICTIONARY = b"".join(msgspec.msgpack.encode([example]) for example in _EXAMPLES)

_WINDOW = -12
"""Window of DEFLATE as zlib's `wbits`: 4 KiB, without a header."""


class CompressionError(Exception):
    """The data cannot be decompressed, or would be larger than allowed."""


def compress(data: bytes) -> bytes:
    """Returns the data compressed, or as it is if it is larger than COMPRESSED_MAX or would not become shorter."""
    if len(data) > COMPRESSED_MAX:
        return data
    work = zlib.compressobj(1, zlib.DEFLATED, _WINDOW, 5, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    compressed = COMPRESSED_MARKER + work.compress(data) + work.flush()
    return compressed if len(compressed) < len(data) else data


def decompress(data: bytes | memoryview, max_bytes: int) -> bytes | memoryview:
    """Returns the data that was given to `compress`. Raises CompressionError."""
    if data[:1] != COMPRESSED_MARKER:
        return data
    work = zlib.decompressobj(_WINDOW, _DICTIONARY)
    try:
        found = work.decompress(data[1:], max_bytes)
    except zlib.error as error:
        raise CompressionError(str(error)) from None
    if not work.eof:
        raise CompressionError("it is incomplete or too large")
    return found
