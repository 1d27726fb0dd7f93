"""The directory: a cache of the users connected to this node, with their conversations, kept current with the committed
events.

It serves connecting, opening conversations and signals without a database query. An entry is loaded as of a position in
the log of events; events after that position that arrived during loading are then applied to it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.connected.limited_history_index import LimitedHistoryIndex
from talkwire.core.connected.memberships import CONTACTS_MAX, MembershipIndex
from talkwire.core.connected.notify_all_index import NotifyAllIndex
from talkwire.core.domain.audience import Reader
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationPreferred,
    Durable,
    LoginEnded,
    LoginOpened,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    MembersListed,
    MessageSent,
    PreferencesChanged,
    UserBanned,
    UserBlocked,
    UserCreated,
    UserErased,
    UserRenamed,
    UserUnbanned,
    UserUnblocked,
    UserUpdated,
)
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import (
    WHOLE,
    HistoryStart,
    Member,
    MemberPreferences,
    Notify,
    Preferences,
    PresenceRecord,
    User,
)

IDLE_USERS_MAX = 20_000
"""Most users that stay cached after their last socket closed, because most of them reconnect soon."""

LOADS_OVERLAP_S = 0.1
"""Seconds after which the next users are loaded although the last load has not ended, so that a stalled read does not
keep them waiting. Until then they wait for it: one query for many users costs little more than one for a few."""

_NONE: AbstractSet[str] = frozenset()
USUAL = MemberPreferences()
_PREFERENCES = Preferences()


@dataclass(slots=True, eq=False)
class DirectoryEntry:
    """The cached data of one user: conversations, blocked users, devices, settings. `user` is None for an id that no
    user has yet."""

    user: User | None
    conversation_ids: set[str]
    login_ids: set[str] = field(default_factory=set)
    """The signed-in devices, whose access tokens are valid; signed-out devices are not included."""
    blocked_ids: frozenset[str] = frozenset()
    """The ids of the users whom this user has blocked."""
    presence: PresenceRecord | None = None
    """The stored status and text; None if the user has set none."""
    preferences: Preferences = _PREFERENCES
    """The user's notification settings."""
    member_preferences: Mapping[str, MemberPreferences] = field(default_factory=dict)
    """Notification settings by conversation id, only where they differ from the default."""
    histories: dict[str, HistoryStart] = field(default_factory=dict)
    """The user's histories by conversation id, only where they do not start at the beginning."""
    staffed: dict[str, bool] = field(default_factory=dict)
    """The conversations of which the user is a member through a team, each with whether the user is also a member in
    their own right."""
    _unlisted: set[str] | None = None
    notify_defaults: Mapping[str, Notify] = field(default_factory=dict)
    """What conversations notify members of who have chosen nothing, by conversation id: `MembershipIndex.notify`, which
    all cached users share."""
    holds: int = 0
    since_pos: int = 0
    """The log position at which the entry was first held, so that the user has been connected since then."""
    moved_pos: int = 0
    """The log position of the last change of `conversation_ids`: of joining, leaving or loading. All events of the
    conversations after it have been delivered on this node."""

    @property
    def unlisted(self) -> AbstractSet[str]:
        """Those of `staffed` that are not in the user's list: the user is not notified of what happens there."""
        return self._unlisted or _NONE

    def reader(self, user_id: str) -> Reader:
        """Returns the user as a reader of events: the data by which `audience.event_for_reader` decides which version
        of an event the user sees. `user_id` is the id of the entry's user."""
        return Reader(user_id, self.histories, self.preferences.read_receipts, staffed_ids=self.staffed)

    def set_user(self, user: User) -> None:
        """Sets the entry's user, after the user was created or changed."""
        self.user = user

    def erase(self, user: User) -> None:
        """Removes everything cached of an erased user, except which conversations they are a member of. `user` has only
        the id."""
        self.user = user
        self.login_ids.clear()
        self.blocked_ids = frozenset()
        self.presence = None
        self.preferences = _PREFERENCES

    def rename(self, name: str) -> None:
        if self.user is not None:
            self.user = msgspec.structs.replace(self.user, name=name)

    def block(self, user_id: str) -> None:
        self.blocked_ids |= {user_id}

    def unblock(self, user_id: str) -> None:
        self.blocked_ids -= {user_id}

    def set_preferences(self, preferences: Preferences) -> None:
        self.preferences = preferences

    def set_preferences_for(self, conversation_id: str, wanted: MemberPreferences) -> None:
        if wanted == USUAL:
            self.reset_preferences_for(conversation_id)
        else:
            self.member_preferences = {**self.member_preferences, conversation_id: wanted}

    def join(self, member: Member, pos: int) -> None:
        """Adds a conversation to the user's conversations, or changes on which grounds the user is a member. `pos` is
        the log position of the event."""
        id_ = member.conversation_id
        if id_ not in self.conversation_ids:
            self.moved_pos = max(self.moved_pos, pos)
            self.conversation_ids.add(id_)
        if member.history != WHOLE:
            self.histories[id_] = member.history
        elif self.histories:
            self.histories.pop(id_, None)
        if member.via:
            self.staffed[id_] = member.own
        elif self.staffed:
            self.staffed.pop(id_, None)
        self.set_listed(id_, listed=member.listed)

    def set_listed(self, conversation_id: str, *, listed: bool) -> None:
        """Records whether one of the user's conversations is in their list."""
        if not listed:
            self._unlisted = self._unlisted or set()
            self._unlisted.add(conversation_id)
        elif self._unlisted is not None:
            self._unlisted.discard(conversation_id)

    def lists(self, conversation_id: str) -> bool:
        """Returns whether the user is a member of a conversation and has it in their list."""
        return conversation_id in self.conversation_ids and conversation_id not in self.unlisted

    def is_only_through_teams(self, conversation_id: str) -> bool:
        """Returns whether the user is a member of a conversation through teams, and not in their own right."""
        return not self.staffed.get(conversation_id, True)

    def leave(self, conversation_id: str, pos: int) -> None:
        """Removes a conversation from the user's conversations. The point from which the user saw it is kept in
        `histories`, because earlier events may still be being delivered to the user. `pos` is the log position of the
        event that ended the membership."""
        if conversation_id in self.conversation_ids:
            self.moved_pos = max(self.moved_pos, pos)
        self.conversation_ids.discard(conversation_id)
        self.staffed.pop(conversation_id, None)
        self.set_listed(conversation_id, listed=True)
        self.reset_preferences_for(conversation_id)

    def reset_preferences_for(self, conversation_id: str) -> None:
        if conversation_id in self.member_preferences:
            self.member_preferences = {
                id_: wanted for id_, wanted in self.member_preferences.items() if id_ != conversation_id
            }

    def set_ban(self, ban: UserBanned | None) -> None:
        """Marks the user as banned from the server as the event says, or as not banned for None."""
        if self.user is not None:
            reason, until_ms = (None, None) if ban is None else (ban.reason, ban.until_ms)
            self.user = msgspec.structs.replace(
                self.user, banned=ban is not None, ban_reason=reason, ban_until_ms=until_ms
            )


class LoadedUsers(NamedTuple):
    """Users loaded from the database as of log position `pos`, with the kinds and sizes of the conversations that they
    are in."""

    pos: int
    entries: Mapping[str, DirectoryEntry]
    facts: Mapping[str, ConversationFacts] = MappingProxyType({})


Load = Callable[[Collection[str]], Awaitable[LoadedUsers]]
"""Function that loads users by their ids."""


@dataclass(slots=True, eq=False)
class _Loading:
    """A running query for users, and the committed events that arrived since it started, to be applied to its
    result."""

    user_ids: Sequence[str]
    late: list[Durable] = field(default_factory=list)


class Directory:
    """A cache of users by id: users that are held, i.e. connected to this node, and the `idle_max` most recently used
    others.

    `memberships` indexes the cached users by conversation, `notify_all` those with `notify="all"`, `limited_histories`
    those who do not see a conversation from its beginning. The chat sets `pos`, the current log position.
    """

    def __init__(self, load: Load, idle_max: int = IDLE_USERS_MAX, contacts_max: int = CONTACTS_MAX) -> None:
        self.memberships = MembershipIndex(contacts_max)
        self.notify_all = NotifyAllIndex()
        self.limited_histories = LimitedHistoryIndex()
        self._blind: set[str] = set()
        """The cached users that do not share what they have read."""
        self.pos = 0
        self._load = load
        self._idle_max = idle_max
        self._held: dict[str, DirectoryEntry] = {}
        self._idle: OrderedDict[str, DirectoryEntry] = OrderedDict()
        self._loading: dict[str, asyncio.Future[DirectoryEntry]] = {}
        self._requested: list[str] = []
        self._starting: asyncio.Handle | None = None
        """Handle of the start of the load of the requested users."""
        self._running: set[_Loading] = set()
        self._tasks = BackgroundTasks()

    @property
    def held_count(self) -> int:
        """The number of held users: those who are connected to this node."""
        return len(self._held)

    def peek(self, user_id: str) -> DirectoryEntry | None:
        """Returns the user's entry if it is in memory, else None."""
        return self._held.get(user_id) or self._idle.get(user_id)

    async def find(self, user_id: str) -> DirectoryEntry:
        """Returns the user's entry, loading it from the database if needed; the entry of an unknown id has no `user`.
        Raises the error of a failed load, such as a ChatError.

        Users requested in one turn of the event loop, or while others are being loaded, are loaded together.
        """
        entry = self.peek(user_id)
        if entry is not None:
            if not entry.holds:
                self._idle.move_to_end(user_id)
            return entry
        return await asyncio.shield(self._request(user_id))

    def is_agent(self, user_id: str) -> bool:
        """Returns whether a user is known to be an agent. False for a user who is not cached."""
        entry = self.peek(user_id)
        return entry is not None and entry.user is not None and entry.user.kind == "agent"

    def contacts(self, user_id: str) -> set[str]:
        """Returns the cached contacts of a user: members of the same direct conversations and small groups, if neither
        has blocked the other. Contacts are notified of each other's presence without subscribing. Empty for a user who
        is not cached."""
        entry = self.peek(user_id)
        if entry is None:
            return set()
        found = self.memberships.contacts(user_id, entry.conversation_ids)
        return {other_id for other_id in found if not self.is_blocked(user_id, other_id)}

    def contacts_in(self, conversation_ids: Iterable[str], user_id: str, blocked_ids: Collection[str]) -> set[str]:
        """Returns the cached members of the conversations `conversation_ids` in their own right, without the user and
        without users of whom one has blocked the other. The user need not be cached.

        `conversation_ids` are the conversations whose members are contacts of the user, `blocked_ids` the users whom
        the user has blocked.
        """
        found = self.memberships.members(conversation_ids)
        found.discard(user_id)
        found.difference_update(blocked_ids)
        return {other_id for other_id in found if not self.is_blocked(user_id, other_id)}

    async def look_up(self, user_ids: Collection[str]) -> LoadedUsers:
        """Loads users from the database without caching them. Raises ChatError."""
        return await self._load(user_ids)

    def are_acquainted(self, user_id: str, other_id: str) -> bool:
        """Returns whether a user shares a conversation with another, who is there in their own right, and neither has
        blocked the other. False unless both are cached."""
        entry, other = self.peek(user_id), self.peek(other_id)
        if entry is None or other is None or entry.conversation_ids.isdisjoint(other.conversation_ids):
            return False
        if other.staffed and all(
            not other.staffed.get(id_, True) for id_ in entry.conversation_ids & other.conversation_ids
        ):
            return False
        return not self.is_blocked(user_id, other_id)

    def is_blocked(self, user_id: str, other_id: str) -> bool:
        """Returns whether one of two users has blocked the other. The blocks of a user who is not cached are not known
        and count as none."""
        entry, other = self.peek(user_id), self.peek(other_id)
        return (entry is not None and other_id in entry.blocked_ids) or (
            other is not None and user_id in other.blocked_ids
        )

    def hold(self, user_id: str, entry: DirectoryEntry) -> DirectoryEntry:
        """Keeps a user's entry in memory until `release` has been called as often as `hold`. Called for each socket
        that connects, with the `entry` that `find` has just returned.

        Returns the entry to use: another one if `entry` was evicted and loaded again meanwhile.
        """
        known = self.peek(user_id)
        if known is None:
            entry.moved_pos = self.pos
            self._index(user_id, entry)
        entry = known or entry
        self._idle.pop(user_id, None)
        self._held[user_id] = entry
        if not entry.holds:
            entry.since_pos = self.pos
        entry.holds += 1
        return entry

    def release(self, user_id: str) -> None:
        """Reverts one call of `hold`, after which the user's entry may be removed from memory."""
        entry = self._held[user_id]
        entry.holds -= 1
        if not entry.holds:
            del self._held[user_id]
            self._make_idle(user_id, entry)

    def forget_idle(self) -> None:
        """Removes the entries of all users who are not connected to this node, because they may be outdated."""
        while self._idle:
            self._evict(*self._idle.popitem(last=False))

    def apply(self, event: Durable) -> None:
        """Updates the cached users and the indexes with a committed event. Called once with each event of the log, in
        order."""
        if type(event) is MessageSent:
            return  # nearly every event is a message, which changes no entry
        if isinstance(event, ConversationDeleted):
            for entry in (*self._held.values(), *self._idle.values()):
                entry.leave(event.conversation_id, event.pos)
        else:
            _apply(event, self.peek)
        self.memberships.apply(event, self._is_cached)
        self.notify_all.apply(event, self._is_cached)
        self.limited_histories.apply(event, self._is_cached)
        if isinstance(event, PreferencesChanged) and self._is_cached(event.user_id):
            self._index_reads(event.user_id, event.preferences)
        self._load_new_conversations(event)
        for loading in self._running:
            loading.late.append(event)

    def staff_ids_in(self, conversation_id: str) -> Collection[str]:
        """Returns the ids of the cached members of a conversation who are there through a team."""
        membership = self.memberships.get(conversation_id)
        return () if membership is None else membership.staff_ids

    def unlisted_ids_in(self, conversation_id: str) -> Collection[str]:
        """Returns the ids of the cached members of a conversation who do not have it in their list."""
        staff = ((user_id, self.peek(user_id)) for user_id in self.staff_ids_in(conversation_id))
        return [user_id for user_id, entry in staff if entry is not None and conversation_id in entry.unlisted]

    def blind_ids_in(self, conversation_id: str) -> Collection[str]:
        """Returns the ids of the cached members of a conversation who do not see read receipts, because they share
        none."""
        membership = self.memberships.get(conversation_id) if self._blind else None
        return () if membership is None else self._blind.intersection(membership.user_ids)

    def connected(self, user_id: str) -> DirectoryEntry | None:
        """Returns the entry of a user with a socket on this node, else None. Safe to call from any thread."""
        return self._held.get(user_id)

    def connected_ids(self) -> Collection[str]:
        """Returns the ids of all users with a socket on this node."""
        return self._held.keys()

    def is_connected_since(self, user_id: str, pos: int) -> bool:
        """Returns whether a user has been connected to this node without interruption since before the log position
        `pos`. Safe to call from any thread."""
        entry = self._held.get(user_id)
        return entry is not None and entry.since_pos < pos

    def _index(self, user_id: str, entry: DirectoryEntry) -> None:
        entry.notify_defaults = self.memberships.notify
        self.memberships.add(user_id, entry.conversation_ids, entry.staffed)
        self.notify_all.add(user_id, entry.member_preferences)
        self.limited_histories.add(user_id, entry.histories)
        self._index_reads(user_id, entry.preferences)

    def _index_reads(self, user_id: str, preferences: Preferences) -> None:
        if preferences.read_receipts:
            self._blind.discard(user_id)
        else:
            self._blind.add(user_id)

    def _is_cached(self, user_id: str) -> bool:
        return self.peek(user_id) is not None

    def _make_idle(self, user_id: str, entry: DirectoryEntry) -> None:
        self._idle[user_id] = entry
        if len(self._idle) > self._idle_max:
            self._evict(*self._idle.popitem(last=False))

    def _evict(self, user_id: str, entry: DirectoryEntry) -> None:
        self.memberships.remove(user_id, entry.conversation_ids)
        self.notify_all.remove(user_id, entry.member_preferences)
        self.limited_histories.remove(user_id, entry.histories)
        self._blind.discard(user_id)

    def _load_new_conversations(self, event: Durable) -> None:
        """Loads the kind and size of a conversation that none of the cached users had in their list before the event.
        Nobody needs them of a conversation that is in no list: its members there make no contacts and are not
        notified."""
        match event:
            case MemberAdded(of_teams=False):
                user_ids: Iterable[str] = [member.user_id for member in event.members]
            case MembersListed(user_ids=user_ids, listed=True):
                pass
            case _:
                return
        if self.memberships.is_incomplete(event.conversation_id):
            for user_id in user_ids:
                if self.peek(user_id) is not None:
                    self._request(user_id)

    def _request(self, user_id: str) -> asyncio.Future[DirectoryEntry]:
        future = self._loading.get(user_id)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._loading[user_id] = loop.create_future()
            self._requested.append(user_id)
            if self._starting is None and self._running:
                self._starting = loop.call_later(LOADS_OVERLAP_S, self._start_loading)
            elif self._starting is None:
                self._starting = loop.call_soon(self._start_loading)
        return future

    def _start_loading(self) -> None:
        self._starting = None
        loading = _Loading(self._requested)
        self._requested = []
        self._running.add(loading)
        self._tasks.start(self._finish_loading(loading))

    def _load_next(self) -> None:
        """Starts to load the users who were requested during a load that has ended."""
        if self._starting is not None:
            self._starting.cancel()
            self._start_loading()

    async def _finish_loading(self, loading: _Loading) -> None:
        try:
            pos, loaded, facts = await self._load(loading.user_ids)
        except Exception as error:  # noqa: BLE001 (handed to everyone who waits)
            for user_id in loading.user_ids:
                future = self._loading.pop(user_id)
                future.set_exception(error)
                future.exception()  # mark as retrieved: every waiting caller may have been cancelled
            return
        finally:
            self._running.discard(loading)
            self._load_next()
        for fresh in loaded.values():
            # From now on the node receives the events of the users' conversations, of which it may have passed some.
            fresh.moved_pos = max(pos, self.pos)
        for event in loading.late:
            if event.pos > pos:
                _apply_late(event, loaded)
        for user_id in loading.user_ids:
            entry = self.peek(user_id)
            if entry is None:
                entry = loaded[user_id]
                self._index(user_id, entry)
                self._make_idle(user_id, entry)
            self._loading.pop(user_id).set_result(entry)
        self.memberships.fill(facts, pos, loading.late)
        for event in loading.late:
            self._load_new_conversations(event)


def _apply_late(event: Durable, loaded: Mapping[str, DirectoryEntry]) -> None:
    if isinstance(event, ConversationDeleted):
        for entry in loaded.values():
            entry.leave(event.conversation_id, event.pos)
    else:
        _apply(event, loaded.get)


def _apply(event: Durable, entry_of: Callable[[str], DirectoryEntry | None]) -> None:
    if isinstance(event, ConversationCreated | MemberAdded):
        for member in event.members:
            entry = entry_of(member.user_id)
            if entry is not None:
                entry.join(member, event.pos)
        return
    if isinstance(event, MembersListed):
        for entry in filter(None, map(entry_of, event.user_ids)):
            entry.set_listed(event.conversation_id, listed=event.listed)
        return
    user_id, change = _change_of_member(event) or _change_of_user(event) or ("", None)
    entry = None if change is None else entry_of(user_id)
    if entry is not None and change is not None:
        change(entry)


_Change = tuple[str, Callable[[DirectoryEntry], None]]
"""Pair of the id of the user whose entry an event changes, and the function that makes the change."""


def _change_of_member(event: Durable) -> _Change | None:
    match event:
        case MembershipGroundsChanged(member=member):
            return member.user_id, lambda entry: entry.join(member, event.pos)
        case MemberRemoved(conversation_id=conversation_id, user_id=user_id):
            return user_id, lambda entry: entry.leave(conversation_id, event.pos)
        case ConversationPreferred(conversation_id=conversation_id, user_id=user_id):
            wanted = MemberPreferences(event.muted, event.notify, event.sound, event.unmute_ms)
            return user_id, lambda entry: entry.set_preferences_for(conversation_id, wanted)
        case _:
            return None


def _change_of_user(event: Durable) -> _Change | None:
    match event:
        case PreferencesChanged(user_id=user_id, preferences=preferences):
            return user_id, lambda entry: entry.set_preferences(preferences)
        case LoginOpened(user_id=user_id, session_id=session_id):
            return user_id, lambda entry: entry.login_ids.add(session_id)
        case LoginEnded(user_id=user_id, session_id=session_id):
            return user_id, lambda entry: entry.login_ids.discard(session_id)
        case UserCreated(user=user) | UserUpdated(user=user):
            return user.id, lambda entry: entry.set_user(user)
        case UserErased(user=user):
            return user.id, lambda entry: entry.erase(user)
        case UserBlocked(user_id=user_id, blocked_id=blocked_id):
            return user_id, lambda entry: entry.block(blocked_id)
        case UserUnblocked(user_id=user_id, blocked_id=blocked_id):
            return user_id, lambda entry: entry.unblock(blocked_id)
        case UserRenamed(user_id=user_id, name=name):
            return user_id, lambda entry: entry.rename(name)
        case UserBanned() | UserUnbanned():
            return event.user_id, lambda entry: entry.set_ban(event if isinstance(event, UserBanned) else None)
        case _:
            return None
