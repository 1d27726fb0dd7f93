from __future__ import annotations

from talkwire.core.domain.events import TypingChanged
from talkwire.core.signals.typing_state import TYPING_EVERY_S, TYPING_LASTS_S, TypingState


def _started(user_id: str, conversation_id: str = "c") -> TypingChanged:
    return TypingChanged(conversation_id, user_id, user_id.title(), is_typing=True)


def _stopped(user_id: str, conversation_id: str = "c") -> TypingChanged:
    return TypingChanged(conversation_id, user_id, user_id.title(), is_typing=False)


def test_typing_ends_without_further_commands() -> None:
    typing = TypingState()
    assert typing.start("c", "alice", "Alice", "s1", now=10) == _started("alice")
    assert typing.next_deadline() == 10 + TYPING_LASTS_S
    assert typing.expire(10 + TYPING_LASTS_S - 0.001) == []
    assert typing.expire(10 + TYPING_LASTS_S) == [_stopped("alice")]
    assert typing.next_deadline() is None
    assert typing.expire(1000) == []


def test_a_repeated_command_extends_typing() -> None:
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


def test_a_stop_command_ends_typing() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    assert typing.stop("c", "alice", now=1) == _stopped("alice")
    assert typing.next_deadline() is None
    assert typing.stop("c", "alice", now=1) is None


def test_a_stop_without_a_start_is_not_announced() -> None:
    assert TypingState().stop("c", "alice", now=0) is None


def test_others_receive_one_start_of_a_burst() -> None:
    typing = TypingState()
    received = [typing.start("c", "alice", "Alice", "s1", now=0.1 * number) for number in range(20)]
    assert received == [_started("alice"), *[None] * 19]
    assert typing.start("c", "bob", "Bob", "s2", now=1) == _started("bob")
    assert typing.start("d", "alice", "Alice", "s1", now=1) == _started("alice", "d")
    assert typing.start("c", "alice", "Alice", "s1", now=TYPING_EVERY_S) == _started("alice")
    assert typing.start("c", "alice", "Alice", "s1", now=TYPING_EVERY_S + 1) is None


def test_a_start_that_is_not_announced_extends_typing() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("c", "alice", "Alice", "s1", now=1.5)
    assert typing.expire(TYPING_LASTS_S) == []
    assert typing.expire(TYPING_LASTS_S + 1.5) == [_stopped("alice")]


def test_an_early_start_is_announced_after_the_minimum_interval() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    assert typing.stop("c", "alice", now=0.5) == _stopped("alice")
    assert typing.start("c", "alice", "Alice", "s1", now=1) is None
    assert typing.next_deadline() == TYPING_EVERY_S
    assert typing.expire(TYPING_EVERY_S - 0.1) == []
    assert typing.expire(TYPING_EVERY_S) == [_started("alice")]
    assert typing.stop("c", "alice", now=2.5) == _stopped("alice")


def test_several_early_starts_are_announced_in_the_order_in_which_they_are_due() -> None:
    typing = TypingState()
    for user_id, now in (("alice", 0.0), ("bob", 1.0)):
        typing.start("c", user_id, user_id.title(), "s1", now=now)
        typing.stop("c", user_id, now=now)
    assert typing.start("c", "bob", "Bob", "s1", now=1.2) is None
    assert typing.start("c", "alice", "Alice", "s1", now=1.3) is None
    assert typing.next_deadline() == TYPING_EVERY_S
    assert typing.expire(TYPING_EVERY_S) == [_started("alice")]
    assert typing.next_deadline() == 1 + TYPING_EVERY_S
    assert typing.expire(1 + TYPING_EVERY_S) == [_started("bob")]


def test_a_start_that_was_not_announced_needs_no_stop() -> None:
    typing = TypingState()
    for _ in range(10):
        typing.start("c", "alice", "Alice", "s1", now=0)
        typing.stop("c", "alice", now=0)
    assert typing.start("c", "alice", "Alice", "s1", now=1) is None
    assert typing.stop("c", "alice", now=1) is None
    assert typing.next_deadline() is None
    assert typing.start("c", "alice", "Alice", "s1", now=2) == _started("alice")


def test_a_start_that_another_node_has_announced_is_not_announced_again() -> None:
    typing = TypingState()
    assert typing.start("c", "alice", "Alice", None, now=1, announced_elsewhere_s=0) is None
    assert typing.announced_s("c", "alice") == 0
    assert typing.start("c", "alice", "Alice", None, now=2, announced_elsewhere_s=0) == _started("alice")
    typing.stopped_elsewhere("c", "alice")
    assert typing.stop("c", "alice", now=3) is None


def test_stopped_users_are_kept_only_for_the_minimum_interval() -> None:
    typing = TypingState()
    for number in range(100):
        typing.start("c", f"user{number}", "U", "s1", now=number)
        typing.stop("c", f"user{number}", now=number)
    assert len(typing._stopped) <= TYPING_EVERY_S + 1


def test_a_closed_socket_ends_only_its_own_typing() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("d", "alice", "Alice", "s1", now=0)
    typing.start("c", "bob", "Bob", "s2", now=0)
    typing.start("c", "carol", "Carol", None, now=0)
    assert typing.socket_closed("s1", now=1) == [_stopped("alice"), _stopped("alice", "d")]
    assert typing.socket_closed("s1", now=1) == []
    assert typing.expire(100) == [_stopped("bob"), _stopped("carol")]


def test_typing_on_a_second_socket_continues_when_the_first_closes() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("c", "alice", "Alice", "s2", now=1)
    assert typing.socket_closed("s1", now=1) == []
    assert typing.socket_closed("s2", now=1) == [_stopped("alice")]


def test_a_deleted_conversation_has_no_typing_users() -> None:
    typing = TypingState()
    typing.start("c", "alice", "Alice", "s1", now=0)
    typing.start("d", "alice", "Alice", "s1", now=0)
    typing.conversation_gone("c")
    assert typing.socket_closed("s1", now=1) == [_stopped("alice", "d")]
    assert typing.next_deadline() is None
