"""Who is there, merged from what each of their devices says. A device is a socket of this node.

A user is there from their first device on until `grace_s` after their last has gone. `dnd` and `invisible` are said of
the person and hold on all devices until another status ends them; `online` and `away` are said of one device, and a
user is away when all devices are. A new device begins with what was chosen last.

Times are arguments: `now` is the loop's (seconds), `now_ms` the wall clock's. What others are told is asked for at the
end of a turn (`take_changes`), so that a turn makes one change of a user at most, and none where nothing differs.

Where there are other nodes, users may be there too. Then who comes, leaves or is away is told when that has been
recorded (`recorded`): the record says whether they are elsewhere, and every change of how somebody looks is told by the
node that records it, and by no other.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from talkwire.core.commands.presence import PresenceTransition, UserLeft
from talkwire.core.domain.events import PresenceChanged
from talkwire.core.domain.model import ChosenStatus, Presence, PresenceRecord, ShownStatus

GRACE_S = 10.0

MOVES_MAX = 2000
"""Users who are recorded at once."""

_NONE: frozenset[str] = frozenset()
_NOWHERE: Mapping[str, bool] = MappingProxyType({})


class _Told(NamedTuple):
    """What others know, and what the user's own devices know."""

    status: ShownStatus
    text: str | None
    own_status: ShownStatus
    own_text: str | None


# Nearly everyone is just online, so they share one value.
_ONLINE = _Told("online", None, "online", None)
_OFFLINE = _Told("offline", None, "offline", None)


class _Person:
    """One user who is here. `away` says of all devices whether they are not in use, but for the `others`; and of a user
    whose last device has just gone, whether it was. So the devices themselves need not be kept.

    `elsewhere` are the other nodes where they are, and whether they are away there. `recorded_away` is what the other
    nodes know of this one. `told_record` is what others know of the user's choice, while that is not told yet.
    `forgotten`: others have taken them for gone, while they had no device.
    """

    __slots__ = (
        "away",
        "devices",
        "elsewhere",
        "forgotten",
        "left_ms",
        "others",
        "record",
        "recorded_away",
        "told",
        "told_record",
    )

    def __init__(self, record: PresenceRecord) -> None:
        self.record = record
        self.devices = 0
        self.away = False
        self.others = _NONE
        self.left_ms = 0
        self.elsewhere = _NOWHERE
        self.recorded_away = False
        self.forgotten = False
        self.told_record: PresenceRecord | None = None
        self.told = _OFFLINE if record.text is None else _Told("offline", record.text, "offline", record.text)

    @property
    def hidden(self) -> bool:
        return self.record.status == "invisible"

    @property
    def is_away(self) -> bool:
        """Whether all devices here are."""
        return not self.others if self.away else bool(self.devices) and len(self.others) == self.devices

    @property
    def status(self) -> ShownStatus:
        """As the user's own devices are shown it."""
        return _status(self.record, "away" if self.is_away and all(self.elsewhere.values()) else "online")

    def set_away(self, device: str | None, *, away: bool) -> None:
        """Of one device, or of all."""
        if device is None:
            self.away, self.others = away, _NONE
        elif away != self.away:
            self.others |= {device}
        elif device in self.others:
            self.others -= {device}

    def to_tell(self) -> _Told:
        """What everyone should know now. What an invisible user writes is not shown before they are seen again."""
        status, text = self.status, self.record.text
        if status == "invisible":
            return _Told("offline", self.told.text, status, text)
        told = _Told(status, text, status, text)
        return _ONLINE if told == _ONLINE else told

    def shown(self, told: _Told | None = None) -> Presence:
        """As others were told last, or are to be told."""
        told = told or self.told
        last_seen_ms = self.record.last_seen_ms if told.status == "offline" else None
        return Presence(self.record.user_id, told.status, told.text, last_seen_ms)

    def shown_to_self(self) -> Presence:
        return Presence(self.record.user_id, self.status, self.record.text, None)


def _status(record: PresenceRecord, merged: ShownStatus) -> ShownStatus:
    """How somebody looks to themselves who is `merged` by their devices."""
    return record.status if merged != "offline" and record.status in {"dnd", "invisible"} else merged


def _merged(here: bool | None, others: Iterable[tuple[str, bool]]) -> ShownStatus:  # noqa: FBT001 (data)
    """Of what is known of one node and of others: whether they are away, None where they are not."""
    known = [away for _, away in others]
    if here is not None:
        known.append(here)
    if not known:
        return "offline"
    return "away" if all(known) else "online"


def _look(record: PresenceRecord, merged: ShownStatus) -> _Told:
    status = _status(record, merged)
    told = _Told("offline" if status == "invisible" else status, record.text, status, record.text)
    return _ONLINE if told == _ONLINE else told


class Departed(NamedTuple):
    """Nobody is here any more: what is known of them from now on, and what others are told if they saw them and there
    are no other nodes."""

    record: PresenceRecord
    change: PresenceChanged | None


class PresenceState:
    """The users whose devices are here, or were a moment ago. `shared`: they may be on other nodes too."""

    def __init__(self, grace_s: float = GRACE_S, *, shared: bool = False) -> None:
        self.shared = shared
        self._grace_s = grace_s
        self._people: dict[str, _Person] = {}
        # In the order of their deadlines, since all have the same grace.
        self._leaving: dict[str, float] = {}
        # Who may have to be told of, and the device that said so itself.
        self._touched: dict[str, str | None] = {}
        # Who came (None) or left and is not recorded yet.
        self._moved: dict[str, UserLeft | None] = {}
        # Who has been without a device since this was recorded last.
        self._lapsed: set[str] = set()
        # Who is being recorded, and of whom it is not known whether the last attempt has succeeded.
        self._recording: set[str] = set()
        self._unsure: set[str] = set()
        # Whose choice is newer than what is read of them at the moment.
        self._chosen: set[str] = set()

    # --- what happens -----------------------------------------------------------------------------------------------

    def connected(self, user_id: str, device: str, record: PresenceRecord | None) -> None:
        """A device came. `record` is what is stored of the user; it counts when this is their first device."""
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = _Person(record or PresenceRecord(user_id))
            if self._is_unrecorded(user_id):
                self._note_lapse(user_id)  # what is recorded of their last stay may be there yet
            self._moved[user_id] = None
        elif not person.devices:
            self._note_lapse(user_id)
            del self._leaving[user_id]
            if person.forgotten:
                person.forgotten = False
                self._moved[user_id] = None
            person.set_away(None, away=False)
        person.devices += 1
        person.set_away(device, away=person.record.status == "away")
        self._touch(user_id, person)

    def disconnected(self, user_id: str, device: str, now: float, now_ms: int) -> None:
        """A device that had come is gone."""
        person = self._people[user_id]
        was_away = person.status == "away"
        person.set_away(device, away=person.away)
        person.devices -= 1
        if not person.devices:
            person.set_away(None, away=was_away)
            person.left_ms = now_ms
            self._note_lapse(user_id)
            self._leaving[user_id] = now + self._grace_s
        self._touch(user_id, person)

    def choose(
        self, user_id: str, device: str | None, status: ChosenStatus, text: str | None, now_ms: int
    ) -> PresenceRecord:
        """A user who is here says how they are, on one device or (None) on all. Answers what is to be stored."""
        person = self._people[user_id]
        vanishes = status == "invisible" and not person.hidden
        last_seen_ms = now_ms if vanishes else person.record.last_seen_ms
        before, person.record = person.record, PresenceRecord(user_id, status, text, last_seen_ms)
        person.set_away(device, away=status == "away")
        self._touched[user_id] = device
        self._touch(user_id, person)
        if self.shared:
            self._chosen.add(user_id)
            if self._is_unrecorded(user_id) and person.told_record is None:
                person.told_record = before
        return person.record

    def expire(self, now: float) -> Iterator[Departed]:
        """Those whose grace period is over."""
        while self._leaving:
            user_id, deadline = next(iter(self._leaving.items()))
            if deadline > now:
                return
            yield self._depart(user_id)

    def next_deadline(self) -> float | None:
        """When `expire` has something to do; None: nobody is leaving."""
        return next(iter(self._leaving.values()), None)

    # --- what others have to know -----------------------------------------------------------------------------------

    def take_changes(self) -> list[PresenceChanged]:
        """What differs from what was told before."""
        changes: list[PresenceChanged] = []
        touched, self._touched = self._touched, {}
        for user_id, source in touched.items():
            person = self._people[user_id]
            if self.shared and self._is_unrecorded(user_id):
                self._touched[user_id] = source
                continue
            before, person.told = person.told, person.to_tell()
            if person.told[:2] != before[:2]:
                came = before.status == "offline" != person.told.status
                changes.append(PresenceChanged(person.shown(), came=came))
            if before.own_status != "offline" and person.told[2:] != before[2:]:
                changes.append(PresenceChanged(person.shown_to_self(), own=True, source=source))
        return changes

    def take_moves(self) -> tuple[tuple[str, ...], tuple[UserLeft, ...], tuple[str, ...]]:
        """(who came or is in use otherwise, who left, those of the first who are away) since this was asked last, and
        not too many at once."""
        moved = {user_id: self._moved.pop(user_id) for user_id in list(islice(self._moved, MOVES_MAX))}
        arrived = tuple(user_id for user_id, departure in moved.items() if departure is None)
        away = tuple(user_id for user_id in arrived if self._people[user_id].is_away) if self.shared else ()
        if self.shared:
            for user_id in arrived:
                self._people[user_id].recorded_away = False
            for user_id in away:
                self._people[user_id].recorded_away = True
            self._recording = set(moved)
            self._chosen.clear()
        return arrived, tuple(departure for departure in moved.values() if departure is not None), away

    def put_back(self, arrived: tuple[str, ...], departed: tuple[UserLeft, ...]) -> None:
        """These could not be recorded, or were and nobody knows; what has happened to the same users since then
        counts."""
        earlier: dict[str, UserLeft | None] = dict.fromkeys(arrived)
        earlier.update((departure.user_id, departure) for departure in departed)
        self._moved = earlier | self._moved
        self._unsure |= self._recording
        self._recording = set()

    def take_lapses(self) -> tuple[UserLeft, ...]:
        """Who has been without a device since this was asked last, on a node that is not alone. All of them, since the
        node says with them that it has told everybody else what happened."""
        lapsed, self._lapsed = self._lapsed, set()
        return tuple(UserLeft(user_id, None, returned=self._has_device(user_id)) for user_id in lapsed)

    def put_back_lapses(self, lapses: Iterable[UserLeft]) -> None:
        """These could not be recorded."""
        self._lapsed.update(lapse.user_id for lapse in lapses)

    def recorded(self, sightings: Iterable[PresenceTransition], choosing: Container[str] = ()) -> list[PresenceChanged]:
        """What was taken is recorded, with these results. Of who is in `choosing` a newer choice is being stored.
        Answers what others have to be told."""
        self._recording = set()
        return [change for sighting in sightings for change in self._seen(sighting, choosing)]

    def gone_elsewhere(self, node_id: str, sightings: Iterable[PresenceTransition]) -> list[PresenceChanged]:
        """These were on a node that is no more. Answers what others have to be told."""
        changes: list[PresenceChanged] = []
        for sighting in sightings:
            before, after = _merged(sighting.before, sighting.others), _merged(None, sighting.others)
            person = self._people.get(sighting.record.user_id)
            if person is None:
                changes += _changes(sighting.record, _look(sighting.record, before), _look(sighting.record, after))
            else:
                person.elsewhere = _without(person.elsewhere, node_id)
                changes += self._merge(person, before, after)
        return changes

    def recall(self) -> None:
        """Others have taken everyone here for gone: has them recorded anew, and who has no device at the moment when
        they come back."""
        here: dict[str, UserLeft | None] = {}
        for user_id, person in self._people.items():
            person.forgotten = not person.devices
            if person.devices:
                here[user_id] = None
        self._moved = here | self._moved

    @property
    def has_moves(self) -> bool:
        return bool(self._moved)

    # --- other nodes ------------------------------------------------------------------------------------------------

    def moved_elsewhere(self, node_id: str, came: Iterable[str], away: Iterable[str], left: Iterable[str]) -> None:
        """Another node has recorded this, and told what there was to tell."""
        away_ids = set(away)
        for user_id in came:
            person = self._people.get(user_id)
            if person is not None:
                person.elsewhere = {**person.elsewhere, node_id: user_id in away_ids}
        for user_id in left:
            person = self._people.get(user_id)
            if person is not None:
                person.elsewhere = _without(person.elsewhere, node_id)

    def heard(self, event: PresenceChanged) -> None:
        """Another node has told this of somebody."""
        person = self._people.get(event.presence.user_id)
        if person is not None:
            status, text = event.presence.status, event.presence.text
            told = person.told
            person.told = (
                _Told(told.status, told.text, status, text)
                if event.own
                else _Told(status, text, told.own_status, told.own_text)
            )

    def chosen_elsewhere(self, record: PresenceRecord, *, everywhere: bool) -> None:
        """A user has said on another node how they are; `everywhere`: on all devices."""
        person = self._people.get(record.user_id)
        if person is not None:
            person.record = record
            self._chosen.add(record.user_id)
            if everywhere:
                person.set_away(None, away=record.status == "away")
                self._note_away(record.user_id, person)

    def expect_elsewhere(self, user_id: str, node_id: str) -> None:
        """Somebody here is about to be on that node."""
        self.moved_elsewhere(node_id, (user_id,), (), ())

    def is_elsewhere(self, user_id: str) -> bool:
        """Whether somebody here is known to be on another node too."""
        person = self._people.get(user_id)
        return person is not None and bool(person.elsewhere)

    # --- who is here ------------------------------------------------------------------------------------------------

    def presence(self, user_id: str, *, own: bool = False) -> Presence | None:
        """How somebody here looks to others, or to themselves; None: they are not here. Whoever has just come is shown
        as they will be, though others are notified when it is recorded."""
        person = self._people.get(user_id)
        if person is None:
            return None
        if own:
            return person.shown_to_self()
        is_coming = person.told.status == "offline" and self.shared and self._is_unrecorded(user_id)
        return person.shown(person.to_tell() if is_coming else person.told)

    def away(self, user_id: str) -> bool | None:
        """Whether all devices that somebody has here are away; None: they are not here."""
        person = self._people.get(user_id)
        return None if person is None or person.forgotten else person.is_away

    def record(self, user_id: str) -> PresenceRecord | None:
        """What somebody here chose."""
        person = self._people.get(user_id)
        return None if person is None else person.record

    def visible_ids(self) -> Iterator[str]:
        """Those whom others see."""
        return (user_id for user_id, person in self._people.items() if person.told.status != "offline")

    def _touch(self, user_id: str, person: _Person) -> None:
        self._touched.setdefault(user_id, None)
        self._note_away(user_id, person)

    def _note_away(self, user_id: str, person: _Person) -> None:
        """Other nodes have to know of it, since they may have devices of the same user."""
        if self.shared and person.is_away is not person.recorded_away:
            self._moved.setdefault(user_id, None)

    def _note_lapse(self, user_id: str) -> None:
        """It is recorded with what comes next: there is no hurry."""
        if self.shared:
            self._lapsed.add(user_id)

    def _has_device(self, user_id: str) -> bool:
        person = self._people.get(user_id)
        return person is not None and bool(person.devices)

    def _is_unrecorded(self, user_id: str) -> bool:
        return user_id in self._moved or user_id in self._recording

    def _seen(self, sighting: PresenceTransition, choosing: Container[str]) -> list[PresenceChanged]:
        user_id = sighting.record.user_id
        person = self._people.get(user_id)
        before = sighting.before
        if user_id in self._unsure:
            # It may have been recorded already, and then nobody was told. Twice is better than never.
            self._unsure.discard(user_id)
            if sighting.after is None:
                before = False
            elif person is None or person.told.own_status == "offline":
                before = None
        merged_before, merged_after = _merged(before, sighting.others), _merged(sighting.after, sighting.others)
        if person is None:
            told, after = _look(sighting.record, merged_before), _look(sighting.record, merged_after)
            return _changes(sighting.record, told, after)
        if user_id not in self._chosen and user_id not in choosing:
            # The choice may have been made on another node, whose news of it were lost.
            person.record = sighting.record
        person.elsewhere = dict(sighting.others) or _NOWHERE
        return self._merge(person, merged_before, merged_after)

    def _merge(self, person: _Person, before: ShownStatus, after: ShownStatus) -> list[PresenceChanged]:
        """Somebody here looks otherwise, by what is recorded of all nodes."""
        user_id = person.record.user_id
        told, person.told = _look(person.told_record or person.record, before), _look(person.record, after)
        if person.told.own_status == "invisible":
            person.told = person.told._replace(text=told.text)
        person.told_record = None
        source = self._touched.pop(user_id, None)
        if self._is_unrecorded(user_id):
            self._touched[user_id] = source
        return _changes(person.record, told, person.told, source)

    def _depart(self, user_id: str) -> Departed:
        del self._leaving[user_id]
        person = self._people.pop(user_id)
        self._touched.pop(user_id, None)
        record, change = person.record, None
        if not person.hidden:
            record = PresenceRecord(user_id, record.status, record.text, person.left_ms)
            if not self.shared:
                change = PresenceChanged(Presence(user_id, "offline", record.text, person.left_ms))
        self._moved[user_id] = UserLeft(user_id, None if person.hidden else person.left_ms)
        return Departed(record, change)


def _changes(record: PresenceRecord, before: _Told, after: _Told, source: str | None = None) -> list[PresenceChanged]:
    """What others are told of a user, and what the user's own devices are told except `source`."""
    changes: list[PresenceChanged] = []
    is_seen = before.status != "offline" or after.status != "offline"
    if is_seen and after[:2] != before[:2]:
        last_seen_ms = record.last_seen_ms if after.status == "offline" else None
        presence = Presence(record.user_id, after.status, after.text, last_seen_ms)
        changes.append(PresenceChanged(presence, came=before.status == "offline"))
    if "offline" not in {before.own_status, after.own_status} and after[2:] != before[2:]:
        presence = Presence(record.user_id, after.own_status, after.own_text, None)
        changes.append(PresenceChanged(presence, own=True, source=source))
    return changes


def _without(elsewhere: Mapping[str, bool], node_id: str) -> Mapping[str, bool]:
    return {other_id: away for other_id, away in elsewhere.items() if other_id != node_id} or _NOWHERE
