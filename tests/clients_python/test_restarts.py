"""What holds while servers are killed, clients restart and tokens fail: every message arrives once and in order, and
the state that a program makes of events is that of the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from talkwire_client import AskedCard, Message, Talkwire, TalkwireError
from tests.clients_python.conftest import client_of
from tests.clients_python.restarts import DEADLINE_S, Copy, FailingTokens, FragileServer, Network, Retries
from tests.repetition import repetitions
from tests.waiting import until, until_asked

SENDS = 1000
KILLS = 3
USERS = ("alice", "bob", "carol")

Role = str
ROLES: tuple[Role, ...] = ("member", "service")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FragileServer]:
    fragile = FragileServer(tmp_path)
    await fragile.start()
    yield fragile
    await fragile.kill()


@pytest.fixture
def retries() -> Iterator[Retries]:
    handler, logger = Retries(), logging.getLogger("talkwire_client")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def opened(server: FragileServer, token: Callable[[], object]) -> Talkwire:
    assert server.process is not None
    return client_of(server.process, token)  # type: ignore[arg-type]


async def create_room(server: FragileServer) -> None:
    async with opened(server, FailingTokens("backend", "service")) as service:
        for user in USERS:
            await service.put_user(user, name=user.title())
        await service.create_conversation("group", USERS, id="room", owner_id="alice")


class Receiver:
    """A program that receives messages. Now and then it ends, and starts again with the cursor that it has stored."""

    def __init__(self, server: FragileServer, tokens: FailingTokens) -> None:
        self.tokens = tokens
        self.texts: list[str] = []
        self.starts = 0
        self.has_started = asyncio.Event()
        self._server = server
        self._cursor: str | None = None

    async def run(self, until: int) -> None:
        while len(self.texts) < until:
            async with opened(self._server, self.tokens) as chat:
                self.starts += 1
                self.has_started.set()
                if self._cursor is None:
                    self._cursor = chat.cursor
                async for event in chat.events(after=self._cursor):
                    self._cursor = event.cursor
                    if event.type == "message:new":
                        self.texts.append(event.data.get("content", ""))
                        if len(self.texts) == until or len(self.texts) % (until // 4) == 0:
                            break


class Sender:
    """A program that sends messages one after the other. When it starts again, it begins with the first one that was
    not acknowledged, with the same id.
    """

    def __init__(self, network: Network) -> None:
        self.tokens = FailingTokens("alice")
        self._network = network
        self._sent = 0
        self.sending = asyncio.create_task(self._send())

    async def until(self, sent: int) -> None:
        def is_sent() -> bool:
            assert not self.sending.done() or self.sending.result() is None
            return self._sent >= sent

        await until(is_sent)

    async def restart(self) -> None:
        self.sending.cancel()
        await asyncio.gather(self.sending, return_exceptions=True)
        self.sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        async with client_of(self._network.address, self.tokens) as alice:
            while self._sent < SENDS:
                text = f"message {self._sent}"
                message = await alice.send("room", text, client_message_id=text)
                assert message["seq"] == self._sent + 1
                self._sent += 1


async def test_1000_messages_arrive_once_and_in_order_through_kills_cuts_and_restarts(
    server: FragileServer, retries: Retries
) -> None:
    await create_room(server)
    receivers = [Receiver(server, FailingTokens("bob")), Receiver(server, FailingTokens("backend", "service"))]
    receiving = [asyncio.create_task(receiver.run(SENDS)) for receiver in receivers]
    async with asyncio.timeout(DEADLINE_S):
        for receiver in receivers:
            await receiver.has_started.wait()
    network = Network(server)
    await network.restore()
    sender = Sender(network)
    for kill in range(KILLS):
        await sender.until((2 * kill + 1) * SENDS // (2 * KILLS + 1))
        await network.cut()
        await retries.wait_for_one_more()
        await network.restore()
        await sender.until((2 * kill + 2) * SENDS // (2 * KILLS + 1))
        await server.kill()
        await retries.wait_for_one_more()
        await sender.restart()
        await server.start()
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(sender.sending, *receiving)
    await network.cut()
    for receiver in receivers:
        assert receiver.texts == [f"message {number}" for number in range(SENDS)]
        assert receiver.starts >= 4
    assert sender.tokens.renewed > 1


async def test_who_asks_waits_for_the_decision_through_a_kill_and_a_cut(
    server: FragileServer, retries: Retries
) -> None:
    """However long that takes: a client without patience ends all other calls at once."""
    await create_room(server)
    network = Network(server)
    await network.restore()
    card: AskedCard = {"title": "Refund?", "actions": [{"id": "yes", "label": "Yes"}], "decide": {"yes": 2}}
    async with (
        client_of(network.address, FailingTokens("alice"), patience_s=0) as alice,
        opened(server, FailingTokens("bob")) as bob,
        opened(server, FailingTokens("carol")) as carol,
    ):
        asking = asyncio.create_task(alice.ask("room", card, client_message_id="refund-7"))
        asked = (await until_asked(lambda: messages_of_room(bob)))[0]["id"]
        await network.cut()
        await retries.wait_for_one_more()
        await network.restore()
        await bob.choose(asked, ["yes"])
        await server.kill()
        await retries.wait_for_one_more()
        assert not asking.done()
        await server.start()
        await carol.choose(asked, ["yes"])
        async with asyncio.timeout(DEADLINE_S):
            ended = await asking
        assert (ended["messageId"], ended.get("decidedBy")) == (asked, ["bob", "carol"])
    await network.cut()


async def messages_of_room(chat: Talkwire) -> list[Message]:
    return (await chat.messages("room"))["items"]


class People:
    """Users that do random things to conversations."""

    def __init__(self, random: Random, service: Talkwire, users: dict[str, Talkwire]) -> None:
        self._random = random
        self._service = service
        self._users = users
        self._made = 0

    async def act(self, times: int) -> None:
        for _ in range(times):
            with suppress(TalkwireError):  # of users that are no members, and of messages that are deleted
                await self._act_once()

    async def _act_once(self) -> None:
        name = self._random.choice(USERS)
        user = self._users[name]
        listed = [conversation["id"] async for conversation in self._service.conversations()]
        talk = self._random.choice([each for each in listed if each != "marks"])
        what = self._random.randrange(20)
        if what < 7:
            await user.send(talk, f"text {self._random.randrange(100)}")
        elif what == 7:
            self._made += 1
            members = self._random.sample(USERS, 2)
            await self._service.create_conversation("group", members, id=f"talk{self._made}")
        elif what == 8:
            await self._service.remove_member(talk, name)
        elif what in {9, 10}:
            await self._service.add_members(talk, [name])
        elif what == 11:
            await self._service.update_conversation(talk, name=f"name {self._random.randrange(100)}")
        elif what == 12 and talk != "room":
            await self._service.delete_conversation(talk)
        elif what == 13:
            await self._service.update_member(talk, name, self._random.choice(("admin", "member")))
        elif what == 14:
            await user.mark_read(talk)
        else:
            await self._change_message(user, talk, what)

    async def _change_message(self, user: Talkwire, talk: str, what: int) -> None:
        ids = [message["id"] for message in (await user.messages(talk))["items"][-5:]]
        message_id = self._random.choice(ids or ["1"])
        if what == 15:
            await user.edit(message_id, metadata={"n": self._random.randrange(100)})
        elif what == 16:
            await user.edit(message_id, f"edited {self._random.randrange(100)}")
        elif what == 17:
            await user.delete(message_id)
        elif what == 18:
            await user.react(message_id, "👍")
        else:
            await user.unreact(message_id, "👍")


async def follow(copy: Copy, chat: Talkwire, mark: str) -> None:
    """Applies events until the one of this message."""
    async with asyncio.timeout(DEADLINE_S):
        async for event in chat.events(after=copy.cursor):
            await copy.apply(event, chat)
            if event.type == "message:new" and event.data.get("content") == mark:
                return


@pytest.mark.parametrize("seed", range(repetitions(4)))
async def test_the_state_made_of_events_equals_a_fresh_load(server: FragileServer, seed: int) -> None:
    """After each gap: the program did not run, or the server was killed while it ran."""
    await create_room(server)
    random = Random(seed)
    async with (
        opened(server, FailingTokens("backend", "service")) as service,
        opened(server, FailingTokens("alice")) as alice,
        opened(server, FailingTokens("bob")) as bob,
        opened(server, FailingTokens("carol")) as carol,
    ):
        await service.create_conversation("group", USERS, id="marks")
        people = People(random, service, {"alice": alice, "bob": bob, "carol": carol})
        await people.act(10)
        copies = {None: await Copy(None).load(service), "bob": await Copy("bob").load(bob)}
        for gap in range(4):
            killed = gap % 2 == 1
            following = [
                asyncio.create_task(follow(copy, service if user is None else bob, f"mark {gap}"))
                for user, copy in copies.items()
                if killed
            ]
            await people.act(15)
            if killed:
                await server.kill()
                await server.start()
                await people.act(5)
            await service.send("marks", f"mark {gap}", sender_id="alice")
            if not killed:
                for user, tokens in ((None, FailingTokens("backend", "service")), ("bob", FailingTokens("bob"))):
                    async with opened(server, tokens) as chat:
                        await follow(copies[user], chat, f"mark {gap}")
            await asyncio.gather(*following)
            for user, chat in ((None, service), ("bob", bob)):
                assert copies[user].view() == (await Copy(user).load(chat)).view(), (gap, user)
