"""Which texts are Socket.IO packets: each row is sent to a server, which closes the connection or does not."""

from __future__ import annotations

import contextlib
import re

import pytest
from websockets.exceptions import ConnectionClosed

from tests.protocol.raw_client import Server, WebSocketClient

MAIN_JOINED = ['40{"sid":"*"}', '42["auth",{}]']
PLACEHOLDER = '{"_placeholder":true,"num":0}'


async def joined(server: Server, *namespaces: str) -> WebSocketClient:
    """Returns a client without unread frames. It has joined a namespace, so the connect timeout does not close it."""
    client = await server.open_websocket()
    for namespace in namespaces:
        await client.send(f"40{namespace}")
        assert (await client.receive_text()).startswith("40")
        assert (await client.receive_text()).endswith('["auth",{}]')
    return client


def mask_id(frame: str) -> str:
    return re.sub(r'(?<="sid":")[^"]+', "*", frame)


async def assert_echoes(client: WebSocketClient) -> None:
    await client.send('42/custom,["message","still here"]')
    assert await client.receive() == '42/custom,["message-back","still here"]'


@pytest.mark.parametrize(
    ("packet", "replies"),
    [
        pytest.param("40", MAIN_JOINED, id="CONNECT"),
        pytest.param("40{}", MAIN_JOINED, id="CONNECT with an empty object"),
        pytest.param("40/", MAIN_JOINED, id="CONNECT to a named main namespace"),
        pytest.param("400", MAIN_JOINED, id="CONNECT with an id"),
        pytest.param("40/admin", ['44/admin,{"message":"Invalid namespace"}'], id="CONNECT without comma"),
        pytest.param(
            '40/admin?x=1,{"a":1}',
            ['44/admin?x=1,{"message":"Invalid namespace"}'],
            id="CONNECT whose namespace keeps its query",
        ),
        pytest.param(
            '40/admin{"a":1}',
            ['44/admin{"a":1},{"message":"Invalid namespace"}'],
            id="CONNECT whose namespace ends at no comma",
        ),
    ],
)
async def test_a_client_that_connects_stays_open(server: Server, packet: str, replies: list[str]) -> None:
    client = await joined(server, "/custom")
    await client.send(packet)
    assert [mask_id(await client.receive_text()) for _ in replies] == replies
    await assert_echoes(client)


@pytest.mark.parametrize(
    ("frames", "replies"),
    [
        pytest.param(["42[1]"], [], id="EVENT named by a number"),
        pytest.param(["42[1.5]"], [], id="EVENT named by a fraction"),
        pytest.param(['42["__proto__"]'], [], id="EVENT __proto__"),
        pytest.param(['42["connecting"]'], [], id="EVENT connecting"),
        pytest.param(["42"], [], id="EVENT without data"),
        pytest.param(["427"], [], id="EVENT with an id and without data"),
        pytest.param(['42["a"]\n'], [], id="EVENT and a line end"),
        pytest.param(['42[""]'], [], id="EVENT named by nothing"),
        pytest.param(['4299999999999999999999["a"]'], [], id="EVENT with the id 1e20"),
        pytest.param(['42 ["a"]'], [], id="EVENT with a space as id"),
        pytest.param(
            ['42 ["message-with-ack","x"]'],
            ['430["x"]'],
            id="EVENT with a space as id 0",
        ),
        pytest.param(
            ['42007["message-with-ack","x"]'],
            ['437["x"]'],
            id="EVENT whose id has leading zeros",
        ),
        pytest.param(["43"], [], id="ACK without data"),
        pytest.param(["430"], [], id="ACK with an id and without data"),
        pytest.param(["43[]"], [], id="ACK without id"),
        pytest.param(
            ['451-["message","x"]', b"\x01"],
            ['42["message-back","x"]'],
            id="BINARY_EVENT without placeholder",
        ),
        pytest.param(
            ['42["message",{"_placeholder":true,"num":0}]'],
            ['42["message-back",{"_placeholder":true,"num":0}]'],
            id="EVENT with a placeholder",
        ),
        pytest.param(
            ['451-["message",{"_placeholder":false,"num":7}]', b"\x01"],
            ['42["message-back",{"_placeholder":false,"num":7}]'],
            id="BINARY_EVENT with what is no placeholder",
        ),
        pytest.param(["461-5[]", b"\x01"], [], id="BINARY_ACK"),
        pytest.param(["41"], [], id="DISCONNECT"),
        pytest.param(["41/,"], [], id="DISCONNECT from a named main namespace"),
    ],
)
async def test_a_client_that_sends_a_packet_stays_open(
    server: Server, frames: list[str | bytes], replies: list[str]
) -> None:
    client = await joined(server, "", "/custom")
    await client.send(*frames)
    assert [await client.receive_text() for _ in replies] == replies
    await assert_echoes(client)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param("40[]", id="CONNECT with an array"),
        pytest.param("40null", id="CONNECT with null"),
        pytest.param('40"x"', id="CONNECT with a text"),
        pytest.param("40{", id="CONNECT with half an object"),
        pytest.param("40/custom2,[]", id="CONNECT to a namespace with an array"),
        # An Engine.IO message without data never reaches the parser as a text.
        pytest.param("4", id="nothing"),
    ],
)
async def test_a_client_that_connects_with_anything_else_is_closed_and_no_other(server: Server, packet: str) -> None:
    bystander = await joined(server, "/custom")
    client = await joined(server, "/custom")
    await client.send(packet)
    await client.wait_closed()
    await assert_echoes(bystander)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(["41{}"], id="DISCONNECT with an object"),
        pytest.param(["41null"], id="DISCONNECT with null"),
        pytest.param(['41/custom,["a"]'], id="DISCONNECT with an array"),
        pytest.param(["42[]"], id="EVENT without a name"),
        pytest.param(["42{}"], id="EVENT with an object"),
        pytest.param(["42null"], id="EVENT with null"),
        pytest.param(["42false"], id="EVENT with false"),
        pytest.param(['42"a"'], id="EVENT with a text"),
        pytest.param(["42[null]"], id="EVENT named null"),
        pytest.param(["42[true]"], id="EVENT named true"),
        pytest.param(["42[{}]"], id="EVENT named by an object"),
        pytest.param(["42[[]]"], id="EVENT named by an array"),
        pytest.param(['42["connect"]'], id="EVENT connect"),
        pytest.param(['42["connect_error"]'], id="EVENT connect_error"),
        pytest.param(['42["disconnect"]'], id="EVENT disconnect"),
        pytest.param(['42["disconnecting"]'], id="EVENT disconnecting"),
        pytest.param(['42["newListener"]'], id="EVENT newListener"),
        pytest.param(['42["removeListener"]'], id="EVENT removeListener"),
        pytest.param(['42["disc\\u006fnnect"]'], id="EVENT disconnect with an escape"),
        pytest.param(['42-1["a"]'], id="EVENT with a negative id"),
        pytest.param(['42abc["a"]'], id="EVENT with letters as id"),
        pytest.param(['421e5["a"]'], id="EVENT with an exponent in its id"),
        pytest.param(['42\u0663["a"]'], id="EVENT with an Arabic three as id"),
        pytest.param(['42["a"]x'], id="EVENT and a letter"),
        pytest.param(['42["a"]["b"]'], id="EVENT and another array"),
        pytest.param(['42["a",]'], id="EVENT with a trailing comma"),
        pytest.param(["42['a']"], id="EVENT in single quotes"),
        pytest.param(['42["message",NaN]'], id="EVENT with NaN"),
        pytest.param(['42["message",Infinity]'], id="EVENT with Infinity"),
        pytest.param(['42["message",01]'], id="EVENT with a leading zero"),
        pytest.param(['42["message","\n"]'], id="EVENT with a raw line end in a text"),
        pytest.param(['42["message","\\x41"]'], id="EVENT with an unknown escape"),
        pytest.param(["431{}"], id="ACK with an object"),
        pytest.param(['43"x"'], id="ACK with a text"),
        pytest.param(["431null"], id="ACK with null"),
        # The parser accepts these two, but a client must not send them.
        pytest.param(['44"x"'], id="CONNECT_ERROR with a text"),
        pytest.param(["44{}"], id="CONNECT_ERROR with an object"),
        pytest.param(["44[]"], id="CONNECT_ERROR with an array"),
        pytest.param(['45["a"]'], id="BINARY_EVENT without count"),
        pytest.param(['450-["a"]'], id="BINARY_EVENT with no attachment"),
        pytest.param(["45a-"], id="BINARY_EVENT with a letter as count"),
        pytest.param(["45-1-"], id="BINARY_EVENT with a negative count"),
        pytest.param(["45-"], id="BINARY_EVENT with an empty count"),
        pytest.param(["45"], id="BINARY_EVENT with nothing"),
        pytest.param(['451.5-["a"]'], id="BINARY_EVENT with a fraction as count"),
        pytest.param(['451["a"]'], id="BINARY_EVENT without dash"),
        pytest.param(['4511-["a"]'], id="BINARY_EVENT with eleven attachments"),
        pytest.param(["451-{}"], id="BINARY_EVENT with an object"),
        pytest.param(['451-["disconnect"]'], id="BINARY_EVENT disconnect"),
        pytest.param(["46[]"], id="BINARY_ACK without count"),
        pytest.param(["460-1[]"], id="BINARY_ACK with no attachment"),
        pytest.param(["461-1{}"], id="BINARY_ACK with an object"),
        pytest.param(["47"], id="type 7"),
        pytest.param(['49["a"]'], id="type 9"),
        pytest.param(["4abc"], id="a letter as type"),
        pytest.param(["4-1"], id="a sign as type"),
        pytest.param(['4\u0662["a"]'], id="an Arabic two as type"),
        pytest.param(['4\n2["a"]'], id="a line end before the type"),
        pytest.param([b"\x01"], id="an attachment without header"),
        pytest.param(["40", f'451-["message",{PLACEHOLDER}]', b"\x01", b"\x02"], id="one attachment too many"),
        pytest.param(
            ["40", f'451-["message",{PLACEHOLDER}]', '42["message"]'],
            id="a text while an attachment is due",
        ),
        pytest.param(
            ["40", '451-["message",{"_placeholder":true,"num":5}]', b"\x01"],
            id="a number too large",
        ),
        pytest.param(
            ["40", '451-["message",{"_placeholder":true,"num":1}]', b"\x01"],
            id="a number just too large",
        ),
        pytest.param(
            ["40", '451-["message",{"_placeholder":true,"num":-1}]', b"\x01"],
            id="a negative number",
        ),
        pytest.param(
            ["40", '451-["message",{"_placeholder":true,"num":"splice"}]', b"\x01"],
            id="a word as number",
        ),
        pytest.param(
            ["40", '451-["message",{"_placeholder":true,"num":"0"}]', b"\x01"],
            id="a text as number",
        ),
        pytest.param(['451-["message",{"_placeholder":true}]', b"\x01"], id="no number"),
    ],
)
async def test_a_client_that_sends_anything_else_is_closed_and_no_other(
    server: Server, frames: list[str | bytes]
) -> None:
    bystander = await joined(server, "/custom")
    client = await joined(server, "", "/custom")
    with contextlib.suppress(ConnectionClosed):  # the server may close before it has all frames
        await client.send(*frames)
    await client.wait_closed()
    await assert_echoes(bystander)
