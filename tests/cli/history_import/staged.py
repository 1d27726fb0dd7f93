"""Reads an export into a staging, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talkwire.cli.history_import.archive import Archive
from talkwire.cli.history_import.mattermost import read_mattermost
from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.rocketchat import read_rocketchat
from talkwire.cli.history_import.slack import read_slack
from talkwire.cli.history_import.source import SourceMessage
from talkwire.cli.history_import.staging import Staging
from tests.cli.history_import.exports import Files, write_folder

_READERS = {"slack": read_slack, "mattermost": read_mattermost, "rocketchat": read_rocketchat}


@contextmanager
def staged(source: str, files: Files, folder: Path) -> Iterator[Staging]:
    """Writes an export into a folder, and yields a staging that has read it."""
    staging = Staging(People(source, "source"))
    with Archive(write_folder(folder, files)) as archive:
        _READERS[source](archive, staging)
    staging.arrange()
    yield staging
    staging.close()


def messages(staging: Staging) -> dict[str, list[SourceMessage]]:
    """Returns the messages of each conversation, in the order in which they are imported."""
    return {key: list(staging.messages(key)) for key in staging.conversations()}
