"""Outgoing frames: literal bytes, and against the framing of `websockets`, read as a client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from talkwire.wire.errors import LocalProtocolError
from talkwire.wire.frame import binary_frame, close_frame, message_frame, pong_frame, text_frame, unframe


def read_as_client(frames: bytes) -> list[tuple[Opcode, bytes]]:
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    client.receive_data(frames)
    events = [event for event in client.events_received() if isinstance(event, Frame)]
    return [(event.opcode, bytes(event.data)) for event in events]


def test_frames_are_final_and_unmasked() -> None:
    assert text_frame("4hello") == b"\x81\x064hello"
    assert text_frame(b"4hello") == b"\x81\x064hello"
    assert text_frame("€") == b"\x81\x03\xe2\x82\xac"
    assert binary_frame(b"\x01\x02") == b"\x82\x02\x01\x02"
    assert pong_frame(b"x") == b"\x8a\x01x"
    assert close_frame(1000) == b"\x88\x02\x03\xe8"
    assert close_frame(1001, "bye") == b"\x88\x05\x03\xe9bye"


def test_a_message_gets_its_packet_type_in_text_and_none_in_binary() -> None:
    assert message_frame("hello") == b"\x81\x064hello"
    assert message_frame(b"hello") == b"\x82\x05hello"


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_header_encodes_the_length_in_as_few_bytes_as_possible(length: int, header: bytes) -> None:
    payload = b"x" * length
    assert text_frame(payload) == header + payload
    assert list(unframe(text_frame(payload))) == [payload.decode()]
    assert read_as_client(text_frame(payload)) == [(Opcode.TEXT, payload)]


def test_a_close_reason_is_cut_between_characters() -> None:
    assert close_frame(1000, "€" * 50)[4:].decode() == "€" * 41
    assert close_frame(1000, "a" + "€" * 50)[4:].decode() == "a" + "€" * 40


def test_a_control_frame_holds_no_more_than_125_bytes() -> None:
    assert pong_frame(b"x" * 125)[1] == 125
    with pytest.raises(LocalProtocolError):
        pong_frame(b"x" * 126)


def test_a_lone_surrogate_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        message_frame("\ud800")


def test_frames_joined_come_apart_and_control_frames_are_left_out() -> None:
    frames = text_frame("4a") + binary_frame(b"\x00") + pong_frame(b"x") + text_frame("2") + close_frame(1000)
    assert list(unframe(frames)) == ["4a", b"\x00", "2"]


@given(st.lists(st.text(max_size=300) | st.binary(max_size=300)))
def test_framed_data_survive_a_round_trip(contents: list[str | bytes]) -> None:
    frames = b"".join(text_frame(data) if isinstance(data, str) else binary_frame(data) for data in contents)
    assert list(unframe(frames)) == contents
