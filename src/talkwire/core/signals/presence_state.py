"""The presence (online, away, ...) of the users who are connected to this node, in memory and merged from their
devices. A device is a socket of this node.

A user is online from their first device until `grace_s` seconds after their last device disconnected. The statuses
`dnd` and `invisible` belong to the user and apply to all devices until another status replaces them. `online` and
`away` belong to one device; a user is away when all their devices are. A new device starts with the status that was
chosen last.

Times are arguments: `now` is the event loop's time in seconds, `now_ms` is in milliseconds since 1970. Changes are
collected at the end of a turn of the event loop (`take_changes`), so that at most one change of a user is announced in
a turn, and none if nothing differs.

With several nodes, users may be online on other nodes too. Connects, disconnects and away changes are then announced
only after they were recorded in the database (`recorded`): the record shows on which other nodes the user is online,
and the node that records a change is the only one that announces it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from talkwire.core.commands.presence import PresenceTransition, UserLeft
from talkwire.core.domain.events import PresenceChanged
from talkwire.core.domain.model import NO_ENDS, ChosenStatus, Presence, PresenceEnds, PresenceRecord, ShownStatus

GRACE_S = 10.0

MOVES_MAX = 2000
"""The maximum number of users that are recorded at once."""

_NONE: frozenset[str] = frozenset()
_NOWHERE: Mapping[str, bool] = MappingProxyType({})


class _View(NamedTuple):
    """A user's status and text as somebody sees them, with their ends."""

    status: ShownStatus
    text: str | None
    ends: PresenceEnds = NO_ENDS


class _Shown(NamedTuple):
    """A user's status and text as others see them (`seen`), and as the user's own devices see them (`own`)."""

    seen: _View
    own: _View


# Shared by nearly all users, who are just online.
_ONLINE = _Shown(_View("online", None), _View("online", None))
_OFFLINE = _Shown(_View("offline", None), _View("offline", None))


class _Person:
    """The presence state of one user who is connected to this node, or was until less than `grace_s` seconds ago.

    `away` says whether the devices are away, except the devices in `others`, which are the opposite; so not all devices
    have to be stored. After the last device disconnected, `away` says whether the user was away.

    `elsewhere` maps the ids of other nodes where the user is online to whether the user is away on them.
    `recorded_away` is whether the user is away on this node according to the database, from which other nodes know it.
    `announced_record` is the chosen status that others know, while a newer one is not announced yet.
    `removed_elsewhere`: other nodes have declared the user offline while the user had no device.
    `erased`: the user was erased, and counts as invisible until their last device has gone.
    """

    __slots__ = (
        "announced",
        "announced_record",
        "away",
        "devices",
        "elsewhere",
        "erased",
        "left_ms",
        "others",
        "record",
        "recorded_away",
        "removed_elsewhere",
    )

    def __init__(self, record: PresenceRecord) -> None:
        self.record = record
        self.devices = 0
        self.away = False
        self.others = _NONE
        self.left_ms = 0
        self.elsewhere = _NOWHERE
        self.recorded_away = False
        self.removed_elsewhere = False
        self.erased = False
        self.announced_record: PresenceRecord | None = None
        self.announced = _shown_as(record, "offline")

    @property
    def hidden(self) -> bool:
        return self.record.status == "invisible"

    @property
    def is_away(self) -> bool:
        """True if all of the user's devices on this node are away."""
        return not self.others if self.away else bool(self.devices) and len(self.others) == self.devices

    @property
    def status(self) -> ShownStatus:
        """The status that the user's own devices see."""
        return _status(self.record, "away" if self.is_away and all(self.elsewhere.values()) else "online")

    def set_away(self, device: str | None, *, away: bool) -> None:
        """Sets whether a device is away; None as the device sets it for all of the user's devices."""
        if device is None:
            self.away, self.others = away, _NONE
        elif away != self.away:
            self.others |= {device}
        elif device in self.others:
            self.others -= {device}

    def current(self) -> _Shown:
        """Returns the status and text that others and the user's own devices should see now. An invisible user's new
        text is hidden from others until the user is visible again."""
        shown = _shown_with(self.record, self.status)
        return shown._replace(seen=_offline(self.announced.seen)) if shown.own.status == "invisible" else shown

    def shown(self, announced: _Shown | None = None) -> Presence:
        """Returns the user's presence as others see it, from `announced` or else from what was last announced."""
        return _presence(self.record, (announced or self.announced).seen)

    def shown_to_self(self) -> Presence:
        return _presence(self.record, _view(self.record, self.status))


def _status(record: PresenceRecord, merged: ShownStatus) -> ShownStatus:
    """Returns the status that the user's own devices see: `merged`, which is online, away or offline as merged from all
    their devices, unless the user has chosen `dnd` or `invisible` and is not offline."""
    return record.status if merged != "offline" and record.status in {"dnd", "invisible"} else merged


def _merged(here: bool | None, others: Iterable[tuple[str, bool]]) -> ShownStatus:  # noqa: FBT001 (data)
    """Returns a user's status merged from this node (`here`) and other nodes: online, away or offline.

    `here`, and the second value of each (node id, away) pair in `others`, say whether the user is away on that node;
    None as `here`: the user is not connected to this node.
    """
    known = [away for _, away in others]
    if here is not None:
        known.append(here)
    if not known:
        return "offline"
    return "away" if all(known) else "online"


def _view(record: PresenceRecord, status: ShownStatus) -> _View:
    status_ms = record.status_until_ms if status == "dnd" else None
    return _View(status, record.text, PresenceEnds(status_ms, record.text_until_ms))


def _offline(view: _View) -> _View:
    return _View("offline", view.text, PresenceEnds(None, view.ends.text_ms))


def _shown_with(record: PresenceRecord, status: ShownStatus) -> _Shown:
    """Returns what others and the user's own devices see of a user with this status."""
    own = _view(record, status)
    shown = _Shown(_offline(own) if status == "invisible" else own, own)
    return {_ONLINE: _ONLINE, _OFFLINE: _OFFLINE}.get(shown, shown)


def _shown_as(record: PresenceRecord, merged: ShownStatus) -> _Shown:
    return _shown_with(record, _status(record, merged))


def _presence(record: PresenceRecord, view: _View) -> Presence:
    last_seen_ms = record.last_seen_ms if view.status == "offline" else None
    return Presence(record.user_id, view.status, view.text, last_seen_ms, view.ends)


class Departed(NamedTuple):
    """A user whose grace period after disconnecting has ended, so that the user is offline.

    `record` is the presence to keep. `change` is the event to announce; None if the user was invisible, or if the
    server has several nodes, which announce disconnects after recording them.
    """

    record: PresenceRecord
    change: PresenceChanged | None


class PresenceState:
    """The presence of all users with devices (sockets) on this node, or with devices until at most `grace_s` seconds
    ago.

    `shared`: the server can have several nodes, so that a user may be online on other nodes too.
    """

    def __init__(self, grace_s: float = GRACE_S, *, shared: bool = False) -> None:
        self.has_peers = shared
        self._grace_s = grace_s
        self._people: dict[str, _Person] = {}
        # In the order of their deadlines, because all have the same grace period.
        self._leaving: dict[str, float] = {}
        # Users whose presence may have changed -> the device that caused it.
        self._touched: dict[str, str | None] = {}
        # Users who connected (None) or disconnected and are not recorded yet.
        self._moved: dict[str, UserLeft | None] = {}
        # Users who were without a device for a time that is not recorded yet.
        self._interrupted: set[str] = set()
        # Users who are being recorded, and users of whose last recording it is unknown whether it succeeded.
        self._recording: set[str] = set()
        self._unsure: set[str] = set()
        # Users whose chosen status is newer than the one being read from the database.
        self._chosen: set[str] = set()

    # --- events -------------------------------------------------------------------------------------------------------

    def connected(self, user_id: str, device: str, record: PresenceRecord | None) -> None:
        """Adds a device of a user. `record` is the user's stored presence, which is used if this is the user's first
        device here."""
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = _Person(record or PresenceRecord(user_id))
            if self._is_unrecorded(user_id):
                self._note_interruption(user_id)  # the database may still record the user as connected from before
            self._moved[user_id] = None
        elif not person.devices:
            self._note_interruption(user_id)
            del self._leaving[user_id]
            if person.removed_elsewhere:
                person.removed_elsewhere = False
                self._moved[user_id] = None
            person.set_away(None, away=False)
        person.devices += 1
        person.set_away(device, away=person.record.status == "away")
        self._touch(user_id, person)

    def disconnected(self, user_id: str, device: str, now: float, now_ms: int) -> None:
        """Removes a device of a user. If it was the user's last device on this node, the grace period starts, after
        which the user counts as offline."""
        person = self._people[user_id]
        was_away = person.status == "away"
        person.set_away(device, away=person.away)
        person.devices -= 1
        if not person.devices:
            person.set_away(None, away=was_away)
            person.left_ms = now_ms
            self._note_interruption(user_id)
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
        """Sets the status of a connected user on one device, or on all devices if `device` is None. Returns the record
        to store."""
        person = self._people[user_id]
        vanishes = status == "invisible" and not person.hidden
        last_seen_ms = now_ms if vanishes else person.record.last_seen_ms
        before, person.record = person.record, PresenceRecord(user_id, status, text, last_seen_ms, *ends)
        person.set_away(device, away=status == "away")
        self._touched[user_id] = device
        self._touch(user_id, person)
        if self.has_peers:
            self._chosen.add(user_id)
            if self._is_unrecorded(user_id) and person.announced_record is None:
                person.announced_record = before
        return person.record

    def expire(self, now: float) -> Iterator[Departed]:
        """Removes and yields the users whose grace period has ended: they disconnected `grace_s` seconds ago and did
        not come back."""
        while self._leaving:
            user_id, deadline = next(iter(self._leaving.items()))
            if deadline > now:
                return
            yield self._depart(user_id)

    def next_deadline(self) -> float | None:
        """Returns when the first grace period of a disconnected user ends, the time to call `expire`, in seconds of the
        event loop's clock; None if no grace period is running."""
        return next(iter(self._leaving.values()), None)

    # --- changes to announce and record -------------------------------------------------------------------------------

    def take_changes(self) -> list[PresenceChanged]:
        """Returns events for the users whose devices changed since the last call, if their presence now differs from
        what was announced last."""
        changes: list[PresenceChanged] = []
        touched, self._touched = self._touched, {}
        for user_id, source in touched.items():
            person = self._people[user_id]
            if self.has_peers and self._is_unrecorded(user_id):
                self._touched[user_id] = source
                continue
            before, person.announced = person.announced, person.current()
            if person.announced.seen != before.seen:
                came = before.seen.status == "offline" != person.announced.seen.status
                changes.append(PresenceChanged(person.shown(), came=came))
            if before.own.status != "offline" and person.announced.own != before.own:
                changes.append(PresenceChanged(person.shown_to_self(), own=True, source=source))
        return changes

    def take_user_changes(self) -> tuple[tuple[str, ...], tuple[UserLeft, ...], tuple[str, ...]]:
        """Returns (user ids that connected or changed, users that disconnected, those of the first that are away) since
        the last call, at most `MOVES_MAX` users. The caller records them in the database."""
        moved = {user_id: self._moved.pop(user_id) for user_id in list(islice(self._moved, MOVES_MAX))}
        arrived = tuple(user_id for user_id, departure in moved.items() if departure is None)
        away = tuple(user_id for user_id in arrived if self._people[user_id].is_away) if self.has_peers else ()
        if self.has_peers:
            for user_id in arrived:
                self._people[user_id].recorded_away = False
            for user_id in away:
                self._people[user_id].recorded_away = True
            self._recording = set(moved)
            self._chosen.clear()
        return arrived, tuple(departure for departure in moved.values() if departure is not None), away

    def put_back(self, arrived: tuple[str, ...], departed: tuple[UserLeft, ...]) -> None:
        """Takes back users returned by `take_user_changes` whose recording failed, or may have failed. Newer connects
        and disconnects of the same users replace them."""
        earlier: dict[str, UserLeft | None] = dict.fromkeys(arrived)
        earlier.update((departure.user_id, departure) for departure in departed)
        self._moved = earlier | self._moved
        self._unsure |= self._recording
        self._recording = set()

    def take_interruptions(self) -> tuple[UserLeft, ...]:
        """Returns the users who had no connected device on this node at some time since the last call, and whether each
        of them is connected now.

        Empty on a server that is the only node. The caller has to record all of them in one transaction with the node's
        log position, because that position is taken to be the one up to which every other user has received messages.
        """
        interrupted, self._interrupted = self._interrupted, set()
        return tuple(UserLeft(user_id, None, returned=self._has_device(user_id)) for user_id in interrupted)

    def put_back_interruptions(self, interruptions: Iterable[UserLeft]) -> None:
        """Takes back users returned by `take_interruptions` whose recording failed, so that the next call returns them
        again."""
        self._interrupted.update(interruption.user_id for interruption in interruptions)

    def recorded(
        self, transitions: Iterable[PresenceTransition], choosing: Container[str] = ()
    ) -> list[PresenceChanged]:
        """Applies the results of recording connects and disconnects in the database, and returns the changes to
        announce.

        For users in `choosing`, a newer chosen status is being stored, so the status in the results is ignored.
        """
        self._recording = set()
        return [change for transition in transitions for change in self._apply_transition(transition, choosing)]

    def gone_elsewhere(self, node_id: str, transitions: Iterable[PresenceTransition]) -> list[PresenceChanged]:
        """Removes the node `node_id`, which is dead, from the state of the users who were online on it, and returns the
        presence changes to announce."""
        changes: list[PresenceChanged] = []
        for transition in transitions:
            before, after = _merged(transition.before, transition.others), _merged(None, transition.others)
            person = self._people.get(transition.record.user_id)
            if person is None:
                changes += _changes(
                    transition.record, _shown_as(transition.record, before), _shown_as(transition.record, after)
                )
            else:
                person.elsewhere = _without(person.elsewhere, node_id)
                changes += self._merge(person, before, after)
        return changes

    def mark_unrecorded(self) -> None:
        """Marks all users with a device as to be recorded again, after other nodes have declared this node's users
        offline.

        Users without a device are marked when they reconnect.
        """
        here: dict[str, UserLeft | None] = {}
        for user_id, person in self._people.items():
            person.removed_elsewhere = not person.devices
            if person.devices:
                here[user_id] = None
        self._moved = here | self._moved

    @property
    def has_user_changes(self) -> bool:
        return bool(self._moved)

    # --- other nodes ------------------------------------------------------------------------------------------------

    def moved_elsewhere(self, node_id: str, came: Iterable[str], away: Iterable[str], left: Iterable[str]) -> None:
        """Updates on which other nodes users are online, after the node `node_id` has recorded that users connected to
        it (`came`, of whom those in `away` are away) or disconnected from it (`left`)."""
        away_ids = set(away)
        for user_id in came:
            person = self._people.get(user_id)
            if person is not None:
                person.elsewhere = {**person.elsewhere, node_id: user_id in away_ids}
        for user_id in left:
            person = self._people.get(user_id)
            if person is not None:
                person.elsewhere = _without(person.elsewhere, node_id)

    def receive(self, event: PresenceChanged) -> None:
        """Stores a user's presence as the one announced last, after another node has announced it."""
        person = self._people.get(event.presence.user_id)
        if person is not None:
            view = _View(event.presence.status, event.presence.text, event.presence.ends)
            person.announced = person.announced._replace(**{"own" if event.own else "seen": view})

    def chosen_elsewhere(self, record: PresenceRecord, *, everywhere: bool) -> None:
        """Applies a status that a user has chosen on another node. `everywhere`: the status applies to all of the
        user's devices."""
        person = self._people.get(record.user_id)
        if person is not None:
            person.record = record
            self._chosen.add(record.user_id)
            if everywhere:
                person.set_away(None, away=record.status == "away")
                self._note_away(record.user_id, person)

    def erase(self, user_id: str) -> None:
        """Makes an erased user appear offline, without a text and a time when they were last seen. The user's own
        devices, which are about to close, are not notified."""
        person = self._people.get(user_id)
        if person is None:
            return
        person.erased = True
        self.chosen_elsewhere(PresenceRecord(user_id, "invisible"), everywhere=True)
        person.announced = _Shown(person.announced.seen._replace(text=None, ends=NO_ENDS), person.current().own)
        self._touch(user_id, person)

    def expect_elsewhere(self, user_id: str, node_id: str) -> None:
        """Treats a user of this node as online on another node too, because the user's client is about to connect to
        that node."""
        self.moved_elsewhere(node_id, (user_id,), (), ())

    def is_elsewhere(self, user_id: str) -> bool:
        """Returns whether a user of this node is known to be online on another node too."""
        person = self._people.get(user_id)
        return person is not None and bool(person.elsewhere)

    # --- queries ------------------------------------------------------------------------------------------------------

    def presence(self, user_id: str, *, own: bool = False) -> Presence | None:
        """Returns the presence of a user as others see it, or with `own` as the user's own devices see it; None if the
        user is not on this node.

        A user who has just connected is returned as online even before that was recorded and announced.
        """
        person = self._people.get(user_id)
        if person is None:
            return None
        if own:
            return person.shown_to_self()
        is_coming = person.announced.seen.status == "offline" and self.has_peers and self._is_unrecorded(user_id)
        return person.shown(person.current() if is_coming else person.announced)

    def away(self, user_id: str) -> bool | None:
        """Returns whether all devices of a user on this node are away; None if the user is not on this node, or was
        declared offline by other nodes."""
        person = self._people.get(user_id)
        return None if person is None or person.removed_elsewhere else person.is_away

    def record(self, user_id: str) -> PresenceRecord | None:
        """Returns the status and text that a user of this node has chosen; None if the user is not on this node."""
        person = self._people.get(user_id)
        return None if person is None else person.record

    def visible_ids(self) -> Iterator[str]:
        """Returns the ids of the users on this node whom others see as online, away or `dnd`."""
        return (user_id for user_id, person in self._people.items() if person.announced.seen.status != "offline")

    def _touch(self, user_id: str, person: _Person) -> None:
        self._touched.setdefault(user_id, None)
        self._note_away(user_id, person)

    def _note_away(self, user_id: str, person: _Person) -> None:
        """Marks a user to be recorded if the user became away on this node or active again; other nodes may have
        devices of the same user and need the record."""
        if self.has_peers and person.is_away is not person.recorded_away:
            self._moved.setdefault(user_id, None)

    def _note_interruption(self, user_id: str) -> None:
        """Remembers that a user had no device on this node for a time, to record it in the database when the node
        renews its lease."""
        if self.has_peers:
            self._interrupted.add(user_id)

    def _has_device(self, user_id: str) -> bool:
        person = self._people.get(user_id)
        return person is not None and bool(person.devices)

    def _is_unrecorded(self, user_id: str) -> bool:
        return user_id in self._moved or user_id in self._recording

    def _apply_transition(self, transition: PresenceTransition, choosing: Container[str]) -> list[PresenceChanged]:
        user_id = transition.record.user_id
        person = self._people.get(user_id)
        before = transition.before
        if user_id in self._unsure:
            # If the first attempt was recorded, its change was never announced. Announcing it twice is better than
            # never.
            self._unsure.discard(user_id)
            if transition.after is None:
                before = False
            elif person is None or person.announced.own.status == "offline":
                before = None
        merged_before, merged_after = _merged(before, transition.others), _merged(transition.after, transition.others)
        if person is None:
            announced, after = _shown_as(transition.record, merged_before), _shown_as(transition.record, merged_after)
            return _changes(transition.record, announced, after)
        if not person.erased and user_id not in self._chosen and user_id not in choosing:
            # The status may have been chosen on another node, whose announcement was lost.
            person.record = transition.record
        person.elsewhere = dict(transition.others) or _NOWHERE
        return self._merge(person, merged_before, merged_after)

    def _merge(self, person: _Person, before: ShownStatus, after: ShownStatus) -> list[PresenceChanged]:
        """Recomputes how a user of this node appears to others and to their own devices, from the user's statuses on
        all nodes `before` and `after`, and returns the changes to announce."""
        user_id = person.record.user_id
        announced, person.announced = (
            _shown_as(person.announced_record or person.record, before),
            _shown_as(person.record, after),
        )
        if person.announced.own.status == "invisible":
            person.announced = person.announced._replace(seen=_offline(announced.seen))
        person.announced_record = None
        source = self._touched.pop(user_id, None)
        if self._is_unrecorded(user_id):
            self._touched[user_id] = source
        return _changes(person.record, announced, person.announced, source)

    def _depart(self, user_id: str) -> Departed:
        del self._leaving[user_id]
        person = self._people.pop(user_id)
        self._touched.pop(user_id, None)
        record, change = person.record, None
        if not person.hidden:
            record = replace(record, last_seen_ms=person.left_ms)
            if not self.has_peers:
                change = PresenceChanged(_presence(record, _view(record, "offline")))
        self._moved[user_id] = UserLeft(user_id, None if person.hidden else person.left_ms)
        return Departed(record, change)


def _changes(record: PresenceRecord, before: _Shown, after: _Shown, source: str | None = None) -> list[PresenceChanged]:
    """Returns the events for the difference between two appearances of a user: one to announce to others, and one for
    the user's own devices except the device `source`."""
    changes: list[PresenceChanged] = []
    is_seen = before.seen.status != "offline" or after.seen.status != "offline"
    if is_seen and after.seen != before.seen:
        changes.append(PresenceChanged(_presence(record, after.seen), came=before.seen.status == "offline"))
    if "offline" not in {before.own.status, after.own.status} and after.own != before.own:
        changes.append(PresenceChanged(_presence(record, after.own), own=True, source=source))
    return changes


def _without(elsewhere: Mapping[str, bool], node_id: str) -> Mapping[str, bool]:
    return {other_id: away for other_id, away in elsewhere.items() if other_id != node_id} or _NOWHERE
