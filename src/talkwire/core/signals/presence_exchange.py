"""Exchanges with the other nodes which users are connected to which node, and which statuses they have chosen.

A node records the changes of its list of users in the database, then sends them to the others. Each node keeps a copy
of the others' lists (`node_users.py`) and notifies its own sockets. What a node has missed it reads from the database:
when a message does not continue its copy, and when a renewal of its lease shows that a recorded version has not arrived
for `BEHIND_S`, as while the bus is disconnected.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import structlog

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.presence import (
    ConnectedUsers,
    FindConnectedElsewhere,
    FindVisiblePresence,
    ForgetUsers,
    LeaseReport,
    ListUsersOfNode,
    UserMoves,
)
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import Choice, PresenceChanged, UserMove, UsersMoved
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Presence, PresenceRecord
from talkwire.core.ports.chat import Publisher
from talkwire.core.signals.node_users import UNKNOWN, NodeUsers
from talkwire.core.signals.presence_state import PresenceState, shown_status, shown_to_others

REMOVE_PAGE = 1000
REMOVE_PAUSE_S = 0.1
"""Users of a dead node are removed in pages with pauses, because there may be very many."""

SETTLE_S = 0.4
"""Seconds within which other nodes answer which users are connected to them, or have recorded it in the database."""

BEHIND_S = 1.0
"""Seconds within which a recorded change arrives over the bus; after that it is read from the database."""

CIRCLES_MAX = 2000
"""The maximum number of conversations in one message to the other nodes, if it is about more than one user."""

_TOPIC = "who-is-here"

_logger = structlog.get_logger(__name__)


class NodeMove(NamedTuple):
    """A change of another node's list of connected users, concerning one user. `left`: the user is no longer on that
    node. `came`: the user was connected to no node before. `gone`: the user is now connected to no node."""

    node_id: str
    user_id: str
    came: bool
    left: bool
    gone: bool


class PresenceExchange:
    """Keeps copies of the other nodes' lists of connected users, and sends them the changes of this node's list.

    The owner sets three callbacks: `announce` receives changes of the presence of users who are not on this node, to
    send them to this node's sockets. `on_touched` is called when the presence of users of this node may have changed,
    `on_move` with each change of another node's list.
    """

    def __init__(self, chat: ChatAccess, publisher: Publisher, peers: Peers, state: PresenceState) -> None:
        self.announce: Callable[[Sequence[PresenceChanged]], None] = lambda _: None
        self.on_touched: Callable[[], None] = lambda: None
        self.on_move: Callable[[NodeMove], None] = lambda _: None
        self.users = NodeUsers()
        # How many choices of a user are being stored.
        self.storing: Counter[str] = Counter()
        self._chat = chat
        self._publisher = publisher
        self._peers = peers
        self._state = state
        self._sent = 0
        # Node id -> a recorded version that this node does not have, and when it first saw that.
        self._behind: dict[str, tuple[int, float]] = {}
        # Nodes whose lists are being read -> the newest version that is known to exist.
        self._reading: dict[str, int] = {}
        self._present: frozenset[str] = frozenset()
        self._removing = False
        self._tasks = BackgroundTasks()
        peers.answer(_TOPIC, tuple[str, ...], self._who_is_here)

    def close(self) -> None:
        self._tasks.cancel()

    # --- this node's list ---------------------------------------------------------------------------------------------

    def recorded(self, moves: UserMoves, report: LeaseReport) -> None:
        """Called after a renewal of this node's lease has recorded `moves`, the changes of this node's list. Sends them
        to the other nodes, applies the stored presence in the report, announces what users who are not on this node
        have chosen here, and starts reading the lists of those nodes whose newest changes did not arrive over the
        bus."""
        # A user whose choice was not stored may have no stored presence.
        records = {**{id_: PresenceRecord(id_) for id_ in moves.chosen}, **report.records}
        for user_id, record in records.items():
            if not self._is_choosing(user_id):
                self._state.adopt(record)
        self.on_touched()
        sent = [self._move_of(id_, away, moves, records) for id_, away in moves.places.items()]
        self._send(sent, moves.version)
        chosen = [move for move in sent if move.choice is not None and self._state.away(move.record.user_id) is None]
        away = [self.users.away(move.record.user_id) for move in chosen]
        self._announce_others(zip(chosen, away, away, strict=True))
        self._look_after(report)

    def _is_choosing(self, user_id: str) -> bool:
        return bool(self.storing[user_id]) or self._state.is_choosing(user_id)

    def _move_of(
        self,
        user_id: str,
        away: bool | None,  # noqa: FBT001 (data)
        moves: UserMoves,
        records: Mapping[str, PresenceRecord],
    ) -> UserMove:
        record = self._state.record(user_id) or records.get(user_id) or PresenceRecord(user_id)
        entry, choice = self._chat.directory.peek(user_id), moves.chosen.get(user_id)
        if entry is None:
            return UserMove(record, away, choice)
        return UserMove(record, away, choice, self._circle_of(entry, {}), tuple(entry.blocked_ids))

    def _send(self, moves: Sequence[UserMove], version: int) -> None:
        """Sends changes to the other nodes in messages of a bounded size. `version` is this node's version after all of
        them; each message continues at the version at which the previous one ended."""
        remaining = len(moves)
        for part in _parts(moves):
            remaining -= len(part)
            since, self._sent = self._sent, version - remaining
            self._publisher.publish_to_peers([UsersMoved(self._peers.node_id, since, self._sent, part)])

    async def _who_is_here(self, user_ids: tuple[str, ...]) -> dict[str, bool]:
        """Answers another node's question which of these users are connected to this node. Returns user id -> whether
        the user is away here, without the users who are not connected."""
        return {user_id: away for user_id in user_ids if (away := self._state.away(user_id)) is not None}

    # --- the other nodes' lists ---------------------------------------------------------------------------------------

    async def find(self, user_ids: tuple[str, ...]) -> Mapping[str, bool]:
        """Returns which of the users are connected to other nodes, including users whose connection this node has not
        been notified of yet: user id -> whether the user is away on all nodes that reported them.

        Asks the other nodes. If one of them does not respond within `SETTLE_S` seconds, also queries the database,
        where connections are recorded by then. Raises ChatError if that query fails.
        """
        if not user_ids or not self._peers.has_peers:
            return {}
        now = asyncio.get_running_loop().time
        until = now() + SETTLE_S
        answers = await self._peers.ask(_TOPIC, user_ids, dict[str, bool], wait_s=SETTLE_S)
        found: list[Mapping[str, bool]] = list(answers.values())
        if not self._peers.have_answered(answers):
            await asyncio.sleep(until - now())
            found.append(await self._chat.execute(NODE, FindConnectedElsewhere(user_ids, self._peers.node_id)))
        elsewhere: dict[str, bool] = {}
        for answer in found:
            for user_id, away in answer.items():
                elsewhere[user_id] = away and elsewhere.get(user_id, True)
        return elsewhere

    def presence(self, stored: PresenceRecord, away: bool | None = None) -> Presence:  # noqa: FBT001 (data)
        """Returns a user's presence as others see it; `stored` is the user's presence in the database. `away` is the
        result of `find` for the user: whether they are away on the nodes that they have just connected to, None if
        there are none."""
        user_id = stored.user_id
        here = self._state.presence(user_id)
        if here is not None:
            return here
        record = self._state.departed(user_id) or stored
        return shown_to_others(record, shown_status(record, self.users.away(user_id), away))

    def receive(self, event: UsersMoved) -> None:
        """Applies another node's changes of its list to this node's copy, and announces the differences that others
        see. Ignores changes that the copy has already. If earlier changes are missing, reads the whole list from the
        database instead."""
        if self.users.has(event):
            return
        if self.users.is_missing(event):
            self._read(event.node_id, event.version)
            return
        others: list[tuple[UserMove, bool | None, bool | None]] = []
        for move in event.moves:
            user_id = move.record.user_id
            before = self.users.away(user_id)
            self.users.set(event.node_id, user_id, away=move.away)
            is_adopted = not self._is_choosing(user_id) and self._adopt(move)
            if not self._moved(event.node_id, user_id, before, repeat=_may_be_new(move) and not is_adopted):
                others.append((move, before, self.users.away(user_id)))
        self.users.set_version(event.node_id, event.version)
        self._announce_others(others)

    def _announce_others(self, moves: Iterable[tuple[UserMove, bool | None, bool | None]]) -> None:
        """Announces changes of users who are not on this node. Each has whether the user was and is away on the other
        nodes, None for not connected to any."""
        changes: list[PresenceChanged] = []
        unknown: dict[str, bool] = {}
        for move, before, after in moves:
            change = _change(move, before, after)
            if change is not None and move.circle_ids is None:
                unknown[move.record.user_id] = change.came
            elif change is not None:
                changes.append(change)
        self.announce(changes)
        if unknown:
            self.announce_loaded(unknown)

    def _adopt(self, move: UserMove) -> bool:
        """Caches the stored presence that comes with a change. Returns whether the user is on this node and their
        presence was replaced by the stored one."""
        entry = self._chat.directory.peek(move.record.user_id)
        if entry is not None:
            entry.presence = move.record
        return move.choice is not None and self._state.adopt(move.record, everywhere=move.choice.everywhere)

    def _moved(self, node_id: str, user_id: str, before: bool | None, *, repeat: bool) -> bool:  # noqa: FBT001 (data)
        """Calls the callbacks after a user's entry in the copy of a node's list has changed, and returns whether the
        user is on this node too. `before` says whether the user was away on the other nodes until then, None if on
        none. With `repeat`, the user's presence is announced again, as they may have chosen a status that is unknown
        here."""
        here, after = self._state.touch(user_id, repeat=repeat), self.users.away(user_id)
        is_on_node = user_id in self.users.on(node_id)
        self.on_move(
            NodeMove(
                node_id,
                user_id,
                came=before is None and after is not None and not here,
                left=not is_on_node,
                gone=after is None and not here,
            )
        )
        if here:
            self.on_touched()
        return here

    def announce_loaded(self, came: Mapping[str, bool]) -> None:
        """Loads users who are not in the directory (this node's cache of users) in the background, and announces their
        presence. `came` maps a user id to whether others saw the user as offline before. Does nothing if no user is on
        this node."""
        if self._state.ids():
            self._tasks.start(self._load_and_announce(came))

    async def _load_and_announce(self, came: Mapping[str, bool]) -> None:
        remaining = iter(came)
        try:
            while page := list(islice(remaining, REMOVE_PAGE)):  # Suspends: each round reads the database.
                found = await self._chat.directory.look_up(page)
                self.announce([self._loaded_change(id_, found.entries[id_], found.facts, came[id_]) for id_ in page])
        except ChatError as error:
            _logger.warning("presence_not_announced", code=error.code, users=len(came))

    def _loaded_change(
        self,
        user_id: str,
        entry: DirectoryEntry,
        facts: Mapping[str, ConversationFacts],
        came: bool,  # noqa: FBT001 (data)
    ) -> PresenceChanged:
        """Returns the event with the present state of a user that was loaded from the database. `came` is True if
        others saw the user as offline before."""
        is_erased = entry.user is not None and entry.user.erased is not None
        stored = PresenceRecord(user_id, "invisible") if is_erased else entry.presence
        presence = self.presence(stored or PresenceRecord(user_id))
        return PresenceChanged(
            presence,
            came=came and presence.status != "offline",
            circle_ids=self._circle_of(entry, facts),
            blocked_ids=tuple(entry.blocked_ids),
        )

    def _circle_of(self, entry: DirectoryEntry, facts: Mapping[str, ConversationFacts]) -> tuple[str, ...]:
        """Returns the conversations whose members are contacts of a user: only those in which the user is in their own
        right."""
        ids = [id_ for id_ in entry.conversation_ids if not entry.is_only_through_teams(id_)]
        return self._chat.directory.memberships.contact_conversations(ids, facts)

    # --- what was missed ----------------------------------------------------------------------------------------------

    def _look_after(self, report: LeaseReport) -> None:
        """Starts reading the lists of nodes of which this node has no copy, or one that has been outdated for
        `BEHIND_S` seconds. Starts removing the users of dead nodes."""
        now = asyncio.get_running_loop().time()
        for node_id, recorded in report.versions.items():
            known = self.users.version(node_id)
            version = known + 1 if recorded is None else recorded
            if known >= version:
                self._behind.pop(node_id, None)
                continue
            awaited, since = self._behind.setdefault(node_id, (version, now))
            if known == UNKNOWN or (known < awaited and now - since >= BEHIND_S):
                self._read(node_id, version)
            elif known >= awaited:
                self._behind[node_id] = version, now
        self._present = frozenset(report.versions)
        if not self._removing and (report.left_behind or not self._present.issuperset(self.users.node_ids)):
            self._removing = True
            self._tasks.start(self._remove_dead())

    def _read(self, node_id: str, version: int) -> None:
        """Starts reading a node's list from the database in the background, until this node's copy has at least the
        version `version`. If the list is being read already, only raises the version to reach."""
        is_reading = node_id in self._reading
        self._reading[node_id] = max(version, self._reading.get(node_id, UNKNOWN))
        if not is_reading:
            self._tasks.start(self._keep_reading(node_id))

    async def _keep_reading(self, node_id: str) -> None:
        try:
            while (known := self.users.version(node_id)) < self._reading[node_id]:
                found = await self._chat.execute(NODE, ListUsersOfNode(node_id))
                if found is None:
                    return  # the node has ended
                self._replace(node_id, found)
                await self._read_choices()
                if self.users.version(node_id) == known:
                    return  # the next renewal of the lease tries again
        except ChatError as error:
            _logger.warning("users_of_node_not_read", node_id=node_id, code=error.code)
        finally:
            del self._reading[node_id]
            self._behind.pop(node_id, None)

    def _replace(self, node_id: str, found: ConnectedUsers) -> None:
        """Replaces this node's copy of a node's list by the one that was read from the database, and announces the
        differences. Does nothing if the copy has the same version or a newer one."""
        known, old = self.users.version(node_id), self.users.on(node_id)
        version = known + 1 if found.version is None else found.version
        if version <= known:
            return
        newer = [user_id for user_id, (_, at) in found.users.items() if at > known]
        changed = [user_id for user_id in old if user_id not in found.users]
        changed += [user_id for user_id, (away, _) in found.users.items() if old.get(user_id) is not away]
        before = {user_id: self.users.away(user_id) for user_id in (*changed, *newer)}
        self.users.replace(node_id, version, {user_id: away for user_id, (away, _) in found.users.items()})
        self._announce_replaced(node_id, before, frozenset(newer))

    def _announce_replaced(
        self, node_id: str, before: Mapping[str, bool | None], newer: frozenset[str] = frozenset()
    ) -> None:
        others = {
            user_id: away is None
            for user_id, away in before.items()
            if not self._moved(node_id, user_id, away, repeat=user_id in newer)
        }
        if others:
            self.announce_loaded(others)

    async def _read_choices(self) -> None:
        """Reads the presence that users of this node have chosen from the database, because they may have chosen it on
        another node whose message was lost. Announces the differences."""
        here = tuple(self._state.ids())
        if not here:
            return
        for record in await self._chat.execute(NODE, FindVisiblePresence(here)):
            if not self._is_choosing(record.user_id) and self._state.adopt(record):
                self._state.note_choice(record.user_id, Choice())
        self.on_touched()

    async def _remove_dead(self) -> None:
        """Removes the users of dead nodes from the database page by page, then this node's copies of their lists, and
        announces these users as offline to this node's sockets. All nodes do this, each for its own sockets."""
        try:
            has_more = await self._chat.execute(NODE, ForgetUsers(REMOVE_PAGE))
            while has_more:
                await asyncio.sleep(REMOVE_PAUSE_S)
                has_more = await self._chat.execute(NODE, ForgetUsers(REMOVE_PAGE))
        except ChatError as error:
            _logger.warning("dead_node_users_not_removed", code=error.code)
            return
        finally:
            self._removing = False
        for node_id in set(self.users.node_ids) - self._present:
            before = {user_id: self.users.away(user_id) for user_id in self.users.on(node_id)}
            self.users.drop(node_id)
            self._announce_replaced(node_id, before)


def _parts(moves: Sequence[UserMove]) -> Iterator[tuple[UserMove, ...]]:
    """Divides changes into groups, one for each message to the other nodes. The users, conversations and blocked users
    that a group names are at most `CIRCLES_MAX` in all, unless the group is a single change."""
    part: list[UserMove] = []
    size = 0
    for move in moves:
        length = 1 + len(move.circle_ids or ()) + len(move.blocked_ids)
        if part and size + length > CIRCLES_MAX:
            yield tuple(part)
            part, size = [], 0
        part.append(move)
        size += length
    if part:
        yield tuple(part)


def _may_be_new(move: UserMove) -> bool:
    """Returns whether others may see a difference because the user has chosen a status or a text: always after a
    choice, unless the user was invisible before and still is."""
    return move.choice is not None and not (move.choice.was_hidden and move.record.status == "invisible")


_HIDDEN = frozenset({"offline", "invisible"})


def _change(move: UserMove, before: bool | None, after: bool | None) -> PresenceChanged | None:  # noqa: FBT001 (data)
    """Returns the event about a change of a user who is not on this node; None if others see no difference. `before`
    and `after` say whether the user was and is away on the other nodes, None for not connected to any."""
    record, choice = move.record, move.choice
    old, new = shown_status(record, before), shown_status(record, after)
    is_same = old == new or (old in _HIDDEN and new in _HIDDEN)
    if (is_same and not _may_be_new(move)) or (new == "offline" and before is None):
        return None
    came = new not in _HIDDEN and (old in _HIDDEN or (choice is not None and choice.was_hidden is not False))
    presence = shown_to_others(record, new)
    return PresenceChanged(presence, came=came, circle_ids=move.circle_ids, blocked_ids=move.blocked_ids)
