"""Presence merged from devices, announced only where it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from talkwire.core.domain.events import PresenceChanged
from talkwire.core.domain.model import ChosenStatus, Presence, PresenceEnds, PresenceRecord, ShownStatus
from talkwire.core.signals.presence_state import GRACE_S, PresenceState
from tests.repetition import repetitions


def _notified(state: PresenceState) -> list[tuple[str, str, str | None]]:
    """Returns (user, status, text) of what is announced to others now."""
    return [(c.presence.user_id, c.presence.status, c.presence.text) for c in state.take_changes() if not c.own]


def _notified_to_self(state: PresenceState) -> list[tuple[str, str | None]]:
    """Returns (status, source device) of what is announced to the user's own devices now."""
    return [(c.presence.status, c.source) for c in state.take_changes() if c.own]


def test_only_the_first_device_is_announced() -> None:
    state = PresenceState()
    state.connected("alice", "phone", None)
    assert state.take_changes() == [PresenceChanged(Presence("alice", "online", None, None), came=True)]
    state.connected("alice", "laptop", None)
    assert state.take_changes() == []


def test_a_user_is_offline_when_the_grace_period_is_over_and_not_before() -> None:
    state = PresenceState()
    state.connected("alice", "phone", None)
    state.take_changes()
    state.disconnected("alice", "phone", now=100, now_ms=5_000)
    assert state.take_changes() == []
    assert state.next_deadline() == 100 + GRACE_S
    assert list(state.expire(100 + GRACE_S - 0.001)) == []
    ((record, change),) = state.expire(100 + GRACE_S)
    assert change == PresenceChanged(Presence("alice", "offline", None, 5_000))
    assert record == PresenceRecord("alice", "online", None, 5_000)
    assert state.presence("alice") is None
    assert state.next_deadline() is None


def test_an_erased_user_is_offline_at_once_and_was_never_seen() -> None:
    state = PresenceState()
    state.connected("alice", "phone", PresenceRecord("alice", "dnd", "busy", 1_000))
    state.take_changes()
    state.erase("alice")
    assert state.take_changes() == [PresenceChanged(Presence("alice", "offline", None, None))]
    assert state.presence("alice") == Presence("alice", "offline", None, None)
    state.disconnected("alice", "phone", now=0, now_ms=5_000)
    ((record, change),) = state.expire(GRACE_S)
    assert (record.last_seen_ms, change) == (None, None)
    assert state.recording.take().departed == {"alice": None}
    state.erase("alice")
    assert state.take_changes() == []


def test_a_recorded_status_does_not_bring_an_erased_user_back() -> None:
    state = PresenceState()
    state.connected("alice", "phone", None)
    state.erase("alice")
    state.take_changes()
    assert not state.adopt(PresenceRecord("alice"), everywhere=True)
    assert state.take_changes() == []
    assert state.presence("alice") == Presence("alice", "offline", None, None)


def test_a_user_who_reconnects_within_the_grace_period_was_never_offline() -> None:
    state = PresenceState()
    state.connected("alice", "phone", None)
    state.take_changes()
    state.disconnected("alice", "phone", now=0, now_ms=0)
    state.recording.take()
    state.connected("alice", "phone2", None)
    assert state.take_changes() == []
    assert not state.recording.has_moves
    assert list(state.expire(1000)) == []


def test_a_user_is_away_when_all_devices_are() -> None:
    state = PresenceState()
    for device in ("phone", "laptop"):
        state.connected("alice", device, None)
    state.take_changes()
    state.choose("alice", "phone", "away", None, 0)
    assert _notified(state) == []
    state.choose("alice", "laptop", "away", None, 0)
    assert _notified(state) == [("alice", "away", None)]
    state.choose("alice", "phone", "online", None, 0)
    assert _notified(state) == [("alice", "online", None)]


def test_a_user_is_away_when_the_active_device_disconnects() -> None:
    state = PresenceState()
    for device in ("phone", "laptop"):
        state.connected("alice", device, None)
    state.choose("alice", "laptop", "away", None, 0)
    state.take_changes()
    state.disconnected("alice", "phone", now=0, now_ms=0)
    assert _notified(state) == [("alice", "away", None)]
    state.disconnected("alice", "laptop", now=1, now_ms=1)
    assert _notified(state) == []


def test_do_not_disturb_holds_on_all_devices_until_another_status_ends_it() -> None:
    state = PresenceState()
    for device in ("phone", "laptop"):
        state.connected("alice", device, None)
    state.choose("alice", "phone", "dnd", "in a meeting", 0)
    assert _notified(state) == [("alice", "dnd", "in a meeting")]
    state.connected("alice", "tablet", None)
    assert _notified(state) == []
    state.choose("alice", "laptop", "online", None, 0)
    assert _notified(state) == [("alice", "online", None)]


def test_a_status_without_a_device_holds_for_all() -> None:
    state = PresenceState()
    for device in ("phone", "laptop"):
        state.connected("alice", device, None)
    state.take_changes()
    state.choose("alice", None, "away", None, 0)
    assert _notified(state) == [("alice", "away", None)]
    state.choose("alice", "phone", "online", None, 0)
    assert _notified(state) == [("alice", "online", None)]


def test_a_new_device_starts_with_the_last_chosen_status() -> None:
    state = PresenceState()
    state.connected("alice", "phone", PresenceRecord("alice", "away", "lunch", 7))
    assert _notified(state) == [("alice", "away", "lunch")]
    state.connected("bob", "phone", PresenceRecord("bob", "dnd", None, 7))
    assert _notified(state) == [("bob", "dnd", None)]


def test_another_end_is_announced_and_ended_statuses_are_announced_with_their_end() -> None:
    state = PresenceState()
    state.connected("alice", "phone", PresenceRecord("alice", "dnd", "lunch", 7, 100, 200))
    (announced,) = state.take_changes()
    assert announced.presence == Presence("alice", "dnd", "lunch", None, PresenceEnds(100, 200))
    for at_ms, expected in (
        (99, announced.presence),
        (100, Presence("alice", "online", "lunch", None, PresenceEnds(None, 200))),
        (200, Presence("alice", "online", None, None)),
    ):
        assert announced.presence.at(at_ms) == expected
    state.choose("alice", "phone", "dnd", "lunch", 50, ends=PresenceEnds(100, 300))
    assert [change.presence.ends for change in state.take_changes()] == [PresenceEnds(100, 300)] * 2
    state.choose("alice", "phone", "invisible", "lunch", 50, ends=PresenceEnds(None, 400))
    others, own = state.take_changes()
    assert others.presence == Presence("alice", "offline", "lunch", 50, PresenceEnds(None, 300))
    assert own.presence.ends == PresenceEnds(None, 400)


def test_an_invisible_user_looks_offline_to_others_only() -> None:
    state = PresenceState()
    state.connected("alice", "phone", None)
    state.take_changes()
    record = state.choose("alice", "phone", "invisible", "hush", 9_000)
    assert record == PresenceRecord("alice", "invisible", "hush", 9_000)
    others, own = state.take_changes()
    assert others == PresenceChanged(Presence("alice", "offline", None, 9_000))
    assert own == PresenceChanged(Presence("alice", "invisible", "hush", None), own=True, source="phone")
    assert state.presence("alice") == others.presence


def test_an_invisible_user_is_not_announced() -> None:
    state = PresenceState(grace_s=0)
    state.connected("alice", "phone", PresenceRecord("alice", "invisible", None, 7))
    state.choose("alice", "phone", "invisible", "a new text", 50)
    assert _notified(state) == []
    assert state.presence("alice") == Presence("alice", "offline", None, 7)
    state.disconnected("alice", "phone", now=0, now_ms=80)
    ((record, change),) = state.expire(0)
    assert change is None
    assert record.last_seen_ms == 7
    moves = state.recording.take()
    assert (moves.arrived, moves.departed) == ((), {"alice": None})


def test_own_devices_receive_a_status_of_another_device_but_no_connects() -> None:
    state = PresenceState()
    state.connected("alice", "phone", None)
    assert _notified_to_self(state) == []
    state.choose("alice", "phone", "dnd", None, 0)
    assert _notified_to_self(state) == [("dnd", "phone")]
    state.choose("alice", "phone", "dnd", None, 0)
    assert _notified_to_self(state) == []


def test_a_turn_makes_one_change_of_a_user_or_none() -> None:
    state = PresenceState()
    state.connected("alice", "phone", None)
    state.choose("alice", "phone", "dnd", None, 0)
    state.choose("alice", "phone", "away", "brb", 0)
    assert _notified(state) == [("alice", "away", "brb")]
    state.choose("alice", "phone", "online", "brb", 0)
    state.choose("alice", "phone", "away", "brb", 0)
    assert _notified(state) == []


def _moves(state: PresenceState) -> tuple[tuple[str, ...], Mapping[str, int | None]]:
    """Returns (users to record as connected, users to record as departed with when they were last seen)."""
    moves = state.recording.take()
    return moves.arrived, moves.departed


def test_the_last_of_several_moves_of_a_user_is_recorded() -> None:
    state = PresenceState(grace_s=0)
    for user_id in ("alice", "bob", "carol"):
        state.connected(user_id, "phone", None)
    assert _moves(state) == (("alice", "bob", "carol"), {})
    state.disconnected("alice", "phone", 0, 11)
    state.disconnected("bob", "phone", 0, 12)
    assert len(list(state.expire(0))) == 2
    state.connected("alice", "laptop", None)
    assert _moves(state) == (("alice",), {"bob": 12})
    assert not state.recording.has_moves


def test_unrecorded_moves_are_taken_again_unless_outdated() -> None:
    state = PresenceState(grace_s=0)
    state.connected("alice", "phone", None)
    state.connected("bob", "phone", None)
    moves = state.recording.take()
    state.disconnected("alice", "phone", 0, 11)
    list(state.expire(0))
    state.recording.put_back(moves)
    assert _moves(state) == (("bob",), {"alice": 11})


def test_a_departure_is_kept_until_it_is_recorded() -> None:
    state = PresenceState(grace_s=0)
    state.connected("alice", "phone", None)
    state.recording.take()
    state.disconnected("alice", "phone", 0, 5)
    list(state.expire(0))
    unrecorded = state.recording.take()
    state.recording.put_back(unrecorded)
    moves = state.recording.take()
    assert moves.departed == unrecorded.departed == {"alice": 5}
    state.recording.recorded(moves)
    assert state.recording.departure("alice") is None


def test_all_connected_users_can_be_recorded_again() -> None:
    state = PresenceState(grace_s=0)
    for user_id in ("alice", "bob"):
        state.connected(user_id, "phone", None)
    state.recording.take()
    state.disconnected("bob", "phone", 0, 5)
    list(state.expire(0))
    state.recording.renew_all()
    state.end_grace_periods()
    assert _moves(state) == (("alice",), {"bob": 5})


def test_a_user_who_has_just_disconnected_is_not_recorded_as_online() -> None:
    state = PresenceState(grace_s=10)
    state.connected("alice", "phone", None)
    state.recording.take()
    state.disconnected("alice", "phone", 0, 5)
    state.recording.renew_all()
    state.end_grace_periods()
    assert len(list(state.expire(0))) == 1, "other nodes have declared the user offline"
    assert _moves(state) == ((), {"alice": 5})
    state.connected("alice", "phone", None)
    assert _moves(state) == (("alice",), {})


def test_a_user_who_was_never_recorded_is_recorded_without_a_device() -> None:
    state = PresenceState(grace_s=10)
    state.away_elsewhere = lambda _: None
    state.connected("alice", "phone", None)
    state.disconnected("alice", "phone", 0, 5)
    moves = state.recording.take()
    assert (moves.arrived, moves.interrupted) == (("alice",), {"alice": False})
    state.recording.put_back(moves)
    assert state.recording.take().arrived == ("alice",), "nobody knows whether it was recorded"


def test_a_user_who_had_no_device_for_a_while_is_recorded_as_interrupted() -> None:
    state = PresenceState(grace_s=10)
    state.away_elsewhere = lambda _: None
    state.connected("alice", "phone", None)
    assert state.recording.take().interrupted == {}
    state.disconnected("alice", "phone", 0, 5)
    moves = state.recording.take()
    assert (moves.arrived, moves.interrupted) == ((), {"alice": False})
    state.connected("alice", "phone", None)
    moves = state.recording.take()
    assert (moves.arrived, moves.interrupted) == (("alice",), {"alice": True})


# --- the merged status, against a model that says it in a sentence --------------------------------------------------


@dataclass
class Person:
    """The rules of `presence_state` without its optimisations."""

    status: ChosenStatus = "online"
    text: str | None = None
    devices: dict[str, ChosenStatus] = field(default_factory=dict)
    left_at: float | None = None
    as_it_left: ShownStatus = "offline"

    def merged(self) -> ShownStatus:
        if self.status in {"dnd", "invisible"}:
            return self.status
        if not self.devices:
            return self.as_it_left
        return "away" if set(self.devices.values()) == {"away"} else "online"

    def shown(self) -> ShownStatus:
        present = bool(self.devices) or self.left_at is not None
        return self.merged() if present and self.merged() != "invisible" else "offline"


USERS = st.sampled_from(["alice", "bob"])
DEVICES = st.sampled_from(["a", "b", "c"])
STATUSES: st.SearchStrategy[ChosenStatus] = st.sampled_from(["online", "away", "dnd", "invisible"])


class Merging(RuleBasedStateMachine):
    """Devices connect, disconnect and set a status; after each step everyone has received the current presence and
    nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PresenceState(GRACE_S)
        self.people = {"alice": Person(), "bob": Person()}
        self.notified: dict[str, tuple[str, str | None]] = {"alice": ("offline", None), "bob": ("offline", None)}
        self.records: dict[str, PresenceRecord] = {}
        self.recorded: set[str] = set()
        self.now = 0.0

    def hear(self, changes: list[PresenceChanged]) -> None:
        for change in changes:
            if not change.own:
                presence = change.presence
                news = (presence.status, presence.text)
                assert news != self.notified[presence.user_id], "an event without a change"
                self.notified[presence.user_id] = news

    @rule(user_id=USERS, device=DEVICES)
    def connect(self, user_id: str, device: str) -> None:
        person = self.people[user_id]
        if device not in person.devices:
            self.state.connected(user_id, device, self.records.get(user_id))
            person.devices[device] = "away" if person.status == "away" else "online"
            person.left_at = None
            self.hear(self.state.take_changes())

    @rule(user_id=USERS, device=DEVICES)
    def disconnect(self, user_id: str, device: str) -> None:
        person = self.people[user_id]
        if device in person.devices:
            if len(person.devices) == 1:
                person.as_it_left, person.left_at = person.merged(), self.now
                if person.as_it_left in {"dnd", "invisible"}:
                    person.as_it_left = "online"
            del person.devices[device]
            self.state.disconnected(user_id, device, self.now, int(self.now * 1000))
            self.hear(self.state.take_changes())

    @rule(user_id=USERS, status=STATUSES, text=st.sampled_from([None, "x"]), data=st.data())
    def choose(self, user_id: str, status: ChosenStatus, text: str | None, data: st.DataObject) -> None:
        person = self.people[user_id]
        if self.state.record(user_id) is None:
            return
        device = data.draw(st.sampled_from([None, *person.devices]))
        self.records[user_id] = self.state.choose(user_id, device, status, text, int(self.now * 1000))
        person.status, person.text = status, text
        if status in {"online", "away"}:
            for each in person.devices if device is None else [device]:
                person.devices[each] = status
            person.as_it_left = status
        elif device is not None:
            person.devices[device] = "online"
        else:
            person.devices = dict.fromkeys(person.devices, "online")
            person.as_it_left = "online"
        self.hear(self.state.take_changes())

    @precondition(lambda self: any(person.left_at is not None for person in self.people.values()))
    @rule(passed=st.sampled_from([1.0, GRACE_S]))
    def pass_time(self, passed: float) -> None:
        self.now += passed
        for record, change in self.state.expire(self.now):
            self.records[record.user_id] = record
            self.hear([] if change is None else [change])
        for person in self.people.values():
            if person.left_at is not None and person.left_at + GRACE_S <= self.now:
                person.left_at = None

    @invariant()
    def everyone_knows_how_it_is(self) -> None:
        for user_id, person in self.people.items():
            assert self.notified[user_id][0] == person.shown(), user_id
            if person.shown() != "offline":
                assert self.notified[user_id][1] == person.text, user_id

    @invariant()
    def whoever_is_here_is_recorded(self) -> None:
        moves = self.state.recording.take()
        self.recorded |= set(moves.arrived)
        self.recorded -= moves.departed.keys()
        assert self.recorded == {id_ for id_, p in self.people.items() if p.devices or p.left_at is not None}


TestMerging = Merging.TestCase
TestMerging.settings = settings(max_examples=repetitions(300), stateful_step_count=40, deadline=None)
