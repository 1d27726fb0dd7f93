"""Which calls are recorded in the log, and with which duration."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import RecordCall
from talkwire.core.commands.notifications import RecordMissedCall
from talkwire.core.domain.events import CallAccepted, CallEnded, CallNews
from talkwire.core.domain.model import Actor, CallEndReason
from talkwire.core.signals.call_recorder import CallRecorder


class Chat:
    """Collects what the recorder asks the chat to store."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Command[Any]]] = []

    def submit(self, actor: Actor, command: Command[Any], done: object) -> None:
        self.asked.append((actor.user_id, command))


class Recording:
    def __init__(self) -> None:
        self.now = 100.0
        self.chat = Chat()
        self.published: list[CallNews] = []
        self._recorder = CallRecorder(self.chat, self.published.extend, lambda: self.now)  # type: ignore[arg-type]

    def publish(self, event: CallNews, after_s: float = 0.0) -> None:
        self.now += after_s
        self._recorder.publish([event])


def _ended(reason: CallEndReason, missed_by: tuple[str, ...] = (), *, is_over: bool = True) -> CallEnded:
    return CallEnded("x", "c", "alice", reason, ("alice", "bob"), missed_by, is_over)


ACCEPTED = CallAccepted("x", "c", "bob", ("alice", "bob"))


def test_an_accepted_call_is_recorded_with_the_time_since_the_first_user_accepted() -> None:
    recording = Recording()
    recording.publish(ACCEPTED, 5)
    recording.publish(ACCEPTED, 60)
    recording.publish(_ended("hangup"), 120.5)
    assert recording.chat.asked == [("alice", RecordCall("c", "x", "hangup", 180))]
    assert len(recording.published) == 3
    recording.publish(_ended("timeout", ("bob",)))
    assert recording.chat.asked[-1] == ("alice", RecordCall("c", "x", "timeout")), "another call of the same id"


@pytest.mark.parametrize("reason", ["timeout", "rejected", "cancelled"])
def test_a_call_that_nobody_accepted_is_recorded_without_a_duration(reason: CallEndReason) -> None:
    recording = Recording()
    recording.publish(_ended(reason, ("bob",)))
    assert recording.chat.asked == [
        ("alice", RecordMissedCall("c", "x", ("bob",))),
        ("alice", RecordCall("c", "x", reason)),
    ]


def test_a_call_that_goes_on_without_some_users_is_not_recorded_yet() -> None:
    recording = Recording()
    recording.publish(ACCEPTED)
    recording.publish(_ended("timeout", ("carol",), is_over=False))
    assert recording.chat.asked == [("alice", RecordMissedCall("c", "x", ("carol",)))]


def test_an_accepted_call_of_a_dead_node_is_not_recorded() -> None:
    recording = Recording()
    recording.publish(_ended("gone"))
    assert recording.chat.asked == []
