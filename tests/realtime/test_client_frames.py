"""The fast path of whole text frames gives what the general parser gives for all input, however it is cut."""

from __future__ import annotations

import asyncio
import operator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.realtime.scheduling.work_queue import WorkQueue
from talkwire.realtime.transport import websocket
from talkwire.realtime.transport.client_frames import UNTIL_THE_END, frame_size_at, text_frame_at
from talkwire.realtime.transport.websocket import WebSocketProtocol
from tests.realtime.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

MESSAGE_MAX = 70_000


class _Transport:
    """Records what is written, and whether and how the connection was ended."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.ended = False

    def write(self, data: bytes) -> None:
        self.done.append(("write", data))

    def close(self) -> None:
        self.done.append("close")
        self.ended = True

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.done.append("write_eof")

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.ended

    def is_reading(self) -> bool:
        return True

    def pause_reading(self) -> None:
        pass


class _Connection:
    def __init__(self, done: list[object]) -> None:
        self._done = done

    def receive_websocket(self, message: str | bytes, now: float) -> None:
        self._done.append(("message", message))

    def websocket_closed(self, websocket: object, now: float, reason: str) -> None:
        self._done.append(("closed", reason))


class _Server:
    """What the protocol uses of the server once the upgrade request is answered."""

    lease_deadline = 1.0
    work = WorkQueue()

    @staticmethod
    def now() -> float:
        return 0.0


def _received(parts: list[bytes]) -> list[object]:
    """Returns all that the protocol does with this input."""
    cls = cast("Any", type("Protocol", (WebSocketProtocol,), {"server": _Server(), "__slots__": ()}))
    protocol = cls(None, SimpleNamespace(connections=set()), None)
    transport = _Transport()
    protocol.connection_made(transport)
    protocol._is_upgraded = True
    protocol._connection = _Connection(transport.done)
    protocol.set_message_max(MESSAGE_MAX)
    for part in parts:
        if not transport.ended:
            protocol._receive(part)
    protocol.connection_lost(None)
    return transport.done


_long = st.sampled_from([65_535, 65_536, MESSAGE_MAX, MESSAGE_MAX + 1]).map(lambda size: b"x" * size)
_readable = st.text(max_size=20).map(str.encode)
_code = st.sampled_from([999, 1000, 1001, 1002, 1005, 4000]).map(lambda code: code.to_bytes(2, "big"))
_close = st.builds(
    frame,
    st.just(CLOSE),
    st.just(b"") | _code | st.builds(operator.add, _code, st.binary(max_size=3)) | st.binary(max_size=2),
    masked=st.integers(0, 20).map(bool),
)
_control = st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=10)) | _close
_broken = st.binary(min_size=1, max_size=8)


def _frames(text: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    """Draws frames of all kinds, most of them whole text frames, and broken input."""
    data = st.builds(
        frame,
        st.sampled_from([TEXT, TEXT, BINARY, CONTINUATION]),
        text | st.integers(120, 140).map(bytes) | _long,
        fin=st.booleans(),
        masked=st.integers(0, 20).map(bool),
    )
    whole = text.map(lambda payload: frame(TEXT, payload))
    return st.lists(st.one_of(whole, whole, whole, data, _control, _broken), max_size=8)


def _cut(frames: list[bytes], cuts: list[int]) -> list[bytes]:
    data = b"".join(frames)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


_cuts = st.lists(st.integers(0, 200), max_size=8)


@example(frames=[frame(TEXT, b"a", fin=False), frame(TEXT, b"b")], cuts=[])
@example(frames=[frame(TEXT, b"a"), frame(CLOSE, b""), frame(TEXT, b"b")], cuts=[3])
@example(frames=[frame(CLOSE, b"\x03\xe8"), frame(PING, b"a")], cuts=[])
@example(frames=[frame(TEXT, b"a", fin=False), frame(CLOSE, b"")], cuts=[])
@example(frames=[frame(PING, b"a"), frame(CLOSE, b"")], cuts=[])
@given(frames=_frames(_readable | st.binary(max_size=20)), cuts=_cuts)
def test_text_frames_are_handled_as_the_general_parser_handles_them(frames: list[bytes], cuts: list[int]) -> None:
    parts = _cut(frames, cuts)

    async def compare() -> None:
        here = _received(parts)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(websocket, "text_frame_at", lambda *_: None)
            patch.setattr(websocket, "usual_close_at", lambda *_: None)
            assert here == _received(parts)

    asyncio.run(compare())


@example(frames=[b"\xff\xff\xff"], cuts=[])
@given(frames=_frames(_readable), cuts=_cuts)
def test_what_passes_frame_by_frame_gives_what_uncut_input_gives(frames: list[bytes], cuts: list[int]) -> None:
    parts = _cut(frames, cuts)

    async def compare() -> None:
        here = _received(parts)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(websocket, "text_frame_at", lambda *_: None)
            patch.setattr(websocket, "usual_close_at", lambda *_: None)
            patch.setattr(websocket, "frame_size_at", lambda *_: UNTIL_THE_END)
            assert _summary(here) == _summary(_received(parts))

    asyncio.run(compare())


def _summary(done: list[object]) -> tuple[list[object], bytes]:
    """Returns the messages and all that was written. The general parser answers several frames by one write."""
    found = [each for each in done if isinstance(each, tuple)]
    written = b"".join(data for kind, data in found if kind == "write")
    return [data for kind, data in found if kind == "message"], written


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535])
def test_a_whole_text_frame_is_read(size: int) -> None:
    data = b"before" + frame(TEXT, b"x" * size) + b"behind"
    for view in (data, memoryview(data)):
        assert text_frame_at(view, 6, size) == (b"x" * size, len(data) - 6)
        assert 6 + frame_size_at(view, 6) == len(data) - 6


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(TEXT, b"x" * 65_536), id="long"),
        pytest.param(frame(TEXT, b"x", fin=False), id="fragment"),
        pytest.param(frame(TEXT, b"x", masked=False), id="not masked"),
        pytest.param(frame(BINARY, b"x"), id="binary"),
        pytest.param(frame(PING, b"x"), id="ping"),
        pytest.param(frame(TEXT, b"x" * 10)[:-1], id="cut"),
        pytest.param(frame(TEXT, b"x" * 126)[:3], id="cut in its length"),
        pytest.param(b"\x81", id="one byte"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_other_frames_are_left_to_the_general_parser(data: bytes) -> None:
    assert text_frame_at(data, 0, 100_000) is None


def test_a_frame_above_the_limit_is_left_to_the_general_parser() -> None:
    assert text_frame_at(frame(TEXT, b"x" * 11), 0, 10) is None


@pytest.mark.parametrize(("length", "have"), [(1, 1), (126, 3), (65_536, 9)])
def test_a_frame_whose_length_has_not_arrived_has_no_size(length: int, have: int) -> None:
    assert frame_size_at(frame(TEXT, b"x" * length)[:have], 0) == 0


@pytest.mark.parametrize("data", [b"\xff\xff", b"\x83\xfe\x00", b"\x81\x7f"], ids=["kind", "cut kind", "no mask"])
def test_a_frame_that_breaks_the_protocol_is_not_waited_for(data: bytes) -> None:
    assert frame_size_at(data, 0) == UNTIL_THE_END
