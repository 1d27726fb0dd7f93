"""Presence as it goes on: the sockets of this node in, events out, and what is worth keeping into the database.

What changed in one turn of the event loop is told at its end. Who came and who left is recorded a moment later, many
with one statement and with the node's lease; nobody waits for it.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from secrets import token_hex
from types import MappingProxyType

import msgspec
import structlog

from talkwire.core.access import may_act
from talkwire.core.alarm import Alarm
from talkwire.core.circles import CONTACTS_MAX
from talkwire.core.commands.command import Page
from talkwire.core.commands.presence import (
    Acquaintance,
    EndLease,
    FindAcquaintances,
    FindContacts,
    FindOnlineElsewhere,
    GetPresence,
    GetPresenceOf,
    LeaseReport,
    ListOnline,
    RenewLease,
    SetPresence,
    StorePresence,
)
from talkwire.core.door import Door, SignalHandlers
from talkwire.core.errors import forbidden
from talkwire.core.events import PresenceChanged
from talkwire.core.model import Actor, Presence, PresenceRecord
from talkwire.core.presence import check_status, check_user_ids, must_serve
from talkwire.core.presence_state import GRACE_S, PresenceState

LEASE_S = 15.0
"""How long a node that says nothing is taken to be alive."""

RENEW_S = 5.0
RECORD_S = 0.1
"""How long those who come and leave are gathered before they are recorded."""

ONLINE_PAGE_MAX = 1000

_NODE = Actor("talkwire/node", "Node", "admin")
"""Who keeps a node's records. A user id has no `/`."""

_logger = structlog.get_logger(__name__)


class PresenceTracker:
    """The presence of this node's users. `grace_s`: how long a user may be without a socket before they are offline.
    Before `start` nothing is recorded."""

    def __init__(
        self,
        door: Door,
        publish: Callable[[Sequence[PresenceChanged]], None],
        *,
        contacts_max: int = CONTACTS_MAX,
        grace_s: float = GRACE_S,
    ) -> None:
        self._door = door
        self._publish = publish
        self._contacts_max = contacts_max
        self._state = PresenceState(grace_s)
        self._leaving = Alarm(self._state.next_deadline, self._expire)
        self._node_id = token_hex(8)
        self._started = False
        self._telling = False
        self._recording = False
        # Who has left, until the database says so too.
        self._left: dict[str, PresenceRecord] = {}
        self._record_timer: asyncio.TimerHandle | None = None
        self._renew_timer: asyncio.TimerHandle | None = None
        self.handlers: SignalHandlers = MappingProxyType(
            {
                SetPresence: self._set,
                GetPresence: self._get,
                GetPresenceOf: self._get_one,
                ListOnline: self._list_online,
            }
        )

    @property
    def node_id(self) -> str:
        """By which this node is told from others."""
        return self._node_id

    async def start(self, *, alone: bool) -> None:
        """Takes a lease. `alone`: no other node can be running, so whatever others left behind is over."""
        lease = RenewLease(self._node_id, _ms(LEASE_S), alone=alone)
        report = await self._door.execute(_NODE, lease)
        self._started = True
        self._tell_ended(report.ended)
        self._renew_later()

    def close(self) -> None:
        """Gives the lease back, with everyone who is here."""
        for timer in (self._record_timer, self._renew_timer):
            if timer is not None:
                timer.cancel()
        self._leaving.cancel()
        if self._started:
            self._started = False
            self._door.submit(_NODE, EndLease(self._node_id), _ignore)

    # --- sockets ----------------------------------------------------------------------------------------------------

    def connected(self, user_id: str, socket_id: str) -> None:
        """A socket of a user whom the directory holds."""
        entry = self._door.directory.peek(user_id)
        self._left.pop(user_id, None)
        self._state.connected(user_id, socket_id, None if entry is None else entry.presence)
        self._stir()

    def disconnected(self, user_id: str, socket_id: str) -> None:
        """The socket is gone."""
        self._state.disconnected(user_id, socket_id, asyncio.get_running_loop().time(), _now_ms())
        self._leaving.arm()
        self._stir()

    # --- what is asked ----------------------------------------------------------------------------------------------

    def _set(self, actor: Actor, command: SetPresence) -> Awaitable[None]:
        """At once for who is here, since the socket may be gone a turn later; answered when it is stored."""
        check_status(command)
        entry = self._door.directory.peek(actor.user_id)
        refusal = may_act(None if entry is None else entry.user)
        if refusal is not None:
            raise refusal
        before, hidden_ms = self._state.record(actor.user_id), None
        if before is not None:
            text = before.text if command.text is msgspec.UNSET else command.text or None
            chosen = self._state.choose(actor.user_id, command.source, command.status, text, _now_ms())
            if command.status == "invisible" and before.status != "invisible":
                hidden_ms = chosen.last_seen_ms
            self._remember(chosen)
            self._stir()
        return self._store(actor, StorePresence(command.status, command.text, hidden_ms))

    async def _store(self, actor: Actor, command: StorePresence) -> None:
        self._remember(await self._door.execute(actor, command))

    async def _get(self, actor: Actor, command: GetPresence) -> tuple[Presence, ...]:
        return await self.presence_of(actor, command.user_ids)

    async def _get_one(self, actor: Actor, command: GetPresenceOf) -> Presence:
        found = await self.presence_of(actor, (command.user_id,))
        if not found:
            raise forbidden()
        return found[0]

    async def presence_of(self, actor: Actor, user_ids: tuple[str, ...]) -> tuple[Presence, ...]:
        """Those whom the actor may see: who shares a conversation with them; strangers are left out."""
        check_user_ids(user_ids)
        found = await self._door.execute(actor, FindAcquaintances(user_ids, self._node_id))
        return tuple(self._seen_by(actor, acquaintance) for acquaintance in found)

    async def contacts_presence(self, actor: Actor) -> tuple[Presence, ...]:
        """The actor and their contacts: what a snapshot of everything begins with."""
        query = FindContacts(self._contacts_max, self._node_id)
        found = await self._door.execute(actor, query)
        return tuple(self._seen_by(actor, acquaintance) for acquaintance in found)

    async def _list_online(self, actor: Actor, command: ListOnline) -> Page[Presence]:
        """Whom others see, here and on other nodes."""
        must_serve(actor)
        limit = max(1, min(command.limit, ONLINE_PAGE_MAX))
        after = command.cursor or ""
        elsewhere = await self._door.execute(actor, FindOnlineElsewhere(self._node_id, command.cursor, limit + 1))
        seen = {person.user_id: person for person in (self._seen_by(actor, other) for other in elsewhere)}
        here = heapq.nsmallest(limit + 1, (id_ for id_ in self._state.visible_ids() if id_ > after))
        seen.update((id_, found) for id_ in here if (found := self._state.presence(id_)) is not None)
        page = sorted(seen)[:limit]
        items = tuple(seen[id_] for id_ in page if seen[id_].status != "offline")
        return Page(items, page[-1] if len(seen) > limit else None)

    def _seen_by(self, actor: Actor, found: Acquaintance) -> Presence:
        record = self._left.get(found.record.user_id, found.record)
        own = record.user_id == actor.user_id
        here = self._state.presence(record.user_id, own=own)
        if here is not None and (own or not found.elsewhere or here.status != "offline"):
            return here
        if found.elsewhere and (own or record.status != "invisible"):
            return Presence(record.user_id, record.status, record.text, None)
        return _offline(record)

    # --- what is told -----------------------------------------------------------------------------------------------

    def _stir(self) -> None:
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        changes = self._state.take_changes()
        if changes:
            self._publish(changes)
        self._record_later()

    def _expire(self, now: float) -> None:
        changes = []
        for departed in self._state.expire(now):
            self._remember(departed.record)
            self._left[departed.record.user_id] = departed.record
            if departed.change is not None:
                changes.append(departed.change)
        if changes:
            self._publish(changes)
        self._record_later()

    def _tell_ended(self, ended: Iterable[PresenceRecord]) -> None:
        """Users of a node that is no more. Who is known here has contacts here."""
        directory, here = self._door.directory, self._state.record
        changes = [
            PresenceChanged(_offline(record))
            for record in ended
            if record.status != "invisible" and here(record.user_id) is None and directory.peek(record.user_id)
        ]
        if changes:
            self._publish(changes)

    def _remember(self, record: PresenceRecord) -> None:
        entry = self._door.directory.peek(record.user_id)
        if entry is not None:
            entry.presence = record

    # --- what is kept -----------------------------------------------------------------------------------------------

    def _record_later(self) -> None:
        if self._started and self._record_timer is None and not self._recording and self._state.has_moves:
            self._record_timer = asyncio.get_running_loop().call_later(RECORD_S, self._record)

    def _renew_later(self) -> None:
        self._renew_timer = asyncio.get_running_loop().call_later(RENEW_S, self._renew)

    def _renew(self) -> None:
        if not self._recording:
            self._record()
        self._renew_later()

    def _record(self) -> None:
        if self._record_timer is not None:
            self._record_timer.cancel()
            self._record_timer = None
        arrived, departed = self._state.take_moves()
        self._recording = True
        lease = RenewLease(self._node_id, _ms(LEASE_S), arrived, departed)
        self._door.submit(_NODE, lease, partial(self._recorded, lease))

    def _recorded(self, lease: RenewLease, report: LeaseReport | None, error: Exception | None) -> None:
        self._recording = False
        if report is None:
            # The next renewal tries again; it need not be sooner.
            _logger.warning("who is online could not be recorded", error=str(error))
            self._state.put_back(lease.arrived, lease.departed)
            return
        for departure in lease.departed:
            self._left.pop(departure.user_id, None)
        self._tell_ended(report.ended)
        if not report.known and self._started:
            # We were silent for so long that another node has taken our users for gone.
            self._state.recall()
        self._record_later()


def _offline(record: PresenceRecord) -> Presence:
    return Presence(record.user_id, "offline", record.text, record.last_seen_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _ignore(result: object, error: Exception | None) -> None:
    """Nobody is there any more to do something about it: the lease ends by itself."""
