"""WebSocket frames as a client writes them (RFC 6455, section 5.2), broken ones too."""

from __future__ import annotations

from websockets.frames import Frame, Opcode

TEXT, BINARY, CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
PING, PONG, CLOSE = Opcode.PING, Opcode.PONG, Opcode.CLOSE


def frame(opcode: Opcode, data: bytes, *, fin: bool = True, masked: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=masked)


def masked_text(text: str) -> bytes:
    return frame(TEXT, text.encode())
