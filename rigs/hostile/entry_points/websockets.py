"""WebSockets: frames as RFC 6455 has them and as it does not, with packets in them that Socket.IO has or has not."""

from __future__ import annotations

import asyncio

from rigs.hostile.connections import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    ConnectionEnded,
    RawWebSocket,
    frame,
    text_frame,
)
from rigs.hostile.entry_points import packets
from rigs.hostile.run import Run

_MARK = b"mark"
_SILENT_S = 0.2
"""A header that announces more than it sends leaves the server waiting, as it should."""

_PACKETS_A_BURST = 6


async def until_marked(websocket: RawWebSocket, wait_s: float) -> bool:
    """Sends a ping, and returns whether it was answered; False when the server has closed, or waits for more."""
    websocket.send(frame(PING, _MARK))
    try:
        async with asyncio.timeout(wait_s):
            while True:
                opcode, payload = await websocket.receive()
                if (opcode, payload) == (PONG, _MARK):
                    return True
                if opcode == CLOSE:
                    return False
    except (TimeoutError, ConnectionEnded):
        return False


# --- packets --------------------------------------------------------------------------------------------------------


async def attack_with_packets(run: Run) -> None:
    """Bursts of packets that are let pass, and then one that may close the connection."""
    websocket: RawWebSocket | None = None
    while run.goes_on():
        if websocket is None:
            websocket = await run.open_session(_connect(run))
            continue
        burst = [packets.harmless(run) for _ in range(_PACKETS_A_BURST)] + [packets.packet(run)]
        websocket.send(b"".join(text_frame(f"4{packet}") for packet in burst) + _attachments(run))
        open_still = await until_marked(websocket, 10)
        run.count("open" if open_still else "closed", len(burst))
        if not open_still:
            websocket.close()
            websocket = None
    if websocket is not None:
        websocket.close()


def _connect(run: Run) -> str:
    if run.values.chance(0.3):
        return ""
    caller = run.random.choice(("member", "author", "stranger"))
    return f'0{{"token":"{run.scene.tokens[caller]}"}}'


def _attachments(run: Run) -> bytes:
    count = run.random.choice((0, 0, 0, 1, 2, 11))
    return b"".join(frame(BINARY, run.random.randbytes(run.random.choice((0, 1, 50)))) for _ in range(count))


# --- frames ---------------------------------------------------------------------------------------------------------


async def attack_with_frames(run: Run) -> None:
    """A few frames a connection, until one ends it."""
    websocket: RawWebSocket | None = None
    while run.goes_on():
        if websocket is None:
            websocket = await run.open_session()
            continue
        data = [_frame(run) for _ in range(run.random.randrange(1, 4))]
        websocket.send(b"".join(data))
        open_still = await until_marked(websocket, _SILENT_S)
        run.count("open" if open_still else "closed", len(data))
        if not open_still:
            websocket.close()
            websocket = None
    if websocket is not None:
        websocket.close()


def _frame(run: Run) -> bytes:
    draw = run.random
    kind = draw.random()
    if kind < 0.35:
        return _message(run)
    if kind < 0.5:
        return frame(draw.choice((PING, PONG)), draw.randbytes(draw.choice((0, 1, 125, 126))))
    if kind < 0.6:
        code = draw.choice((b"", b"\x03", b"\x03\xe8", b"\x03\xe8\xff", b"\x00\x00", b"\x0f\xff" + b"x" * 124))
        return frame(CLOSE, code)
    if kind < 0.8:
        rsv = draw.choice((0, 0, 1, 4, 7))
        opcode = draw.randrange(16)
        return frame(opcode, draw.randbytes(draw.randrange(40)), fin=draw.random() < 0.7, rsv=rsv)
    if kind < 0.9:
        return frame(TEXT, b"2", masked=False)
    return _header_alone(run)


def _message(run: Run) -> bytes:
    """One message in fragments, with control frames between them, and texts that are no UTF-8."""
    draw = run.random
    text = f"4{packets.packet(run)}".encode("utf-8", "surrogatepass")
    if draw.random() < 0.1:
        text = draw.choice((b"4\xff", b"4\xed\xa0\x80", b"4\xf4\x90\x80\x80", b"4\xc0\x80", b"b4"))
    cut = draw.randrange(len(text) + 1)
    opcode = draw.choice((TEXT, TEXT, BINARY))
    parts = [frame(opcode, text[:cut], fin=False), frame(0, text[cut:], fin=True)]
    between = frame(draw.choice((PING, PONG, 0)), b"", fin=draw.random() < 0.9)
    return parts[0] + (between if draw.random() < 0.4 else b"") + (parts[1] if draw.random() < 0.9 else b"")


def _header_alone(run: Run) -> bytes:
    """Returns a header with a length that is too large, negative or not minimal; its payload never arrives."""
    size = run.random.choice((126, 127))
    lengths = (0, 1, 125, 65_535, 2**20, 2**31, 2**63 - 1, 2**63, 2**64 - 1)
    length = run.random.choice(lengths)
    head = bytes([0x82, 0x80 | size])
    return head + (length & 0xFFFF).to_bytes(2, "big") if size == 126 else head + length.to_bytes(8, "big")
