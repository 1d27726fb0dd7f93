"""Removes the bytes of expired uploads, of files that no message refers to, and of uploads and removals that a crash
interrupted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from itertools import islice

import structlog

from talkwire.core.commands.files import (
    ClaimUploads,
    FindFiles,
    FindUnplacedFiles,
    FindUploads,
    ForgetUploads,
    PlaceFiles,
    ReleaseFiles,
)
from talkwire.core.domain.actors import SWEEPER
from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.chat import Chat
from talkwire.files.byte_store import ByteStore
from talkwire.files.partials import Partials
from talkwire.files.reasons import reason_of
from talkwire.files.tus import TusRefusal

SWEEP_EVERY_S = 30.0
"""Seconds between two looks for files and uploads without references."""

SWEPT_AT_ONCE = 100
"""Most files or uploads in one command."""

UPLOADS_NAMED_MAX = 5
"""Most uploads whose ids and errors are in one log entry."""

SWEEP_CLAIM_MS = 300_000
"""Milliseconds that a node has to remove the bytes of `SWEPT_AT_ONCE` uploads. After that, another node may claim
them."""

_logger = structlog.get_logger(__name__)


class Sweeper:
    """Removes the bytes of expired uploads and of files that no message refers to: `run` is its background task.

    It removes bytes before the database row that names them, so that an interrupted sweep is repeated. With several
    nodes, each node removes the uploads that it has claimed in the database.
    """

    def __init__(self, chat: Chat, partials: Partials, store: ByteStore) -> None:
        self._chat = chat
        self._partials = partials
        self._store = store

    async def run(self, every_s: float = SWEEP_EVERY_S) -> None:
        """Sweeps at once and then every `every_s` seconds, until the task is cancelled. Errors are logged and do not
        end it.
        """
        placed = False
        while True:
            try:
                if not placed:
                    await self.place_files()
                    placed = True
                await self.sweep()
            except (ChatError, OSError) as error:
                _logger.warning("uploads_not_swept", error=str(error))
            await asyncio.sleep(every_s)

    async def sweep(self) -> None:
        """Removes all uploads and files that are due for removal. Bytes that cannot be removed are left for a later
        sweep.

        Raises ChatError while the database is unavailable.
        """
        while await self._chat.execute(SWEEPER, ReleaseFiles(SWEPT_AT_ONCE)) == SWEPT_AT_ONCE:
            pass
        await self._sweep_expired()
        await self._sweep_leftovers()

    @property
    def folder_ids(self) -> tuple[str, ...]:
        """The ids of the folders in which this sweeper removes bytes: of unfinished uploads, and of finished files
        unless they are on S3."""
        return tuple(found for found in (self._partials.folder_id, self._store.folder_id) if found is not None)

    async def place_files(self) -> None:
        """Stores in the database which files are in this node's folder, for files without a stored folder: an old
        version did not store it. Does nothing on S3.
        """
        folder_id, after_id = self._store.folder_id, ""
        if folder_id is None:
            return
        while found := await self._chat.execute(SWEEPER, FindUnplacedFiles(after_id, SWEPT_AT_ONCE)):
            here = await self._store.find(found)
            if here:
                await self._chat.execute(SWEEPER, PlaceFiles(tuple(here), folder_id))
            after_id = found[-1]

    async def _sweep_expired(self) -> None:
        while True:
            expired = await self._chat.execute(SWEEPER, ClaimUploads(SWEEP_CLAIM_MS, SWEPT_AT_ONCE, self.folder_ids))
            removed = await self._remove_all(expired)
            if removed:
                await self._chat.execute(SWEEPER, ForgetUploads(tuple(removed)))
            if not removed or len(expired) < SWEPT_AT_ONCE:
                return

    async def _sweep_leftovers(self) -> None:
        """Removes partial bytes that have no row of an unfinished upload in the database.

        An upload's row is created before its first byte. So bytes that were on disk before their row was looked up, and
        have no row, belong to an upload that is finished, or that another node dropped while this node was about to
        finish it.
        """
        found = iter(await asyncio.to_thread(self._partials.ids))
        while ids := frozenset(islice(found, SWEPT_AT_ONCE)):
            over = ids - await self._chat.execute(SWEEPER, FindUploads(ids))
            await self._remove_all(over, await self._chat.execute(SWEEPER, FindFiles(over)))

    async def _remove_all(self, upload_ids: Collection[str], finished: Collection[str] = ()) -> list[str]:
        """Removes the bytes of uploads; of those in `finished`, which have become files, only the partial bytes.
        Returns the ids of the uploads of which nothing is left.

        Skips uploads that a request is writing to. Logs uploads whose bytes cannot be removed.
        """
        removed: list[str] = []
        errors: dict[str, str] = {}
        for upload_id in upload_ids:
            try:
                if await self._remove(upload_id, is_file=upload_id in finished):
                    removed.append(upload_id)
            except (ChatError, OSError) as error:
                errors[upload_id] = reason_of(error)
        if errors:
            named = dict(islice(errors.items(), UPLOADS_NAMED_MAX))
            _logger.warning("upload_bytes_not_removed", count=len(errors), uploads=named)
        return removed

    async def _remove(self, upload_id: str, *, is_file: bool) -> bool:
        """Removes all bytes of an upload; only the partial bytes if the upload has become a file.

        Returns False, and removes nothing, while a request is writing to the upload.
        """
        try:
            partial = await asyncio.to_thread(self._partials.open, upload_id)
        except TusRefusal:
            return False
        with contextlib.closing(partial):
            if not is_file:
                await self._store.remove(upload_id)
            await asyncio.to_thread(partial.remove)  # last: a later sweep finds leftovers by the partial bytes
        return True
