"""Parses the most frequent WebSocket frames in a client's input (RFC 6455, section 5.2) without the general parser.

Nearly all frames that clients send are whole text frames. Reading one of 120 bytes here takes 0.4 µs instead of the 3
µs of the general parser of `websockets`, which reads all other frames and refuses input that breaks the protocol.
"""

from __future__ import annotations

from typing import Final

from websockets.frames import Opcode
from websockets.utils import apply_mask as _apply_mask_in_python

from talkwire.wire.frame import close_frame

try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover (an interpreter without C extensions)
    apply_mask = _apply_mask_in_python

UNTIL_THE_END: Final = 1 << 63
"""Size for `frame_size_at` that no input reaches."""

_FINAL_TEXT: Final = 0x81
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4
_TWO_BYTES: Final = 126  # a length of two bytes follows
_EIGHT_BYTES: Final = 127
_EMPTY_CLOSE: Final = b"\x88\x80"
_CODED_CLOSE: Final = b"\x88\x82"
_CLOSE_WITHOUT_CODE: Final = 2 + _MASK_BYTES
_CLOSE_WITH_CODE: Final = _CLOSE_WITHOUT_CODE + 2
_CLOSE_ANSWERS: Final = {
    b"": b"\x88\x00",
    b"\x03\xe8": close_frame(1000),
    b"\x03\xe9": close_frame(1001),
}
_OPCODE: Final = 0x0F
_OPCODES: Final = frozenset(Opcode)


def text_frame_at(data: bytes | memoryview, position: int, size_max: int) -> tuple[bytes, int] | None:
    """Returns the unmasked payload of the text frame at `position`, and the position after the frame.

    Returns None for everything else: other kinds of frames, fragments, incomplete or unmasked frames, and payloads of
    more than 65,535 or `size_max` bytes.
    """
    have = len(data) - position
    if have < 2 or data[position] != _FINAL_TEXT:
        return None
    size = data[position + 1] - _MASKED
    start = position + 2 + _MASK_BYTES
    if size == _TWO_BYTES:
        if have < 4:
            return None
        size = data[position + 2] << 8 | data[position + 3]
        start += 2
    elif not 0 <= size < _TWO_BYTES:
        return None
    end = start + size
    if end > len(data) or size > size_max:
        return None
    mask = data[start - _MASK_BYTES : start]
    return apply_mask(data[start:end], mask), end  # type: ignore[arg-type]  # it takes every buffer


def usual_close_at(data: bytes | memoryview, position: int) -> bytes | None:
    """Returns the close frame with which to respond to a client's close frame at `position`, if that has no reason, and
    no code or the code 1000 or 1001.

    Returns None for everything else. The response has the same code (RFC 6455, section 5.5.1). Without the general
    parser, a connection that its client closes costs 13 µs less.
    """
    head = bytes(data[position : position + _CLOSE_WITH_CODE])
    if head[:2] == _EMPTY_CLOSE:
        return _CLOSE_ANSWERS[b""] if len(head) >= _CLOSE_WITHOUT_CODE else None
    if head[:2] != _CODED_CLOSE or len(head) < _CLOSE_WITH_CODE:
        return None
    return _CLOSE_ANSWERS.get(bytes(apply_mask(head[_CLOSE_WITHOUT_CODE:], head[2:_CLOSE_WITHOUT_CODE])))


def frame_size_at(data: bytes | memoryview, position: int) -> int:
    """Returns the size of the frame at `position` in bytes, header included.

    Returns 0 if the header's length field is incomplete, and UNTIL_THE_END for a frame that is not masked or of an
    unknown kind: it breaks the protocol, so no frame follows it.
    """
    have = len(data) - position
    if have < 2:
        return 0
    size = data[position + 1] - _MASKED
    if size < 0 or data[position] & _OPCODE not in _OPCODES:
        return UNTIL_THE_END
    extra = {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(size, 0)
    if have < 2 + extra:
        return 0
    if extra:
        size = int.from_bytes(data[position + 2 : position + 2 + extra], "big")
    return 2 + extra + _MASK_BYTES + size
