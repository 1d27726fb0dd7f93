"""A client whose connection breaks again and again receives the same events as one that stays connected, in each
dialect, from memory and from the log.

The exception: events of a conversation whose member it no longer is when it returns, or that are older than its visible
history, are not sent.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from talkwire.app import Node
from talkwire.composition import sockets
from talkwire.core.commands.accounts import UpdateUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    FollowThread,
    GetMessage,
    PinMessage,
    React,
    SendMessage,
)
from talkwire.core.commands.notifications import MarkNotificationsRead
from talkwire.core.commands.offers import CreateOffer, UpdateOffer
from talkwire.core.commands.receipts import MarkRead, MarkUnread
from talkwire.core.domain.audience import audience_of
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationDeleted,
    Durable,
    DurableEvent,
    MemberAdded,
    MemberRemoved,
    MessageEvent,
    News,
    OfferCreated,
    OfferUpdated,
)
from talkwire.core.domain.log.positions import pos_of
from talkwire.core.domain.model import Actor
from talkwire.core.engine.chat import Chat
from talkwire.dialects.built_in import DIALECTS
from talkwire.realtime.recovery.event_ring import EventRing
from talkwire.storage.engine import sqlite_url
from tests.chat.chat_server import in_process, serving
from tests.chat.conftest import World, world_at
from tests.chat.returner import Delivered, Returner
from tests.contracts.sync_client import joined
from tests.databases import begin_log, migrate_url
from tests.waiting import until_asked

STEPS = 70
OPENING = {
    "talks": ("join-conversation", "leave-conversation", "conversationId"),
    "whatsapp": ("conversation:join", "conversation:leave", "conversationId"),
    "crm": ("joinChat", "leaveChat", "chatId"),
    "messenger": ("conversation:join", "conversation:leave", "conversationId"),
}
"""The events with which a dialect's sockets join and leave a conversation's room."""


class Story:
    """Actions of other users while a client disconnects and returns. With `moves`, they include membership changes and
    deletions."""

    def __init__(self, world: World, chat: Chat, chance: random.Random, *, moves: bool) -> None:
        self.alice, self.bob, self.carol = (Actor(world.id_of(n), n.title()) for n in ("alice", "bob", "carol"))
        self.conversations: list[str] = []
        self._chat = chat
        self._chance = chance
        self._moves = moves
        self._messages: list[str] = []
        self._offers: list[str] = []

    async def begin(self) -> None:
        for kind, members in (("group", (self.alice, self.bob, self.carol)), ("direct", (self.alice, self.bob))):
            await self._create(kind, members)
        # In other conversations, returning members see the whole history.
        await self._create("group", (self.alice, self.bob), history="from-join")

    async def go_on(self) -> None:
        """Performs one random action, if it is possible."""
        actions = [self._send] * 4 + [self._reply] * 2 + [self._edit, self._label, self._react, self._read]
        actions += [self._pin, self._rename, self._offer, self._close_offer, self._change_looks]
        actions += [self._name, self._mark_unread, self._read_notifications, self._thread, self._follow]
        if self._moves:
            actions += [self._delete, self._remove, self._add, self._invite, self._drop, self._reply, self._reply]
        # The action may fail because a user or an object no longer exists.
        with contextlib.suppress(ChatError):
            await self._chance.choice(actions)()

    async def _do(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (its result)
        return await self._chat.execute(actor, command)

    def _somebody(self) -> Actor:
        return self._chance.choice((self.alice, self.bob, self.bob, self.carol))

    def _somewhere(self) -> str:
        return self._chance.choice(self.conversations)

    def _message(self) -> str:
        return self._chance.choice(self._messages or ["1"])

    async def _create(self, kind: Any, members: tuple[Actor, ...], **rules: Any) -> None:  # noqa: ANN401
        view = await self._do(self.bob, CreateConversation(kind, tuple(m.user_id for m in members), **rules))
        self.conversations.append(view.conversation.id)

    async def _send(self) -> None:
        message = await self._do(self._somebody(), SendMessage(self._somewhere(), f"m{len(self._messages)}"))
        self._messages.append(str(message.id))

    async def _reply(self) -> None:
        quoted = await self._do(self.bob, GetMessage(self._message()))
        reply = SendMessage(quoted.conversation_id, f"m{len(self._messages)}", reply_to_id=str(quoted.id))
        self._messages.append(str((await self._do(self.bob, reply)).id))

    async def _edit(self) -> None:
        await self._do(self.bob, EditMessage(self._message(), f"edited {self._chance.random()}"))

    async def _label(self) -> None:
        await self._do(self.bob, EditMessage(self._message(), metadata={"n": self._chance.random()}))

    async def _delete(self) -> None:
        await self._do(self.bob, DeleteMessage(self._message()))

    async def _react(self) -> None:
        await self._do(self._somebody(), React(self._message(), self._chance.choice("👍🎉")))

    async def _read(self) -> None:
        await self._do(self._somebody(), MarkRead(self._somewhere()))

    async def _name(self) -> None:
        await self._do(self.bob, SendMessage(self._somewhere(), "@all, listen"))

    async def _mark_unread(self) -> None:
        await self._do(self._somebody(), MarkUnread(self._somewhere()))

    async def _thread(self) -> None:
        root = await self._do(self.bob, GetMessage(self._message()))
        root_id = str(root.id if root.thread_id is None else root.thread_id)
        await self._do(self.bob, SendMessage(root.conversation_id, "in the thread", thread_id=root_id))

    async def _follow(self) -> None:
        await self._do(self._somebody(), FollowThread(self._message()))

    async def _read_notifications(self) -> None:
        await self._do(self._somebody(), MarkNotificationsRead())

    async def _pin(self) -> None:
        await self._do(self.bob, PinMessage(self._message()))

    async def _rename(self) -> None:
        await self._do(self.bob, UpdateConversation(self._somewhere(), name=f"n{self._chance.random()}"))

    async def _offer(self) -> None:
        offer = await self._do(self._somebody(), CreateOffer(self._somewhere(), "an offer", 100, "EUR"))
        self._offers.append(str(offer.id))

    async def _close_offer(self) -> None:
        await self._do(self._somebody(), UpdateOffer(self._chance.choice(self._offers or ["1"]), "accepted"))

    async def _change_looks(self) -> None:
        await self._do(self._chance.choice((self.bob, self.carol)), UpdateUser(text=f"t{self._chance.random()}"))

    async def _remove(self) -> None:
        first = 0 if len(self._messages) > 15 else 1  # in most dialects, sockets receive nothing of other conversations
        await self._do(self.bob, RemoveMember(self._chance.choice(self.conversations[first:]), self.alice.user_id))

    async def _add(self) -> None:
        await self._do(self.bob, AddMembers(self._somewhere(), (self.alice.user_id,)))

    async def _invite(self) -> None:
        if len(self.conversations) < 6:
            await self._create("group", (self.bob, self.alice))

    async def _drop(self) -> None:
        if len(self.conversations) > 3 and self._chance.random() < 0.5:
            await self._do(self.bob, DeleteConversation(self.conversations[-1]))


@dataclass(frozen=True)
class Return:
    """A client that returned with all events up to the offset `after`, when the log ended at `pos`."""

    after: str | None
    pos: int
    conversation_ids: frozenset[str]
    """The conversations that its user was a member of at that time."""


class Ledger:
    """Records the events by log position, and which of them one user may see. `from_join` is the conversation whose
    history begins with joining."""

    def __init__(self, chat: Chat, user_id: str, from_join: str) -> None:
        self.user_id = user_id
        self._from_join = from_join
        self._chat = chat
        self._events: dict[int, Durable] = {}
        chat.subscribe(self._note)

    def _note(self, events: Sequence[News]) -> None:
        self._events.update((event.pos, event) for event in events if isinstance(event, DurableEvent))

    async def came_back(self, after: str | None) -> Return:
        entry = await self._chat.directory.find(self.user_id)
        return Return(after, self._chat.pos, frozenset(entry.conversation_ids))

    def left_over(self, notified: Sequence[Delivered], back: Return) -> list[Delivered]:
        """Returns the events of a client that stayed connected, without those that a client which returned meanwhile
        does not receive."""
        offsets = [offset for _, _, offset in notified]
        first = offsets.index(back.after) + 1 if back.after in offsets else 0
        return [each for place, each in enumerate(notified) if place < first or self._is_notified(each, back)]

    def _is_notified(self, notified: Delivered, back: Return) -> bool:
        event = self._events[position(notified)]
        conversation_id = audience_of(event).conversation_id
        if event.pos > back.pos or conversation_id is None or self._ends_membership(event):
            return True
        if conversation_id not in back.conversation_ids:
            return False
        begins = self.joined(conversation_id, back.pos)
        match event:
            case MessageEvent(message=message):
                return pos_of(message.id) > begins
            case OfferCreated(offer=offer) | OfferUpdated(offer=offer):
                return pos_of(offer.id) > begins
            case _:
                return True

    def _ends_membership(self, event: Durable) -> bool:
        return isinstance(event, ConversationDeleted) or (
            isinstance(event, MemberRemoved) and event.user_id == self.user_id
        )

    def joined(self, conversation_id: str, pos: int) -> int:
        """Returns the log position from which the user may see the conversation, as of `pos`; 0 if the whole history is
        visible."""
        joins = [
            event.pos
            for event in self._events.values()
            if isinstance(event, MemberAdded)
            and event.conversation_id == conversation_id
            and event.pos <= pos
            and any(member.user_id == self.user_id for member in event.members)
        ]
        return joins[-1] if joins and conversation_id == self._from_join else 0

    def check_quotes(self, notified: Sequence[Delivered]) -> int:
        """Fails if a reply quotes a message from before the user's visible history. Returns the number of quotes."""
        quoting = [each for each in notified if each[1].get("replyTo")]
        for each in quoting:
            begins = self.joined(each[1]["conversationId"], position(each))
            assert pos_of(int(each[1]["replyTo"]["id"])) > begins
        return len(quoting)


def position(notified: Delivered) -> int:
    """Returns the log position of an event's offset."""
    offset = notified[2]
    assert offset is not None, "it is durable"
    return int(offset.rpartition("-")[2].partition(".")[0])


class Place:
    """The offset that a client has stored. If it is connected to servers of several logs, the offset has an entry for
    each of them."""

    def __init__(self) -> None:
        self.offset: str | None = None

    def move(self, offset: str | None) -> None:
        """Notes the offset of an event."""
        if offset is not None:
            self.offset = offset if self.offset is None else joined([self.offset, offset])


class Leaver:
    """A client that is disconnected at random, possibly before it has received everything that was sent. Clients of
    several logs share a `place`."""

    def __init__(self, returner: Returner, chance: random.Random, ledger: Ledger, place: Place) -> None:
        self.returner = returner
        self.returns: list[Return] = []
        self._ledger = ledger
        self._place = place
        self.received: list[Delivered] = []
        self.here = True
        self._chance = chance
        self._taken = 0

    async def take(self) -> None:
        """Records the events that this connection has received."""
        if self.here:
            notified = await self.returner.notified()
            self.received += notified[self._taken :]
            self._taken = len(notified)

    async def leave(self) -> None:
        await self.take()
        if self._taken and self._chance.random() < 0.5:
            # Not before the first event: until then, sockets that receive missed events start over.
            lost = self._chance.randint(1, min(3, self._taken))
            del self.received[max(1, len(self.received) - lost) :]
        # The newest offset of all connections, since this one may have none.
        if self.received:
            self._place.move(self.received[-1][2])
        if self._chance.random() < 0.7:
            self.returner.socket.connection.transport.abort()
            await self.returner.socket.wait_closed()
        self.here = False

    async def come_back(self) -> None:
        self.returner.offset = self._place.offset
        self.returns.append(await self._ledger.came_back(self.received[-1][2] if self.received else None))
        assert await self.returner.come(), "it can always go on"
        self.here, self._taken = True, 0
        await self.take()


@pytest.mark.parametrize("mode", ["memory", "log", "moves"])
@pytest.mark.parametrize("name", DIALECTS)
async def test_a_client_that_reconnects_receives_the_same_as_one_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: str
) -> None:
    if mode == "log":
        monkeypatch.setattr(sockets, "EventRing", partial(EventRing, events_max=0))
    chance = random.Random(f"{name} {mode} 5")
    async with playing(in_process(tmp_path), name, chance, Place(), moves=mode == "moves") as scene:
        for _ in range(STEPS):
            await scene.go_on()
        await scene.check(exactly=mode == "memory")
        if name == "messenger":
            quotes = scene.ledger.check_quotes(await scene.stays.notified())
            assert quotes + scene.ledger.check_quotes(scene.leaver.received) or mode == "moves"


@pytest.mark.parametrize("name", DIALECTS)
async def test_one_offset_resumes_the_connections_to_servers_of_two_logs(tmp_path: Path, name: str) -> None:
    chance, place = random.Random(f"{name} two logs 5"), Place()
    async with AsyncExitStack() as stack:
        scenes = []
        for log in range(2):
            folder = tmp_path / str(log)
            begin_new_log(folder, log)
            scenes.append(await stack.enter_async_context(playing(in_process(folder), name, chance, place)))
        for _ in range(STEPS):
            await chance.choice(scenes).go_on()
        for scene in scenes:
            await scene.check(exactly=True)
        assert "," in str(place.offset)


def begin_new_log(folder: Path, log: int) -> None:
    """Creates the database of a server's data folder as the log with the number `log`."""
    (folder / "data").mkdir(parents=True)
    url = sqlite_url(folder / "data" / "talkwire.db")
    migrate_url(url)
    begin_log(url, log)


@dataclass
class Scene:
    """A story, and two clients of the same user: one that stays connected, and one that leaves and returns."""

    story: Story
    ledger: Ledger
    stays: Returner
    leaver: Leaver
    _chance: random.Random

    async def go_on(self) -> None:
        """Performs the next action of the story, and possibly disconnects the leaver or lets it return."""
        await self.story.go_on()
        if self._chance.random() < 0.35:
            await (self.leaver.leave() if self.leaver.here else self.leaver.come_back())

    async def check(self, *, exactly: bool) -> None:
        """Asserts that both clients have received the same."""
        if not self.leaver.here:
            await self.leaver.come_back()
        assert await received_the_same(self.stays, self.leaver, self.ledger, exactly=exactly)
        assert len(self.leaver.received) > 2, "there is something to be compared"


@asynccontextmanager
async def playing(
    node: Node, name: str, chance: random.Random, place: Place, *, moves: bool = False
) -> AsyncIterator[Scene]:
    """Serves a node, connects both clients in the dialect `name`, and begins a story."""
    async with serving(node) as address, world_at(address) as world:
        story = Story(world, node.chat, chance, moves=moves)
        for who in ("alice", "bob", "carol"):
            await world.request("GET", "/api/v1/users/me", by=who)
        await story.begin()
        ledger = Ledger(node.chat, story.alice.user_id, story.conversations[2])
        stays = Returner(world, "alice", DIALECTS[name])
        leaver = Leaver(Returner(world, "alice", DIALECTS[name]), chance, ledger, place)
        await stays.come()
        await leaver.returner.come()
        await choose_rooms(name, story, stays, leaver.returner)
        leaver.received = await same_beginning(story, node.chat, stays, leaver)
        yield Scene(story, ledger, stays, leaver, chance)


async def choose_rooms(name: str, story: Story, *returners: Returner) -> None:
    """One conversation is joined and the others are left, or the other way round."""
    if name in OPENING:
        opens, closes, member = OPENING[name]
        event = closes if DIALECTS[name].follows_all else opens
        for returner in returners:
            answer = await returner.socket.call(event, {member: story.conversations[0]})
            assert answer["success"] is True


async def same_beginning(story: Story, chat: Chat, stays: Returner, leaver: Leaver) -> list[Delivered]:
    """Both clients receive a first message, which shows that they are in their rooms."""
    await chat.execute(story.bob, SendMessage(story.conversations[0], "begin"))
    await chat.execute(story.bob, SendMessage(story.conversations[1], "begin"))

    async def have_received() -> bool:
        return bool(await stays.notified() and await leaver.returner.notified())

    await until_asked(have_received)
    await leaver.take()
    return leaver.received


async def received_the_same(stays: Returner, leaver: Leaver, ledger: Ledger, *, exactly: bool) -> bool:
    """Returns whether both received the same events, after late receipts have arrived. The log shows messages in their
    current state."""
    stayed: list[Any] = []
    received: list[Any] = []

    async def are_the_same() -> bool:
        nonlocal stayed, received
        await leaver.take()
        stayed, received = list(await stays.notified()), list(leaver.received)
        for back in leaver.returns:
            stayed = ledger.left_over(stayed, back)
        if not exactly:
            stayed, received = [(n, o) for n, _, o in stayed], [(n, o) for n, _, o in received]
        return stayed == received

    with contextlib.suppress(TimeoutError):
        return await until_asked(are_the_same)
    assert received == stayed
    return False
