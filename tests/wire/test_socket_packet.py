"""Socket.IO packets: what the decoder accepts and refuses as Node's parser does, and what is encoded."""

from __future__ import annotations

import contextlib
import gc
import time
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.wire.errors import LocalProtocolError, RemoteProtocolError
from talkwire.wire.frame import unframe
from talkwire.wire.socket_packet import (
    MAX_CONTAINERS,
    MAX_EXPONENTS,
    Ack,
    Connect,
    ConnectError,
    Decoder,
    Disconnect,
    Event,
    SocketPacket,
    ack_frame,
    encode_ack,
    encode_connect,
    encode_connect_error,
    encode_disconnect,
    encode_event,
    event_frame,
)
from tests.processor_time import at_most, limit_s

PLACEHOLDER = '{"_placeholder":true,"num":0}'


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("", Connect("/")),
        ("0", Connect("/")),
        ("0{}", Connect("/", {})),
        ("00", Connect("/")),
        ("0/", Connect("/")),
        ("0/admin", Connect("/admin")),
        ("0/admin,", Connect("/admin")),
        ('0/admin,{"token":"x"}', Connect("/admin", {"token": "x"})),
        ('0/admin?x=1,{"a":1}', Connect("/admin?x=1", {"a": 1})),
        ('0/admin{"a":1}', Connect('/admin{"a":1}')),
        ("0/ü,", Connect("/ü")),
        ("1", Disconnect("/")),
        ("1/admin,", Disconnect("/admin")),
        ('2["a"]', Event("/", ["a"])),
        ('2["a",{"b":[1,2.5,null,true]}]', Event("/", ["a", {"b": [1, 2.5, None, True]}])),
        ('217["a"]', Event("/", ["a"], 17)),
        ('2007["a"]', Event("/", ["a"], 7)),
        ('2/chat,["a"]', Event("/chat", ["a"])),
        ('2/chat,17["a"]', Event("/chat", ["a"], 17)),
        ('2/a[b,1["a"]', Event("/a[b", ["a"], 1)),
        ("2[1]", Event("/", [1])),
        ("2[1.5]", Event("/", [1.5])),
        ('2[""]', Event("/", [""])),
        ('2["__proto__"]', Event("/", ["__proto__"])),
        ('2["connecting"]', Event("/", ["connecting"])),
        ('2["a"]\n', Event("/", ["a"])),
        ('2 ["a"]', Event("/", ["a"], 0)),
        ('2 12 ["a"]', Event("/", ["a"], 12)),
        ('299999999999999999999["a"]', Event("/", ["a"], 99999999999999999999)),
        ("2", Event("/", [])),
        ("27", Event("/", [], 7)),
        (f'2["a",{PLACEHOLDER}]', Event("/", ["a", {"_placeholder": True, "num": 0}])),
        ('2["a","\\ud83d\\ude00 \\u0000"]', Event("/", ["a", "😀 \0"])),
        ("3", Ack("/", [])),
        ("3[]", Ack("/", [])),
        ("37[]", Ack("/", [], 7)),
        ("37", Ack("/", [], 7)),
        ('3/chat,7["connect",null]', Ack("/chat", ["connect", None], 7)),
        ('4"x"', ConnectError("/", "x")),
        ('4/admin,{"message":"no"}', ConnectError("/admin", {"message": "no"})),
        ("4", ConnectError("/")),
    ],
)
def test_the_decoder_accepts(text: str, packet: SocketPacket) -> None:
    assert Decoder().receive(text) == packet


@pytest.mark.parametrize(
    "text",
    [
        "0[]",
        "0null",
        '0"x"',
        "0{",
        "0/a,[]",
        "1{}",
        "1null",
        '1/a,["a"]',
        "2[]",
        "2{}",
        "2null",
        "2false",
        '2"a"',
        "2[null]",
        "2[true]",
        "2[{}]",
        "2[[]]",
        '2["connect"]',
        '2["connect_error"]',
        '2["disconnect"]',
        '2["disconnecting"]',
        '2["newListener"]',
        '2["removeListener"]',
        '2["disc\\u006fnnect"]',
        '2/chat,1["disconnect"]',
        '2-1["a"]',
        '2abc["a"]',
        '21 2["a"]',
        '21e5["a"]',
        '2\u0663["a"]',
        '2["a"]x',
        '2["a"]["b"]',
        '2["a",]',
        "2['a']",
        '2["a",NaN]',
        '2["a",Infinity]',
        '2["a",1e999]',
        '2["a",01]',
        '2["a","\n"]',
        '2["a","\\x41"]',
        '2["a","\\ud800",NaN]',
        '2["a","\\ud800"',
        '2{"a":"\\ud800"}',
        '2["\\ud800"]',
        '2["connect","\\ud800"]',
        '3["\\ud800"]',
        '0{"a":"\\ud800"}',
        '2["a","\ud800"]',
        "0/\ud800,",
        "2" + "9" * 5_000 + '["a"]',
        '2["a",' + "9" * 5_000 + "]",
        "31{}",
        '3"x"',
        "31null",
        "4[]",
        "4null",
        "41x",
        '5["a"]',
        '50-["a"]',
        "5a-",
        "5-",
        "5",
        "5-1-",
        '51.5-["a"]',
        '51["a"]',
        '511-["a"]',
        "5" + "9" * 5_000 + '-["a"]',
        '5\u0661-["a"]',
        "51-{}",
        '51-["disconnect"]',
        f"51-[{PLACEHOLDER}]",
        "6[]",
        "60-1[]",
        "61-1{}",
        "7",
        '9["a"]',
        "abc",
        "-1",
        '\u0662["a"]',
    ],
)
def test_the_decoder_rejects(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        Decoder().receive(text)


def test_a_packet_waits_for_its_attachments() -> None:
    decoder = Decoder()
    header = '52-/chat,17["a",{"_placeholder":true,"num":1},{"x":[{"num":0,"_placeholder":true}]}]'
    assert decoder.receive(header) is None
    assert decoder.receive(b"\x01") is None
    assert decoder.receive(b"\x02") == Event("/chat", ["a", b"\x02", {"x": [b"\x01"]}], 17)
    assert decoder.receive('2["b"]') == Event("/", ["b"])


def test_an_ack_may_have_attachments() -> None:
    decoder = Decoder()
    assert decoder.receive(f"61-7[{PLACEHOLDER}]") is None
    assert decoder.receive(b"") == Ack("/", [b""], 7)


def test_an_attachment_may_be_used_nowhere() -> None:
    decoder = Decoder()
    assert decoder.receive(f'52-["a",{PLACEHOLDER}]') is None
    assert decoder.receive(b"\x01") is None
    assert decoder.receive(b"\x02") == Event("/", ["a", b"\x01"])


def test_the_decoder_rejects_an_attachment_that_is_named_twice() -> None:
    """Arguments are never larger than their packet."""
    decoder = Decoder()
    decoder.receive(f'51-["a",{PLACEHOLDER},{{"b":[{PLACEHOLDER}]}}]')
    with pytest.raises(RemoteProtocolError, match="illegal attachments"):
        decoder.receive(b"\x01")


def test_an_object_that_only_looks_like_a_placeholder_stays() -> None:
    decoder = Decoder()
    decoder.receive('51-["a",{"_placeholder":false,"num":0},{"_placeholder":1,"num":0}]')
    looks = [{"_placeholder": False, "num": 0}, {"_placeholder": 1, "num": 0}]
    assert decoder.receive(b"") == Event("/", ["a", *looks])


@pytest.mark.parametrize("number", ["5", "1", "-1", '"splice"', '"0"', "null", "0.5", "false", "[]"])
def test_the_decoder_rejects_a_placeholder_that_leads_nowhere(number: str) -> None:
    decoder = Decoder()
    decoder.receive(f'51-["a",{{"_placeholder":true,"num":{number}}}]')
    with pytest.raises(RemoteProtocolError):
        decoder.receive(b"")


def test_the_decoder_rejects_a_placeholder_without_a_number() -> None:
    decoder = Decoder()
    decoder.receive('51-["a",{"_placeholder":true}]')
    with pytest.raises(RemoteProtocolError):
        decoder.receive(b"")


def test_the_decoder_rejects_an_attachment_without_a_header() -> None:
    with pytest.raises(RemoteProtocolError):
        Decoder().receive(b"\x01")


def test_the_decoder_rejects_text_while_attachments_are_missing() -> None:
    decoder = Decoder()
    decoder.receive(f'51-["a",{PLACEHOLDER}]')
    with pytest.raises(RemoteProtocolError):
        decoder.receive('2["b"]')


def test_the_decoder_takes_ten_attachments_by_default() -> None:
    assert Decoder().receive('510-["a"]') is None
    assert Decoder(max_attachments=11).receive('511-["a"]') is None
    with pytest.raises(RemoteProtocolError):
        Decoder(max_attachments=1).receive('52-["a"]')


def nested(levels: int) -> str:
    """An event whose JSON is `levels` deep, its own array included."""
    return '2["a",' + "[" * (levels - 1) + "]" * (levels - 1) + "]"


@pytest.mark.parametrize("levels", [65, 66, 500, 40_000])
def test_the_name_of_a_too_deeply_nested_event_is_kept(levels: int) -> None:
    assert Decoder().receive(nested(levels)) == Event("/", ["a"], None, "nested too deeply")
    with pytest.raises(RemoteProtocolError):
        Decoder().receive("0" + nested(levels).removeprefix("2"))


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ('2["a","\\ud800"]', Event("/", ["a"], None, "a lone surrogate")),
        ('2["a","\\udc00\\ud800"]', Event("/", ["a"], None, "a lone surrogate")),
        ('2/chat,17 [ "a" , {"b":"\\uD83D"}]', Event("/chat", ["a"], 17, "a lone surrogate")),
        ('2[7,"\\ud83d"]', Event("/", [7], None, "a lone surrogate")),
    ],
)
def test_the_name_of_an_event_with_a_lone_surrogate_is_kept(text: str, event: Event) -> None:
    assert Decoder().receive(text) == event


def test_an_event_that_is_not_taken_has_its_attachments_nevertheless() -> None:
    decoder = Decoder()
    assert decoder.receive(f'51-["a",{PLACEHOLDER},"\\ud83d"]') is None
    assert decoder.receive(b"x") == Event("/", ["a"], None, "a lone surrogate")
    assert decoder.receive('2["b"]') == Event("/", ["b"])


def test_the_decoder_accepts_64_levels_and_any_number_of_siblings() -> None:
    assert Decoder().receive(nested(64)) is not None
    assert Decoder().receive('2["a",' + ",".join(["{}", "[[]]"] * 100) + "]") is not None
    assert Decoder().receive('2["a","' + "[" * 1000 + '"]') is not None


MEGABYTE = 1_000_000
BUDGET_S = 0.05


def event_of(*parts: str) -> str:
    """An event of a megabyte: its parts, repeated."""
    repeated = ",".join(parts)
    return f'2["a",{",".join([repeated] * ((MEGABYTE - 10) // (len(repeated) + 1)))}]'


def filled(head: str) -> str:
    """An event that begins with `head` and has whole numbers for the rest of a megabyte."""
    return f'2["a",{head},{",".join(["1"] * ((MEGABYTE - len(head)) // 2 - 5))}]'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name)
        for name, text in {
            "numbers of three digits' exponent": event_of("1e308"),
            "denormal numbers": event_of("5e-324"),
            "numbers halfway between two doubles": event_of("1e23"),
            "as many costly numbers as allowed": filled(",".join(["1e308"] * (MAX_EXPONENTS // 25))),
            "as many halfway numbers as allowed": filled(",".join(["1e23"] * MAX_EXPONENTS)),
            "whole numbers behind a text full of e": filled('"' + "e" * 2000 + '"'),
            "long numbers": event_of("1" * 4000),
            "arrays": event_of("[]"),
            "objects": event_of('{"a":1}'),
            "as many arrays as allowed": filled(",".join(["[]"] * (MAX_CONTAINERS - 1))),
            "as many full arrays as allowed": event_of("[1,1,1,1,1,1,1,1]"),
            "open arrays": '2["a",' + "[" * MEGABYTE,
            "a nested name": "2[" + "[" * MEGABYTE,
            "keys": '2["a",{' + ",".join(f'"{number}":1' for number in range(100_000)) + "}]",
            "a text of brackets": f'2["a","{"[" * (MEGABYTE - 10)}"]',
            "a text of brackets and quotes": '2["a","' + '[\\"' * (MEGABYTE // 3 - 10) + '"]',
            "a text of brackets and backslashes": '2["a","' + "[\\\\" * (MEGABYTE // 3 - 10) + '"]',
            "as many texts as are looked through": event_of('"[[1e308, 1e308, 1e308 [[ 1e308, 1e308]"'),
            "texts of brackets": event_of('"["'),
            "half characters": event_of('"\\ud800"'),
            "numbers and half a character": event_of("1.5").removesuffix("]") + ',"\\ud800"]',
        }.items()
    ],
)
def test_no_packet_of_a_megabyte_takes_long(text: str) -> None:
    def cpu_s() -> float:
        begun = time.thread_time()
        with contextlib.suppress(RemoteProtocolError):
            Decoder().receive(text)
        return time.thread_time() - begun

    gc.collect()
    gc.disable()  # the heap of a test run is larger than a server's
    try:
        assert min(cpu_s() for _ in range(5)) < limit_s(BUDGET_S)
    finally:
        gc.enable()


def test_walking_for_placeholders_takes_no_longer() -> None:
    decoder = Decoder()
    with at_most(2 * BUDGET_S):
        decoder.receive("51-" + event_of("[1,1,1,1,1,1,1,1,1,1]").removeprefix("2"))
        decoder.receive(b"")


@pytest.mark.parametrize(
    ("values", "flaw"),
    [
        (["1e308"] * 1000, "too many numbers with an exponent"),
        (["-1.5E-299"] * (MAX_EXPONENTS // 25 + 1), "too many numbers with an exponent"),
        (["1e23"] * (MAX_EXPONENTS + 1), "too many numbers with an exponent"),
        (["[]"] * 50_000, "too many arrays and objects"),
    ],
)
def test_the_name_of_an_expensive_event_is_kept(values: list[str], flaw: str) -> None:
    json = ",".join(values)
    assert Decoder().receive(f'2["a",{json}]') == Event("/", ["a"], None, flaw)
    with pytest.raises(RemoteProtocolError):
        Decoder().receive(f'0{{"a":[{json}]}}')


@pytest.mark.parametrize(
    "content",
    [
        "[" * 60_000,
        "{[" * 200_000,
        '["' * 60_000,
        "[\\" * 60_000,
        '[\\"' * 60_000,
        "é[" * 60_000,
        "[1e308, 5E-324, 1e23]" * 10_000,
    ],
)
def test_the_contents_of_strings_do_not_count(content: str) -> None:
    args = ["message:send", {"content": content, "metadata": {"a\\": ["\\", '"', 1e23]}}]
    text = "2" + msgspec.json.encode(args).decode()
    assert Decoder().receive(text) == Event("/", args)


@pytest.mark.parametrize("text", ['"["', '"\\\\"', '"\\""', '"a\\\\\\"["'])
@pytest.mark.parametrize(("value", "count"), [("[]", 50_000), ("1e308", 1001)])
def test_values_between_strings_count(text: str, value: str, count: int) -> None:
    json = f"{text},{','.join([value] * count)},{text}"
    assert Decoder().receive(f'2["a",{json}]') == Event(
        "/", ["a"], None, f"too many {'arrays and objects' if value == '[]' else 'numbers with an exponent'}"
    )


@pytest.mark.parametrize("value", ["0.12345678901234567", "1.5e7", "1e0", '"12e308"', '"550e8400-e299-4123"'])
def test_ordinary_values_may_be_as_many_as_fit(value: str) -> None:
    text = event_of(value)
    assert Decoder().receive(text) == Event("/", msgspec.json.decode(text[1:]))


def test_a_packets_attachments_count_for_its_size() -> None:
    decoder = Decoder(max_size=100)
    head = f'52-["a",{PLACEHOLDER}]'
    assert decoder.receive(head) is None
    assert decoder.receive(b"x" * (100 - len(head) - 1)) is None
    with pytest.raises(RemoteProtocolError):
        decoder.receive(b"xx")
    with pytest.raises(RemoteProtocolError):
        Decoder(max_size=100).receive('2["' + "a" * 100 + '"]')


def test_events_are_written_as_the_protocol_has_them() -> None:
    assert encode_event("/", ["foo"]) == ['2["foo"]']
    assert encode_event("/admin", ["bar"]) == ['2/admin,["bar"]']
    assert encode_event("/", ["foo", {"a": None}], 17) == ['217["foo",{"a":null}]']
    assert encode_event("/chat", ["foo", "ü\n"], 0) == ['2/chat,0["foo","ü\\n"]']


def test_acks_are_written_as_the_protocol_has_them() -> None:
    assert encode_ack("/", [], 13) == ["313[]"]
    assert encode_ack("/admin", ["ok", 1], 456) == ['3/admin,456["ok",1]']


def test_bytes_become_attachments_in_the_order_of_their_appearance() -> None:
    assert encode_event("/", ["baz", b"\x01", {"b": [bytearray(b"\x02")]}]) == [
        '52-["baz",{"_placeholder":true,"num":0},{"b":[{"_placeholder":true,"num":1}]}]',
        b"\x01",
        b"\x02",
    ]
    assert encode_ack("/", [memoryview(b"\x01"), b"\x02"], 789) == [
        '62-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        b"\x01",
        b"\x02",
    ]


def test_bytes_are_found_inside_structs() -> None:
    class File(msgspec.Struct):
        name: str
        content: bytes

    assert encode_event("/", ["file", File("a.txt", b"\x01")]) == [
        '51-["file",{"name":"a.txt","content":{"_placeholder":true,"num":0}}]',
        b"\x01",
    ]


def test_the_answers_to_a_connect_have_exactly_these_keys() -> None:
    assert encode_connect("/", "abc") == '0{"sid":"abc"}'
    assert encode_connect("/chat", "abc", pid="p") == '0/chat,{"sid":"abc","pid":"p"}'
    assert encode_connect_error("/random", "Invalid namespace") == '4/random,{"message":"Invalid namespace"}'
    assert encode_connect_error("/", "no", {"code": 7}) == '4{"message":"no","data":{"code":7}}'
    assert encode_disconnect("/") == "1"
    assert encode_disconnect("/chat") == "1/chat,"


def test_encoding_a_value_that_is_no_json_raises() -> None:
    endless: list[object] = []
    endless.append(endless)
    for value in (object(), endless, "\ud800"):
        with pytest.raises(LocalProtocolError):
            encode_event("/", ["foo", value])


def test_a_shared_event_is_one_finished_frame() -> None:
    assert event_frame("/", "foo", b'{"a":1}') == b'\x81\x1142["foo",{"a":1}]'
    assert list(unframe(event_frame("/chat", 'f"o', b"1"))) == ['42/chat,["f\\"o",1]']
    assert list(unframe(event_frame("/", "foo", b"1", offset="17-0"))) == ['42["foo",1,"17-0"]']
    assert list(unframe(event_frame("/ü", "ö", b'"' + b"x" * 70_000 + b'"'))) == [f'42/ü,["ö","{"x" * 70_000}"]']


def test_an_ack_is_one_finished_frame() -> None:
    assert ack_frame("/", 17, b'{"ok":true}') == b"\x81\x1143" + b'17[{"ok":true}]'
    assert list(unframe(ack_frame("/chat", 0, b"null"))) == ["43/chat,0[null]"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)
# A peer may send the keys of a placeholder as data; such an event does not survive a round trip, in Node either.
KEYS = st.sampled_from(["a", "b", "num", "_placeholder"])
WITH_BYTES = st.recursive(
    JSON | st.binary(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(KEYS, children, max_size=3),
    max_leaves=10,
).filter(lambda value: '"_placeholder":true' not in msgspec.json.encode(value).decode())
# All that Socket.IO keeps for itself: hypothesis tries texts that it finds in the sources, too.
RESERVED = {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
NAMES = st.text(min_size=1).filter(lambda name: name not in RESERVED)
NAMESPACES = st.sampled_from(["/", "/chat", "/admin?x=1", "/ü", "/a[b"])


def decode_all(messages: list[str | bytes]) -> SocketPacket | None:
    decoder = Decoder(max_attachments=1000)
    packets = [decoder.receive(message) for message in messages]
    assert packets[:-1] == [None] * (len(messages) - 1)
    return packets[-1]


@given(NAMESPACES, NAMES, st.lists(WITH_BYTES, max_size=3), st.none() | st.integers(0, 10**9))
def test_an_event_survives_a_round_trip(namespace: str, name: str, args: list[Any], ack_id: int | None) -> None:
    assert decode_all(encode_event(namespace, [name, *args], ack_id)) == Event(namespace, [name, *args], ack_id)


@given(NAMESPACES, st.lists(WITH_BYTES, max_size=3), st.integers(0, 10**9))
def test_an_ack_survives_a_round_trip(namespace: str, args: list[Any], ack_id: int) -> None:
    assert decode_all(encode_ack(namespace, args, ack_id)) == Ack(namespace, args, ack_id)


@given(NAMESPACES, NAMES, JSON, st.none() | st.text())
def test_a_shared_frame_survives_a_round_trip(namespace: str, name: str, payload: object, offset: str | None) -> None:
    (text,) = unframe(event_frame(namespace, name, msgspec.json.encode(payload), offset))
    assert isinstance(text, str)
    assert text.startswith("4")
    args = [name, payload] if offset is None else [name, payload, offset]
    assert Decoder().receive(text[1:]) == Event(namespace, args)


MESSAGES = st.one_of(
    st.text(),
    st.binary(),
    st.text(alphabet='0123456/,-[]{}"a:\\u _placeholdernumtrue'),
    st.builds("{}{}{}".format, st.sampled_from(["2", "3", "51-", "62-", "0/a,"]), st.text(), JSON.map(str)),
)


@given(st.lists(MESSAGES, max_size=5))
@example(["5" + "[" * 100_000])
@example(["2" + "[" * 100_000])
@example(["51-" + '["a",' + '{"a":' * 60 + "1" + "}" * 60 + "]", b""])
def test_no_message_makes_the_decoder_fail_otherwise(messages: list[str | bytes]) -> None:
    decoder = Decoder()
    try:
        for message in messages:
            decoder.receive(message)
    except RemoteProtocolError:
        return
