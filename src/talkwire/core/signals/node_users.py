"""Which users are connected to the other nodes, as this node knows it: a copy of each node's list of connected users,
or of those in it who concern this node's users (`contact_places.py`).

Each node counts the changes of its list, records them in the database, and then sends them to the others with the
versions before and after. Such a message may be lost, doubled or late. So a node applies one only if it continues its
copy, ignores one that it has already, and reads the list from the database when one is missing. Applying the same
message twice, or messages in another order, thus ends in the same copy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from talkwire.core.domain.events import UsersMoved, UsersMovedCompactly

UNKNOWN = -1
"""Version of a node's list of users while there is no copy of the list. A node's first version is 0."""


class UserPlace(NamedTuple):
    """How a user is connected to another node. `away`: all of the user's sockets there are away.

    `circle_ids` are the conversations that the user shares with users of this node, as far as their members may be
    contacts; None if they are not known. `blocked_ids` are the users whom the user has blocked.
    """

    away: bool
    circle_ids: tuple[str, ...] | None = None
    blocked_ids: tuple[str, ...] = ()


# Shared by all users of whom nothing else is known.
_AWAY, _ACTIVE = UserPlace(away=True), UserPlace(away=False)


def usual_place(*, away: bool) -> UserPlace:
    """Returns the place of a user of whom only is known whether they are away."""
    return _AWAY if away else _ACTIVE


class _List:
    """A copy of one node's list of connected users: `places` maps a user id to how the user is connected, `version`
    counts the node's changes of its list."""

    __slots__ = ("places", "version")

    def __init__(self, version: int, places: dict[str, UserPlace]) -> None:
        self.version = version
        self.places = places

    def circle_ids(self) -> Iterator[str]:
        return chain.from_iterable(place.circle_ids or () for place in self.places.values())


class NodeUsers:
    """The users who are connected to the other nodes: a copy of each node's list of connected users, with the version
    of the list that was copied."""

    def __init__(self) -> None:
        self._lists: dict[str, _List] = {}
        # Conversation id -> the nodes of the users who share it with users of this node, each as often as it has such
        # users. Most conversations have one, and the tuples of one are shared.
        self._nodes_of: dict[str, tuple[str, ...]] = {}
        self._alone: dict[str, tuple[str]] = {}

    @property
    def node_ids(self) -> Collection[str]:
        return self._lists.keys()

    def version(self, node_id: str) -> int:
        """Returns the version of this node's copy of a node's list; `UNKNOWN` if there is none."""
        found = self._lists.get(node_id)
        return UNKNOWN if found is None else found.version

    def on(self, node_id: str) -> Mapping[str, UserPlace]:
        """Returns the users who are connected to another node, by this node's copy of that node's list: user id ->
        how. Empty if there is no copy."""
        found = self._lists.get(node_id)
        return {} if found is None else found.places

    def away(self, user_id: str) -> bool | None:
        """Returns whether a user is away on all other nodes that they are connected to; None if they are connected to
        none of them."""
        known = [each.places[user_id].away for each in self._lists.values() if user_id in each.places]
        return all(known) if known else None

    def find(self, user_id: str) -> UserPlace | None:
        """Returns how a user is connected to one of the other nodes; None if they are connected to none of them."""
        return next((each.places[user_id] for each in self._lists.values() if user_id in each.places), None)

    def places_of(self, user_id: str) -> list[tuple[str, UserPlace]]:
        """Returns the nodes that a user is connected to, each with how the user is connected."""
        return [(id_, each.places[user_id]) for id_, each in self._lists.items() if user_id in each.places]

    def nodes_of(self, conversation_id: str) -> frozenset[str]:
        """Returns the nodes of the users who share a conversation with users of this node, as far as their places say
        it (`circle_ids`)."""
        return frozenset(self._nodes_of.get(conversation_id, ()))

    def ids(self) -> Iterator[str]:
        """Returns the ids of the users on all other nodes. A user who is connected to several nodes appears several
        times."""
        return (user_id for each in self._lists.values() for user_id in each.places)

    def is_missing(self, event: UsersMoved | UsersMovedCompactly) -> bool:
        """Returns whether `event` cannot be applied yet: this node's copy of the list is older than the version that
        the changes in `event` start from, or there is no copy."""
        return event.since > self.version(event.node_id)

    def has(self, event: UsersMoved | UsersMovedCompactly) -> bool:
        """Returns whether this node's copy of the list already includes the changes in `event`."""
        return event.version <= self.version(event.node_id)

    def set(self, node_id: str, user_id: str, place: UserPlace | None) -> None:
        """Sets how a user is connected in the copy of a node's list; None removes the user. Raises KeyError if there is
        no copy."""
        places = self._lists[node_id].places
        before = places.pop(user_id, None) if place is None else places.get(user_id)
        if place is not None:
            places[user_id] = place
        old, new = before and before.circle_ids, place and place.circle_ids
        if old != new:
            self._unindex(node_id, old or ())
            self._index(node_id, new or ())

    def set_version(self, node_id: str, version: int) -> None:
        self._lists[node_id].version = version

    def replace(self, node_id: str, version: int, places: dict[str, UserPlace]) -> None:
        """Replaces the copy of a node's list by another version, or adds a copy. `places` maps user ids to how the
        user is connected to the node."""
        self.drop(node_id)
        replaced = self._lists[node_id] = _List(version, places)
        self._index(node_id, replaced.circle_ids())

    def drop(self, node_id: str) -> None:
        """Removes the copy of the list of a node that is no longer alive. Does nothing if there is no copy."""
        dropped = self._lists.pop(node_id, None)
        if dropped is not None:
            self._unindex(node_id, dropped.circle_ids())
            self._alone.pop(node_id, None)

    def _index(self, node_id: str, conversation_ids: Iterable[str]) -> None:
        alone = self._alone.setdefault(node_id, (node_id,))
        for conversation_id in conversation_ids:
            others = self._nodes_of.get(conversation_id)
            self._nodes_of[conversation_id] = alone if others is None else (*others, node_id)

    def _unindex(self, node_id: str, conversation_ids: Iterable[str]) -> None:
        for conversation_id in conversation_ids:
            nodes = self._nodes_of.pop(conversation_id)
            at = nodes.index(node_id)
            remaining = nodes[:at] + nodes[at + 1 :]
            if remaining:
                self._nodes_of[conversation_id] = self._alone[remaining[0]] if len(remaining) == 1 else remaining
