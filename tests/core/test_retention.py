"""When messages are pruned."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from talkwire.core.commands.command import Command
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine.housekeeping import HOUSEKEEPING_CHECK_S, PRUNING_PAUSE_S, prune


class Chat:
    """Returns prepared results."""

    def __init__(self, answers: Sequence[bool | ChatError]) -> None:
        self.answers = list(answers)
        self.asked: list[PruneOld] = []

    async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (as any executor)
        assert actor.role == "admin"
        assert isinstance(command, PruneOld)
        self.asked.append(command)
        answer = self.answers.pop(0)
        if isinstance(answer, ChatError):
            raise answer
        return answer


def rests_of(answers: Sequence[bool | ChatError], retention: timedelta = timedelta(days=1)) -> tuple[Chat, list[float]]:
    """Returns how many seconds the pruner slept after each result."""
    chat, rests = Chat(answers), list[float]()

    async def sleep(seconds: float) -> None:
        rests.append(seconds)
        if not chat.answers:
            raise asyncio.CancelledError

    async def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            await prune(chat, retention, sleep)

    asyncio.run(run())
    return chat, rests


def test_pruning_continues_soon_while_there_is_more_and_pauses_otherwise() -> None:
    chat, rests = rests_of([True, True, False])
    assert rests == [PRUNING_PAUSE_S, PRUNING_PAUSE_S, HOUSEKEEPING_CHECK_S]
    assert {command.retention_ms for command in chat.asked} == {86_400_000}


def test_an_unavailable_database_is_retried_later() -> None:
    _, rests = rests_of([ChatError("unavailable", "x"), False])
    assert rests == [HOUSEKEEPING_CHECK_S, HOUSEKEEPING_CHECK_S]


def test_a_short_retention_is_pruned_more_often() -> None:
    _, rests = rests_of([False], timedelta(seconds=60))
    assert rests == [30]
