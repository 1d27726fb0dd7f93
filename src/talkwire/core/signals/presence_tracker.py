"""Presence of this node's users: handles connects, disconnects, commands and queries, and announces and stores changes.

Changes in one turn of the event loop are announced at its end. Connects and disconnects are written to the database a
moment later, many with one statement and together with the renewal of the node's lease; nothing waits for that. With
several nodes, changes are announced only after that, because the record shows whether the user is online on other
nodes.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec
import structlog

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.command import Page
from talkwire.core.commands.presence import (
    FindContacts,
    FindOnlineElsewhere,
    FindVisiblePresence,
    ForgetUsers,
    GetPresence,
    GetPresenceOf,
    LeaseReport,
    ListOnline,
    PresenceTransition,
    RenewLease,
    SetPresence,
    StorePresence,
    UserLeft,
    VisiblePresence,
)
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.access import may_act, must_be_backend, require
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.events import PresenceChanged, PresenceChosen, UsersMoved
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Actor, Presence, PresenceEnds, PresenceRecord
from talkwire.core.features.users.presence_rules import check_status, check_user_ids, text_and_ends
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.signals.deadline_timer import DeadlineTimer
from talkwire.core.signals.presence_state import GRACE_S, PresenceState

ONLINE_PAGE_MAX = 1000

REMOVE_PAGE = 1000
REMOVE_PAUSE_S = 0.1
"""Users of a dead node are removed in pages with pauses, because there may be very many."""

SETTLE_S = 0.4
"""Seconds within which other nodes answer which users are connected to them, or have recorded it in the database."""

_TOPIC = "who-is-here"

_logger = structlog.get_logger(__name__)


class PresenceTracker:
    """Tracks and announces the presence of this node's users.

    `grace_s`: seconds without a socket after which a user counts as offline. `contacts_max`: up to this many members, a
    group's members see each other's presence. `on_user_changes` is called when there are connects or disconnects to
    record with the lease; `on_recorded` is called with the connects and disconnects that any node has recorded.
    """

    def __init__(
        self,
        chat: ChatAccess,
        publisher: Publisher,
        peers: Peers,
        *,
        contacts_max: int = CONTACTS_MAX,
        grace_s: float = GRACE_S,
    ) -> None:
        self._chat = chat
        self._publisher = publisher
        self._contacts_max = contacts_max
        self._state = PresenceState(grace_s)
        self._leaving = DeadlineTimer(self._state.next_deadline, self._expire)
        self._peers = peers
        self._node_id = peers.node_id
        peers.answer(_TOPIC, tuple[str, ...], self._who_is_here)
        self.on_user_changes: Callable[[], None] = lambda: None
        self.on_recorded: Callable[[UsersMoved], None] = lambda _: None
        self._publish_scheduled = False
        # Users who disconnected, until the database has recorded it.
        self._left: dict[str, PresenceRecord] = {}
        # How many status changes of a user are being stored.
        self._storing: Counter[str] = Counter()
        self._tasks = BackgroundTasks()
        self._removing_users = False
        self.handlers: SignalHandlers = MappingProxyType(
            {
                SetPresence: self._set,
                GetPresence: self._get,
                GetPresenceOf: self._get_one,
                ListOnline: self._list_online,
            }
        )

    def close(self) -> None:
        """Stops the timer that announces users as offline after their grace period, and cancels background tasks."""
        self._leaving.cancel()
        self._tasks.cancel()

    def enable_peers(self) -> None:
        """Makes changes wait until they are recorded in the database before they are announced. Called once if the
        server can have several nodes."""
        self._state.has_peers = True

    def is_elsewhere(self, user_id: str) -> bool:
        """Returns whether a user of this node is known to be online on another node too."""
        return self._state.is_elsewhere(user_id)

    # --- sockets ----------------------------------------------------------------------------------------------------

    def connected(self, user_id: str, socket_id: str) -> None:
        """Adds a new socket of a user to the user's presence. The user must already be in the directory (the cache of
        users)."""
        entry = self._chat.directory.peek(user_id)
        self._left.pop(user_id, None)
        self._state.connected(user_id, socket_id, None if entry is None else entry.presence)
        self._schedule_publish()

    def disconnected(self, user_id: str, socket_id: str) -> None:
        """Removes a closed socket from the user's presence. After the user's last socket, the grace period starts,
        after which the user counts as offline."""
        self._state.disconnected(user_id, socket_id, asyncio.get_running_loop().time(), _now_ms())
        self._leaving.arm()
        self._schedule_publish()

    # --- commands and queries -----------------------------------------------------------------------------------------

    def _set(self, actor: Actor, command: SetPresence) -> Awaitable[None]:
        """Sets the actor's status and returns an awaitable that finishes when the status is stored. Applies the status
        before returning, because the socket may close in the next turn of the event loop."""
        now_ms = _now_ms()
        check_status(command, now_ms)
        entry = self._chat.directory.peek(actor.user_id)
        require(may_act(None if entry is None else entry.user))
        before, hidden_ms = self._state.record(actor.user_id), None
        if before is not None:
            text, ends = text_and_ends(before, command.text, command.ends)
            chosen = self._state.choose(actor.user_id, command.source, command.status, text, now_ms, ends=ends)
            if command.status == "invisible" and before.status != "invisible":
                hidden_ms = chosen.last_seen_ms
            self._cache_record(chosen)
            self._schedule_publish()
        self._storing[actor.user_id] += 1
        stored = StorePresence(command.status, command.text, hidden_ms, command.ends)
        return self._store(actor, stored, everywhere=command.source is None)

    async def _store(self, actor: Actor, command: StorePresence, *, everywhere: bool) -> None:
        try:
            record = await self._chat.execute(actor, command)
        finally:
            self._storing[actor.user_id] -= 1
            if not self._storing[actor.user_id]:
                del self._storing[actor.user_id]
        self._cache_record(record)
        if self._state.has_peers:
            self._publisher.publish_to_peers([PresenceChosen(record, everywhere)])

    async def _get(self, actor: Actor, command: GetPresence) -> tuple[Presence, ...]:
        return await self.presence_of(actor, command.user_ids)

    async def _get_one(self, actor: Actor, command: GetPresenceOf) -> Presence:
        found = await self.presence_of(actor, (command.user_id,))
        if not found:
            raise forbidden()
        return found[0]

    async def presence_of(self, actor: Actor, user_ids: tuple[str, ...]) -> tuple[Presence, ...]:
        """Returns the presence of those of the users whom the actor may see: users who share a conversation with the
        actor."""
        check_user_ids(user_ids)
        query = FindVisiblePresence(user_ids, self._node_id)
        found: Sequence[VisiblePresence] = await self._chat.execute(actor, query)
        missing = tuple(each.record.user_id for each in found if self._is_missing(each))
        if missing and self._peers.has_peers:
            found = await self._find_missing(actor, query, found, missing)
        return tuple(self._seen_by(actor, acquaintance) for acquaintance in found)

    def _is_missing(self, found: VisiblePresence) -> bool:
        """Returns whether no node is known on which the user is online; the user may have just connected to another
        node."""
        return not found.elsewhere and self._state.away(found.record.user_id) is None

    async def _find_missing(
        self, actor: Actor, query: FindVisiblePresence, found: Sequence[VisiblePresence], missing: tuple[str, ...]
    ) -> Sequence[VisiblePresence]:
        """Returns `found`, completed with users who have just connected to other nodes. It asks these nodes, because
        the database is updated a moment later.

        If a node does not answer, it waits `SETTLE_S` seconds and queries the database again.
        """
        now = asyncio.get_running_loop().time
        until = now() + SETTLE_S
        answers = await self._peers.ask(_TOPIC, missing, dict[str, bool], wait_s=SETTLE_S)
        if not self._peers.have_answered(answers):
            await asyncio.sleep(until - now())
            found = await self._chat.execute(actor, query)
        elsewhere: dict[str, bool] = {}
        for answer in answers.values():
            for user_id, away in answer.items():
                elsewhere[user_id] = away and elsewhere.get(user_id, True)
        return [
            msgspec.structs.replace(each, elsewhere=True, away=elsewhere[each.record.user_id])
            if not each.elsewhere and each.record.user_id in elsewhere
            else each
            for each in found
        ]

    async def _who_is_here(self, user_ids: tuple[str, ...]) -> dict[str, bool]:
        """Returns user id -> whether the user is away, for those of the users who are connected to this node. Other
        nodes ask for it."""
        return {user_id: away for user_id in user_ids if (away := self._state.away(user_id)) is not None}

    async def contacts_presence(self, actor: Actor) -> tuple[Presence, ...]:
        """Returns the presence of the actor and their contacts (users who share a direct conversation or a small group
        with the actor), for the initial state of a client."""
        query = FindContacts(self._contacts_max, self._node_id)
        found = await self._chat.execute(actor, query)
        return tuple(self._seen_by(actor, acquaintance) for acquaintance in found)

    async def _list_online(self, actor: Actor, command: ListOnline) -> Page[Presence]:
        """Returns a page of the users whom others see as online, on this node and on other nodes."""
        must_be_backend(actor)
        limit = max(1, min(command.limit, ONLINE_PAGE_MAX))
        after = command.cursor or ""
        elsewhere = await self._chat.execute(actor, FindOnlineElsewhere(self._node_id, command.cursor, limit + 1))
        seen = {person.user_id: person for person in (self._seen_by(actor, other) for other in elsewhere)}
        now_ms = _now_ms()
        here = heapq.nsmallest(limit + 1, (id_ for id_ in self._state.visible_ids() if id_ > after))
        seen.update((id_, found.at(now_ms)) for id_ in here if (found := self._state.presence(id_)) is not None)
        page = sorted(seen)[:limit]
        items = tuple(seen[id_] for id_ in page if seen[id_].status != "offline")
        return Page(items, page[-1] if len(seen) > limit else None)

    def _seen_by(self, actor: Actor, found: VisiblePresence) -> Presence:
        now_ms = _now_ms()
        record = self._left.get(found.record.user_id, found.record).at(now_ms)
        own = record.user_id == actor.user_id
        here = self._state.presence(record.user_id, own=own)
        if here is not None and (own or not found.elsewhere or here.status != "offline"):
            return here.at(now_ms)
        if found.elsewhere and (own or record.status != "invisible"):
            chosen = record.status if record.status in {"dnd", "invisible"} else None
            status = chosen or ("away" if found.away else "online")
            return Presence(record.user_id, status, record.text, None, record.ends)
        return _offline(record)

    # --- announcing changes -----------------------------------------------------------------------------------------

    def _schedule_publish(self) -> None:
        if not self._publish_scheduled:
            self._publish_scheduled = True
            asyncio.get_running_loop().call_soon(self._publish_changes)

    def _publish_changes(self) -> None:
        self._publish_scheduled = False
        self._publish(self._state.take_changes())
        self.on_user_changes()

    def _expire(self, now: float) -> None:
        changes = []
        for departed in self._state.expire(now):
            self._cache_record(departed.record)
            self._left[departed.record.user_id] = departed.record
            if departed.change is not None:
                changes.append(departed.change)
        self._publish(changes)
        self.on_user_changes()

    def _publish(self, changes: Sequence[PresenceChanged]) -> None:
        """Publishes presence changes. With several nodes, adds each user's conversations and blocked users, from which
        other nodes find the users to notify."""
        now_ms = _now_ms()
        changes = [msgspec.structs.replace(change, presence=change.presence.at(now_ms)) for change in changes]
        if not self._state.has_peers:
            known = list(changes)
        else:
            uncached: list[PresenceChanged] = []
            known = []
            for change in changes:
                entry = None if change.own else self._chat.directory.peek(change.presence.user_id)
                if entry is not None:
                    known.append(self._with_contact_conversations(change, entry, {}))
                else:
                    (known if change.own else uncached).append(change)
            if uncached:
                self._tasks.start(self._publish_uncached(uncached))
        if known:
            self._publisher.publish(known)

    async def _publish_uncached(self, uncached: Sequence[PresenceChanged]) -> None:
        """Publishes presence changes of users who are not in this node's directory (its cache of users), such as users
        of a dead node. Looks the users up first."""
        try:
            found = await self._chat.directory.look_up({change.presence.user_id for change in uncached})
        except ChatError as error:
            _logger.warning("offline users could not be announced", code=error.code, users=len(uncached))
            return
        entries, facts = found.entries, found.facts
        self._publisher.publish(
            [self._with_contact_conversations(each, entries[each.presence.user_id], facts) for each in uncached]
        )

    def _with_contact_conversations(
        self, change: PresenceChanged, entry: DirectoryEntry, facts: Mapping[str, ConversationFacts]
    ) -> PresenceChanged:
        conversation_ids = self._chat.directory.memberships.contact_conversations(entry.conversation_ids, facts)
        return msgspec.structs.replace(change, circle_ids=conversation_ids, blocked_ids=tuple(entry.blocked_ids))

    def forget(self, user_id: str) -> None:
        """Removes the chosen status and text of an erased user from memory, and announces the user as offline at once:
        their sockets close a moment later."""
        if user_id in self._left:
            self._left[user_id] = PresenceRecord(user_id)
        self._state.erase(user_id)
        self._schedule_publish()

    def _cache_record(self, record: PresenceRecord) -> None:
        entry = self._chat.directory.peek(record.user_id)
        if entry is not None:
            entry.presence = record

    # --- recording ----------------------------------------------------------------------------------------------------

    @property
    def has_user_changes(self) -> bool:
        return self._state.has_user_changes

    def take_user_changes(self) -> tuple[tuple[str, ...], tuple[UserLeft, ...], tuple[str, ...]]:
        arrived, departed, away = self._state.take_user_changes()
        return arrived, departed + self._state.take_interruptions(), away

    def not_recorded(self, lease: RenewLease) -> None:
        self._state.put_back(lease.arrived, _departures(lease))
        self._state.put_back_interruptions(each for each in lease.departed if each.returned is not None)

    def recorded(self, lease: RenewLease, report: LeaseReport) -> None:
        for departure in _departures(lease):
            self._left.pop(departure.user_id, None)
        if self._state.has_peers:
            self._publish(self._state.recorded(report.transitions, self._storing))
            self._publish_moves(self._node_id, report.transitions)
        if not report.known:
            # Other nodes have declared this node's users offline; or the node has just started and has no users.
            self._state.mark_unrecorded()
        if report.left_behind and not self._removing_users:
            self._removing_users = True
            self._tasks.start(self._remove_users_of_dead_nodes())

    async def _remove_users_of_dead_nodes(self) -> None:
        """Removes the users of dead nodes from the database page by page, and announces that they are offline. Other
        nodes may do the same; each node announces only the users that it has removed."""
        try:
            while True:
                removed = await self._chat.execute(NODE, ForgetUsers(REMOVE_PAGE))
                if removed.node_id is None:
                    return
                changes = self._state.gone_elsewhere(removed.node_id, removed.transitions)
                self._publish_moves(removed.node_id, removed.transitions)
                self._publish(changes)
                if not removed.more:
                    return
                await asyncio.sleep(REMOVE_PAUSE_S)
        except ChatError as error:
            _logger.warning("users of a dead node could not be removed yet", code=error.code)
        finally:
            self._removing_users = False

    # --- other nodes ------------------------------------------------------------------------------------------------

    def _publish_moves(self, node_id: str, transitions: Sequence[PresenceTransition]) -> None:
        if not transitions:
            return
        came = [transition for transition in transitions if transition.after is not None]
        left = [transition for transition in transitions if transition.after is None]
        event = UsersMoved(
            node_id,
            first=_ids(transition for transition in came if transition.before is None and not transition.others),
            came=_ids(transition for transition in came if transition.others),
            away=_ids(transition for transition in came if transition.others and transition.after),
            left=_ids(transition for transition in left if transition.others),
            gone=_ids(transition for transition in left if not transition.others),
        )
        self._publisher.publish_to_peers([event])
        self.on_recorded(event)

    def moved_elsewhere(self, event: UsersMoved) -> None:
        """Applies an event of another node that says which users connected to it and disconnected from it."""
        if event.node_id != self._node_id:
            self._state.moved_elsewhere(event.node_id, event.came, event.away, (*event.left, *event.gone))
        self.on_recorded(event)

    def expect_elsewhere(self, user_id: str, node_id: str) -> None:
        """Treats a user as online on another node too, because the user's client is about to reconnect to that node."""
        self._state.expect_elsewhere(user_id, node_id)

    def chosen_elsewhere(self, event: PresenceChosen) -> None:
        """Applies a status that a user has chosen on another node."""
        self._state.chosen_elsewhere(event.record, everywhere=event.everywhere)
        self._cache_record(event.record)
        self.on_user_changes()

    def receive(self, event: PresenceChanged) -> None:
        """Stores a presence change that another node has announced, so that this node does not announce it again."""
        self._state.receive(event)


def _departures(lease: RenewLease) -> tuple[UserLeft, ...]:
    """Returns the users who are offline because their grace period has ended, from a renewal of the node's lease, which
    records them."""
    return tuple(departure for departure in lease.departed if departure.returned is None)


def _ids(transitions: Iterable[PresenceTransition]) -> tuple[str, ...]:
    return tuple(transition.record.user_id for transition in transitions)


def _offline(record: PresenceRecord) -> Presence:
    return Presence(
        record.user_id, "offline", record.text, record.last_seen_ms, PresenceEnds(None, record.text_until_ms)
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
