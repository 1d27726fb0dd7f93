"""Who has which conversation open on which node, as the nodes tell each other.

Each node tells of a user's first and last socket there, and each works out for itself whether that was the first or the
last of all: so its own sockets hear of it once, without a question. What a node has not heard may make an event too
many or too few; nothing else hangs on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from talkwire.core.domain.events import RoomEntered, RoomLeft, RoomNews

OCCUPANTS_MAX = 100_000
"""Users in rooms who are remembered."""

_Key = tuple[str, str]
"""(conversation id, user id)"""


@dataclass(slots=True)
class _Occupant:
    user_name: str
    node_ids: tuple[str, ...]


class RoomOccupants:
    """`is_known_here` says whether a conversation has members who are known here: only they are told."""

    def __init__(self, is_known_here: Callable[[str], bool], occupants_max: int = OCCUPANTS_MAX) -> None:
        self._is_known_here = is_known_here
        self._occupants_max = occupants_max
        self._occupants: dict[_Key, _Occupant] = {}
        self._keys: dict[str, set[_Key]] = {}
        self._users: Counter[str] = Counter()

    def heard(self, event: RoomNews) -> bool:
        """A node tells of a user there. Answers whether that was the first node, or the last."""
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

    def gone(self, user_ids: Collection[str], node_id: str) -> list[RoomLeft]:
        """Users are on that node no more, which may have had no time to say which rooms they left. Answers those that
        they are in no more."""
        left: list[RoomLeft] = []
        for user_id in user_ids:
            for key in sorted(self._keys.get(user_id, ())):
                occupant = self._occupants[key]
                if node_id in occupant.node_ids and self._leave(key, node_id):
                    left.append(RoomLeft(*key, occupant.user_name))
        return left

    @property
    def node_ids(self) -> set[str]:
        """Those of which something is remembered."""
        return {node_id for node_id, users in self._users.items() if users}

    def forget(self, node_id: str) -> None:
        """Nothing is known of that node any more, and nobody is told."""
        for key, occupant in list(self._occupants.items()):
            if node_id in occupant.node_ids:
                self._leave(key, node_id)

    def _leave(self, key: _Key, node_id: str) -> bool:
        """Answers whether the user is there on no node any more."""
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
    """The event as that node tells it to others."""
    kind = RoomEntered if isinstance(event, RoomEntered) else RoomLeft
    return kind(event.conversation_id, event.user_id, event.user_name, node_id)
