"""Outgoing WebSocket frames, RFC 6455, section 5.2.

A server's frames are not masked, so one frame serves every recipient: encode once, share the bytes. Sessions keep all
their output as frames, for both transports; a polling session takes the headers off again (`unframe`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talkwire.wire.errors import LocalProtocolError

_TEXT: Final = 0x1
_BINARY: Final = 0x2
_CLOSE: Final = 0x8
_PONG: Final = 0xA
_FIN: Final = 0x80

# "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented" (5.5).
_MAX_CONTROL: Final = 125
_SHORT: Final = 126  # from here on the length takes two more bytes,
_LONG: Final = 65_536  # and from here on eight
_SHORT_TEXT_HEADERS: Final = tuple(bytes((_FIN | _TEXT, length)) for length in range(_SHORT))


def text_frame(payload: str | bytes) -> bytes:
    """Return a text frame; `payload` is text, or text encoded as UTF-8 already."""
    data = encode_text(payload) if isinstance(payload, str) else payload
    return text_header(len(data)) + data


def binary_frame(payload: bytes) -> bytes:
    """Return a binary frame."""
    return _header(_BINARY, len(payload)) + payload


def message_frame(data: str | bytes) -> bytes:
    """Return the frame of one Engine.IO message: text gets the packet type `4`, bytes travel as they are."""
    return binary_frame(data) if isinstance(data, bytes) else text_frame("4" + data)


def close_frame(code: int, reason: str = "") -> bytes:
    """Return a close frame; `code` as in RFC 6455, 7.4; `reason` is cut to what a control frame holds."""
    text = encode_text(reason)[: _MAX_CONTROL - 2].decode("utf-8", "ignore")
    return _control_frame(_CLOSE, code.to_bytes(2, "big") + text.encode())


def pong_frame(data: bytes) -> bytes:
    """Return the answer to a WebSocket ping (not Engine.IO's): the same data."""
    return _control_frame(_PONG, data)


def text_header(length: int) -> bytes:
    """Return the header of a text frame of `length` bytes, for those who join header and payload themselves."""
    return _SHORT_TEXT_HEADERS[length] if length < _SHORT else _header(_TEXT, length)


def unframe(frames: bytes) -> Iterator[str | bytes]:
    """Yield what our own frames hold, in order, text as str; control frames are for WebSockets only and left out."""
    position = 0
    while position < len(frames):
        content, position = frame_at(frames, position)
        if content is not None:
            yield content


def frame_at(frames: bytes, position: int) -> tuple[str | bytes | None, int]:
    """Returns what the frame of ours at `position` holds, None for a control frame, and where the next one begins."""
    opcode = frames[position] & 0x0F
    start, end = _payload_span(frames, position)
    if opcode == _TEXT:
        return frames[start:end].decode(), end
    return (frames[start:end] if opcode == _BINARY else None), end


def encode_text(text: str) -> bytes:
    """Encode as UTF-8; raise LocalProtocolError for lone surrogates, which no peer may be sent."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LocalProtocolError("text with a lone surrogate") from error


def _header(opcode: int, length: int) -> bytes:
    if length < _SHORT:
        return bytes((_FIN | opcode, length))
    if length < _LONG:
        return bytes((_FIN | opcode, 126)) + length.to_bytes(2, "big")
    return bytes((_FIN | opcode, 127)) + length.to_bytes(8, "big")


def _control_frame(opcode: int, payload: bytes) -> bytes:
    if len(payload) > _MAX_CONTROL:
        raise LocalProtocolError("a control frame holds at most 125 bytes")
    return _header(opcode, len(payload)) + payload


def _payload_span(frames: bytes, position: int) -> tuple[int, int]:
    start = position + 2
    length = frames[position + 1]
    if length >= _SHORT:
        extra = 2 if length == _SHORT else 8
        length = int.from_bytes(frames[start : start + extra], "big")
        start += extra
    return start, start + length
