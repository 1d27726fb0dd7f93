"""Who is there on this node, merged from what each of their devices says. A device is a socket.

A user is there from their first device on until `grace_s` after their last has gone. `dnd` and `invisible` are said of
the person and hold on all devices until another status ends them; `online` and `away` are said of one device, and a
user is away when all devices are. A new device begins with what was chosen last.

Times are arguments: `now` is the loop's (seconds), `now_ms` the wall clock's. What others are told is asked for at the
end of a turn (`take_changes`), so that a turn makes one change of a user at most, and none where nothing differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from talkwire.core.commands.presence import Departure
from talkwire.core.events import PresenceChanged
from talkwire.core.model import ChosenStatus, Presence, PresenceRecord, ShownStatus

GRACE_S = 10.0

_NONE: frozenset[str] = frozenset()


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
    whose last device has just gone, whether it was. So the devices themselves need not be kept."""

    __slots__ = ("away", "devices", "left_ms", "others", "record", "told")

    def __init__(self, record: PresenceRecord) -> None:
        self.record = record
        self.devices = 0
        self.away = False
        self.others = _NONE
        self.left_ms = 0
        self.told = _OFFLINE if record.text is None else _Told("offline", record.text, "offline", record.text)

    @property
    def hidden(self) -> bool:
        return self.record.status == "invisible"

    @property
    def status(self) -> ShownStatus:
        """As the user's own devices are shown it."""
        if self.record.status in {"dnd", "invisible"}:
            return self.record.status
        if self.away:
            return "online" if self.others else "away"
        return "away" if self.devices and len(self.others) == self.devices else "online"

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

    def shown(self) -> Presence:
        """As others were told last."""
        told = self.told
        last_seen_ms = self.record.last_seen_ms if told.status == "offline" else None
        return Presence(self.record.user_id, told.status, told.text, last_seen_ms)

    def shown_to_self(self) -> Presence:
        return Presence(self.record.user_id, self.status, self.record.text, None)


class Departed(NamedTuple):
    """Somebody is offline: what is known of them from now on, and what others are told if they saw them."""

    record: PresenceRecord
    change: PresenceChanged | None


class PresenceState:
    """The users whose devices are here, or were a moment ago."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._people: dict[str, _Person] = {}
        # In the order of their deadlines, since all have the same grace.
        self._leaving: dict[str, float] = {}
        # Who may have to be told of, and the device that said so itself.
        self._touched: dict[str, str | None] = {}
        # Who came (None) or left and is not recorded yet.
        self._moved: dict[str, Departure | None] = {}

    # --- what happens -----------------------------------------------------------------------------------------------

    def connected(self, user_id: str, device: str, record: PresenceRecord | None) -> None:
        """A device came. `record` is what is stored of the user; it counts when this is their first device."""
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = _Person(record or PresenceRecord(user_id))
            self._moved[user_id] = None
        elif not person.devices:
            del self._leaving[user_id]
            person.set_away(None, away=False)
        person.devices += 1
        person.set_away(device, away=person.record.status == "away")
        self._touched.setdefault(user_id, None)

    def disconnected(self, user_id: str, device: str, now: float, now_ms: int) -> None:
        """A device that had come is gone."""
        person = self._people[user_id]
        was_away = person.status == "away"
        person.set_away(device, away=person.away)
        person.devices -= 1
        if not person.devices:
            person.set_away(None, away=was_away)
            person.left_ms = now_ms
            self._leaving[user_id] = now + self._grace_s
        self._touched.setdefault(user_id, None)

    def choose(
        self, user_id: str, device: str | None, status: ChosenStatus, text: str | None, now_ms: int
    ) -> PresenceRecord:
        """A user who is here says how they are, on one device or (None) on all. Answers what is to be stored."""
        person = self._people[user_id]
        vanishes = status == "invisible" and not person.hidden
        last_seen_ms = now_ms if vanishes else person.record.last_seen_ms
        person.record = PresenceRecord(user_id, status, text, last_seen_ms)
        person.set_away(device, away=status == "away")
        self._touched[user_id] = device
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
            before, person.told = person.told, person.to_tell()
            if person.told[:2] != before[:2]:
                came = before.status == "offline" != person.told.status
                changes.append(PresenceChanged(person.shown(), came=came))
            if before.own_status != "offline" and person.told[2:] != before[2:]:
                changes.append(PresenceChanged(person.shown_to_self(), own=True, source=source))
        return changes

    def take_moves(self) -> tuple[tuple[str, ...], tuple[Departure, ...]]:
        """(who came, who left) since this was asked last."""
        moved, self._moved = self._moved, {}
        arrived = tuple(user_id for user_id, departure in moved.items() if departure is None)
        return arrived, tuple(departure for departure in moved.values() if departure is not None)

    def put_back(self, arrived: tuple[str, ...], departed: tuple[Departure, ...]) -> None:
        """These could not be recorded; what has happened to the same users since then counts."""
        earlier: dict[str, Departure | None] = dict.fromkeys(arrived)
        earlier.update((departure.user_id, departure) for departure in departed)
        self._moved = earlier | self._moved

    def recall(self) -> None:
        """Has everyone who is here recorded anew."""
        self._moved = dict.fromkeys(self._people) | self._moved

    @property
    def has_moves(self) -> bool:
        return bool(self._moved)

    # --- who is here ------------------------------------------------------------------------------------------------

    def presence(self, user_id: str, *, own: bool = False) -> Presence | None:
        """How somebody here looks to others, or to themselves; None: they are not here."""
        person = self._people.get(user_id)
        if person is None:
            return None
        return person.shown_to_self() if own else person.shown()

    def record(self, user_id: str) -> PresenceRecord | None:
        """What somebody here chose."""
        person = self._people.get(user_id)
        return None if person is None else person.record

    def visible_ids(self) -> Iterator[str]:
        """Those whom others see."""
        return (user_id for user_id, person in self._people.items() if person.told.status != "offline")

    def _depart(self, user_id: str) -> Departed:
        del self._leaving[user_id]
        person = self._people.pop(user_id)
        self._touched.pop(user_id, None)
        record, change = person.record, None
        if not person.hidden:
            record = PresenceRecord(user_id, record.status, record.text, person.left_ms)
            change = PresenceChanged(Presence(user_id, "offline", record.text, person.left_ms))
        self._moved[user_id] = Departure(user_id, None if person.hidden else person.left_ms)
        return Departed(record, change)
