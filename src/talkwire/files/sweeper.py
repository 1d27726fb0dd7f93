"""Removes uploads that were given up or not finished in time, and what a crash has left of finished ones."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import islice

import structlog

from talkwire.core.chat import Chat
from talkwire.core.commands.files import FindUploads, ForgetUploads, ListExpiredUploads
from talkwire.core.errors import ChatError
from talkwire.core.model import Actor
from talkwire.files.byte_store import ByteStore
from talkwire.files.partials import Partials

EVERY_S = 300.0
AT_ONCE = 100
"""Uploads that are asked for by one query."""

_ACTOR = Actor("talkwire", "Talkwire", role="admin")

_logger = structlog.get_logger(__name__)


class Sweeper:
    """Bytes go first and their row last, so that a sweep that breaks off is done again."""

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
        await self._sweep_expired()
        await self._sweep_leftovers()

    async def _sweep_expired(self) -> None:
        while True:
            expired = await self._chat.execute(_ACTOR, ListExpiredUploads(AT_ONCE))
            removed = [upload_id for upload_id in expired if await self._remove(upload_id)]
            if removed:
                await self._chat.execute(_ACTOR, ForgetUploads(tuple(removed)))
            if len(removed) < AT_ONCE:
                return  # that was all, or what is left is being worked on

    async def _sweep_leftovers(self) -> None:
        """A row is there before the first byte. So bytes that were here before their row was looked for, and have none,
        are of a finished upload."""
        found = iter(await asyncio.to_thread(self._partials.ids))
        while ids := frozenset(islice(found, AT_ONCE)):
            known = await self._chat.execute(_ACTOR, FindUploads(ids))
            for upload_id in ids - known:
                await self._remove_partial(upload_id)

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
