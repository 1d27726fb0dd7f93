"""Tasks that delete or index what is due, in small steps, so that sending is hardly delayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from talkwire.core.commands.server.conversation_keys import IndexConversationKeys
from talkwire.core.commands.server.retention import PruneApart, PruneOld
from talkwire.core.domain.actors import KEY_INDEXER, PRUNER
from talkwire.core.domain.errors import ChatError
from talkwire.core.ports.chat import CommandExecutor

PRUNING_PAUSE_S = 0.2
"""Seconds between two steps that delete messages."""

INDEXING_PAUSE_S = 0.05
"""Seconds between two steps that index conversations."""

HOUSEKEEPING_CHECK_S = 60.0
"""Seconds until a task looks again when nothing was left to do, or the database was unavailable."""

Sleep = Callable[[float], Awaitable[None]]


async def prune(chat: CommandExecutor, retention: timedelta, sleep: Sleep = asyncio.sleep) -> None:
    """Deletes messages and events that are older than the retention time, until cancelled."""
    command = PruneOld(round(retention.total_seconds() * 1000))
    check_every_s = min(HOUSEKEEPING_CHECK_S, retention.total_seconds() / 2)
    await _take_steps(lambda: chat.execute(PRUNER, command), sleep, PRUNING_PAUSE_S, check_every_s)


async def prune_conversations(chat: CommandExecutor, retention: timedelta | None, sleep: Sleep = asyncio.sleep) -> None:
    """Deletes old messages of conversations that have, or had, their own retention time, until cancelled. `retention`
    applies to those that have none of their own any more; None keeps their messages."""
    retention_ms = None if retention is None else round(retention.total_seconds() * 1000)
    after_id: str | None = None

    async def step() -> bool:
        nonlocal after_id
        before, after_id = after_id, None  # after an error it begins again
        after_id = await chat.execute(PRUNER, PruneApart(retention_ms, before or ""))
        return after_id is not None

    await _take_steps(step, sleep, PRUNING_PAUSE_S)


async def index_conversation_keys(chat: CommandExecutor, *, has_keys: bool, sleep: Sleep = asyncio.sleep) -> None:
    """Indexes existing conversations by the keys of the setting `conversation_keys`, and removes other keys when the
    node starts, until cancelled; without keys (`has_keys`) until no other key is left. It looks again once in a while,
    since a node that is still running with another setting may remove this one's keys."""
    is_starting = True

    async def step() -> bool:
        nonlocal is_starting
        more = await chat.execute(KEY_INDEXER, IndexConversationKeys(drops_others=is_starting))
        is_starting = is_starting and more
        return more

    await _take_steps(step, sleep, INDEXING_PAUSE_S, is_done=lambda: not (is_starting or has_keys))


async def _take_steps(
    step: Callable[[], Awaitable[bool]],
    sleep: Sleep,
    pause_s: float,
    check_every_s: float = HOUSEKEEPING_CHECK_S,
    *,
    is_done: Callable[[], bool] = lambda: False,
) -> None:
    """Takes steps until cancelled or done. `step` returns whether there is more to do."""
    while True:
        try:
            more = await step()
        except ChatError:
            more = False
        if is_done():
            return
        await sleep(pause_s if more else check_every_s)
