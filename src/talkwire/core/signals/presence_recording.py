"""What the database does not record yet about the users of this node: who has arrived, left, become away or chosen a
status since the node's lease was renewed last. The next renewal records it, and other nodes read it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Protocol

from talkwire.core.commands.presence import UserMoves
from talkwire.core.domain.model import PresenceRecord
from talkwire.core.domain.nodes.user_moves import Choice

MOVES_MAX = 2000
"""Most users that are recorded at once, without those whose sockets were interrupted."""


class RecordedUser(Protocol):
    """A user of this node, of whom the database records that they are here and whether they are away.

    `devices` is the number of the user's sockets. `recorded_away` says whether the database records the user as away on
    this node; None if the user may not be recorded. Only `PresenceRecording` uses it.
    """

    devices: int
    recorded_away: bool | None

    @property
    def is_away(self) -> bool:
        """True if all of the user's sockets on this node are away."""
        ...


class PresenceRecording:
    """The changes of this node's list of connected users that are to be recorded.

    `users` are the users of this node, by id; the owner adds and removes them. `is_shared` returns whether there can be
    other nodes. `version` counts the changes that were taken to be recorded.
    """

    def __init__(self, users: Mapping[str, RecordedUser], is_shared: Callable[[], bool]) -> None:
        self.version = 0
        self._users = users
        self._is_shared = is_shared
        # Users whose place in the list has to be recorded -> whether they had no socket for a while.
        self._moved: dict[str, bool] = {}
        # Users who are not connected any more, until that is recorded.
        self._left: dict[str, PresenceRecord] = {}
        # Users whose stored choice of a status or a text has to be announced to other nodes.
        self._chosen: dict[str, Choice] = {}

    # --- changes ------------------------------------------------------------------------------------------------------

    def arrived(self, user_id: str) -> None:
        """Notes that a user has come to this node."""
        self._move(user_id)
        if self._left.pop(user_id, None) is not None:
            self.interrupted(user_id)  # the database may still record the user as connected from before

    def departed(self, record: PresenceRecord) -> None:
        """Notes that a user has left this node, with the presence that they have left."""
        self._left[record.user_id] = record
        self._move(record.user_id)

    def interrupted(self, user_id: str) -> None:
        """Notes that a user has no socket on this node for a while, or had none: messages of that time were not
        delivered here. Does nothing on a server that is the only node."""
        if self._is_shared():
            self._move(user_id, interrupted=True)

    def check(self, user_id: str, user: RecordedUser) -> None:
        """Notes a user of this node if the database does not record whether they are away now. Does nothing on a server
        that is the only node."""
        if self._is_shared() and user.is_away is not user.recorded_away:
            self._move(user_id)

    def chosen(self, user_id: str, choice: Choice) -> None:
        """Notes a status or text that a user has chosen, and that is stored, as to be sent to the other nodes with the
        next recorded changes. Does nothing on a server that is the only node."""
        if self._is_shared():
            earlier = self._chosen.get(user_id, choice)
            self._chosen[user_id] = Choice(earlier.everywhere or choice.everywhere, earlier.was_hidden)
            self._move(user_id)

    def renew(self, user_ids: Iterable[str]) -> bool:
        """Notes those of the users who have a socket on this node as to be recorded and sent to the other nodes again,
        because their contacts have changed. Returns whether there are any."""
        here = [user_id for user_id in user_ids if (user := self._users.get(user_id)) is not None and user.devices]
        for user_id in here:
            self._move(user_id)
        return bool(here)

    def renew_all(self) -> None:
        """Notes all users with a socket as to be recorded again, after other nodes have declared this node dead and its
        users offline."""
        self.renew(self._users)

    def erase(self, user_id: str) -> None:
        """Removes the status, the text and the time of a user who has left this node, and was erased."""
        if user_id in self._left:
            self._left[user_id] = PresenceRecord(user_id)

    # --- recording ----------------------------------------------------------------------------------------------------

    @property
    def has_moves(self) -> bool:
        """Whether `take` would return changes."""
        return bool(self._moved)

    def take(self) -> UserMoves:
        """Returns the changes of this node's list of connected users since the last call, for the caller to record in
        the database. Contains at most `MOVES_MAX` users, and all users who were interrupted, i.e. had no socket for a
        while.

        The interrupted ones must be recorded in one transaction with the node's log position: every other connected
        user counts as having received all messages up to that position.
        """
        interrupted = [user_id for user_id, was_interrupted in self._moved.items() if was_interrupted]
        further = islice((user_id for user_id in self._moved if not self._moved[user_id]), MOVES_MAX)
        taken = [*interrupted, *further]
        here = {user_id: user for user_id in taken if (user := self._users.get(user_id)) is not None}
        for user_id in taken:
            del self._moved[user_id]
        # Other nodes may have removed a recorded user without a socket, who must not come back by this.
        listed = {id_: each for id_, each in here.items() if each.devices or each.recorded_away is None}
        for user in listed.values():
            user.recorded_away = user.is_away
        self.version += len(taken)
        return UserMoves(
            self.version,
            arrived=tuple(listed),
            away=tuple(user_id for user_id, user in listed.items() if user.recorded_away),
            departed={user_id: _seen_ms(self._left[user_id]) for user_id in taken if user_id in self._left},
            chosen={user_id: self._chosen.pop(user_id) for user_id in taken if user_id in self._chosen},
            interrupted={user_id: bool(here[user_id].devices) for user_id in interrupted if user_id in here},
        )

    def put_back(self, moves: UserMoves) -> None:
        """Marks the changes that `take` returned as still to be recorded. Call it if recording them failed, or may have
        failed."""
        for user_id in {**moves.places, **moves.interrupted}:
            self._move(user_id, interrupted=user_id in moves.interrupted)
            user = self._users.get(user_id)
            if user is not None:
                user.recorded_away = None
        self._chosen = {**moves.chosen, **self._chosen}

    def recorded(self, moves: UserMoves) -> None:
        """Drops the records of users who have left this node, since the database has their departure now. Call it when
        `moves` has been recorded."""
        for user_id in moves.departed:
            if user_id not in self._moved:
                self._left.pop(user_id, None)

    # --- queries ------------------------------------------------------------------------------------------------------

    def has_choice(self, user_id: str) -> bool:
        """Returns whether a user has chosen a status or text that was not sent to the other nodes yet."""
        return user_id in self._chosen

    def departure(self, user_id: str) -> PresenceRecord | None:
        """Returns the presence record of a user whose grace period on this node has ended and whose departure is not
        recorded in the database yet; None for any other user."""
        return self._left.get(user_id)

    def _move(self, user_id: str, *, interrupted: bool = False) -> None:
        self._moved[user_id] = interrupted or self._moved.get(user_id, False)


def _seen_ms(record: PresenceRecord) -> int | None:
    return None if record.status == "invisible" else record.last_seen_ms
