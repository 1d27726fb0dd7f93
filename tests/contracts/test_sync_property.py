"""Sync: the state at any moment, with the events after it applied, is the state now. And nobody receives events that
are not for them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.blocks import BlockUser, UnblockUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    FollowThread,
    ForwardMessage,
    GetMessage,
    MarkThreadRead,
    PinMessage,
    React,
    SaveMessage,
    SendMessage,
    UnfollowThread,
    UnpinMessage,
    Unreact,
    UnsaveMessage,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.notifications import MarkNotificationsRead
from talkwire.core.commands.offers import CreateOffer, GetOffer, OfferDecision, UpdateOffer
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import MarkDelivered, MarkRead, MarkUnread
from talkwire.core.commands.server.recovery import ListMissed
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.audience import audience_of
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationUpdated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MessageEvent,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    OfferCreated,
    OfferUpdated,
    UserBlocked,
    UserUnblocked,
)
from talkwire.core.domain.log.positions import begins_after, id_at, log_of, pos_of
from talkwire.core.domain.model import Actor, Member, MemberRole
from talkwire.core.ports.transaction import Snapshot, Transaction
from talkwire.dialects.messenger.outbound import OUTBOUND
from talkwire.storage.engine import sqlite_url
from tests.contracts.node import BACKEND, Call, Clock, Node, running
from tests.contracts.sync_client import SyncClient, follow_logs, joined
from tests.databases import Database, PostgresServer, begin_log, migrate_url
from tests.repetition import repetitions

USERS = ("alice", "bob", "carol", "dave")
ACTORS = tuple(Actor(user_id, user_id.title()) for user_id in USERS)
CONVERSATIONS = ("c", "d", "e")

Step = tuple[Actor, Command[Any]]
Recipe = tuple[str, int, int, int]
"""(kind of step, and three numbers that choose the user, the conversation and the message)"""


@dataclass(frozen=True)
class Choice:
    """The user, the conversation and the message of a step."""

    actor: Actor
    other: str
    talk: str
    message: str
    offer: str
    which: int


# Several times as frequent as others, because other steps need their effects.
_OFTEN: Mapping[str, Callable[[Choice], Command[Any]]] = {
    "send": lambda c: SendMessage(c.talk, f"text {c.which}"),
    "mention": lambda c: SendMessage(c.talk, f"hello @{c.other}"),
    "thread": lambda c: SendMessage(c.talk, "in the thread", thread_id=c.message),
    "read": lambda c: MarkRead(c.talk, None if c.which % 2 else c.message),
}
_SOMETIMES: Mapping[str, Callable[[Choice], Command[Any]]] = {
    "mention_all": lambda c: SendMessage(c.talk, f"@all and @{c.other}: hello"),
    "reply": lambda c: SendMessage(c.talk, "a reply", reply_to_id=c.message),
    "mark_unread": lambda c: MarkUnread(c.talk, None if c.which % 4 == 0 else c.message),
    "follow": lambda c: FollowThread(c.message),
    "unfollow": lambda c: UnfollowThread(c.message),
    "read_thread": lambda c: MarkThreadRead(c.message),
    "read_notifications": lambda c: MarkNotificationsRead(None if c.which % 2 else (c.message,)),
    "deliver": lambda c: MarkDelivered(c.talk, None if c.which % 2 else c.message),
    "edit": lambda c: EditMessage(c.message, f"edited {c.which} @{c.other}"),
    "label": lambda c: EditMessage(c.message, metadata={"n": c.which} if c.which % 3 else None),
    "delete": lambda c: DeleteMessage(c.message),
    "react": lambda c: React(c.message, "👍" if c.which % 2 else "🎉"),
    "unreact": lambda c: Unreact(c.message, "👍"),
    "pin": lambda c: PinMessage(c.message),
    "unpin": lambda c: UnpinMessage(c.message),
    "forward": lambda c: ForwardMessage(c.message, (CONVERSATIONS[c.which % 3],)),
    "remove": lambda c: RemoveMember(c.talk, c.other),
    "leave": lambda c: RemoveMember(c.talk, c.actor.user_id),
    "rename": lambda c: UpdateConversation(c.talk, name=f"name {c.which}"),
    "delete_talk": lambda c: DeleteConversation(c.talk),
    "block": lambda c: BlockUser(c.other),
    "unblock": lambda c: UnblockUser(c.other),
    "direct": lambda c: CreateConversation("direct", (c.other,)),
    "offer": lambda c: CreateOffer(c.talk, "an offer", c.which, "EUR"),
    "decide": lambda c: UpdateOffer(c.offer, _DECISIONS[c.which % 3]),
    "prefer": lambda c: SetMemberPreferences(
        c.talk, muted=c.which % 2 == 0, notify=None, sound=None, favourite=c.which % 3 == 0, archived=c.which % 4 < 2
    ),
    "archive": lambda c: SetMemberPreferences(c.talk, archived=True),
    "save": lambda c: SaveMessage(c.message),
    "unsave": lambda c: UnsaveMessage(c.message),
}
_BY_THE_BACKEND: Mapping[str, Callable[[Choice], Command[Any]]] = {
    "add": lambda c: AddMembers(c.talk, (USERS[c.which % 4],)),
    "mute": lambda c: RestrictMember(c.talk, c.other, "ban" if c.which % 4 == 0 else "mute", 1_700_000_100_000),
    "unmute": lambda c: UnrestrictMember(c.talk, c.other, "mute"),
    "role": lambda c: UpdateMember(c.talk, c.other, _ROLES[c.which % 3]),
    "history": lambda c: UpdateConversation(c.talk, history="from-join" if c.which % 2 else "all"),
}
_DECISIONS: tuple[OfferDecision, ...] = ("accepted", "rejected", "withdrawn")
_ROLES: tuple[MemberRole, ...] = ("owner", "admin", "member")
_WHAT = (*(tuple(_OFTEN) * 3), *_SOMETIMES, *_BY_THE_BACKEND, *("add",) * 3)
_LAST = frozenset({"leave", "mute", "delete_talk"})
"""Steps after which there is less and less to do."""

_recipes: st.SearchStrategy[Sequence[Recipe]] = st.lists(
    st.tuples(st.sampled_from(_WHAT), st.integers(0, 3), st.integers(0, 3), st.integers(0, 11)), max_size=40
)


@dataclass(frozen=True)
class Way:
    """How many commands each transaction has.

    With a bug in one more command, the transaction is rolled back and the commands are executed singly.
    """

    at_once: int = 1
    failing: bool = False


_ways = st.builds(Way, st.integers(1, 8), st.booleans())


class Story:
    """The commands so far, to which further ones can refer."""

    def __init__(self) -> None:
        self.message_ids: dict[str, list[int]] = {}
        self.offer_ids: list[int] = []

    def step(self, recipe: Recipe, soon: Sequence[int] = ()) -> Step:
        """Returns the command of a step. `soon`: ids that messages will have by then if all succeeds."""
        what, who, where, which = recipe
        talk = CONVERSATIONS[where % 3]
        choice = Choice(
            actor=ACTORS[who],
            other=USERS[(who + which + 1) % 4],
            talk=talk,
            message=_latest((*self.message_ids.get(talk, ()), *soon), which),
            offer=_latest(self.offer_ids, which),
            which=which,
        )
        if what in _BY_THE_BACKEND:
            return BACKEND, _BY_THE_BACKEND[what](choice)
        return choice.actor, (_OFTEN.get(what) or _SOMETIMES[what])(choice)

    def hear(self, event: Durable) -> None:
        if isinstance(event, MessageSent):
            self.message_ids.setdefault(event.message.conversation_id, []).append(event.message.id)
        offer = getattr(event, "offer", None)
        if offer is not None:
            self.offer_ids.append(offer.id)


def _latest(ids: Sequence[int], which: int) -> str:
    """Returns one of the newest ids, or an unknown one if there are none."""
    return str(ids[-1 - which % len(ids)] if ids else 1)


async def _play(nodes: Sequence[Node], before: Sequence[Recipe], after: Sequence[Recipe], way: Way) -> None:
    """Plays a story at nodes of different logs. A client reads all of them with one cursor."""
    stories = [(node, Story()) for node in nodes]
    for node in nodes:
        await _begin(node)
    await _tell_in_turns(stories, before, way)
    late = [[await SyncClient(node, actor).load() for node in nodes] for actor in ACTORS]
    await _tell_in_turns(stories, after, way)
    for clients in late:
        await follow_logs(clients)
        for client in clients:
            await _is_up_to_date(client)
    for actor in ACTORS:
        from_the_beginning = [SyncClient(node, actor, node.first_cursor) for node in nodes]
        await follow_logs(from_the_beginning)
        for client in from_the_beginning:
            assert client.received == _Listener(actor.user_id).meant(client.node.log)
            await _shows_nothing_else(client.node, actor, client.cursor)


async def _tell_in_turns(stories: Sequence[tuple[Node, Story]], recipes: Sequence[Recipe], way: Way) -> None:
    """Executes each log's share of the recipes."""
    for which, (node, story) in enumerate(stories):
        await _tell(node, story, recipes[which :: len(stories)], way)
        assert await _remembers(node)


async def _is_up_to_date(client: SyncClient) -> None:
    """Asserts that a client which has applied all events has the state that it would load now."""
    fresh = await SyncClient(client.node, client.actor).load()
    hidden = _have_blocked(client.node.log, client.user_id)
    assert _without_positions(client.state(), hidden) == _without_positions(fresh.state(), hidden)
    assert client.blocked == fresh.blocked
    counted = {id_: talk.unread(fresh.user_id, fresh.blocked) for id_, talk in fresh.talks.items()}
    assert await fresh.notified_unread() == counted


def _have_blocked(log: Sequence[Any], user_id: str) -> set[str]:
    """Returns who has blocked a user at any time.

    Their read positions are hidden while the block lasts, and its end is not announced.
    """
    return {event.user_id for event in log if isinstance(event, UserBlocked) and event.blocked_id == user_id}


def _without_positions(state: Any, user_ids: set[str]) -> Any:  # noqa: ANN401 (JSON)
    for talk in state.values():
        talk["members"] |= {id_: (talk["members"][id_][0],) for id_ in user_ids & talk["members"].keys()}
    return state


async def _shows_nothing_else(node: Node, actor: Actor, cursor: str) -> None:
    """Asserts that a forged cursor shows no message and no quote that the user may not read now. `cursor` has entries
    for all logs; its entry for this one is set back to the beginning."""
    forged = joined([cursor, node.first_cursor])
    events = (await node.do(actor, ListEvents(forged, 100))).events
    missed = (await node.do(actor, ListMissed(begins_after(log_of(node.chat.pos)), node.chat.pos))).events
    shown: set[int] = set()
    for event in (*events, *missed):
        if isinstance(event, MessageEvent):
            shown |= {event.message.id} | ({event.message.reply_to.id} if event.message.reply_to else set())
        if isinstance(event, OfferCreated | OfferUpdated):
            await node.do(actor, GetOffer(str(event.offer.id)))
    for message_id in shown:
        await node.do(actor, GetMessage(str(message_id)))


async def _begin(node: Node) -> None:
    for actor in ACTORS:
        await node.do(actor, EnsureUser(actor.user_id, actor.name))
    await node.do(BACKEND, CreateConversation("group", USERS[:3], id="c", owner_id=USERS[0]))
    await node.do(BACKEND, CreateConversation("group", USERS[1:], id="d", history="from-join", owner_id=USERS[1]))
    await node.do(BACKEND, CreateConversation("channel", USERS, id="e", owner_id=USERS[0]))


async def _tell(node: Node, story: Story, recipes: Sequence[Recipe], way: Way = Way()) -> set[str]:
    """Executes the recipes. Those of one transaction refer to each other. Returns what was executed."""
    carried_out = set()
    for start in range(0, len(recipes), way.at_once):
        batch = recipes[start : start + way.at_once]
        received, next_id = len(node.log), id_at(node.chat.pos) + 1
        steps = [story.step(recipe, range(next_id, next_id + index)) for index, recipe in enumerate(batch)]
        bugs = [(BACKEND, Call(_fail))] if way.failing else []
        outcomes = await node.in_one_batch(*steps, *bugs)
        for recipe, outcome in zip(batch, outcomes, strict=not bugs):
            if not isinstance(outcome, Exception):
                carried_out.add(recipe[0])
            elif not isinstance(outcome, ChatError) or outcome.code == "unavailable":
                raise outcome
        for event in node.log[received:]:
            story.hear(event)  # type: ignore[arg-type]  # durable events are of the union
    return carried_out


def _fail(tx: Transaction) -> None:
    raise RuntimeError


async def _remembers(node: Node) -> bool:
    """Returns whether the writer's cache equals the tables."""
    view = node.writer._view

    def compare(snapshot: Snapshot) -> bool:
        return (
            all(snapshot.user(id_) == user for id_, user in view.users.items())
            and all(snapshot.conversation(id_) == talk for id_, talk in view.conversations.items())
            and all(snapshot.member(*key) == member for key, member in view.members.items())
        )

    return await node.readers.read(compare)


class _Sight(NamedTuple):
    """What a member may not see of a conversation: messages up to `seq`, offers up to `pos`."""

    seq: int
    pos: int

    def shows(self, event: Durable) -> bool:
        if isinstance(event, MessageEvent):
            return event.message.seq > self.seq
        return not isinstance(event, OfferCreated | OfferUpdated) or pos_of(event.offer.id) > self.pos


_ALL = _Sight(0, 0)


class _Listener:
    """One user who reads the whole log once.

    Events of a conversation count if the user is a member at the end and may see them then. The end of a membership
    always counts.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._inside: dict[str, _Sight] = {}
        self._notified: list[tuple[str | None, Durable]] = []
        self._from_join: dict[str, bool] = {}
        self._last_seqs: dict[str, int] = {}
        self._blocker_ids: set[str] = set()

    def meant(self, log: Sequence[Any]) -> list[int]:
        """Returns the positions of the events that the user should receive."""
        for event in log:
            self._enter(event)
            self._block(event)
            self._tell(event)
            self._leave(event)
        return [event.pos for conversation_id, event in self._notified if self._counts(conversation_id, event)]

    def _counts(self, conversation_id: str | None, event: Durable) -> bool:
        if conversation_id is None or self._ends_membership(event):
            return True
        if isinstance(event, MessagesRead | MessagesDelivered) and event.user_id in self._blocker_ids:
            return False
        return conversation_id in self._inside and self._inside[conversation_id].shows(event)

    def _block(self, event: Durable) -> None:
        if isinstance(event, UserBlocked) and event.blocked_id == self._user_id:
            self._blocker_ids.add(event.user_id)
        if isinstance(event, UserUnblocked) and event.blocked_id == self._user_id:
            self._blocker_ids.discard(event.user_id)

    def _tell(self, event: Durable) -> None:
        if type(event) not in OUTBOUND:
            return
        audience = audience_of(event)
        sight = self._inside.get(audience.conversation_id or "")
        if audience.user_id == self._user_id or (sight is not None and sight.shows(event)):
            self._notified.append((audience.conversation_id, event))

    def _enter(self, event: Durable) -> None:
        """Derives the history from the conversation's rules, and not from the members' rows."""
        if isinstance(event, ConversationCreated | ConversationUpdated):
            self._from_join[event.conversation.id] = event.conversation.history == "from-join"
        if isinstance(event, MessageSent):
            self._last_seqs[event.message.conversation_id] = event.message.seq
        if isinstance(event, ConversationCreated) and self._is_among(event.members):
            self._inside[event.conversation.id] = _ALL
        if isinstance(event, MemberAdded) and self._is_among(event.members):
            id_ = event.conversation_id
            self._inside[id_] = _Sight(self._last_seqs.get(id_, 0), event.pos) if self._from_join[id_] else _ALL

    def _is_among(self, members: Sequence[Member]) -> bool:
        return any(member.user_id == self._user_id for member in members)

    def _ends_membership(self, event: Durable) -> bool:
        return isinstance(event, ConversationDeleted) or (
            isinstance(event, MemberRemoved) and event.user_id == self._user_id
        )

    def _leave(self, event: Durable) -> None:
        if isinstance(event, ConversationDeleted | MemberRemoved) and self._ends_membership(event):
            self._inside.pop(event.conversation_id, None)


@settings(max_examples=repetitions(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_recipes, _recipes, _ways)
def test_the_state_and_the_events_after_it_are_the_state_now_on_sqlite(
    before: Sequence[Recipe], after: Sequence[Recipe], way: Way
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tw-sync-"))
    try:
        url = sqlite_url(folder / "sync.db")
        migrate_url(url)
        asyncio.run(_on([Database("sqlite", url)], before, after, way))
    finally:
        shutil.rmtree(folder)


@settings(max_examples=repetitions(10), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=_recipes, after=_recipes, way=_ways)
def test_the_state_and_the_events_after_it_are_the_state_now_on_postgresql(
    postgresql: PostgresServer, before: Sequence[Recipe], after: Sequence[Recipe], way: Way
) -> None:
    name = postgresql.create_migrated()
    try:
        asyncio.run(_on([Database("postgresql", postgresql.url_of(name))], before, after, way))
    finally:
        postgresql.drop(name)


@settings(max_examples=repetitions(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_recipes, _recipes, _ways)
def test_one_cursor_reads_two_logs(before: Sequence[Recipe], after: Sequence[Recipe], way: Way) -> None:
    """The logs are two SQLite files; the ids of all that is in them differ."""
    folder = Path(tempfile.mkdtemp(prefix="tw-sync-"))
    try:
        urls = [sqlite_url(folder / name) for name in ("first.db", "second.db")]
        for log, url in enumerate(urls):
            migrate_url(url)
            begin_log(url, log)
        asyncio.run(_on([Database("sqlite", url) for url in urls], before, after, way))
    finally:
        shutil.rmtree(folder)


async def _on(databases: Sequence[Database], before: Sequence[Recipe], after: Sequence[Recipe], way: Way) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(running(database, Clock())) for database in databases]
        await _play(nodes, before, after, way)


async def test_every_kind_of_step_is_carried_out_in_a_long_story(node: Node) -> None:
    """A step that is always refused would prove nothing."""
    chance = Random(7)
    story = Story()
    carried_out: set[str] = set()
    await _begin(node)
    for _ in range(1500):
        recipe = (chance.choice(_WHAT), chance.randrange(4), chance.randrange(4), chance.randrange(12))
        if recipe[0] not in _LAST or carried_out >= set(_WHAT) - _LAST:
            carried_out |= await _tell(node, story, [recipe])
        if carried_out == set(_WHAT):
            return
    raise AssertionError(f"never carried out: {set(_WHAT) - carried_out}")
