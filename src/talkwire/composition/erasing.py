"""Builds and starts the task that completes erasures of users.

The request to erase a user empties the user's own rows; cleaning texts of messages and the log takes longer.
"""

from __future__ import annotations

import asyncio

from talkwire.composition.foundation import Foundation
from talkwire.core.engine.eraser import Eraser
from talkwire.storage.scrub import RunningScrub


def finish_erasures(foundation: Foundation) -> None:
    """Starts the task that removes the data of users marked for erasure, including those marked before a restart."""
    chat, files = foundation.chat, foundation.files
    scrub = RunningScrub(foundation.writer) if foundation.alone else None

    async def scrub_all() -> bool:
        await files.sweeper.sweep()
        return scrub is None or await scrub.run()

    eraser = Eraser(chat, scrub_all)
    chat.subscribe(eraser.follow)
    erasing = asyncio.create_task(eraser.run())
    foundation.closing.callback(erasing.cancel)
