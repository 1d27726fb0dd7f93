"""Creates, starts and stops the parts that store and serve files in one node: store, uploads, sweeper, image
processing.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from talkwire.core.engine.chat import Chat
from talkwire.files.byte_store import ByteStore
from talkwire.files.images import ImageWorkers
from talkwire.files.partials import Partials
from talkwire.files.sweeper import Sweeper
from talkwire.files.uploads import UploadLimits, Uploads

FINISHED_FOLDER = "files"
PARTIALS_FOLDER = "uploads"


class FileService:
    """The file service of one node: its store, its uploads and the removal of expired ones. `data` is the data folder.

    `place` is where finished files are stored (see `ByteStore`); None for a folder in `data`. The constructor creates
    the folders, and raises OSError if that fails.
    """

    def __init__(self, chat: Chat, data: Path, place: str | None, limits: UploadLimits) -> None:
        self._partials = Partials(data / PARTIALS_FOLDER)
        self._partials.prepare()
        self.store = ByteStore(place or data / FINISHED_FOLDER)
        self.store.identify()
        self._images = ImageWorkers()
        self.uploads = Uploads(chat, self._partials, self.store, self._images, limits)
        self.sweeper = Sweeper(chat, self._partials, self.store)
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def folder_ids(self) -> tuple[str, ...]:
        """The ids of this node's folders: of unfinished uploads, and of finished files unless they are on S3."""
        return self.sweeper.folder_ids

    def start(self) -> None:
        """Starts the sweeper, a background task that removes expired uploads and unused files. Call it on the event
        loop."""
        self._sweeping = asyncio.create_task(self.sweeper.run())

    async def close(self) -> None:
        """Stops the sweeper, the task that removes unused bytes, and waits for pictures that are being processed."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping
        await asyncio.to_thread(self._images.close)
