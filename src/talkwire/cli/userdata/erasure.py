"""The command `talkwire user erase`, which permanently removes a user's data."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from talkwire.cli.delivery import Operator, run_as_operator
from talkwire.cli.failures import Failure
from talkwire.cli.flags import CHAT_SETTINGS, Flag, load, takes_settings
from talkwire.cli.output import print_note, print_result
from talkwire.core.commands.accounts import EraseUser
from talkwire.core.domain.model import Erased
from talkwire.settings import Settings
from talkwire.storage.schema import metadata
from talkwire.storage.scrub import VACUUM_MAX_BYTES


@takes_settings(*CHAT_SETTINGS, "files")
def erase(
    user_id: str,
    /,
    *,
    messages: Annotated[
        Erased, Parameter(help="`keep` the user's messages, or `redact` them: they become tombstones.")
    ] = "keep",
    yes: Annotated[bool, Parameter(help="Do not ask for confirmation.", negative=())] = False,
    **flags: Flag,
) -> None:
    """Erase a user permanently: account, profile, devices, files and settings. The id is never used for another user.

    Parameters
    ----------
    user_id
        Id of the user to erase.
    """
    settings = load(flags).settings
    if not yes:
        _confirm(user_id, messages)

    async def job(operator: Operator) -> None:
        await operator.execute(EraseUser(user_id, messages == "redact"))
        await operator.finish_erasure(user_id)

    run_as_operator(settings, job)
    print_result(f"{user_id} is erased.")
    _print_what_is_left(settings)


def _confirm(user_id: str, messages: Erased) -> None:
    """Asks the operator on a terminal to confirm the erasure. Raises Failure if the answer is not yes.

    Without a terminal, returns at once, and the erasure proceeds.
    """
    if not sys.stdin.isatty():
        return
    fate = "with all messages" if messages == "redact" else "and keep the messages"
    if input(f"Erase {user_id} {fate}? This cannot be undone. [y/N] ").strip().casefold() not in {"y", "yes"}:
        raise Failure("Nothing was erased.")


def _print_what_is_left(settings: Settings) -> None:
    print_note("Backups from before still contain the user: delete them, or erase the user again after a restore.")
    if settings.on_postgresql:
        tables = ", ".join(sorted((*metadata.tables, "message_words")))
        print_note(f"PostgreSQL keeps deleted rows in its files until you run: VACUUM FULL {tables}")
    elif settings.sqlite_file is not None and settings.sqlite_file.stat().st_size > VACUUM_MAX_BYTES:
        print_note(
            f"The database is too large to vacuum beside a running server. Stop the server and run: "
            f"sqlite3 {settings.sqlite_file} VACUUM"
        )
