"""Which users are connected to the other nodes, as this node knows it: a copy of each node's list of connected users.

Each node counts the changes of its list, records them in the database, and then sends them to the others with the
versions before and after. Such a message may be lost, doubled or late. So a node applies one only if it continues its
copy, ignores one that it has already, and reads the list from the database when one is missing. Applying the same
message twice, or messages in another order, thus ends in the same copy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from talkwire.core.domain.events import UsersMoved

UNKNOWN = -1
"""The version of the list of a node of which there is no copy. A node's first version is 0."""


class _List:
    """A copy of one node's list of connected users: `away` maps a user id to whether all of the user's sockets on the
    node are away, `version` counts the node's changes of its list."""

    __slots__ = ("away", "version")

    def __init__(self, version: int, away: dict[str, bool]) -> None:
        self.version = version
        self.away = away


class NodeUsers:
    """The users who are connected to the other nodes: a copy of each node's list of connected users, with the version
    of the list that was copied. "Away" means that all of the user's sockets on the node are away."""

    def __init__(self) -> None:
        self._lists: dict[str, _List] = {}

    @property
    def node_ids(self) -> Collection[str]:
        return self._lists.keys()

    def version(self, node_id: str) -> int:
        """Returns the version of this node's copy of a node's list; `UNKNOWN` if there is none."""
        found = self._lists.get(node_id)
        return UNKNOWN if found is None else found.version

    def on(self, node_id: str) -> Mapping[str, bool]:
        """Returns the users who are connected to another node, by this node's copy of that node's list: user id ->
        whether the user is away there. Empty if there is no copy."""
        found = self._lists.get(node_id)
        return {} if found is None else found.away

    def away(self, user_id: str) -> bool | None:
        """Returns whether a user is away on all other nodes that they are connected to; None if they are connected to
        none of them."""
        known = [users.away[user_id] for users in self._lists.values() if user_id in users.away]
        return all(known) if known else None

    def ids(self) -> Iterator[str]:
        """Returns the ids of the users on all other nodes. A user who is connected to several nodes appears several
        times."""
        return (user_id for users in self._lists.values() for user_id in users.away)

    def is_missing(self, event: UsersMoved) -> bool:
        """Returns whether `event` cannot be applied yet: this node's copy of the list is older than the version that
        the changes in `event` start from, or there is no copy."""
        return event.since > self.version(event.node_id)

    def has(self, event: UsersMoved) -> bool:
        """Returns whether this node's copy of the list already includes the changes in `event`."""
        return event.version <= self.version(event.node_id)

    def set(self, node_id: str, user_id: str, *, away: bool | None) -> None:
        """Sets whether a user is away in the copy of a node's list; None removes the user. Raises KeyError if there is
        no copy."""
        users = self._lists[node_id].away
        if away is None:
            users.pop(user_id, None)
        else:
            users[user_id] = away

    def set_version(self, node_id: str, version: int) -> None:
        self._lists[node_id].version = version

    def replace(self, node_id: str, version: int, away: dict[str, bool]) -> None:
        """Replaces the copy of a node's list by another version, or adds a copy. `away` maps user ids to whether the
        user is away on the node."""
        self._lists[node_id] = _List(version, away)

    def drop(self, node_id: str) -> None:
        """Removes the copy of the list of a node that is no longer alive. Does nothing if there is no copy."""
        self._lists.pop(node_id, None)
