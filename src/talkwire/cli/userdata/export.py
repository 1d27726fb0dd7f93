"""The command `talkwire export`, which writes the data of one user or one conversation into a zip file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter
from sqlalchemy import URL

from talkwire.api.export import ExportedConversation, ExportedUser, ExportedZip
from talkwire.cli.backup import BACKUP_SETTINGS, new_file, readable_database
from talkwire.cli.delivery import run_as_operator
from talkwire.cli.failures import Failure, Misuse
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.output import print_result
from talkwire.cli.progress import Bar, Lines, progress_display
from talkwire.core.commands.moderation.audit import RecordExport
from talkwire.core.domain.model import Actor
from talkwire.files.byte_store import ByteStore
from talkwire.files.service import FINISHED_FOLDER
from talkwire.settings import Settings
from talkwire.storage.transfer.exporting import ExportReader

_OPERATOR = Actor("talkwire/operator", "Operator", "admin")


@takes_settings(*BACKUP_SETTINGS)
def export(
    path: Path,
    /,
    *,
    user: Annotated[str | None, Parameter(help="Id of the user to export.")] = None,
    conversation: Annotated[str | None, Parameter(help="Id of the conversation to export.")] = None,
    **flags: Flag,
) -> None:
    """Write the data of one user, or of one conversation, into a zip file, whether a server is running or not.

    Parameters
    ----------
    path
        File to write; only its owner may read it.
    """
    if (user is None) == (conversation is None):
        raise Misuse("name a user with --user or a conversation with --conversation")
    settings = load(flags).settings
    if path.exists():
        raise Failure(f"{path}: exists already")
    run_as_operator(settings, lambda operator: operator.execute(RecordExport(user, conversation)))
    subject = ExportedUser(user, _OPERATOR) if user is not None else ExportedConversation(conversation or "")
    with new_file(path) as (file, temporary), readable_database(settings) as url, progress_display() as progress:
        asyncio.run(_write(settings, url, subject, file, progress))
        temporary.replace(path)
    print_result(f"Exported {user or conversation} to {path} ({path.stat().st_size} bytes).")


async def _write(
    settings: Settings, url: URL, subject: ExportedUser | ExportedConversation, file: BinaryIO, progress: Bar | Lines
) -> None:
    store = ByteStore(settings.files or settings.data / FINISHED_FOLDER)
    store.identify()
    reader = ExportReader(url)
    try:
        total = await reader.read(subject.count)
        progress.begin("messages", total, "messages")
        exported = ExportedZip(subject, store, reader.read, progress)
        try:
            async for chunk in exported:
                file.write(chunk)
        finally:
            await exported.aclose()
    finally:
        reader.close()
