"""The presence (online, away, ...) of the users who are connected to this node, in memory and merged from their
sockets. Parameters named `device` are ids of sockets.

A user is online from their first socket until `grace_s` seconds after their last socket closed. The statuses `dnd` and
`invisible` belong to the user and apply to all sockets until another status replaces them. `online` and `away` belong
to one socket; a user is away when all their sockets are, on all nodes. A new socket starts with the status that was
chosen last.

Times are arguments: `now` is the event loop's time in seconds, `now_ms` is in milliseconds since 1970. Changes are
collected at the end of a turn of the event loop (`take_changes`), so that at most one change of a user is announced in
a turn, and none if nothing differs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from talkwire.core.domain.events import PresenceChanged
from talkwire.core.domain.model import NO_ENDS, ChosenStatus, Presence, PresenceEnds, PresenceRecord, ShownStatus
from talkwire.core.domain.nodes.user_moves import Choice
from talkwire.core.signals.presence_recording import PresenceRecording

GRACE_S = 10.0
"""Default of the setting `presence_grace_s`: seconds for which a user stays online after their last socket has
closed."""

_NONE: frozenset[str] = frozenset()


class _View(NamedTuple):
    """A user's status and text as they appear to one audience, with the times at which the status and the text end."""

    status: ShownStatus
    text: str | None
    ends: PresenceEnds = NO_ENDS


class _Shown(NamedTuple):
    """A user's status and text as others see them (`seen`), and as the user's own sockets see them (`own`)."""

    seen: _View
    own: _View


# Shared by nearly all users, who are just online.
_ONLINE = _Shown(_View("online", None), _View("online", None))
_OFFLINE = _Shown(_View("offline", None), _View("offline", None))
_USUAL: Mapping[ShownStatus, _Shown] = MappingProxyType({"online": _ONLINE, "offline": _OFFLINE})


class _Person:
    """The presence state of one user who is connected to this node, or was until less than `grace_s` seconds ago.

    `devices` is the number of the user's sockets on this node. `away` says whether the sockets are away, except those
    in `others`, for which the opposite is true; so not all sockets have to be stored. After the last socket closed,
    `away` says whether the user was away.

    `announced` is the presence that was last announced to others and to the user's own sockets. `recorded_away` belongs
    to `PresenceRecording`. `erased`: the user was erased, and counts as invisible until their last socket has closed.
    """

    __slots__ = ("announced", "away", "devices", "erased", "left_ms", "others", "record", "recorded_away")

    def __init__(self, record: PresenceRecord, announced: _Shown) -> None:
        self.record = record
        self.announced = announced
        self.devices = 0
        self.away = False
        self.others = _NONE
        self.left_ms = 0
        self.recorded_away: bool | None = None
        self.erased = False

    @property
    def is_away(self) -> bool:
        """True if all of the user's sockets on this node are away."""
        return not self.others if self.away else bool(self.devices) and len(self.others) == self.devices

    def set_away(self, device: str | None, *, away: bool) -> None:
        """Sets whether the socket with the id `device` is away; for None, sets it for all of the user's sockets."""
        if device is None:
            self.away, self.others = away, _NONE
        elif away != self.away:
            self.others |= {device}
        elif device in self.others:
            self.others -= {device}


def shown_status(record: PresenceRecord, *places: bool | None) -> ShownStatus:
    """Returns the status that the user's own sockets see: `offline` without a connection, else a chosen `dnd` or
    `invisible`, else `away` if the user is away on all nodes that they are connected to, else `online`.

    Each argument in `places` stands for this node or for other nodes: whether the user is away there, None if the user
    is not connected there.
    """
    if places.count(None) == len(places):
        return "offline"
    if record.status in {"dnd", "invisible"}:
        return record.status
    return "online" if False in places else "away"


def shown_to_others(record: PresenceRecord, status: ShownStatus) -> Presence:
    """Returns a user's presence as others see it: `status` is what the user's own sockets see, and `invisible` becomes
    `offline`. Leaves out the text of an invisible user, who may have chosen it after becoming invisible."""
    if status == "invisible":
        return Presence(record.user_id, "offline", None, record.last_seen_ms)
    return _presence(record, _shown(record, status).seen)


def shown_to_self(record: PresenceRecord, status: ShownStatus) -> Presence:
    """Returns a user's presence as the user's own sockets see it, with the status `status` and the text in `record`."""
    return _presence(record, _shown(record, status).own)


def _shown(record: PresenceRecord, status: ShownStatus) -> _Shown:
    if record.text is None and record.text_until_ms is None and (usual := _USUAL.get(status)) is not None:
        return usual
    status_ms = record.status_until_ms if status == "dnd" else None
    own = _View(status, record.text, PresenceEnds(status_ms, record.text_until_ms))
    return _Shown(_offline(own) if status == "invisible" else own, own)


def _offline(view: _View) -> _View:
    return _View("offline", view.text, PresenceEnds(None, view.ends.text_ms))


def _presence(record: PresenceRecord, view: _View) -> Presence:
    last_seen_ms = record.last_seen_ms if view.status == "offline" else None
    return Presence(record.user_id, view.status, view.text, last_seen_ms, view.ends)


class PresenceState:
    """The presence of all users with sockets on this node, or with sockets until at most `grace_s` seconds ago.

    The owner sets `away_elsewhere` if there can be other nodes: it returns whether a user is away on the other nodes,
    None if the user is connected to none of them. `recording` collects what of it the database has to record.
    """

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self.away_elsewhere: Callable[[str], bool | None] | None = None
        self._grace_s = grace_s
        self._people: dict[str, _Person] = {}
        self.recording = PresenceRecording(self._people, lambda: self.away_elsewhere is not None)
        # In the order of their deadlines, because all have the same grace period.
        self._leaving: dict[str, float] = {}
        # Users whose presence may have changed -> the socket that caused it.
        self._touched: dict[str, str | None] = {}
        # Users among them who are announced in any case.
        self._repeated: set[str] = set()

    # --- events -------------------------------------------------------------------------------------------------------

    def connected(self, user_id: str, device: str, record: PresenceRecord | None) -> None:
        """Adds the socket with the id `device` of a user. `record` is the user's stored presence, None if there is
        none; it is used only if the user has no other socket and no grace period on this node."""
        person = self._people.get(user_id)
        if person is None:
            known = record or PresenceRecord(user_id)
            announced = _shown(known, shown_status(known, self._elsewhere(user_id)))
            person = self._people[user_id] = _Person(known, announced)
            self.recording.arrived(user_id)
        elif not person.devices:
            self.recording.interrupted(user_id)
            del self._leaving[user_id]
            person.set_away(None, away=False)
        person.devices += 1
        person.set_away(device, away=person.record.status == "away")
        self._touch(user_id, person)

    def disconnected(self, user_id: str, device: str, now: float, now_ms: int) -> None:
        """Removes the closed socket `device` of a user. After the user's last socket on this node, the grace period
        starts, at whose end `expire` removes the user. `now` is the event loop's time in seconds, `now_ms` the time
        since 1970 in milliseconds."""
        person = self._people[user_id]
        was_away = shown_status(person.record, person.is_away, self._elsewhere(user_id)) == "away"
        person.set_away(device, away=person.away)
        person.devices -= 1
        if not person.devices:
            person.set_away(None, away=was_away)
            person.left_ms = now_ms
            self.recording.interrupted(user_id)
            self._leaving[user_id] = now + self._grace_s
        self._touch(user_id, person)

    def choose(  # noqa: PLR0913 (a chosen status, its user and its time)
        self,
        user_id: str,
        device: str | None,
        status: ChosenStatus,
        text: str | None,
        now_ms: int,
        *,
        ends: PresenceEnds = NO_ENDS,
    ) -> PresenceRecord:
        """Sets the status and text that a user of this node has chosen: for the socket with the id `device`, or for all
        of the user's sockets if `device` is None. `ends` says when they end. Returns the record to store. Raises
        KeyError if the user is not on this node."""
        person = self._people[user_id]
        vanishes = status == "invisible" != person.record.status
        last_seen_ms = now_ms if vanishes else person.record.last_seen_ms
        person.record = PresenceRecord(user_id, status, text, last_seen_ms, *ends)
        person.set_away(device, away=status == "away")
        self._touched[user_id] = device
        self._touch(user_id, person)
        return person.record

    def erase(self, user_id: str) -> None:
        """Makes an erased user appear offline to others, without a text and without the time when they were last seen.
        The user's own sockets, which are about to be closed, receive no event."""
        self.recording.erase(user_id)
        person = self._people.get(user_id)
        if person is None:
            return
        person.erased = True
        person.record = PresenceRecord(user_id, "invisible")
        person.set_away(None, away=False)
        seen = person.announced.seen._replace(text=None, ends=NO_ENDS)
        person.announced = _Shown(seen, self._current(person).own)
        self._touch(user_id, person)
        self.recording.chosen(user_id, Choice())

    def expire(self, now: float) -> Iterator[tuple[PresenceRecord, PresenceChanged | None]]:
        """Removes the users who disconnected `grace_s` seconds ago and did not come back. Yields (presence record,
        event) for each: the record is the user's presence after leaving, the event is to be announced, None if others
        see no change. Users are removed as the iterator advances."""
        while self._leaving:
            user_id, deadline = next(iter(self._leaving.items()))
            if deadline > now:
                return
            yield self._depart(user_id)

    def next_deadline(self) -> float | None:
        """Returns when the first grace period of a disconnected user ends, the time to call `expire`, in seconds of the
        event loop's clock; None if no grace period is running."""
        return next(iter(self._leaving.values()), None)

    def take_changes(self) -> list[PresenceChanged]:
        """Returns the events to announce for users whose sockets or statuses have changed since the last call. Several
        changes of a user make one event for others and one for the user's own sockets, or none if their presence is as
        announced before."""
        changes: list[PresenceChanged] = []
        touched, self._touched = self._touched, {}
        repeated, self._repeated = self._repeated, set()
        for user_id, source in touched.items():
            person = self._people[user_id]
            before, person.announced = person.announced, self._current(person)
            found = _changes(person.record, before, person.announced, source)
            if user_id in repeated and not any(not change.own for change in found):
                found.append(PresenceChanged(_presence(person.record, person.announced.seen)))
            changes += found
        return changes

    def end_grace_periods(self) -> None:
        """Makes `expire` remove all users without a socket at its next call."""
        self._leaving = dict.fromkeys(self._leaving, 0.0)

    # --- other nodes --------------------------------------------------------------------------------------------------

    def is_choosing(self, user_id: str) -> bool:
        """Returns whether this node's presence of a user is newer than a record from the database or from another node,
        which must then be ignored: the user's choice has not been sent to the other nodes yet, or the user was
        erased."""
        person = self._people.get(user_id)
        return self.recording.has_choice(user_id) or (person is not None and person.erased)

    def adopt(self, record: PresenceRecord, *, everywhere: bool = False) -> bool:
        """Replaces the chosen status and text of a user by a stored record, because the user may have chosen them on
        another node. With `everywhere`, the status also replaces the one of each single socket. Returns whether the
        user is on this node with another record until now."""
        person = self._people.get(record.user_id)
        if person is None or person.erased:
            return False
        is_new = replace(person.record, last_seen_ms=record.last_seen_ms) != record
        if not is_new and not everywhere:
            return False
        person.record = record
        if everywhere:
            person.set_away(None, away=record.status == "away")
        self._touch(record.user_id, person)
        return is_new

    def touch(self, user_id: str, *, repeat: bool) -> bool:
        """Makes the next `take_changes` check the presence of a user, after another node's list has changed. With
        `repeat`, `take_changes` returns an event even if nothing differs: others may know an older presence than the
        record that was loaded when the user connected here. Returns whether the user is on this node."""
        person = self._people.get(user_id)
        if person is None:
            return False
        self._touch(user_id, person)
        if repeat:
            self._repeated.add(user_id)
        return True

    # --- queries ------------------------------------------------------------------------------------------------------

    def presence(self, user_id: str, *, own: bool = False) -> Presence | None:
        """Returns the presence of a user as others see it, or with `own` as the user's own sockets see it; None if the
        user is not on this node (connected, or in the grace period)."""
        person = self._people.get(user_id)
        if person is None:
            return None
        shown = self._current(person)
        return _presence(person.record, shown.own if own else shown.seen)

    def has_socket(self, user_id: str) -> bool:
        """Returns whether a user has a socket on this node."""
        person = self._people.get(user_id)
        return person is not None and person.devices > 0

    def away(self, user_id: str) -> bool | None:
        """Returns whether all sockets of a user on this node are away. In the grace period, returns whether the user
        was away before; None if the user is not on this node."""
        person = self._people.get(user_id)
        return None if person is None else person.is_away

    def record(self, user_id: str) -> PresenceRecord | None:
        """Returns the status and text that a user of this node has chosen; None if the user is not on this node."""
        person = self._people.get(user_id)
        return None if person is None else person.record

    def ids(self) -> Collection[str]:
        """Returns the ids of the users on this node, including those in the grace period."""
        return self._people.keys()

    def _current(self, person: _Person) -> _Shown:
        """Returns how the user should appear now to others and to the user's own sockets. A text that an invisible user
        has chosen stays hidden from others until the user is visible again."""
        elsewhere = self._elsewhere(person.record.user_id)
        shown = _shown(person.record, shown_status(person.record, person.is_away, elsewhere))
        return shown._replace(seen=_offline(person.announced.seen)) if shown.own.status == "invisible" else shown

    def _elsewhere(self, user_id: str) -> bool | None:
        return None if self.away_elsewhere is None else self.away_elsewhere(user_id)

    def _touch(self, user_id: str, person: _Person) -> None:
        self._touched.setdefault(user_id, None)
        self.recording.check(user_id, person)

    def _depart(self, user_id: str) -> tuple[PresenceRecord, PresenceChanged | None]:
        del self._leaving[user_id]
        person = self._people.pop(user_id)
        self._touched.pop(user_id, None)
        record = person.record
        if record.status != "invisible":
            record = replace(record, last_seen_ms=person.left_ms)
        self.recording.departed(record)
        after = _shown(record, shown_status(record, self._elsewhere(user_id)))
        changes = _changes(record, person.announced, after)
        return record, next((change for change in changes if not change.own), None)


def _changes(record: PresenceRecord, before: _Shown, after: _Shown, source: str | None = None) -> list[PresenceChanged]:
    """Returns the events that lead from the announced presence `before` to the presence `after`: at most one for
    others, and one for the user's own sockets except the socket `source`, which caused the change."""
    if after == before:
        return []
    changes: list[PresenceChanged] = []
    is_seen = before.seen.status != "offline" or after.seen.status != "offline"
    if is_seen and after.seen != before.seen:
        changes.append(PresenceChanged(_presence(record, after.seen), came=before.seen.status == "offline"))
    if "offline" not in {before.own.status, after.own.status} and after.own != before.own:
        changes.append(PresenceChanged(_presence(record, after.own), own=True, source=source))
    return changes
