"""Tracks which users have which conversation open (are in its room) on which node.

Each node announces when a user's first socket on it enters a room and when the last one leaves. From that, each node
derives whether it was the user's first or last socket on all nodes, so that its own sockets are notified once. Lost
messages can cause a superfluous or missing notification, which has no other effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from talkwire.core.domain.events import RoomEntered, RoomLeft, RoomNews

OCCUPANTS_MAX = 100_000
"""Most pairs of a user and a room that are tracked."""

_Key = tuple[str, str]
"""Pair of a conversation's id and a user's id."""


@dataclass(slots=True)
class _Occupant:
    user_name: str
    node_ids: tuple[str, ...]


class RoomOccupants:
    """The occupants of rooms on all nodes, i.e. users who have a conversation open, and on which nodes each of them has
    it open.

    `is_known_here` returns whether this node caches the members of a conversation; users who enter other conversations
    are ignored, since no socket here could be notified. At most `occupants_max` (user, room) pairs are tracked.
    """

    def __init__(self, is_known_here: Callable[[str], bool], occupants_max: int = OCCUPANTS_MAX) -> None:
        self._is_known_here = is_known_here
        self._occupants_max = occupants_max
        self._occupants: dict[_Key, _Occupant] = {}
        self._keys: dict[str, set[_Key]] = {}
        self._users: Counter[str] = Counter()

    def receive(self, event: RoomNews) -> bool:
        """Records that a user entered or left a room on the event's node. Returns whether to send the event to this
        node's sockets: when entering, True if the user was in the room on no node before; when leaving, True if the
        user is in it on no node any more, or was not tracked."""
        key = event.conversation_id, event.user_id
        occupant = self._occupants.get(key)
        if isinstance(event, RoomLeft):
            return occupant is None or self._leave(key, event.node_id)
        if occupant is not None:
            if event.node_id not in occupant.node_ids:
                occupant.node_ids = (*occupant.node_ids, event.node_id)
                self._users[event.node_id] += 1
            return False
        if not self._is_known_here(event.conversation_id):
            return False
        if len(self._occupants) < self._occupants_max:
            self._occupants[key] = _Occupant(event.user_name, (event.node_id,))
            self._keys.setdefault(event.user_id, set()).add(key)
            self._users[event.node_id] += 1
        return True

    def remove_users(self, user_ids: Collection[str], node_id: str) -> list[RoomLeft]:
        """Removes users from all rooms on a node, after they disconnected from that node, which may not have announced
        that they left the rooms.

        Returns a `RoomLeft` event for each user and room in which the user is on no other node.
        """
        left: list[RoomLeft] = []
        for user_id in user_ids:
            for key in sorted(self._keys.get(user_id, ())):
                occupant = self._occupants[key]
                if node_id in occupant.node_ids and self._leave(key, node_id):
                    left.append(RoomLeft(*key, occupant.user_name))
        return left

    def users_on(self, node_id: str) -> Collection[str]:
        """Returns the users who have a room open on a node."""
        if not self._users[node_id]:
            return ()
        return {user_id for (_, user_id), occupant in self._occupants.items() if node_id in occupant.node_ids}

    @property
    def node_ids(self) -> set[str]:
        """The ids of the nodes on which tracked users have rooms open."""
        return {node_id for node_id, users in self._users.items() if users}

    def remove_node(self, node_id: str) -> None:
        """Forgets which rooms users have open on a node that is no longer alive. Produces no `RoomLeft` events."""
        for key, occupant in list(self._occupants.items()):
            if node_id in occupant.node_ids:
                self._leave(key, node_id)

    def _leave(self, key: _Key, node_id: str) -> bool:
        """Removes a node from the occupant `key`, which is (conversation id, user id) and must be tracked. Returns True
        if the user was in the room on that node and is in it on no other."""
        occupant = self._occupants[key]
        if node_id not in occupant.node_ids:
            return False
        self._users[node_id] -= 1
        occupant.node_ids = tuple(other_id for other_id in occupant.node_ids if other_id != node_id)
        if occupant.node_ids:
            return False
        del self._occupants[key]
        keys = self._keys[key[1]]
        keys.discard(key)
        if not keys:
            del self._keys[key[1]]
        return True


def at_node(event: RoomNews, node_id: str) -> RoomNews:
    """Returns a copy of the event that names the node `node_id` as its origin, as `RoomOccupants` and the other nodes
    expect it."""
    kind = RoomEntered if isinstance(event, RoomEntered) else RoomLeft
    return kind(event.conversation_id, event.user_id, event.user_name, node_id)
