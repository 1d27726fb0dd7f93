"""Removes the bytes of files that nothing refers to and of uploads that were given up, and what crashes have left."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import islice

import structlog

from talkwire.core.chat import Chat
from talkwire.core.commands.files import ClaimUploads, FindFiles, FindUploads, ForgetUploads, ReleaseFiles
from talkwire.core.errors import ChatError
from talkwire.core.model import Actor
from talkwire.files.byte_store import ByteStore
from talkwire.files.partials import Partials

EVERY_S = 30.0
AT_ONCE = 100
"""Files or uploads that one command concerns."""

CLAIM_MS = 300_000
"""How long a node has for the bytes of so many uploads. Whatever it has not removed by then, the next node does."""

SWEEPER = Actor("talkwire", "Talkwire", role="admin")

_logger = structlog.get_logger(__name__)


class Sweeper:
    """Bytes go first and their row last, so that a sweep that breaks off is done again. Of several nodes, each removes
    what it has claimed."""

    def __init__(self, chat: Chat, partials: Partials, store: ByteStore) -> None:
        self._chat = chat
        self._partials = partials
        self._store = store

    async def run(self, every_s: float = EVERY_S) -> None:
        """Sweeps now and every so often, until it is cancelled."""
        while True:
            try:
                await self.sweep()
            except (ChatError, OSError) as error:
                _logger.warning("uploads could not be swept", error=str(error))
            await asyncio.sleep(every_s)

    async def sweep(self) -> None:
        """Removes what is due now. Raises ChatError while the database or the store does not answer."""
        while await self._chat.execute(SWEEPER, ReleaseFiles(AT_ONCE)) == AT_ONCE:
            pass
        await self._sweep_expired()
        await self._sweep_leftovers()

    async def _sweep_expired(self) -> None:
        while True:
            expired = await self._chat.execute(SWEEPER, ClaimUploads(CLAIM_MS, AT_ONCE))
            removed = [upload_id for upload_id in expired if await self._remove(upload_id)]
            if removed:
                await self._chat.execute(SWEEPER, ForgetUploads(tuple(removed)))
            if len(expired) < AT_ONCE:
                return

    async def _sweep_leftovers(self) -> None:
        """A row is there before the first byte. So bytes that were here before their row was looked for, and have none,
        are of an upload that is finished, or was given up on another node while this one was about to finish it."""
        found = iter(await asyncio.to_thread(self._partials.ids))
        while ids := frozenset(islice(found, AT_ONCE)):
            over = ids - await self._chat.execute(SWEEPER, FindUploads(ids))
            finished = await self._chat.execute(SWEEPER, FindFiles(over))
            for upload_id in over:
                if await self._remove_partial(upload_id) and upload_id not in finished:
                    await self._store.remove(upload_id)

    async def _remove(self, upload_id: str) -> bool:
        """Removes all bytes of an upload; False while a request works on it."""
        if not await self._remove_partial(upload_id):
            return False
        await self._store.remove(upload_id)
        return True

    async def _remove_partial(self, upload_id: str) -> bool:
        try:
            partial = await asyncio.to_thread(self._partials.open, upload_id)
        except ChatError:
            return False
        with contextlib.closing(partial):
            await asyncio.to_thread(partial.remove)
        return True
