"""Indexes existing conversations by the keys of the setting `conversation_keys`, in small steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from talkwire.core.commands.server.conversation_keys import IndexConversationKeys
from talkwire.core.domain.actors import KEY_INDEXER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor

STEP_PAUSE_S = 0.05
CHECK_EVERY_S = 60.0


class ExecutesIndexing(Protocol):
    def execute(self, actor: Actor, command: IndexConversationKeys) -> Awaitable[bool]: ...


class KeyIndexer:
    """Indexes existing conversations by the keys of the setting, and removes other keys when the node starts. It looks
    again once in a while, since a node that is still running with another setting may remove this one's keys."""

    def __init__(self, chat: ExecutesIndexing, *, has_keys: bool) -> None:
        self._chat = chat
        self._has_keys = has_keys

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Indexes step by step, until cancelled, or without keys until no other key is left. While the database is
        unavailable, it retries later."""
        is_starting, more = True, False
        while True:
            try:
                more = await self._chat.execute(KEY_INDEXER, IndexConversationKeys(drops_others=is_starting))
                is_starting = is_starting and more
            except ChatError:
                more = False
            if not (is_starting or self._has_keys):
                return
            await sleep(STEP_PAUSE_S if more else CHECK_EVERY_S)
