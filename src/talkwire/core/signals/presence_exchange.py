"""Exchanges with the other nodes which users are connected to which node, and which statuses they have chosen.

A node records the changes of its list of users in the database, then sends them to the others. Each node keeps a copy
of the others' lists (`node_users.py`), or of a part of them (`contact_places.py`), and notifies its own sockets. What a
node has missed it reads from the database: when a message does not continue its copy, and when a renewal of its lease
shows that a recorded version has not arrived for `CHANGE_BEHIND_S`, as while the bus is disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.presence import (
    ConnectedUsers,
    FindConnectedElsewhere,
    FindPlaces,
    FindVisiblePresence,
    ForgetUsers,
    LeaseReport,
    ListConnectedElsewhere,
    ListUsersOfNode,
    UserMoves,
)
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import PresenceChanged, UsersMoved, UsersMovedCompactly
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Presence, PresenceRecord
from talkwire.core.domain.nodes.user_moves import Choice, UserMove, compact, expanded
from talkwire.core.ports.chat import Publisher
from talkwire.core.signals.contact_places import ContactPlaces
from talkwire.core.signals.node_users import UNKNOWN, NodeUsers, UserPlace
from talkwire.core.signals.presence_state import PresenceState, shown_status, shown_to_others

REMOVE_PAGE = 1000
"""Most users of a dead node that are removed at once."""

REMOVE_PAUSE_S = 0.1
"""Pause between two pages of users of a dead node, in seconds: there may be very many."""

SETTLE_S = 0.4
"""Seconds within which other nodes answer which users are connected to them, or have recorded it in the database."""

GATHER_S = 0.4
"""Seconds that a recorded change waits for others, so that many nodes receive them in one message."""

CHANGE_BEHIND_S = 1.0 + GATHER_S
"""Seconds within which a recorded change arrives over the bus; after that it is read from the database."""

UNSEEN_S = 5.0
"""Seconds after a choice within which a change may arrive that is older than the choice."""

CIRCLES_MAX = 2000
"""Most conversations that one message to the other nodes names, if it is about more than one user."""

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


class _OtherMove(NamedTuple):
    """A change of a user who is not on this node, and whether the user was and is away on the other nodes; None for not
    connected to any."""

    move: UserMove
    before: bool | None
    after: bool | None


class _Circle(NamedTuple):
    """The conversations whose members are contacts of a user, and the users whom the user has blocked."""

    ids: tuple[str, ...]
    blocked_ids: tuple[str, ...]


_NO_CIRCLE = _Circle((), ())


class PresenceExchange:
    """Keeps copies of the other nodes' lists of connected users, and sends them the changes of this node's list.
    `contacts_max`: up to this many members, a group's members are contacts.

    The owner sets three callbacks: `announce` receives changes of the presence of users who are not on this node, to
    send them to this node's sockets. `on_touched` is called when the presence of users of this node may have changed,
    `on_move` with each change of another node's list. `users_seen_on` returns users who have done something on a node,
    so that `on_move` has to be called when they leave it, whether this node keeps them or not.
    """

    def __init__(
        self, chat: ChatAccess, publisher: Publisher, peers: Peers, state: PresenceState, contacts_max: int
    ) -> None:
        self.announce: Callable[[Sequence[PresenceChanged]], None] = lambda _: None
        self.on_touched: Callable[[], None] = lambda: None
        self.on_move: Callable[[NodeMove], None] = lambda _: None
        self.users_seen_on: Callable[[str], Collection[str]] = lambda _: ()
        self.users = NodeUsers()
        self.places = ContactPlaces(chat, peers, state, self.users, contacts_max)
        self.places.on_found = lambda user_ids: self.announce_loaded(dict.fromkeys(user_ids, True))
        # How many choices of a user are being stored.
        self.storing: Counter[str] = Counter()
        self._chat = chat
        self._publisher = publisher
        self._peers = peers
        self._state = state
        # Changes that are recorded and not sent yet, the version after them, and the version after those that are sent.
        self._unsent: list[UserMove] = []
        self._recorded = 0
        self._sent = 0
        self._sending: asyncio.TimerHandle | None = None
        # Node id -> a recorded version that this node does not have, and when it first saw that.
        self._behind: dict[str, tuple[int, float]] = {}
        # Users who have chosen something while this node did not know where they are -> until when that matters.
        self._unseen: dict[str, float] = {}
        # Nodes whose lists are being read -> the newest version that is known to exist.
        self._reading: dict[str, int] = {}
        self._present: frozenset[str] = frozenset()
        self._removing = False
        self._tasks = BackgroundTasks()
        peers.answer(_TOPIC, tuple[str, ...], self._who_is_here)

    def close(self) -> None:
        self._tasks.cancel()
        self.places.close()
        self._send_unsent()

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
        self._announce_others(map(_OtherMove, chosen, away, away))
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
        circle_ids = self._circle_of(entry, {}, is_incomplete=self.places.may_be_selective)
        return UserMove(record, away, choice, circle_ids, tuple(entry.blocked_ids))

    def _send(self, moves: Sequence[UserMove], version: int) -> None:
        """Sends changes to the other nodes, after `GATHER_S` if there are many. `version` is this node's version after
        all of them."""
        self._unsent += moves
        self._recorded = version
        if not self._is_compact:
            self._send_unsent()
        elif self._sending is None:
            self._sending = asyncio.get_running_loop().call_later(GATHER_S, self._send_unsent)

    def _send_unsent(self) -> None:
        """Sends the changes that wait, in messages of a bounded size. Each continues at the version at which the
        previous one ended."""
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        moves, self._unsent = self._unsent, []
        remaining = len(moves)
        for part in _parts(moves):
            remaining -= len(part)
            since, self._sent = self._sent, self._recorded - remaining
            if self._is_compact:
                moved = UsersMovedCompactly(self._peers.node_id, since, self._sent, tuple(map(compact, part)))
                self._publisher.publish_to_peers([moved])
            else:
                self._publisher.publish_to_peers([UsersMoved(self._peers.node_id, since, self._sent, part)])

    @property
    def _is_compact(self) -> bool:
        """Whether changes are sent in their compact form."""
        return self.places.is_selective and self._peers.read_compact

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

    async def find_unkept(self, user_ids: Iterable[str]) -> Mapping[str, bool]:
        """Returns which of the users of whom this node keeps nothing are recorded as connected to other nodes: user id
        -> whether the user is away on all of them. Raises ChatError."""
        unkept = tuple(user_id for user_id in user_ids if self.users.away(user_id) is None)
        if not self.places.is_selective or not unkept:
            return {}
        return await self._chat.execute(NODE, FindConnectedElsewhere(unkept, self._peers.node_id))

    async def list_connected(self, after: str | None, limit: int) -> Sequence[str]:
        """Returns the ids of at most `limit` connected users in order, after the id `after`: those that this node
        knows, or if it does not keep all, those that are recorded in the database. Raises ChatError."""
        if self.places.is_selective:
            return await self._chat.execute(NODE, ListConnectedElsewhere("", after, limit))
        return heapq.nsmallest(limit, {id_ for id_ in (*self._state.ids(), *self.users.ids()) if id_ > (after or "")})

    def presence(self, stored: PresenceRecord, away: bool | None = None) -> Presence:  # noqa: FBT001 (data)
        """Returns a user's presence as others see it; `stored` is the user's presence in the database. `away` is the
        result of `find` for the user: whether they are away on the nodes that they have just connected to, None if
        there are none."""
        user_id = stored.user_id
        here = self._state.presence(user_id)
        if here is not None:
            return here
        record = self._state.recording.departure(user_id) or stored
        return shown_to_others(record, shown_status(record, self.users.away(user_id), away))

    def receive(self, event: UsersMoved | UsersMovedCompactly) -> None:
        """Applies another node's changes of its list to this node's copy, and announces the differences that others
        see. Ignores changes that the copy has already. If earlier changes are missing, or conversations of a user,
        reads the whole list from the database instead."""
        if self.users.has(event):
            return
        if self.users.is_missing(event):
            self._read(event.node_id, event.version)
            return
        moves = event.moves if isinstance(event, UsersMoved) else tuple(map(expanded, event.moves))
        if self.places.is_selective and any(move.away is not None and move.circle_ids is None for move in moves):
            self._read(event.node_id, event.version)  # whether such a user is of interest is not known
            return
        others = [self._apply(event.node_id, move) for move in moves]
        self.users.set_version(event.node_id, event.version)
        self._announce_others(other for other in others if other is not None)

    def _apply(self, node_id: str, move: UserMove) -> _OtherMove | None:
        """Applies a change to this node's copy of a node's list. Returns it if it concerns a user who is not on this
        node, and others may have to be notified."""
        user_id = move.record.user_id
        known, before = self.users.on(node_id).get(user_id), self.users.away(user_id)
        place = None
        if move.away is not None:
            place = self.places.place(
                user_id, away=move.away, circle_ids=move.circle_ids or (), blocked_ids=move.blocked_ids
            )
        self.places.moved(node_id, user_id)
        self.users.set(node_id, user_id, place)
        is_adopted = not self._is_choosing(user_id) and self._adopt(move)
        if self.places.is_selective and move.away is not None and place is None:
            return None
        if self._moved(node_id, user_id, before, repeat=_may_be_new(move) and not is_adopted):
            return None
        if move.choice is None and self._unseen.pop(user_id, 0.0) > asyncio.get_running_loop().time():
            self.announce_loaded({user_id: before is None})
            return None
        if self.places.is_selective:
            kept = place or known or self.users.find(user_id)
            if kept is not None and kept.circle_ids is not None:
                move = replace(move, circle_ids=kept.circle_ids, blocked_ids=kept.blocked_ids)
        return _OtherMove(move, before, self.users.away(user_id))

    def _announce_others(self, moves: Iterable[_OtherMove]) -> None:
        """Announces changes of users who are not on this node."""
        changes: list[PresenceChanged] = []
        unknown: dict[str, bool] = {}
        for move, before, after in moves:
            change = _change(self._without_large(move), before, after)
            if move.choice is not None and before is None and after is None:
                self._note_unseen(move.record.user_id)
            if change is not None and move.circle_ids is None:
                unknown[move.record.user_id] = change.came
            elif change is not None:
                changes.append(change)
        self.announce(changes)
        if unknown:
            self.announce_loaded(unknown)

    def _without_large(self, move: UserMove) -> UserMove:
        """Returns a change without those conversations that are too large for their members to be contacts, as far as
        this node knows: the sender may not have loaded their size."""
        if move.circle_ids is None:
            return move
        are_no_contacts = self._chat.directory.memberships.are_no_contacts
        return replace(move, circle_ids=tuple(id_ for id_ in move.circle_ids if not are_no_contacts(id_)))

    def _note_unseen(self, user_id: str) -> None:
        """Notes that a user has chosen a status or a text, and that this node does not know yet where the user is. The
        change that says so may be older than the choice."""
        now = asyncio.get_running_loop().time()
        while self._unseen and next(iter(self._unseen.values())) < now:
            del self._unseen[next(iter(self._unseen))]
        self._unseen.pop(user_id, None)
        self._unseen[user_id] = now + UNSEEN_S

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
        is_on_node, is_gone = user_id in self.users.on(node_id), after is None and not here
        if is_gone and self.places.is_looked_up(user_id):
            is_gone = False
            self._tasks.start(self._report_gone(node_id, user_id))
        is_new = before is None and after is not None and not here
        self.on_move(NodeMove(node_id, user_id, came=is_new, left=not is_on_node, gone=is_gone))
        if here:
            self.on_touched()
        return here

    async def _report_gone(self, node_id: str, user_id: str) -> None:
        """Calls `on_move` once it was looked up where a user is connected who has left a node, if nowhere."""
        while self.places.is_looked_up(user_id):  # Suspends: it waits for the lookup.
            with contextlib.suppress(ChatError):
                await self.places.wait((user_id,))
        if self.users.away(user_id) is None and self._state.record(user_id) is None:
            self.on_move(NodeMove(node_id, user_id, came=False, left=True, gone=True))

    async def _find_left(self, node_id: str, user_ids: tuple[str, ...]) -> None:
        """Calls `on_move` for those of the users who are not connected to a node any more: they are not in its list,
        or were not when it was read, as they had just connected."""
        await asyncio.sleep(CHANGE_BEHIND_S)
        query = FindPlaces(self._peers.node_id, user_ids, (), 0)
        try:
            found = await self._chat.execute(NODE, query)
        except ChatError as error:
            _logger.warning("users_of_node_not_read", node_id=node_id, code=error.code)
            return
        there = {place.user_id for place in found.places if place.node_id == node_id}
        for user_id in user_ids:
            if user_id not in there:
                self.on_move(NodeMove(node_id, user_id, came=False, left=True, gone=False))

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

    def _circle_of(
        self, entry: DirectoryEntry, facts: Mapping[str, ConversationFacts], *, is_incomplete: bool = False
    ) -> tuple[str, ...]:
        """Returns the conversations whose members are contacts of a user: only those in which the user is in their own
        right. With `is_incomplete`, also conversations of which that is not known yet."""
        ids = [id_ for id_ in entry.conversation_ids if not entry.is_only_through_teams(id_)]
        return self._chat.directory.memberships.contact_conversations(ids, facts, is_incomplete=is_incomplete)

    # --- what was missed ----------------------------------------------------------------------------------------------

    def _look_after(self, report: LeaseReport) -> None:
        """Starts reading the lists of nodes of which this node has no copy, or one that has been outdated for
        `CHANGE_BEHIND_S` seconds. Starts removing the users of dead nodes."""
        self.places.choose_mode()
        self.places.check_some()
        now = asyncio.get_running_loop().time()
        for node_id, recorded in report.versions.items():
            known = self.users.version(node_id)
            version = known + 1 if recorded is None else recorded
            if known >= version:
                self._behind.pop(node_id, None)
                continue
            awaited, since = self._behind.setdefault(node_id, (version, now))
            if known == UNKNOWN or (known < awaited and now - since >= CHANGE_BEHIND_S):
                self._read(node_id, version)
            elif known >= awaited:
                self._behind[node_id] = version, now
        self._present = frozenset(report.versions)
        self.places.unread &= self._present
        if not self._removing and (report.left_behind or not self._present.issuperset(self.users.node_ids)):
            self._removing = True
            self._tasks.start(self._remove_dead())

    def _read(self, node_id: str, version: int) -> None:
        """Starts reading a node's list from the database in the background, until this node's copy has at least the
        version `version`. If the list is being read already, only raises the version to reach."""
        is_reading = node_id in self._reading
        self._reading[node_id] = max(version, self._reading.get(node_id, UNKNOWN))
        self.places.unread.add(node_id)
        if not is_reading:
            self._tasks.start(self._keep_reading(node_id))

    async def _keep_reading(self, node_id: str) -> None:
        try:
            while (known := self.users.version(node_id)) < self._reading[node_id]:
                found = await self._chat.execute(NODE, ListUsersOfNode(node_id))
                if found is None:
                    return  # the node has ended
                self._replace(node_id, found, await self._load_circles(found, known))
                await self._read_choices()
                if self.users.version(node_id) == known:
                    return  # the next renewal of the lease tries again
        except ChatError as error:
            _logger.warning("users_of_node_not_read", node_id=node_id, code=error.code)
        finally:
            if self.users.version(node_id) >= self._reading.pop(node_id):
                self.places.unread.discard(node_id)
            self._behind.pop(node_id, None)

    async def _load_circles(self, found: ConnectedUsers, known: int) -> Mapping[str, _Circle]:
        """Returns the contacts of those users of another node's list who were recorded after the version `known`, by
        user id. None of them if this node keeps all users, or has none itself: who connects is looked up."""
        circles: dict[str, _Circle] = {}
        newer = iter([user_id for user_id, (_, at) in found.users.items() if at > known])
        while page := list(islice(newer, REMOVE_PAGE)):  # Suspends: each round reads the database.
            if not self.places.is_selective or not self._state.ids():
                break
            loaded = await self._chat.directory.look_up(page)
            for user_id, entry in loaded.entries.items():
                shared = self.places.shared(self._circle_of(entry, loaded.facts))
                circles[user_id] = _Circle(shared, tuple(entry.blocked_ids) if shared else ())
        return circles

    def _replace(self, node_id: str, found: ConnectedUsers, circles: Mapping[str, _Circle]) -> None:
        """Replaces this node's copy of a node's list by the one that was read from the database, and announces the
        differences. `circles` are from `_load_circles`. Does nothing if the copy has the same version or a newer
        one."""
        known, old = self.users.version(node_id), self.users.on(node_id)
        version = known + 1 if found.version is None else found.version
        if version <= known:
            return
        places = self._places_in(found, old, known, circles)
        changed = [user_id for user_id in old if user_id not in found.users]
        changed += [id_ for id_, place in places.items() if id_ not in old or old[id_].away is not place.away]
        newer = [user_id for user_id in places if found.users[user_id][1] > known]
        before = {user_id: self.users.away(user_id) for user_id in (*changed, *newer)}
        self.users.replace(node_id, version, places)
        self.places.replaced(node_id, found.users)
        unlisted = tuple(user_id for user_id in self.users_seen_on(node_id) if user_id not in found.users)
        if unlisted:
            self._tasks.start(self._find_left(node_id, unlisted))
        self._announce_replaced(node_id, before, frozenset(newer))

    def _places_in(
        self, found: ConnectedUsers, old: Mapping[str, UserPlace], known: int, circles: Mapping[str, _Circle]
    ) -> dict[str, UserPlace]:
        """Returns what to keep of the list of another node that was read, user id -> place. `old` is the copy until
        now, of the version `known`."""
        places: dict[str, UserPlace] = {}
        for user_id, (away, at) in found.users.items():
            place = old.get(user_id)
            if at > known or not self.places.is_selective:
                ids, blocked_ids = circles.get(user_id, _NO_CIRCLE)
                place = self.places.place(user_id, away=away, circle_ids=ids, blocked_ids=blocked_ids)
            if place is not None:
                places[user_id] = place
        return places

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
                self._state.recording.chosen(record.user_id, Choice())
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
            self.places.replaced(node_id, {})
            for user_id in self.users_seen_on(node_id):
                self.on_move(NodeMove(node_id, user_id, came=False, left=True, gone=False))
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
