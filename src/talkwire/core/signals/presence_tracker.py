"""Presence of this node's users: handles connects, disconnects, commands and queries, and announces and stores changes.

Changes in one turn of the event loop are announced to this node's sockets at its end. Connects and disconnects are
written to the database a moment later, many with one statement and together with the renewal of the node's lease;
nothing waits for that. The other nodes receive changes after that (`presence_exchange.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from talkwire.core import clock
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.command import Page
from talkwire.core.commands.presence import (
    FindContacts,
    FindVisiblePresence,
    GetPresence,
    GetPresenceOf,
    LeaseReport,
    ListOnline,
    RenewLease,
    SetPresence,
    StorePresence,
    UserMoves,
)
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.access import may_act, must_be_backend, require
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.events import (
    ConversationCreated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    PresenceChanged,
    UserBlocked,
    UserUnblocked,
)
from talkwire.core.domain.model import Actor, Conversation, Presence, PresenceRecord
from talkwire.core.domain.nodes.user_moves import Choice
from talkwire.core.features.users.presence_rules import check_status, check_user_ids, text_and_ends
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.signals.deadline_timer import DeadlineTimer
from talkwire.core.signals.presence_exchange import PresenceExchange
from talkwire.core.signals.presence_state import GRACE_S, PresenceState, shown_status, shown_to_self

ONLINE_PAGE_MAX = 1000
"""Most users on one page of the list of online users."""


class PresenceTracker:
    """Tracks and announces the presence of this node's users.

    `grace_s`: seconds without a socket after which a user counts as offline. `contacts_max`: the largest number of
    members with which a group's members see each other's presence.

    The owner sets three callbacks. `on_user_changes` is called when connects or disconnects may have to be recorded
    with the lease, `on_departure` with the id of a user who has had no socket for `grace_s` and is connected to no
    other node. If the server can have several nodes, `on_arrival` is called with that of a user who connects to this
    node and was connected to no node.
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
        self.exchange = PresenceExchange(chat, publisher, peers, self._state, contacts_max)
        self.exchange.announce = self._publish
        self.exchange.on_touched = self._schedule_publish
        self.exchange.places.on_touched = self._schedule_publish
        self.on_user_changes: Callable[[], None] = lambda: None
        self.on_arrival: Callable[[str], None] = lambda _: None
        self.on_departure: Callable[[str], None] = lambda _: None
        self._publish_scheduled = False
        # Users whose clients are about to connect to another node.
        self._moving: set[str] = set()
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
        self.exchange.close()

    def enable_peers(self) -> None:
        """Makes a user's presence depend on their sockets on other nodes too. Called once, at the start, if the server
        can have several nodes."""
        self._state.away_elsewhere = self.exchange.users.away

    def is_elsewhere(self, user_id: str) -> bool:
        """Returns whether a user is connected to another node as far as this node knows, or `expect_elsewhere` was
        called for the user."""
        return user_id in self._moving or self.exchange.users.away(user_id) is not None

    def expect_elsewhere(self, user_id: str) -> None:
        """Makes `is_elsewhere` True for a user whose client is moving to another node, until the user connects here
        again or their grace period on this node ends. So the user's calls do not end."""
        self._moving.add(user_id)

    # --- sockets ----------------------------------------------------------------------------------------------------

    def connected(self, user_id: str, socket_id: str) -> None:
        """Adds a new socket of a user to the user's presence. The user must already be in the directory (the cache of
        users)."""
        entry = self._chat.directory.peek(user_id)
        if self._state.record(user_id) is None and self._is_shared and not self.is_elsewhere(user_id):
            self.on_arrival(user_id)
        self._moving.discard(user_id)
        had_socket = self._state.has_socket(user_id)
        self._state.connected(user_id, socket_id, None if entry is None else entry.presence)
        if not had_socket:
            self.exchange.places.look_up((user_id,))
        self._schedule_publish()

    def disconnected(self, user_id: str, socket_id: str) -> None:
        """Removes a closed socket from the user's presence. After the user's last socket, the grace period starts,
        after which the user counts as offline."""
        self._state.disconnected(user_id, socket_id, asyncio.get_running_loop().time(), clock.now_ms())
        self._leaving.arm()
        self._schedule_publish()

    # --- commands and queries -----------------------------------------------------------------------------------------

    def _set(self, actor: Actor, command: SetPresence) -> Awaitable[None]:
        """Sets the actor's status and text at once, and returns an awaitable that finishes when they are stored. The
        first step is synchronous because the socket may close in the next turn of the event loop. The call raises
        ChatError for an invalid command or a banned actor, the awaitable if they cannot be stored."""
        now_ms = clock.now_ms()
        check_status(command, now_ms)
        entry = self._chat.directory.peek(actor.user_id)
        require(may_act(None if entry is None else entry.user))
        before, hidden_ms = self._state.record(actor.user_id), None
        known = before or (None if entry is None else entry.presence)
        if before is not None:
            text, ends = text_and_ends(before, command.text, command.ends)
            chosen = self._state.choose(actor.user_id, command.source, command.status, text, now_ms, ends=ends)
            if command.status == "invisible" and before.status != "invisible":
                hidden_ms = chosen.last_seen_ms
            self._cache_record(chosen)
            self._schedule_publish()
        self.exchange.storing[actor.user_id] += 1
        choice = Choice(everywhere=command.source is None, was_hidden=known is not None and known.status == "invisible")
        return self._store(actor, StorePresence(command.status, command.text, hidden_ms, command.ends), choice)

    async def _store(self, actor: Actor, command: StorePresence, choice: Choice) -> None:
        try:
            record = await self._chat.execute(actor, command)
        except ChatError:
            # The database may have stored it nevertheless: the next renewal of the lease reads what is stored.
            self._state.recording.chosen(actor.user_id, Choice())
            self.on_user_changes()
            raise
        finally:
            self.exchange.storing[actor.user_id] -= 1
            if not self.exchange.storing[actor.user_id]:
                del self.exchange.storing[actor.user_id]
        self._cache_record(record)
        self._state.recording.chosen(actor.user_id, choice)
        self.on_user_changes()

    async def _get(self, actor: Actor, command: GetPresence) -> tuple[Presence, ...]:
        return await self.presence_of(actor, command.user_ids)

    async def _get_one(self, actor: Actor, command: GetPresenceOf) -> Presence:
        found = await self.presence_of(actor, (command.user_id,))
        if not found:
            raise forbidden("not_found")
        return found[0]

    async def presence_of(self, actor: Actor, user_ids: tuple[str, ...]) -> tuple[Presence, ...]:
        """Returns the presence of those of the users whom the actor may see: the actor, and users who share a
        conversation with the actor without a block; for the backend and operators all users. Leaves out the others.
        Raises ChatError for an invalid id, for too many ids, and if the database cannot be read."""
        check_user_ids(user_ids)
        await self.exchange.places.wait((actor.user_id, *user_ids))
        found = await self._chat.execute(actor, FindVisiblePresence(user_ids))
        missing = tuple(record.user_id for record in found if not self._is_online(record.user_id))
        elsewhere = await self.exchange.find(missing)
        return tuple(self._seen_by(actor, record, elsewhere.get(record.user_id)) for record in found)

    def _is_online(self, user_id: str) -> bool:
        return self._state.away(user_id) is not None or self.exchange.users.away(user_id) is not None

    async def contacts_presence(self, actor: Actor) -> tuple[Presence, ...]:
        """Returns the presence of the actor and their contacts (users who share a direct conversation or a small group
        with the actor), for the initial state of a client."""
        is_here = self._state.record(actor.user_id) is not None
        if is_here:
            await self.exchange.places.wait((actor.user_id,))
        found = await self._chat.execute(actor, FindContacts(self._contacts_max))
        elsewhere: Mapping[str, bool] = {}
        if not is_here:
            elsewhere = await self.exchange.find_unkept([record.user_id for record in found])
        return tuple(self._seen_by(actor, record, elsewhere.get(record.user_id)) for record in found)

    async def _list_online(self, actor: Actor, command: ListOnline) -> Page[Presence]:
        """Returns a page of the users whom others see as online, on this node and on other nodes. Raises `forbidden`
        unless the actor is the backend or an operator."""
        must_be_backend(actor)
        limit = max(1, min(command.limit, ONLINE_PAGE_MAX))
        page = await self.exchange.list_connected(command.cursor, limit + 1)
        shown = await self._chat.execute(actor, FindVisiblePresence(tuple(page[:limit])))
        elsewhere = await self.exchange.find_unkept(page[:limit])
        items = (self._seen_by(actor, record, elsewhere.get(record.user_id)) for record in shown)
        next_cursor = page[limit - 1] if len(page) > limit else None
        return Page(tuple(item for item in items if item.status != "offline"), next_cursor)

    def _seen_by(self, actor: Actor, stored: PresenceRecord, away_elsewhere: bool | None = None) -> Presence:  # noqa: FBT001 (data)
        """Returns how the actor sees a user whose presence in the database is `stored`. `away_elsewhere` says whether
        the user is away on the nodes that they have just connected to, None if there are none."""
        now_ms = clock.now_ms()
        stored = stored.at(now_ms)
        if stored.user_id != actor.user_id:
            return self.exchange.presence(stored, away_elsewhere).at(now_ms)
        here = self._state.presence(stored.user_id, own=True)
        if here is not None:
            return here.at(now_ms)
        away = self.exchange.users.away(stored.user_id)
        return shown_to_self(stored, shown_status(stored, away, away_elsewhere))

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
        for record, change in self._state.expire(now):
            self._cache_record(record)
            self._moving.discard(record.user_id)
            if not self.is_elsewhere(record.user_id):
                self.on_departure(record.user_id)
            if change is not None:
                changes.append(change)
        self._publish(changes)
        self.on_user_changes()

    def _publish(self, changes: Sequence[PresenceChanged]) -> None:
        """Sends presence changes to this node's sockets. A change of a user who is not in the directory (the cache of
        users) is sent after the user was loaded, since it goes to contacts that are not known before."""
        now_ms = clock.now_ms()
        known, unknown = [], {}
        for change in changes:
            user_id = change.presence.user_id
            if change.own or change.circle_ids is not None or self._chat.directory.peek(user_id) is not None:
                known.append(msgspec.structs.replace(change, presence=change.presence.at(now_ms)))
            else:
                unknown[user_id] = change.came
        if known:
            self._publisher.publish_here(known)
        if unknown:
            self.exchange.announce_loaded(unknown)

    def follow(self, event: Durable) -> None:
        """Finds out about the contacts on other nodes that users of this node have gained with an event, and hides from
        users of this node those that they have lost. Sends users of this node again whose contacts have changed: this
        node may have sent them before it knew of the event, and others after that."""
        if not self._is_shared or not self.exchange.places.sends_again:
            return
        places, memberships = self.exchange.places, self._chat.directory.memberships
        changed: Collection[str] = ()
        match event:
            case (
                ConversationCreated(conversation=Conversation(id=conversation_id))
                | MemberAdded(conversation_id=conversation_id)
            ):
                if not memberships.are_no_contacts(conversation_id):
                    changed = [member.user_id for member in event.members]
                    places.look_up(self._here(memberships.members((conversation_id,))))
            case MembershipGroundsChanged(member=member):
                changed = (member.user_id,)
                places.look_up(self._here(memberships.members((member.conversation_id,))))
            case MemberRemoved(conversation_id=conversation_id, user_id=user_id):
                changed = (user_id,)
                places.parted(user_id, conversation_id)
                if memberships.is_largest(conversation_id):
                    members = memberships.members((conversation_id,))
                    changed = (user_id, *members)
                    places.look_up(self._here(members))
            case UserBlocked(user_id=user_id, blocked_id=blocked_id):
                changed = (user_id,)
                places.set_blocked(user_id, blocked_id, blocked=True)
            case UserUnblocked(user_id=user_id, blocked_id=blocked_id):
                changed = (user_id,)
                places.set_blocked(user_id, blocked_id, blocked=False)
        if self._state.recording.renew(changed):
            self.on_user_changes()

    def _here(self, user_ids: Iterable[str]) -> list[str]:
        return [user_id for user_id in user_ids if self._state.record(user_id) is not None]

    def forget(self, user_id: str) -> None:
        """Removes the chosen status and text of an erased user from memory, and announces the user as offline at once,
        without a grace period."""
        self._state.erase(user_id)
        self._schedule_publish()

    def _cache_record(self, record: PresenceRecord) -> None:
        entry = self._chat.directory.peek(record.user_id)
        if entry is not None:
            entry.presence = record

    # --- recording ----------------------------------------------------------------------------------------------------

    @property
    def has_user_changes(self) -> bool:
        return self._state.recording.has_moves

    def take_user_changes(self) -> UserMoves:
        return self._state.recording.take()

    def not_recorded(self, lease: RenewLease) -> None:
        self._state.recording.put_back(lease.moves)

    def recorded(self, lease: RenewLease, report: LeaseReport) -> None:
        self._state.recording.recorded(lease.moves)
        if self._is_shared:
            self.exchange.recorded(lease.moves, report)
        if not report.known:
            # Other nodes have declared this node's users offline; or the node has just started and has no users.
            self._state.recording.renew_all()
            self._state.end_grace_periods()
            self._leaving.arm()

    @property
    def _is_shared(self) -> bool:
        return self._state.away_elsewhere is not None
