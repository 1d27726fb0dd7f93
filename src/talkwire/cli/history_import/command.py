"""The commands `talkwire import slack|mattermost|rocketchat`, which import another chat system's export into a
server.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from talkwire.cli.failures import WORKED, Misuse
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.history_import.archive import Archive
from talkwire.cli.history_import.attached import AttachedFiles
from talkwire.cli.history_import.dry_run import AcceptingServer, UnfetchedFiles
from talkwire.cli.history_import.mattermost import PASSES, read_mattermost
from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.rocketchat import read_rocketchat
from talkwire.cli.history_import.run import ImportRun
from talkwire.cli.history_import.slack import read_slack
from talkwire.cli.history_import.source import Dropped, UserIds, printable
from talkwire.cli.history_import.staging import Staging
from talkwire.cli.history_import.target import ImportTarget, ReceivingServer
from talkwire.cli.output import print_list, print_note
from talkwire.cli.progress import Bar, Lines, progress_display
from talkwire.cli.tokens import secret_of
from talkwire.egress import AddressRules, Egress
from talkwire.identity.issuer import TokenIssuer
from talkwire.settings import Settings

Read = Callable[[Archive, Staging], None]

UNUSED_FILES_MAX = 100
"""Most files that belong to nothing and are named in a line each."""

_TOKEN_S = 30 * 24 * 3600
_SETTINGS = ("data", "jwt_secret", "allow_weak_secret")

ServerUrl = Annotated[
    str | None, Parameter(help="Address of the server that receives the history, such as https://chat.example.com.")
]
DryRun = Annotated[
    bool, Parameter(help="Only read the export, and print what an import brings and what it drops.", negative=())
]
Ids = Annotated[
    UserIds,
    Parameter(
        name="--user-ids",
        help="What becomes the id of a user, and so the `sub` of their token: the id in the `source`, the `handle` or "
        "the `email` address.",
    ),
]


@takes_settings(*_SETTINGS, "webhook_allow", "demo")
def slack(  # noqa: PLR0913 (each is one flag)
    path: Path,
    /,
    *,
    server: ServerUrl = None,
    dry_run: DryRun = False,
    user_ids: Ids = "source",
    download: Annotated[
        bool,
        Parameter(help="Download files and pictures of users from Slack. Else files are links to it.", negative=()),
    ] = False,
    slack_token: Annotated[
        str | None,
        Parameter(help="Token of a Slack app with the scope files:read, for --download.", env_var="SLACK_TOKEN"),
    ] = None,
    **flags: Flag,
) -> int:
    """Import the export of a Slack workspace. Running the import again adds only what is new.

    Parameters
    ----------
    path
        The zip file that Slack offers, or its content in a folder.
    """
    settings = load(flags).settings
    rules = AddressRules.of(settings.webhook_allow, loopback=settings.demo)
    return _Import("slack", read_slack, path, user_ids).run(
        settings, server, dry_run=dry_run, egress=Egress(rules) if download else None, token=slack_token
    )


@takes_settings(*_SETTINGS)
def mattermost(
    path: Path, /, *, server: ServerUrl = None, dry_run: DryRun = False, user_ids: Ids = "source", **flags: Flag
) -> int:
    """Import the bulk export of a Mattermost server. Running the import again adds only what is new.

    Parameters
    ----------
    path
        The zip file of `mmctl export`, its content in a folder, or a folder with a .jsonl file.
    """
    importing = _Import("mattermost", read_mattermost, path, user_ids, PASSES)
    return importing.run(load(flags).settings, server, dry_run=dry_run)


@takes_settings(*_SETTINGS)
def rocketchat(
    path: Path, /, *, server: ServerUrl = None, dry_run: DryRun = False, user_ids: Ids = "source", **flags: Flag
) -> int:
    """Import collections of a Rocket.Chat database. Running the import again adds only what is new.

    Parameters
    ----------
    path
        A folder or zip file with users.json, rocketchat_room.json and rocketchat_message.json of mongoexport.
    """
    return _Import("rocketchat", read_rocketchat, path, user_ids).run(load(flags).settings, server, dry_run=dry_run)


class _Import:
    """Runs one import command: reads an export, sends it to the server unless it is a dry run, and prints the counts.

    `source` is the name of the other system. `read` reads each file of the export `passes` times, a number that the
    progress display needs. `user_ids` says whether a user's id there, handle or e-mail address becomes the user's id.
    """

    def __init__(self, source: str, read: Read, path: Path, user_ids: UserIds, passes: int = 1) -> None:
        self._source = source
        self._passes = passes
        self._read = read
        self._path = path
        self._user_ids = user_ids

    def run(
        self,
        settings: Settings,
        server: str | None,
        *,
        dry_run: bool,
        egress: Egress | None = None,
        token: str | None = None,
    ) -> int:
        target = AcceptingServer(settings.max_file_size) if dry_run else self._server(settings, server)
        files = UnfetchedFiles if dry_run else AttachedFiles
        staging = Staging(People(self._source, self._user_ids))
        try:
            with Archive(self._path) as archive, progress_display() as progress:
                progress.begin("reading", self._passes * archive.documents_kib(), "KiB")
                archive.on_read = progress.advance
                self._read(archive, staging)
                staging.arrange()
                counts = asyncio.run(self._send(target, staging, files(archive, egress, token), progress))
                unused = archive.unused()
            _print(counts, staging, unused)
        finally:
            staging.close()
            if egress is not None:
                egress.close()
        return WORKED

    @staticmethod
    def _server(settings: Settings, server: str | None) -> ReceivingServer:
        if server is None or not server.startswith(("http://", "https://")):
            raise Misuse(
                "--server: must be the address of the server, such as https://chat.example.com, or use --dry-run"
            )
        issuer = TokenIssuer(secret_of(settings))
        return ReceivingServer(server, lambda user_id, role: issuer.issue(user_id, ttl_s=_TOKEN_S, role=role))

    async def _send(
        self, target: ImportTarget, staging: Staging, attached: AttachedFiles, progress: Bar | Lines
    ) -> Counter[str]:
        async with target:
            run = ImportRun(self._source, staging, target, attached, progress)
            await run.run()
        return run.counts


def _print(counts: Counter[str], staging: Staging, unused: list[str]) -> None:
    print_list(("IMPORTED", "COUNT"), [(kind, str(count)) for kind, count in sorted(counts.items()) if count])
    print_note("")
    print_note(
        f"Messages in the export: {staging.found} = {counts['messages']} imported + "
        f"{counts['messages, there before']} there before + {sum(staging.lost.values())} not imported"
    )
    _print_counts("Messages that were not imported:", staging.lost)
    _print_counts("What else was not imported, or not as it was:", staging.dropped)
    if unused:
        print_note("")
        print_note("Files of the export that belong to nothing in it:")
        for line in _by_folder(unused):
            print_note(f"- {printable(line)}")


def _print_counts(heading: str, counts: Dropped) -> None:
    if counts:
        print_note("")
        print_note(heading)
        for kind, count in sorted(counts.items()):
            print_note(f"  {count} {kind}")


def _by_folder(names: list[str]) -> Iterator[str]:
    """Yields the names of files; in place of several in one folder, the folder's name and how many there are. Ends with
    how many more there are after `UNUSED_FILES_MAX` lines."""
    found: list[tuple[str, int]] = []
    for folder, group in groupby(names, lambda name: name.rpartition("/")[0]):
        files = list(group)
        is_one = folder and len(files) > 1
        found += [(f"{folder}/ ({len(files)} files)", len(files))] if is_one else [(name, 1) for name in files]
    yield from (line for line, _ in found[:UNUSED_FILES_MAX])
    if more := sum(count for _, count in found[UNUSED_FILES_MAX:]):
        yield f"{more} more"
