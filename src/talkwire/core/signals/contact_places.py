"""Of which users of the other nodes this node keeps a copy, and how it finds out where they are connected.

With few nodes it keeps all of them. With many, it is *selective*: it keeps those who share a conversation with a user
of this node, as far as that may make them contacts; those who are connected to this node too; and those to whose
presence a socket has subscribed, or who are in a call of this node. All other changes it passes over.

Changes that were passed over are missing when a user connects here, joins a conversation or subscribes to somebody. So
this node then looks up in the database who of interest is connected where. What happens meanwhile it receives already,
since it has cached the user. A node whose users have joined or left a conversation sends them again, so that the others
can choose again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

import structlog

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.presence import FindPlaces, FoundPlace
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.ports.bus import Receivers
from talkwire.core.signals.node_users import UNKNOWN, NodeUsers, UserPlace, usual_place
from talkwire.core.signals.presence_state import PresenceState

SELECTIVE_AFTER_S = 20.0
"""Seconds for which there must have been many nodes until one that has users becomes selective. By then all nodes know
it, and send users again whose conversations have changed."""

LOOKED_UP_MAX = 25
"""Most users that one lookup is about."""

LOOKUP_RETRY_S = 1.0
"""Seconds until the next attempt after a failed lookup, and until a user is looked up again of whose contacts one was
changing."""

WAIT_S = 5.0
"""Longest time that a question waits for a lookup, in seconds."""

ADDRESSED_SHARE = 0.5
"""Largest share of the other nodes to which a signal is addressed. If more need it, it is sent to all."""

CHECK_AFTER_S = 30.0
"""Seconds after which a node that has become selective begins to remove users who are not of interest. By then it has
received what other nodes had recorded before."""

INTEREST_CHECK_EVERY_S = 1.0
"""Seconds within which the list of one node is checked for users who are no longer of interest."""

_logger = structlog.get_logger(__name__)


class ContactPlaces:
    """Chooses which users of the other nodes are kept in `users`, and looks up the places of contacts of this node's
    users there.

    `contacts_max`: up to this many members, a group's members are contacts. The owner sets `connections`, which returns
    how often the bus was connected until now, `is_watched`, which returns
    whether a socket of this node has subscribed to the presence of a user, `is_called`, which returns whether a user is
    in a call of this node, `on_touched`, which is called when the presence of users of this node may have changed, and
    `on_found`, which is called with users whom clients may take for offline and who are connected.
    """

    def __init__(
        self, chat: ChatAccess, peers: Peers, state: PresenceState, users: NodeUsers, contacts_max: int
    ) -> None:
        self.may_be_selective = False
        """Whether this node may become selective, because its bus can send a message to some nodes alone."""
        self.is_selective = False
        self.unread: set[str] = set()
        """The nodes whose lists have to be read from the database, because changes are missing."""
        self.connections: Callable[[], int] = lambda: 0
        self.is_watched: Callable[[str], bool] = lambda _: False
        self.is_called: Callable[[str], bool] = lambda _: False
        self.on_touched: Callable[[], None] = lambda: None
        self.on_found: Callable[[Collection[str]], None] = lambda _: None
        self._chat = chat
        self._peers = peers
        self._state = state
        self._users = users
        self._contacts_max = contacts_max
        self._many_since: float | None = None
        # How often the bus was connected when the lease was renewed last, and whether it was as often at the renewal
        # before: the first renewal shows which lists have changed while the bus was disconnected, the second one that
        # these changes have not arrived since.
        self._connection = 0
        self._is_renewed = False
        # User id -> whether their contacts are looked up too. The newest are looked up first.
        self._asked: dict[str, bool] = {}
        self._running: dict[str, bool] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        # Users who are looked up again, since one of their contacts was changing.
        self._asked_again: dict[str, bool] = {}
        # Those who will be, after a pause.
        self._due_again: set[str] = set()
        # Users who have more contacts than are looked up.
        self._lacking: set[str] = set()
        # How many users are looked up at once: fewer after errors, since one user may cause them, and if they have too
        # many contacts together.
        self._count = LOOKED_UP_MAX
        # What has changed since the running lookup started: (node id, user id), users who have left a conversation or
        # blocked somebody, and node id -> the users in a list that was read.
        self._moved: set[tuple[str, str]] = set()
        self._left: set[str] = set()
        self._replaced: dict[str, Mapping[str, tuple[bool, int]]] = {}
        self._is_looking_up = False
        self._to_check: list[str] = []
        self._check_at = 0.0
        self._tasks = BackgroundTasks()

    def close(self) -> None:
        self._tasks.cancel()

    @property
    def sends_again(self) -> bool:
        """Whether this node has to send users again whose conversations have changed, since others may be selective."""
        return self.may_be_selective and (self.is_selective or self._peers.are_many)

    # --- who is kept --------------------------------------------------------------------------------------------------

    def choose_mode(self) -> None:
        """Becomes selective once there have been many nodes for a while, or at once if this node has no users. Called
        when this node's lease was renewed.

        It then stays selective, also if there are fewer nodes later: that holds with any number of them.
        """
        connection = self.connections()
        self._is_renewed = connection == self._connection
        self._connection = connection
        if self.is_selective or not self.may_be_selective:
            return
        now = asyncio.get_running_loop().time()
        if not self._peers.read_compact:
            self._many_since = None
            return
        if self._many_since is None:
            self._many_since = now
        if not self._state.ids() or now - self._many_since >= SELECTIVE_AFTER_S:
            self.is_selective = True
            self._check_at = now + CHECK_AFTER_S
            self.look_up(self._state.ids())

    def concerns(self, user_id: str) -> bool:
        """Returns whether a user's presence is of interest whatever their conversations are."""
        return self._state.record(user_id) is not None or self.is_called(user_id) or self.is_watched(user_id)

    def shared(self, circle_ids: Iterable[str]) -> tuple[str, ...]:
        """Returns those of the conversations of which users of this node are members."""
        membership_of = self._chat.directory.memberships.get
        return tuple(id_ for id_ in circle_ids if membership_of(id_) is not None)

    def place(
        self, user_id: str, *, away: bool, circle_ids: Iterable[str], blocked_ids: tuple[str, ...]
    ) -> UserPlace | None:
        """Returns what to keep of a user who is connected to another node: None if nothing is kept."""
        if not self.is_selective:
            return usual_place(away=away)
        shared = self.shared(circle_ids)
        if shared:
            return UserPlace(away, shared, blocked_ids)
        return UserPlace(away, ()) if self.concerns(user_id) else None

    def check_some(self) -> None:
        """Removes the users who are no longer of interest from the copy of one node's list."""
        now = asyncio.get_running_loop().time()
        if not self.is_selective or self._is_looking_up or now < self._check_at:
            return
        self._check_at = now + INTEREST_CHECK_EVERY_S
        self._lacking = {user_id for user_id in self._lacking if self._state.record(user_id) is not None}
        self._to_check = self._to_check or [*self._users.node_ids]
        node_id = self._to_check.pop() if self._to_check else ""
        for user_id, place in tuple(self._users.on(node_id).items()):
            if not self.shared(place.circle_ids or ()) and not self.concerns(user_id):
                self._users.set(node_id, user_id, None)

    def nodes_of(self, conversation_id: str, user_id: str) -> Receivers:
        """Returns the other nodes that need a signal of a user to a conversation: those to which members, the user
        included, are connected, and those of which this node does not know that yet or which need all signals.

        None stands for all nodes: it is returned instead of most of them, and if this node does not keep all members of
        the conversation, since the user is not connected here or is being looked up, or the members are no contacts of
        each other."""
        memberships = self._chat.directory.memberships
        membership = memberships.get(conversation_id)
        if (
            not self.is_selective
            or not self._is_current
            or not self._has_contacts_of(user_id)
            or membership is None
            or user_id not in membership.user_ids
            or not memberships.are_contacts_only(conversation_id)
        ):
            return None
        living = {*self._peers.living_ids}
        own = [node_id for node_id, _ in self._users.places_of(user_id)]
        found = self._users.nodes_of(conversation_id).union(own, self.unread, self._peers.needing_signals)
        found |= living.difference(self._users.node_ids)
        return tuple(sorted(found)) if len(found) <= ADDRESSED_SHARE * len(living) else None

    @property
    def _is_current(self) -> bool:
        """Whether this node has noticed which changes it has missed while the bus was disconnected."""
        return self._is_renewed and self.connections() == self._connection

    def _has_contacts_of(self, user_id: str) -> bool:
        """Returns whether a user is connected to this node, and it keeps all of the user's contacts."""
        lacking = self._asked, self._running, self._asked_again, self._due_again, self._lacking
        return self._state.has_socket(user_id) and not any(user_id in each for each in lacking)

    # --- what was passed over -----------------------------------------------------------------------------------------

    def look_up(self, user_ids: Iterable[str], *, contacts: bool = True) -> None:
        """Starts to look up to which other nodes users are connected, and with `contacts` also their contacts. Does
        nothing if this node keeps all users."""
        if not self.is_selective:
            return
        for user_id in user_ids:
            earlier = self._asked.pop(user_id, False)
            self._asked[user_id] = contacts or earlier
        self._start()

    def is_looked_up(self, user_id: str) -> bool:
        """Returns whether it is being looked up where a user is connected."""
        return user_id in self._asked or user_id in self._running

    async def wait(self, user_ids: Collection[str]) -> None:
        """Waits until the lookups of users that were started have ended. Raises the ChatError of one that has failed,
        or `unavailable` after `WAIT_S`. Lookups go on after both."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WAIT_S):
                for user_id in user_ids:
                    if self.is_looked_up(user_id):
                        future = loop.create_future()
                        self._waiting.setdefault(user_id, []).append(future)
                        await future
        except TimeoutError:
            raise _not_found_yet() from None

    def moved(self, node_id: str, user_id: str) -> None:
        """Called when another node has sent a change of its list that concerns a user."""
        if self._is_looking_up:
            self._moved.add((node_id, user_id))

    def parted(self, user_id: str, conversation_id: str) -> None:
        """Called when a user has left a conversation: its members must not see the user's presence any more, also
        before the user's node has sent the user again."""
        if self._is_looking_up:
            self._left.add(user_id)
        for node_id, place in self._users.places_of(user_id):
            if place.circle_ids is not None and conversation_id in place.circle_ids:
                remaining = tuple(id_ for id_ in place.circle_ids if id_ != conversation_id)
                self._users.set(node_id, user_id, place._replace(circle_ids=remaining))

    def set_blocked(self, user_id: str, other_id: str, *, blocked: bool) -> None:
        """Called when a user has blocked another, who must not see the user's presence any more, or has ended that."""
        if self._is_looking_up:
            self._left.add(user_id)
        for node_id, place in self._users.places_of(user_id):
            remaining = tuple(id_ for id_ in place.blocked_ids if id_ != other_id)
            self._users.set(node_id, user_id, place._replace(blocked_ids=(*remaining, *[other_id] * blocked)))

    def replaced(self, node_id: str, listed: Mapping[str, tuple[bool, int]]) -> None:
        """Called when the copy of another node's list was replaced. `listed` are the users in the list, as in
        `ConnectedUsers`: none if the node has ended."""
        if self._is_looking_up:
            self._replaced[node_id] = listed

    def _start(self) -> None:
        if (self._asked or self._asked_again) and not self._is_looking_up:
            self._is_looking_up = True
            self._tasks.start(self._keep_looking_up())

    async def _keep_looking_up(self) -> None:
        try:
            while self._asked or self._asked_again:
                await asyncio.sleep(0)  # a database may answer without suspending
                if self._asked:
                    await self._look_up_some(self._asked, is_again=False)
                else:
                    await self._look_up_some(self._asked_again, is_again=True)
        finally:
            self._is_looking_up = False
            for waiting in self._waiting.values():
                _resume(waiting, _not_found_yet())
            self._waiting.clear()

    async def _look_up_some(self, asked: dict[str, bool], *, is_again: bool) -> None:
        """Looks up the newest users in `asked`, as far as they are still of interest."""
        self._running = dict(asked.popitem() for _ in range(min(len(asked), self._count)))
        user_ids = tuple(filter(self.concerns, self._running))
        with_contacts = tuple(user_id for user_id in user_ids if self._running[user_id])
        for changes in (self._moved, self._left, self._replaced):
            changes.clear()
        try:
            found = await self._chat.execute(
                NODE, FindPlaces(self._peers.node_id, user_ids, with_contacts, self._contacts_max)
            )
        except Exception as error:
            _logger.warning("contacts_not_looked_up", users=len(user_ids), exc_info=not isinstance(error, ChatError))
            self._count = max(1, self._count // 2)
            self._put_back(asked, user_ids)
            self._end(error if isinstance(error, ChatError) else _not_found_yet())
            await asyncio.sleep(LOOKUP_RETRY_S)
            return
        if not found.are_all and len(with_contacts) > 1:
            self._count = len(with_contacts) // 2
            self._put_back(asked, user_ids)
            self._end()
            return
        self._count = min(LOOKED_UP_MAX, 2 * self._count)
        self._lacking.difference_update(with_contacts)
        if not found.are_all:
            self._lacking.update(with_contacts)
        outcomes = [(place.user_id, self._take(place)) for place in found.places]
        if any(is_new is None for _, is_new in outcomes):
            self._due_again.update(with_contacts)
            self._tasks.start(self._look_up_again(with_contacts))
        if is_again:
            self.on_found([user_id for user_id, is_new in outcomes if is_new])
        self._end()

    def _put_back(self, asked: dict[str, bool], user_ids: Iterable[str]) -> None:
        """Lets users of the running lookup be looked up after those who were asked for since it started."""
        failed = {user_id: self._running[user_id] or asked.pop(user_id, False) for user_id in user_ids}
        newer = dict(asked)
        asked.clear()
        asked.update(failed)
        asked.update(newer)

    async def _look_up_again(self, user_ids: Collection[str]) -> None:
        await asyncio.sleep(LOOKUP_RETRY_S)
        self._due_again.difference_update(user_ids)
        self._asked_again.update(dict.fromkeys(user_ids, True))
        self._start()

    def _end(self, error: ChatError | None = None) -> None:
        """Ends the running lookup. Resumes those who wait for a user who was not asked for again meanwhile, or raises
        the error for all who wait."""
        ended, self._running = self._running, {}
        for user_id in ended:
            if error is not None or user_id not in self._asked:
                _resume(self._waiting.pop(user_id, ()), error)

    def _take(self, found: FoundPlace) -> bool | None:
        """Keeps a place that was looked up, unless this node has received something newer. Returns whether that is new,
        or None if the user has to be looked up again, since the user's place or contacts are changing."""
        node_id, user_id, away = found.node_id, found.user_id, found.away
        if (node_id, user_id) in self._moved:
            return False
        version = self._users.version(node_id)
        if version == UNKNOWN or found.version > version or user_id in self._left:
            return None
        if node_id in self._replaced:
            listed = self._replaced[node_id].get(user_id)
            if listed is None:
                return False
            away, _ = listed
        known = self._users.on(node_id).get(user_id)
        circle_ids, blocked_ids = found.circle_ids, found.blocked_ids
        if known is not None and known.circle_ids:
            circle_ids = (*dict.fromkeys((*known.circle_ids, *circle_ids)),)
            blocked_ids = blocked_ids or known.blocked_ids
        place = self.place(user_id, away=away, circle_ids=circle_ids, blocked_ids=blocked_ids)
        if place is None:
            return False
        self._users.set(node_id, user_id, place)
        if self._state.touch(user_id, repeat=False):
            self.on_touched()
        return place != known


def _resume(waiting: Iterable[asyncio.Future[None]], error: ChatError | None) -> None:
    for future in waiting:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)


def _not_found_yet() -> ChatError:
    return ChatError("unavailable", "The database has not yet answered where contacts are connected. Try again.")
