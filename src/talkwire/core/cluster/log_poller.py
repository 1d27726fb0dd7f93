"""Polls the log of events for events that the bus between nodes has not delivered: after a silence, or while the bus is
disconnected.

It also detects that the log was replaced by one that lacks events which this node has delivered, as after a restore of
the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from talkwire.core.cluster.feed import LogFeed
from talkwire.core.domain.errors import ChatError, LogReplaced

LOG_CHECK_S = 0.3
"""Seconds between checks for new events, and without a bus between polls of the log.

Bans and sign-outs must take effect on every node within two seconds.
"""

LOG_SILENCE_S = 0.6
"""Seconds without new events after which the log is polled."""

_logger = structlog.get_logger(__name__)


class LogPoller:
    """Polls the newest position of the log of events, so that the feed reads events that the bus did not deliver. Ends
    after it has called `on_replaced` once, because the log was replaced.

    `read_head` returns the position of the log's newest event, `is_away` whether the bus is disconnected. `begin_epoch`
    starts a new epoch of the log, in which clients' cursors from before are refused.
    """

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
        self._is_behind = False

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        silent_s = 0.0
        away = False
        while True:
            seen = self._feed.pos
            await sleep(LOG_CHECK_S)
            silent_s = silent_s + LOG_CHECK_S if self._feed.pos == seen else 0.0
            # A bus that reconnects does not deliver what was sent while it was disconnected.
            was_away, away = away, self._is_away()
            if away or was_away or silent_s >= LOG_SILENCE_S:
                try:
                    await self._poll()
                except LogReplaced:
                    self._on_replaced()
                    return
                silent_s = 0.0

    async def _poll(self) -> None:
        """Polls the log once. Raises LogReplaced; other errors are logged or ignored, and the next poll tries again."""
        try:
            await self._compare()
        except LogReplaced:
            raise
        except ChatError:
            pass  # callers of other commands receive this error themselves
        except Exception:
            _logger.exception("log_head_not_read")

    async def _compare(self) -> None:
        """Compares the log's newest position with the delivered one, and makes the feed read what is missing. Raises
        LogReplaced if the log does not have all delivered events.

        In that case the node's memory is of another log, and the next events would look like old ones. Clients have
        cursors of the old log that must be refused, so a new epoch is started first.
        """
        delivered = self._feed.pos
        head = await self._read_head()
        if head < delivered and not self._is_behind:
            self._is_behind = True
            _logger.error("log_went_back", pos=delivered, head=head)
        if self._is_behind:
            await self._begin_epoch()
            raise LogReplaced
        self._feed.notice_head(head)
