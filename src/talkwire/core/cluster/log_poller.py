"""Looks for what the bus has not brought: when nothing has come for a while, or while the bus is away. So it is the one
that sees the log replaced, too: to one that was, nobody writes any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from talkwire.core.cluster.feed import LogFeed
from talkwire.core.domain.errors import ChatError, LogReplaced

STEP_S = 0.3
"""How often it is looked whether there was news; and without a bus, whether the log has moved: bans and logouts act on
every node within two seconds."""

SILENCE_S = 0.6
"""After so long without news the log is looked at too."""

_logger = structlog.get_logger(__name__)


class LogPoller:
    """`read_head` answers the position of the log's newest event, `on_replaced` is called when there is none such any
    more; never ends before. `begin_epoch` has the log continue under another epoch."""

    def __init__(
        self,
        feed: LogFeed,
        read_head: Callable[[], Awaitable[int]],
        is_away: Callable[[], bool],
        on_replaced: Callable[[], None],
        begin_epoch: Callable[[], Awaitable[None]],
    ) -> None:
        self._feed = feed
        self._read_head = read_head
        self._is_away = is_away
        self._on_replaced = on_replaced
        self._begin_epoch = begin_epoch
        self._went_back = False

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        silent_s = 0.0
        away = False
        while True:
            seen = self._feed.pos
            await sleep(STEP_S)
            silent_s = silent_s + STEP_S if self._feed.pos == seen else 0.0
            # When it comes back it has not brought what happened before.
            was_away, away = away, self._is_away()
            if away or was_away or silent_s >= SILENCE_S:
                try:
                    await self._look()
                except LogReplaced:
                    self._on_replaced()
                    return
                silent_s = 0.0

    async def _look(self) -> None:
        """Raises LogReplaced. What else happens is tried again at the next look."""
        try:
            await self._compare()
        except LogReplaced:
            raise
        except ChatError:
            pass  # whoever asks for something next is told
        except Exception:
            _logger.exception("the log's head could not be looked at")

    async def _compare(self) -> None:
        """Raises LogReplaced, also where events have been handed out that the log does not have: then what is in memory
        is of another log, and what comes next would be taken for old. Clients have cursors from there, which must be
        refused, so that another epoch begins first."""
        handed_out = self._feed.pos
        head = await self._read_head()
        if head < handed_out and not self._went_back:
            self._went_back = True
            _logger.error("events were handed out that are not in the log", pos=handed_out, head=head)
        if self._went_back:
            await self._begin_epoch()
            raise LogReplaced
        self._feed.heard_of(head)
