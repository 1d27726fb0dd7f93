"""Ends the work on an answer when somebody asks to stop, and shows meanwhile what the agent does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from talkwire_agent.answer_message import AnswerMessage
from talkwire_client import Turn

UPDATE_EVERY_S = 3.0
"""Seconds between two updates, in which members see what the agent does, and the agent sees whether to stop."""

T = TypeVar("T")


async def until_stopped(
    turn: Turn, answer: AnswerMessage, work: Coroutine[Any, Any, T], *, update_every_s: float = UPDATE_EVERY_S
) -> T | None:
    """Returns the result of `work`, or None if somebody has asked to stop; then `work` is cancelled.

    Raises what `work` raises, and `TalkwireError` if the turn belongs to this process no longer.
    """
    task = asyncio.create_task(work)
    watches = [asyncio.create_task(_updated(turn, answer, update_every_s)), asyncio.create_task(turn.until_stopped())]
    try:
        await asyncio.wait([task, *watches], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        for watch in watches:
            if watch.done():
                watch.result()
        return None
    finally:
        for each in (task, *watches):
            each.cancel()
        await asyncio.gather(task, *watches, return_exceptions=True)


async def _updated(turn: Turn, answer: AnswerMessage, every_s: float) -> None:
    """Shows what the agent does, again and again. Each answer tells the turn whether somebody has asked to stop."""
    while True:
        await turn.update(label=answer.label)
        await asyncio.sleep(every_s)
