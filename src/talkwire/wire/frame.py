"""Encodes outgoing WebSocket frames (RFC 6455, section 5.2).

A server does not mask its frames, so one encoded frame serves all recipients. Sessions keep their output as frames for
both transports; for a polling client, `unframe` removes the frame headers again.
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
_SHORT: Final = 126  # from this length on, the header holds it in two more bytes
_LONG: Final = 65_536  # from this length on, in eight


def text_frame(payload: str | bytes) -> bytes:
    """Returns a WebSocket text frame. `payload` is text, or bytes that are UTF-8 already.

    Raises LocalProtocolError for text with a lone surrogate, which UTF-8 cannot encode.
    """
    data = encode_text(payload) if isinstance(payload, str) else payload
    return text_header(len(data)) + data


def binary_frame(payload: bytes) -> bytes:
    return _header(_BINARY, len(payload)) + payload


def message_frame(data: str | bytes) -> bytes:
    """Returns the WebSocket frame of one Engine.IO message. Text gets the packet type `4` in front, bytes become a
    binary frame without a prefix.
    """
    return binary_frame(data) if isinstance(data, bytes) else text_frame("4" + data)


def close_frame(code: int, reason: str = "") -> bytes:
    """Returns a WebSocket close frame with a status code (RFC 6455, section 7.4). Cuts `reason` to the 123 bytes that
    fit.
    """
    text = encode_text(reason)[: _MAX_CONTROL - 2].decode("utf-8", "ignore")
    return _control_frame(_CLOSE, code.to_bytes(2, "big") + text.encode())


def pong_frame(data: bytes) -> bytes:
    """Returns the pong frame that responds to a WebSocket ping (not Engine.IO's ping), with the ping's data.

    Raises LocalProtocolError for more than 125 bytes of data.
    """
    return _control_frame(_PONG, data)


def text_header(length: int) -> bytes:
    """Returns the header of a WebSocket text frame with `length` bytes of payload, which the caller appends."""
    return _TEXT_HEADERS[length] if length < len(_TEXT_HEADERS) else _header(_TEXT, length)


def unframe(frames: bytes) -> Iterator[str | bytes]:
    """Yields the messages inside concatenated, unmasked frames that this module has encoded: str for a text frame,
    bytes for a binary one. Skips control frames, such as a pong.
    """
    position = 0
    while position < len(frames):
        content, position = frame_at(frames, position)
        if content is not None:
            yield content


def frame_at(frames: bytes, position: int) -> tuple[str | bytes | None, int]:
    """Returns the message inside the frame that begins at index `position` (None for a control frame), and the index
    after the frame. The frame must be one that this module has encoded.
    """
    opcode = frames[position] & 0x0F
    start, end = _payload_span(frames, position)
    if opcode == _TEXT:
        return frames[start:end].decode(), end
    return (frames[start:end] if opcode == _BINARY else None), end


def encode_text(text: str) -> bytes:
    """Returns `text` as UTF-8. Raises LocalProtocolError for a lone surrogate, which RFC 6455, section 8.1, forbids."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LocalProtocolError("text must not contain a lone surrogate") from error


def _header(opcode: int, length: int) -> bytes:
    if length < _SHORT:
        return bytes((_FIN | opcode, length))
    if length < _LONG:
        return bytes((_FIN | opcode, 126)) + length.to_bytes(2, "big")
    return bytes((_FIN | opcode, 127)) + length.to_bytes(8, "big")


_TEXT_HEADERS: Final = tuple(_header(_TEXT, length) for length in range(1024))
"""Headers of text frames, by the length of their payloads: nearly all messages are that short."""


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
