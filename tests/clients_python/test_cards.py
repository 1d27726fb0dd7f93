"""Cards: the client asks and waits for the decision, and users of it decide."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from talkwire_client import AskedCard, BlockingTalkwire, SeenCard, Talkwire, TalkwireError
from tests.chat.chat_server import ChatAddress, ServerProcess
from tests.chat.conftest import World
from tests.clients_python.conftest import Clients, client_of
from tests.waiting import DEADLINE_S, deadline, pause, until_asked

REFUND: AskedCard = {
    "title": "Refund order 7?",
    "actions": [{"id": "approve", "label": "Approve"}, {"id": "decline", "label": "Decline"}],
    "decide": {"approve": 2, "decline": 1},
}
FIRST: AskedCard = {**REFUND, "decide": "first"}
LUNCH: AskedCard = {
    "title": "Lunch?",
    "actions": [{"id": "pizza", "label": "Pizza"}, {"id": "soup", "label": "Soup"}],
    "decide": "poll",
}


class Room:
    """A group of three users, whose owner is alice."""

    def __init__(self, id_: str, alice: Talkwire, bob: Talkwire, carol: Talkwire) -> None:
        self.id = id_
        self.alice = alice
        self.bob = bob
        self.carol = carol

    def asking(self, card: AskedCard | dict[str, Any], **options: Any) -> asyncio.Task[SeenCard]:  # noqa: ANN401 (arguments)
        """Returns a task in which alice asks, for at most as long as tests wait."""

        async def ask() -> SeenCard:
            async with deadline():
                return await self.alice.ask(self.id, card, client_message_id="ask-1", **options)

        return asyncio.create_task(ask())

    async def message_id(self) -> str:
        """Returns the id of the only message, once there is one."""

        async def found() -> list[str]:
            return [message["id"] async for message in self.bob.history(self.id)]

        (id_,) = await until_asked(found)
        return id_


@pytest.fixture
async def room(clients: Clients, world: World) -> Room:
    alice, bob, carol = [await clients.user(world.id_of(name)) for name in ("alice", "bob", "carol")]
    members = [world.id_of(name) for name in ("bob", "carol")]
    made = await alice.create_conversation("group", members, name="Refunds")
    return Room(made["id"], alice, bob, carol)


async def test_who_asks_gets_the_card_once_enough_have_approved(room: Room) -> None:
    asking = room.asking(REFUND, metadata={"order": 7})
    asked = await room.message_id()
    first = await room.bob.choose(asked, ["approve"], comment="Lost")
    assert (first["state"], first.get("mine", {}).get("comment")) == ("open", "Lost")
    await room.carol.choose(asked, ["approve"])
    card = await asking
    assert card == await room.alice.card(asked)
    assert (card.get("outcome"), card.get("actionId")) == ("decided", "approve")
    assert [each["userId"] for each in card.get("choices", ())] == card.get("decidedBy")
    assert (await room.alice.message(asked)).get("metadata") == {"order": 7}


async def test_an_action_that_declines_is_a_decision(room: Room) -> None:
    asking = room.asking(REFUND)
    await room.carol.choose(await room.message_id(), ["decline"])
    card = await asking
    assert (card.get("outcome"), card.get("actionId")) == ("decided", "decline")


async def test_what_is_filled_in_comes_with_the_card(room: Room) -> None:
    amount = {"type": "object", "properties": {"amount": {"type": "number", "maximum": 20}}, "required": ["amount"]}
    asking = room.asking({**FIRST, "actions": [{"id": "approve", "label": "Approve", "input": {"schema": amount}}]})
    await room.bob.choose(await room.message_id(), ["approve"], input={"amount": 8.5})
    assert (await asking).get("input") == {"amount": 8.5}


async def test_a_card_that_nobody_decides_in_time_is_expired_and_that_stays(room: Room) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    card = await room.asking({**REFUND, "expiresAt": soon})
    assert await room.asking({**REFUND, "expiresAt": soon}) == card
    assert (card["state"], card.get("outcome"), "actionId" in card) == ("expired", "expired", False)


async def test_others_may_cancel_what_is_asked(room: Room, clients: Clients) -> None:
    asking = room.asking(REFUND)
    cancelled = await (await clients.service()).cancel_card(await room.message_id())
    card = await asking
    assert (card["state"], card.get("endedAt")) == ("cancelled", cancelled.get("endedAt"))


async def test_another_client_waits_on_for_the_same_decision(room: Room, clients: Clients, world: World) -> None:
    asking = room.asking(REFUND)
    asked = await room.message_id()
    asking.cancel()
    await room.bob.choose(asked, ["approve"])
    room.alice = await clients.user(world.id_of("alice"))
    again = room.asking(REFUND)
    await room.carol.choose(asked, ["approve"])
    card = await again
    assert await room.asking(REFUND) == card
    assert (card["messageId"], card.get("actionId")) == (asked, "approve")
    assert await room.message_id() == asked


async def test_a_card_that_the_server_refuses_is_an_error(room: Room) -> None:
    with pytest.raises(TalkwireError) as refused:
        await room.asking({**REFUND, "decide": {"approve": 3}})
    assert (refused.value.code, refused.value.status) == ("invalid_request", 422)


async def test_another_card_with_the_same_id_is_a_conflict(room: Room) -> None:
    asking = room.asking(REFUND)
    asked = await room.message_id()
    with pytest.raises(TalkwireError) as refused:
        await room.asking({**REFUND, "title": "Refund order 8?"})
    assert (refused.value.code, refused.value.status) == ("conflict", 409)
    assert (await room.bob.card(asked))["state"] == "open"
    asking.cancel()


async def test_who_waits_no_longer_leaves_the_card_open(room: Room) -> None:
    hurried = asyncio.create_task(room.alice.ask(room.id, REFUND, client_message_id="ask-1", timeout_s=0.5))
    await asyncio.wait([hurried], timeout=DEADLINE_S)
    assert hurried.done()
    assert isinstance(hurried.exception(), TimeoutError)
    asking = room.asking(REFUND)
    asked = await room.message_id()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await room.bob.card(asked))["state"] == "open"
    assert await room.message_id() == asked


class Impatience:
    """A proxy that lets the server answer at once instead of waiting, and counts the requests that would wait."""

    def __init__(self, port: int) -> None:
        self.asked = 0
        self._port = port

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        with suppress(OSError):
            await asyncio.gather(self._shorten(reader, to_server), self._copy(from_server, writer))

    async def _shorten(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(65536):
            self.asked += received.count(b"wait=30")
            writer.write(received.replace(b"wait=30", b"wait=0&"))
        writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(65536):
            writer.write(received)
        writer.close()


@asynccontextmanager
async def impatient(server: ServerProcess) -> AsyncIterator[tuple[Impatience, ChatAddress]]:
    proxy = Impatience(int(server.url.rpartition(":")[2]))
    listener = await asyncio.start_server(proxy.forward, "127.0.0.1", 0)
    async with listener:
        yield proxy, ChatAddress(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        listener.close()


async def test_a_card_is_asked_for_once_a_second_when_the_server_does_not_wait(
    room: Room, chat_server: ServerProcess, world: World
) -> None:
    async with (
        impatient(chat_server) as (proxy, address),
        client_of(address, chat_server.token(world.id_of("alice"))) as alice,
    ):
        room.alice = alice
        asking = room.asking(REFUND)
        asked = await room.message_id()
        await pause(2.5)
        assert 1 <= proxy.asked <= 4
        await room.bob.choose(asked, ["decline"])
        assert (await asking).get("actionId") == "decline"


async def test_cards_wait_for_those_who_have_not_chosen(room: Room) -> None:
    asked = (await room.alice.send(room.id, card=REFUND))["id"]
    other = (await room.alice.send(room.id, card=REFUND))["id"]
    waiting = await room.bob.waiting_cards()
    assert ([each["messageId"] for each in waiting["items"]], waiting["count"]) == ([other, asked], 2)
    assert [each["messageId"] for each in (await room.bob.waiting_cards(limit=1))["items"]] == [other]
    await room.bob.choose(other, ["approve"])
    assert [each["messageId"] for each in (await room.bob.waiting_cards())["items"]] == [asked]


async def test_a_poll_is_closed_by_its_author_and_has_a_receipt_then(room: Room, clients: Clients) -> None:
    asking = room.asking(LUNCH)
    asked = await room.message_id()
    service, carol = await clients.service(), (await room.carol.me())["id"]
    await room.bob.choose(asked, ["pizza"])
    assert "mine" not in await room.bob.choose(asked, [])
    await service.choose(asked, ["soup"], sender_id=carol)
    assert (await room.carol.card(asked)).get("mine", {}).get("actionIds") == ["soup"]
    with pytest.raises(TalkwireError) as refused:
        await room.alice.card_receipt(asked)
    assert (refused.value.code, refused.value.details) == ("conflict", {"state": "open"})
    closed = await room.alice.close_card(asked)
    card = await asking
    assert (card["state"], card.get("counts")) == ("closed", {"pizza": 0, "soup": 1})
    assert card.get("endedAt") == closed.get("endedAt")
    assert (await room.alice.card_receipt(asked)).count(".") == 2


def test_without_asyncio_a_card_is_waited_for_longer_than_other_calls(chat_server: ServerProcess) -> None:
    with BlockingTalkwire(chat_server.url, token=chat_server.token("backend", role="service")) as shop:
        for user in ("ask-ann", "ask-ben"):
            shop.put_user(user, name=user)
        room = shop.create_conversation("group", ["ask-ann", "ask-ben"], owner_id="ask-ann")["id"]
        asking = BlockingTalkwire(chat_server.url, token=chat_server.token("ask-ann"), timeout_s=0.1)
        found: list[SeenCard | TimeoutError] = []

        def ask(timeout_s: float | None) -> None:
            try:
                found.append(asking.ask(room, FIRST, client_message_id="ask-1", timeout_s=timeout_s))
            except TimeoutError as error:
                found.append(error)

        patient, hurried = [threading.Thread(target=ask, args=[each], daemon=True) for each in (None, 0.5)]
        patient.start()
        hurried.start()
        hurried.join(DEADLINE_S)
        assert [type(each) for each in found] == [TimeoutError]
        (message,) = shop.history(room)
        shop.choose(message["id"], ["approve"], sender_id="ask-ben")
        patient.join(DEADLINE_S)
        assert found[1:] == [shop.card(message["id"])]
        asking.close()
