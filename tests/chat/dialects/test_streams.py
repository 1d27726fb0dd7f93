"""Clients of the four dialects that know no streams: an open stream is in none of their events and lists, its first end
is a new message, and each later end is an edit."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from talkwire.dialects.built_in import DIALECTS
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.conftest import World
from tests.chat.dialects.gateway_client import arrived, leave
from tests.chat.dialects.matrix import JOIN
from tests.chat.returner import Returner
from tests.waiting import until_asked


class Vocabulary(NamedTuple):
    """The names of a dialect's events for a new, an edited and a deleted message, a function that returns the id and
    the text of a message, and the REST route of its list of messages, if it has one."""

    sent: str
    edited: str
    deleted: str
    read: Callable[[Payload], tuple[str, str]]
    messages: str | None


def _of_crm(payload: Payload) -> tuple[str, str]:
    message = payload.get("message", payload)
    message = message if isinstance(message, dict) else payload
    return str(message["id"]), message["content"]


VOCABULARIES = {
    "talks": Vocabulary(
        "message",
        "message-updated",
        "message-deleted",
        lambda payload: (payload["id"], payload["content"]),
        "/api/v1/talks/{talk}/messages?",
    ),
    "crm": Vocabulary("newMessage", "messageUpdated", "messageDeleted", _of_crm, "/chat-messages?chatId={talk}&"),
    "gateway": Vocabulary(
        "roomMessage",
        "messageUpdated",
        "messageDeleted",
        lambda payload: (payload["id"], payload["message"]),
        None,
    ),
    "whatsapp": Vocabulary(
        "message:received",
        "message:updated",
        "message:deleted",
        lambda payload: (payload["id"], payload["content"]["text"]),
        "/api/v1/whatsapp/conversations/{talk}/messages?",
    ),
}

PRESENCE = {"presence", "user-online", "user:online", "userOnline", "user-offline", "user:offline", "userOffline"}


class Stream:
    """A conversation of an agent and one member for each dialect, and a stream of the agent in it. The conversation's
    id is a numeral, as the crm dialect expects."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.talk = str(secrets.randbelow(10**12) + 10**12)
        self.id = ""
        self._attempt = 0
        self._text = ""

    async def prepare(self) -> None:
        agent = {"name": "Helper", "kind": "agent"}
        await self.world.service("PUT", f"/api/v1/users/{self.world.id_of('helper')}", agent)
        members = [self.world.id_of(name) for name in ("helper", *DIALECTS)]
        body = {"id": self.talk, "kind": "group", "memberIds": members, "ownerId": self.world.id_of("messenger")}
        await self.world.service("POST", "/api/v1/conversations", body)

    async def _do(self, path: str, body: Payload) -> Any:  # noqa: ANN401 (JSON)
        answer = await self.world.request("POST", f"/api/v1/messages/{path}", by="helper", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def open(self, client_message_id: str = "s1") -> None:
        """Opens the stream, or continues it."""
        body = {"conversationId": self.talk, "clientMessageId": client_message_id, "leaseS": 5}
        opened = await self._do("stream", body)
        self.id, self._attempt = opened["message"]["id"], opened["attempt"]
        self._text = "".join("x" * part["length"] for part in opened["parts"])

    async def write(self, text: str) -> None:
        body = {"attempt": self._attempt, "part": 0, "text": text, "at": len(self._text)}
        await self._do(f"{self.id}/append", body)
        self._text += text

    async def end(self, state: str = "done") -> None:
        await self._do(f"{self.id}/finish", {"attempt": self._attempt, "state": state})

    async def wait_interrupted(self) -> None:
        """Waits until the lease has ended."""

        async def is_interrupted() -> bool:
            found = await self.world.request("GET", f"/api/v1/messages/{self.id}", by="messenger")
            return bool(found.json()["state"] == "interrupted")

        await until_asked(is_interrupted)

    async def say(self, text: str) -> str:
        """Sends an ordinary message, and returns its id."""
        sent = {"conversationId": self.talk, "content": text}
        answer = await self.world.request("POST", "/api/v1/messages", by="messenger", json=sent)
        return str(answer.json()["id"])

    async def joined(self, name: str) -> ChatClient:
        client = await self.world.connect(name, dialect=DIALECTS[name])
        await self.join(name, client)
        return client

    async def join(self, name: str, client: ChatClient) -> None:
        event, payload = JOIN[name]
        await client.done(event, dict.fromkeys(payload, self.talk))

    async def shown(self, name: str, client: ChatClient) -> list[tuple[str, str, str]]:
        """Returns the messages that a client has received since the last call: what happened, the id, the text."""
        return shown(name, await _taken(client))

    async def listed(self, name: str, query: str = "") -> tuple[list[tuple[str, str]], Any]:
        """Returns the messages of a dialect's list, and whether there are more, as the dialect says it."""
        names = VOCABULARIES[name]
        if names.messages is None:
            client = await self.world.connect(name, dialect=DIALECTS[name])
            asked = dict(pair.split("=") for pair in query.split("&") if pair)
            page = (await client.done("getHistory", {"conversationId": self.talk, **_numbers(asked)}))["data"]
            return [names.read(each) for each in page["messages"]], page["hasMore"]
        path = names.messages.format(talk=self.talk) + query
        page = (await self.world.request("GET", path, by=name)).json()
        return [names.read(each) for each in page["items"]], page["next"] is not None


def _numbers(asked: Payload) -> Payload:
    return {key: int(value) if key == "limit" else value for key, value in asked.items()}


async def _taken(client: ChatClient) -> list[tuple[str, Payload]]:
    received = [each for each in await client.pending() if each[0] not in PRESENCE]
    client.events.clear()
    return received


def shown(name: str, received: list[tuple[str, Payload]]) -> list[tuple[str, str, str]]:
    names = VOCABULARIES[name]
    what = {names.sent: "new", names.edited: "edit"}
    return [(what[event], *names.read(payload)) for event, payload in received if event in what]


@pytest.fixture
async def stream(world: World) -> Stream:
    stream = Stream(world)
    await stream.prepare()
    return stream


async def test_a_stream_is_one_new_message_at_its_first_end_and_then_an_edit(stream: Stream) -> None:
    clients = {name: await stream.joined(name) for name in VOCABULARIES}
    for client in clients.values():
        await _taken(client)
    before = await stream.say("before")
    await stream.open()
    await stream.write("Hel")
    by_reaction = await stream.world.request("PUT", f"/api/v1/messages/{stream.id}/reactions/👍", by="messenger")
    assert by_reaction.is_success
    after = await stream.say("after")
    for name, client in clients.items():
        received = await _taken(client)
        assert shown(name, received) == [("new", before, "before"), ("new", after, "after")], name
        assert {event for event, _ in received} == {VOCABULARIES[name].sent}, name
        assert await stream.listed(name) == ([(before, "before"), (after, "after")], False), name
    await stream.wait_interrupted()
    for name, client in clients.items():
        assert await stream.shown(name, client) == [("new", stream.id, "Hel")], name
        everything = [(before, "before"), (stream.id, "Hel"), (after, "after")]
        assert await stream.listed(name) == (everything, False), name
    await stream.open()
    await stream.write("lo")
    for name, client in clients.items():
        assert await stream.shown(name, client) == [], name
        assert stream.id in [id_ for id_, _ in (await stream.listed(name))[0]], name
    await stream.end()
    for name, client in clients.items():
        assert await stream.shown(name, client) == [("edit", stream.id, "Hello")], name


@pytest.mark.parametrize("name", VOCABULARIES)
async def test_a_client_that_was_away_receives_it_once_at_the_end(stream: Stream, name: str) -> None:
    """It leaves before the opening and returns while the stream is open, or leaves then and returns after its end."""
    client = Returner(stream.world, name, DIALECTS[name])
    await client.come()
    await stream.join(name, client.socket)
    before = await stream.say("before")
    assert await _replayed(name, client) == [("new", before, "before")]
    await stream.open()
    await stream.write("Hello")
    between = await stream.say("between")
    assert await client.come()
    assert await _replayed(name, client) == [("new", between, "between")]
    await stream.end()
    last = await stream.say("last")
    assert await client.come()
    assert await _replayed(name, client) == [("new", stream.id, "Hello"), ("new", last, "last")]
    await stream.open("s2")
    await stream.write("Bye")
    await stream.end()
    assert await client.come()
    assert await _replayed(name, client) == [("new", stream.id, "Bye")]


async def _replayed(name: str, client: Returner) -> list[tuple[str, str, str]]:
    return shown(name, [(event, payload) for event, payload, _ in await client.cut()])


@pytest.mark.parametrize("name", VOCABULARIES)
async def test_pages_are_full_beside_open_streams(stream: Stream, name: str) -> None:
    sent = []
    for number in range(3):
        sent.append((await stream.say(str(number)), str(number)))
        await stream.open(f"s{number}")
    assert await stream.listed(name, "limit=2") == (sent[1:], True)
    assert await stream.listed(name, f"limit=2&before={sent[1][0]}") == (sent[:1], False)
    assert await stream.listed(name, f"limit=1&after={sent[0][0]}") == (sent[1:2], True)
    assert await stream.listed(name, f"limit=2&after={sent[0][0]}") == (sent[1:], False)


async def test_the_last_message_of_a_talk_is_the_one_before_an_open_stream(stream: Stream) -> None:
    async def last() -> list[Any]:
        of_list = (await stream.world.request("GET", "/api/v1/talks", by="talks")).json()["items"]
        of_talk = (await stream.world.request("GET", f"/api/v1/talks/{stream.talk}", by="talks")).json()
        return [each["lastMessage"] and each["lastMessage"]["content"] for each in (*of_list, of_talk)]

    await stream.open()
    assert await last() == [None, None]
    await stream.write("Hello")
    await stream.end()
    assert await last() == ["Hello", "Hello"]
    await stream.open("s2")
    await stream.open("s3")
    assert await last() == ["Hello", "Hello"]


async def test_the_status_route_does_not_know_an_open_stream(stream: Stream) -> None:
    await stream.open()
    path = f"/api/v1/whatsapp/messages/{stream.id}"
    status = {"status": "read"}
    assert (await stream.world.request("GET", path, by="whatsapp")).status_code == 403
    assert (await stream.world.request("PATCH", f"{path}/status", by="whatsapp", json=status)).status_code == 403
    await stream.write("Hello")
    await stream.end()
    assert (await stream.world.request("GET", path, by="whatsapp")).status_code == 200


@pytest.mark.parametrize("is_whole", [False, True])
async def test_only_a_message_that_was_shown_is_deleted(stream: Stream, *, is_whole: bool) -> None:
    clients = {name: await stream.joined(name) for name in VOCABULARIES}
    await stream.open()
    await stream.write("Hello")
    if is_whole:
        await stream.end()
    assert (await stream.world.request("DELETE", f"/api/v1/messages/{stream.id}", by="helper")).is_success
    last = await stream.say("last")
    for name, client in clients.items():
        received = await _taken(client)
        assert (VOCABULARIES[name].deleted in [event for event, _ in received]) is is_whole, name
        listed = [id_ for id_, _ in (await stream.listed(name))[0]]
        assert (stream.id in listed) is (is_whole and name != "crm"), name  # crm lists no deleted messages
        assert shown(name, received)[-1] == ("new", last, "last")


async def test_who_does_not_follow_is_notified_at_the_first_end(stream: Stream) -> None:
    talks = await stream.world.connect("talks", dialect=DIALECTS["talks"])
    gateway = await stream.world.connect("gateway", dialect=DIALECTS["gateway"])
    await stream.open()
    await stream.write("Hello")
    assert [await _taken(each) for each in (talks, gateway)] == [[], []]
    await stream.end()
    assert (await talks.next("new-message"))["message"]["content"] == "Hello"
    assert (await gateway.next("notification"))["body"] == "Hello"
    assert [await _taken(each) for each in (talks, gateway)] == [[], []]


async def test_a_muted_conversation_notifies_of_no_stream(stream: Stream) -> None:
    muted = {"notify": "none"}
    path = f"/api/v1/conversations/{stream.talk}/preferences"
    assert (await stream.world.request("PATCH", path, by="gateway", json=muted)).is_success
    gateway = await stream.world.connect("gateway", dialect=DIALECTS["gateway"])
    await stream.open()
    await stream.write("Hello")
    await stream.end()
    assert await _taken(gateway) == []


async def test_a_user_without_a_socket_misses_one_message(stream: Stream) -> None:
    """The user of the gateway dialect has received a message that is newer than the opening, and is away at the end."""
    gateway = await stream.world.connect("gateway", dialect=DIALECTS["gateway"])
    await stream.open()
    await stream.write("Hello")
    newer = await stream.say("newer")
    assert (await gateway.next("notification"))["body"] == "newer"
    await arrived(stream.world, "gateway", newer)
    await leave(stream.world, gateway, "gateway")
    again = await stream.world.connect("gateway", dialect=DIALECTS["gateway"])
    assert await _taken(again) == []
    await leave(stream.world, again, "gateway")
    await stream.say("before the end")
    await stream.end()
    await stream.say("last")
    third = await stream.world.connect("gateway", dialect=DIALECTS["gateway"])
    bodies = [(await third.next("notification"))["body"] for _ in range(3)]
    assert bodies == ["before the end", "Hello", "last"]
    assert await _taken(third) == []
