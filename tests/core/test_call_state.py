"""The participants of a call, the users for whom it rings, and its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import CallAccepted, CallEnded, CallEvent, CallHungUp, CallInvited, CallRejected
from talkwire.core.signals.call_state import CALLS_MAX, RING_S, CallOutput, CallState
from tests.repetition import repetitions

PAIR = ("alice", "bob")
GROUP = ("alice", "bob", "carol")


def _invited(state: CallState, *members: str, now: float = 0, call_id: str = "1", **further: Any) -> CallOutput:  # noqa: ANN401
    """The first member calls the others."""
    return state.invite(members[0], InviteToCall("c", call_id, **further), members, members[1:], now)


def _ends(events: CallOutput) -> list[tuple[str, set[str], tuple[str, ...]]]:
    """Returns (reason, notified users, users who missed the call) of each ended call."""
    return [(event.reason, set(event.to), event.missed_by) for event in events if isinstance(event, CallEnded)]


def _reached(event: object) -> set[str]:
    assert isinstance(event, CallEvent)
    return set(event.to)


def test_an_invitation_rings_for_the_others_only() -> None:
    state = CallState()
    (event,) = _invited(state, *GROUP, data={"video": True}, source="s1")
    assert event == CallInvited("1", "c", "alice", ("bob", "carol"), None, {"video": True}, "s1")


def test_accepting_joins_the_call_and_notifies_all_devices_of_all_members() -> None:
    state = CallState()
    _invited(state, *GROUP)
    (event,) = state.accept("bob", AcceptCall("c", "1", source="s2"))
    assert isinstance(event, CallAccepted)
    assert _reached(event) == set(GROUP), "bob's other devices too, so that they stop ringing"
    assert event.source == "s2"


def test_a_call_that_nobody_accepts_is_missed() -> None:
    state = CallState()
    _invited(state, *PAIR, now=10)
    assert state.next_deadline() == 10 + RING_S
    assert state.expire(10 + RING_S - 0.001) == []
    assert _ends(state.expire(10 + RING_S)) == [("timeout", {"alice", "bob"}, ("bob",))]
    assert state.next_deadline() is None
    with pytest.raises(ChatError, match="does not exist or has ended"):
        state.accept("bob", AcceptCall("c", "1"))


def test_a_cancelled_call_is_missed() -> None:
    state = CallState()
    _invited(state, *PAIR)
    change, ended = state.hang_up("alice", HangUpCall("c", "1"))
    assert isinstance(change, CallHungUp)
    assert _ends([ended]) == [("cancelled", {"alice", "bob"}, ("bob",))]


def test_a_call_that_was_declined_is_not_missed() -> None:
    state = CallState()
    _invited(state, *PAIR)
    change, ended = state.reject("bob", RejectCall("c", "1"))
    assert isinstance(change, CallRejected)
    assert _ends([ended]) == [("rejected", {"alice", "bob"}, ())]


def test_a_call_continues_while_two_participants_are_left() -> None:
    state = CallState()
    _invited(state, *GROUP)
    state.accept("bob", AcceptCall("c", "1"))
    state.accept("carol", AcceptCall("c", "1"))
    assert _ends(state.hang_up("alice", HangUpCall("c", "1"))) == []
    assert _ends(state.hang_up("carol", HangUpCall("c", "1"))) == [("hangup", set(GROUP), ())]


def test_a_user_who_does_not_accept_misses_a_call_that_continues() -> None:
    state = CallState()
    _invited(state, *GROUP, now=0)
    state.accept("bob", AcceptCall("c", "1"))
    assert _ends(state.expire(RING_S)) == [("timeout", {"carol"}, ("carol",))]
    (event,) = state.accept("carol", AcceptCall("c", "1"))
    assert isinstance(event, CallAccepted), "a member may join later"


def test_a_second_call_in_a_conversation_is_a_conflict_that_names_the_first() -> None:
    state = CallState()
    _invited(state, *PAIR)
    with pytest.raises(ChatError) as refused:
        state.invite("bob", InviteToCall("c", "2"), PAIR, ("alice",), 0)
    assert refused.value.code == "conflict"
    assert refused.value.details == {"callId": "1", "conversationId": "c", "userIds": ["alice"]}
    state.invite("bob", InviteToCall("d", "2"), PAIR, ("alice",), 0)


def test_an_invitation_that_is_sent_again_rings_again() -> None:
    state = CallState()
    _invited(state, *GROUP, now=0)
    state.accept("bob", AcceptCall("c", "1"))
    (event,) = _invited(state, *GROUP, now=20)
    assert _reached(event) == {"carol"}
    assert state.next_deadline() == 20 + RING_S


def test_a_call_that_a_block_or_a_deletion_ends_is_not_missed() -> None:
    state = CallState()
    _invited(state, *PAIR)
    assert _ends(state.end_call("c")) == [("left", {"alice", "bob"}, ())]
    assert state.next_deadline() is None


def test_a_call_needs_somebody_to_call() -> None:
    state = CallState()
    with pytest.raises(ChatError, match="nobody"):
        state.invite("alice", InviteToCall("c", "1"), PAIR, (), 0)
    with pytest.raises(ChatError) as refused:
        state.invite("alice", InviteToCall("c", "1", "carol"), PAIR, ("bob",), 0)
    assert refused.value.code == "forbidden"
    assert len(_invited(state, *PAIR)) == 1


def test_a_user_can_start_a_limited_number_of_calls() -> None:
    state = CallState()
    for number in range(CALLS_MAX):
        state.invite("alice", InviteToCall(f"c{number}", "1"), PAIR, ("bob",), 0)
    with pytest.raises(ChatError) as refused:
        state.invite("alice", InviteToCall("d", "1"), PAIR, ("bob",), 0)
    assert refused.value.code == "conflict"


def test_signals_are_sent_to_the_other_participants_or_to_one() -> None:
    state = CallState()
    _invited(state, *GROUP)
    (event,) = state.signal("bob", SendCallSignal("c", "1", data="candidate"))
    assert _reached(event) == {"alice", "carol"}
    (event,) = state.signal("bob", SendCallSignal("c", "1", "alice"))
    assert _reached(event) == {"alice"}
    state.reject("carol", RejectCall("c", "1"))
    for user_id, to_user_id in (("carol", None), ("bob", "carol"), ("mallory", None)):
        with pytest.raises(ChatError) as refused:
            state.signal(user_id, SendCallSignal("c", "1", to_user_id))
        assert refused.value.code == "forbidden"


def test_a_second_device_that_declines_too_changes_nothing() -> None:
    state = CallState()
    _invited(state, *GROUP)
    assert len(state.reject("bob", RejectCall("c", "1"))) == 1
    assert state.reject("bob", RejectCall("c", "1")) == []


def test_a_participant_whose_last_socket_closed_has_left() -> None:
    state = CallState()
    _invited(state, *PAIR)
    state.accept("bob", AcceptCall("c", "1"))
    assert _ends(state.user_disconnected("bob")) == [("gone", {"alice", "bob"}, ())]
    assert state.user_disconnected("alice") == []


def test_a_call_keeps_ringing_for_a_disconnected_user() -> None:
    state = CallState()
    _invited(state, *PAIR, data="offer")
    assert state.user_disconnected("bob") == []
    assert state.user_connected("bob") == [CallInvited("1", "c", "alice", ("bob",), None, "offer")]
    assert _ends(state.user_disconnected("alice")) == [("gone", {"alice", "bob"}, ("bob",))]
    assert state.user_connected("bob") == []


def test_leaving_the_conversation_leaves_its_call() -> None:
    state = CallState()
    _invited(state, *GROUP)
    state.accept("bob", AcceptCall("c", "1"))
    assert state.member_removed("c", "carol") == []
    with pytest.raises(ChatError):
        state.accept("carol", AcceptCall("c", "1"))
    state.members_added("c", ["dora"])
    assert isinstance(state.accept("dora", AcceptCall("c", "1"))[0], CallAccepted)
    assert _ends(state.end_call("c")) == [("left", {"alice", "bob", "dora"}, ())]


USERS = ("a", "b", "c", "d")


class Calling(RuleBasedStateMachine):
    """Any call signals of members, in any order, in two conversations."""

    def __init__(self) -> None:
        super().__init__()
        self.state = CallState()
        self.now = 0.0
        self.rung: dict[str, set[str]] = {}
        self.joined: dict[str, set[str]] = {}

    def hear(self, events: Iterable[object]) -> None:
        """Updates what a client concludes from events alone."""
        for event in events:
            match event:
                case CallInvited(conversation_id=place):
                    self.rung.setdefault(place, set()).update(event.to)
                    self.joined.setdefault(place, set()).add(event.user_id)
                case CallAccepted(conversation_id=place):
                    self.rung[place].discard(event.user_id)
                    self.joined[place].add(event.user_id)
                case CallRejected(conversation_id=place) | CallHungUp(conversation_id=place):
                    self.rung[place].discard(event.user_id)
                    self.joined[place].discard(event.user_id)
                case CallEnded(conversation_id=place):
                    assert set(event.missed_by) <= set(event.to)
                    if set(event.to) == set(USERS):
                        del self.rung[place], self.joined[place]
                    else:
                        self.rung[place] -= set(event.to)

    @rule(user=st.sampled_from(USERS), place=st.sampled_from("xy"))
    def invite(self, user: str, place: str) -> None:
        others = [other for other in USERS if other != user]
        try:
            self.hear(self.state.invite(user, InviteToCall(place, "1"), USERS, others, self.now))
        except ChatError as refusal:
            assert refusal.code == "conflict"  # noqa: PT017 (nothing else may be raised)
            assert user not in self.joined[place]

    @rule(user=st.sampled_from(USERS), place=st.sampled_from("xy"), what=st.sampled_from(["accept", "reject", "leave"]))
    def say(self, user: str, place: str, what: str) -> None:
        try:
            match what:
                case "accept":
                    self.hear(self.state.accept(user, AcceptCall(place, "1")))
                case "reject":
                    self.hear(self.state.reject(user, RejectCall(place, "1")))
                case _:
                    self.hear(self.state.hang_up(user, HangUpCall(place, "1")))
        except ChatError as refusal:
            assert refusal.code == "not_found"  # noqa: PT017
            assert place not in self.joined

    @rule(user=st.sampled_from(USERS))
    def lose(self, user: str) -> None:
        events = self.state.user_disconnected(user)
        for joined in self.joined.values():
            joined.discard(user)
        self.hear(events)

    @rule(passed=st.sampled_from([1.0, RING_S]))
    def wait(self, passed: float) -> None:
        self.now += passed
        self.hear(self.state.expire(self.now))

    @invariant()
    def a_call_has_somebody_to_talk_to(self) -> None:
        for place, joined in self.joined.items():
            assert joined, place
            assert len(joined | self.rung[place]) > 1, place

    @invariant()
    def something_rings_exactly_while_there_is_a_deadline(self) -> None:
        assert any(self.rung.values()) == (self.state.next_deadline() is not None)

    @invariant()
    def sides_are_remembered_and_nobody_else(self) -> None:
        for user in USERS:
            places = {place for place in self.joined if user in self.joined[place] | self.rung[place]}
            assert set(self.state.conversations_of(user)) == places


TestCalling = Calling.TestCase
TestCalling.settings = settings(max_examples=repetitions(200), stateful_step_count=40, deadline=None)
