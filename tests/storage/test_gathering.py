"""When a batch of commands waits for further ones."""

from __future__ import annotations

from talkwire.storage.gathering import BATCH_GATHER_FROM, BATCH_GATHER_S, COME_BACK_S, Gathering


def _after(commands: int) -> Gathering:
    gathering = Gathering()
    gathering.began(commands)
    gathering.ended(100.0)
    return gathering


def test_the_first_batch_does_not_wait() -> None:
    assert Gathering().wait_s(1, 0.0) == 0


def test_a_batch_waits_for_as_many_commands_as_the_last_one_had() -> None:
    gathering = _after(16)
    assert [gathering.wait_s(waiting, 100.01) for waiting in (1, 15, 16, 17)] == [BATCH_GATHER_S, BATCH_GATHER_S, 0, 0]


def test_after_a_small_batch_none_waits() -> None:
    assert _after(BATCH_GATHER_FROM - 1).wait_s(1, 100.0) == 0


def test_a_command_that_comes_later_does_not_wait() -> None:
    assert _after(16).wait_s(1, 100.0 + COME_BACK_S) == 0


def test_fewer_senders_are_waited_for_once() -> None:
    gathering = _after(16)
    gathering.began(9)
    gathering.ended(100.02)
    assert [gathering.wait_s(waiting, 100.03) for waiting in (8, 9)] == [BATCH_GATHER_S, 0]
