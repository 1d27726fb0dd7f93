from __future__ import annotations

from talkwire.core.domain.events import CallAccepted, CallEnded, CallInvited, CallRejected
from talkwire.core.signals.ringing_calls import RingingCalls

INVITED = CallInvited("1", "c", "alice", ("bob", "carol"), None, "offer", "a")


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_new_socket_is_invited_alone_and_as_the_others_were() -> None:
    calls = RingingCalls(45)
    calls.follow([INVITED])
    assert calls.invitations_for("bob", "b2") == [
        CallInvited("1", "c", "alice", ("bob",), None, "offer", None, only="b2")
    ]
    assert calls.invitations_for("alice", "a2") == []


def test_who_answers_or_leaves_is_invited_no_more() -> None:
    calls = RingingCalls(45)
    calls.follow([INVITED, CallAccepted("1", "c", "bob", ("alice", "bob", "carol"))])
    assert calls.invitations_for("bob", "b2") == []
    assert len(calls.invitations_for("carol", "c2")) == 1
    calls.leave("c", "carol")
    assert calls.invitations_for("carol", "c2") == []
    calls.follow([INVITED, CallRejected("1", "c", "carol", ("alice", "bob", "carol"))])
    assert calls.invitations_for("carol", "c2") == []


def test_the_end_of_a_call_is_not_that_of_the_next_one() -> None:
    calls = RingingCalls(45)
    calls.follow([INVITED, CallInvited("2", "c", "alice", ("bob",))])
    calls.follow([CallEnded("1", "c", "alice", "cancelled", ("alice", "bob", "carol"))])
    assert [each.call_id for each in calls.invitations_for("bob", "b2")] == ["2"]
    assert calls.invitations_for("carol", "c2") == []


def test_a_call_whose_end_gets_lost_rings_no_longer_than_others() -> None:
    time = Time()
    calls = RingingCalls(45, time)
    calls.follow([INVITED])
    time.now += 44
    assert len(calls.invitations_for("bob", "b2")) == 1
    calls.follow([INVITED])  # rings again
    time.now += 2
    assert len(calls.invitations_for("bob", "b2")) == 1
    time.now += 44
    assert calls.invitations_for("bob", "b2") == []
