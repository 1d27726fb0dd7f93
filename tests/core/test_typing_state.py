from __future__ import annotations

from talkwire.core.events import TypingChanged
from talkwire.core.typing_state import TYPING_LASTS_S, TypingState


def _started(user_id: str, conversation_id: str = "c") -> TypingChanged:
    return TypingChanged(conversation_id, user_id, user_id.title(), is_typing=True)


def _stopped(user_id: str, conversation_id: str = "c") -> TypingChanged:
    return TypingChanged(conversation_id, user_id, user_id.title(), is_typing=False)


def test_a_user_who_says_nothing_more_stops_typing_by_themselves() -> None:
    typing = TypingState()
    assert typing.start("c", "alice", "Alice", "s1", now=10) == _started("alice")
    assert typing.next_deadline() == 10 + TYPING_LASTS_S
    assert typing.expire(10 + TYPING_LASTS_S - 0.001) == []
    assert typing.expire(10 + TYPING_LASTS_S) == [_stopped("alice")]
    assert typing.next_deadline() is None
    assert typing.expire(1000) == []


def test_a_user_who_goes_on_typing_is_typing_longer() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    assert typing.start("c", "alice", "Alice", "s1", now=4) == _started("alice")
    assert typing.expire(TYPING_LASTS_S) == []
    assert typing.expire(4 + TYPING_LASTS_S) == [_stopped("alice")]


def test_the_first_to_end_sets_the_deadline() -> None:
    typing = TypingState()
    typing.start("c", "bob", "Bob", "s2", now=1)
    typing.start("c", "alice", "Alice", "s1", now=2)
    typing.start("d", "alice", "Alice", "s1", now=3)
    assert typing.next_deadline() == 1 + TYPING_LASTS_S
    assert typing.expire(2 + TYPING_LASTS_S) == [_stopped("bob"), _stopped("alice")]
    assert typing.next_deadline() == 3 + TYPING_LASTS_S


def test_a_user_stops_when_they_say_so() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    assert typing.stop("c", "alice", "Alice") == _stopped("alice")
    assert typing.next_deadline() is None


def test_a_user_who_says_stop_without_having_started_is_heard() -> None:
    assert TypingState().stop("c", "alice", "Alice") == _stopped("alice")


def test_a_socket_that_goes_ends_what_it_typed_and_nothing_else() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("d", "alice", "Alice", "s1", now=0)
    typing.start("c", "bob", "Bob", "s2", now=0)
    typing.start("c", "carol", "Carol", None, now=0)
    assert typing.source_gone("s1") == [_stopped("alice"), _stopped("alice", "d")]
    assert typing.source_gone("s1") == []
    assert typing.expire(100) == [_stopped("bob"), _stopped("carol")]


def test_a_user_who_types_on_a_second_socket_goes_on_when_the_first_is_gone() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("c", "alice", "Alice", "s2", now=1)
    assert typing.source_gone("s1") == []
    assert typing.source_gone("s2") == [_stopped("alice")]


def test_a_user_who_left_is_not_typing_there_any_more() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("d", "alice", "Alice", "s1", now=0)
    assert typing.user_left("c", "alice") == [_stopped("alice")]
    assert typing.user_left("c", "alice") == []
    assert typing.user_left("c", "bob") == []
    assert typing.next_deadline() == TYPING_LASTS_S


def test_nobody_types_in_a_conversation_that_is_gone() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("d", "alice", "Alice", "s1", now=0)
    typing.conversation_gone("c")
    assert typing.source_gone("s1") == [_stopped("alice", "d")]
    assert typing.next_deadline() is None
