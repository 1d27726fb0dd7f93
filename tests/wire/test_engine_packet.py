"""Engine.IO packets against the literal texts of the protocol."""

from __future__ import annotations

import tracemalloc
from base64 import encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.wire.engine_packet import (
    Packet,
    PacketType,
    decode_packet,
    decode_payload,
    encode_packet,
    encode_payload,
    iter_payload,
)
from talkwire.wire.errors import RemoteProtocolError

PACKETS: list[tuple[str | bytes, Packet]] = [
    ('0{"sid":"abc"}', Packet(PacketType.OPEN, '{"sid":"abc"}')),
    ("1", Packet(PacketType.CLOSE)),
    ("2", Packet(PacketType.PING)),
    ("2probe", Packet(PacketType.PING, "probe")),
    ("3", Packet(PacketType.PONG)),
    ("3probe", Packet(PacketType.PONG, "probe")),
    ("4", Packet(PacketType.MESSAGE)),
    ("4hello", Packet(PacketType.MESSAGE, "hello")),
    ("4€", Packet(PacketType.MESSAGE, "€")),
    ("5", Packet(PacketType.UPGRADE)),
    ("6", Packet(PacketType.NOOP)),
    (b"", Packet(PacketType.MESSAGE, b"")),
    (b"\x01\x02", Packet(PacketType.MESSAGE, b"\x01\x02")),
]


@pytest.mark.parametrize(("encoded", "packet"), PACKETS)
def test_a_websocket_message_is_one_packet(encoded: str | bytes, packet: Packet) -> None:
    assert decode_packet(encoded) == packet
    assert encode_packet(packet) == encoded


@pytest.mark.parametrize("message", ["", "7", "9", "abc", "-1", " 4", "\u0664", "B"])
def test_the_decoder_rejects_what_has_no_packet_type(message: str) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_packet(message)


def test_a_payload_joins_packets_with_the_record_separator() -> None:
    packets = [Packet(PacketType.MESSAGE, "hello"), Packet(PacketType.PING), Packet(PacketType.MESSAGE, b"\x01\x02")]
    assert encode_payload(packets) == "4hello\x1e2\x1ebAQI="
    assert decode_payload("4hello\x1e2\x1ebAQI=") == packets


def test_a_payload_may_leave_base64_padding_out() -> None:
    assert decode_payload("bAQI") == [Packet(PacketType.MESSAGE, b"\x01\x02")]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ("bAQID\n", b"\x01\x02\x03"),  # what Android's Base64.DEFAULT writes
        ("bAQ\r\nID\n", b"\x01\x02\x03"),
        ("b-_-_", b"\xfb\xff\xbf"),
        ("b+/+/", b"\xfb\xff\xbf"),
        ("bAQ==ID", b"\x01"),
        ("bAQ*ID", b"\x01\x02\x03"),
        ("bAQIDB", b"\x01\x02\x03"),
        ("b", b""),
        ("b\u00e9", b""),
    ],
)
def test_base64_is_read_as_the_node_server_does(body: str, data: bytes) -> None:
    assert decode_payload(body) == [Packet(PacketType.MESSAGE, data)]


def test_base64_with_line_breaks_after_each_76_digits_is_decoded() -> None:
    data = bytes(range(256)) * 8
    assert decode_payload("b" + encodebytes(data).decode()) == [Packet(PacketType.MESSAGE, data)]


@pytest.mark.parametrize("body", ["", "4a\x1e", "\x1e4a", "4a\x1e\x1e4b", "4a\x1eabc"])
def test_the_decoder_rejects_a_payload_with_a_broken_packet(body: str) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_payload(body)


def test_the_decoder_yields_what_precedes_a_broken_packet() -> None:
    packets = iter_payload("4a\x1eabc")
    assert next(packets) == Packet(PacketType.MESSAGE, "a")
    with pytest.raises(RemoteProtocolError):
        next(packets)


def test_a_payload_may_have_any_number_of_packets() -> None:
    assert len(decode_payload("\x1e".join(["2"] * 50_000))) == 50_000


def test_a_packet_is_decoded_when_it_is_asked_for() -> None:
    """A body of a million separators fills no memory."""
    packets = iter_payload("4\x1e" * 1_000_000)
    tracemalloc.start()
    try:
        for _ in range(1000):
            next(packets)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@given(st.text() | st.text(alphabet="0123456b=\x1eAZaz/+").map(lambda text: "b" + text))
def test_no_text_makes_the_decoder_fail_otherwise(body: str) -> None:
    try:
        decode_payload(body)
    except RemoteProtocolError:
        return


@given(
    st.lists(
        st.builds(Packet, st.sampled_from(PacketType), st.text(st.characters(exclude_characters="\x1e")))
        | st.builds(Packet, st.just(PacketType.MESSAGE), st.binary()),
        min_size=1,
    )
)
def test_a_payload_survives_a_round_trip(packets: list[Packet]) -> None:
    assert decode_payload(encode_payload(packets)) == packets
