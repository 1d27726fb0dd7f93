"""Parses the command line: declares the commands and their names, runs one, and turns its error into an exit code.

A command's module is imported only when the command runs: `talkwire token` does not wait for the database's code.
"""

from __future__ import annotations

import os
import sys
from codecs import lookup
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from cyclopts import App, CycloptsError

from talkwire.cli.failures import FAILED, INTERRUPTED, WORKED, WRONG_USAGE, CommandError, one_line, outcome_of
from talkwire.core.domain.errors import ChatError
from talkwire.datafolder import DataFolderError
from talkwire.filesystem import naming
from talkwire.settings import SettingsError

PROGRAM = "talkwire"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 for success, 1 for a failure, 2 for an invalid command line.
    `arguments` are by default those of the process."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _print_any_text(sys.stdout)
    try:
        result = _parser()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        with naming(Path("standard output")):
            sys.stdout.flush()
    except CycloptsError as error:
        return _ended(arguments, WRONG_USAGE, f"{one_line(str(error))} Try --help.")
    except BrokenPipeError:
        # The reader of the output has closed it. Writing the rest of the buffer at the end of the process would fail
        # again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (CommandError, ChatError, DataFolderError, SettingsError, OSError) as error:
        return _ended(arguments, *outcome_of(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return result if isinstance(result, int) else WORKED


def _print_any_text(output: TextIO) -> None:
    """Has no character fail that the encoding of the locale lacks. ASCII says that no locale is set, so it becomes
    UTF-8, which Python itself prefers; with other encodings, such characters are escaped."""
    if not isinstance(output, TextIOWrapper) or (encoding := lookup(output.encoding).name) == "utf-8":
        return
    output.reconfigure(encoding="utf-8" if encoding == "ascii" else encoding, errors="backslashreplace")


def _ended(arguments: Sequence[str], exit_code: int, line: str) -> int:
    line += _unreadable(arguments)
    if arguments[:1] == ["serve"]:
        from talkwire.cli.serve import log_failure  # noqa: PLC0415 (imports the server)

        if log_failure(arguments, exit_code, one_line(line)):
            return exit_code
    sys.stderr.write(f"{PROGRAM}: {one_line(line)}\n")
    return exit_code


def _unreadable(arguments: Sequence[str]) -> str:
    """Returns what to do if the locale's encoding cannot read an argument; else nothing. Python has lone surrogates for
    the bytes of it then, which are in no name or id."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        return f"; the locale's encoding, {sys.getfilesystemencoding()}, cannot read an argument: set LC_ALL=C.UTF-8."
    return ""


def _parser() -> App:
    app = App(
        name=PROGRAM,
        help="A self-hosted chat server for Socket.IO clients.",
        version=f"{PROGRAM} {version('talkwire')}",
        suppress_keyboard_interrupt=False,
    )
    app.command("talkwire.cli.serve:serve", name="serve", help="Run the server.")
    app.command("talkwire.cli.tokens:token", name="token", help="Print a token for a user.")
    app.command("talkwire.cli.migration:migrate_database", name="migrate", help="Migrate the database to this version.")
    app.command("talkwire.cli.backup:backup", name="backup", help="Write the whole chat into one file.")
    app.command("talkwire.cli.backup:restore", name="restore", help="Fill an empty database from a backup.")
    app.command("talkwire.cli.userdata.export:export", name="export", help="Export one user or one conversation.")
    app.command("talkwire.cli.copying:copy", name="copy", help="Copy the whole chat into another database.")
    app.command(
        "talkwire.cli.check:check", name="check", help="Check the settings and everything that the server needs."
    )

    app.command("talkwire.cli.load_test.command:load_test", name="load", help="Test a server under load.")
    app.command("talkwire.cli.invitations:invite", name="invite", help="Print a link that invites people.")

    users = App(name="user", help="Users and their accounts.")
    users.command("talkwire.cli.users:add", name="add", help="Create an account, or a user without one.")
    users.command("talkwire.cli.users:list_all", name="list", help="List all users.")
    users.command("talkwire.cli.users:ban", name="ban", help="Ban a user.")
    users.command("talkwire.cli.users:unban", name="unban", help="Unban a user.")
    users.command("talkwire.cli.userdata.erasure:erase", name="erase", help="Erase a user for good.")
    users.command("talkwire.cli.users:password", name="password", help="Give an account a new password.")
    app.command(users)

    conversations = App(name="conversation", help="Conversations and their members.")
    conversations.command("talkwire.cli.conversations:create", name="create", help="Create a conversation.")
    conversations.command("talkwire.cli.conversations:list_all", name="list", help="List all conversations.")
    conversations.command("talkwire.cli.conversations:add", name="add", help="Add members to a group.")
    conversations.command("talkwire.cli.conversations:remove", name="remove", help="Remove members from a group.")
    app.command(conversations)
    app.command(_webhooks())
    app.command(_imports())
    return app


def _imports() -> App:
    imports = App(name="import", help="Import the history of another system into a server that runs.")
    imports.command("talkwire.cli.history_import.command:slack", name="slack", help="Import a Slack export.")
    imports.command(
        "talkwire.cli.history_import.command:mattermost", name="mattermost", help="Import a Mattermost bulk export."
    )
    imports.command(
        "talkwire.cli.history_import.command:rocketchat",
        name="rocketchat",
        help="Import collections of a Rocket.Chat database.",
    )
    return imports


def _webhooks() -> App:
    webhooks = App(name="webhook", help="Endpoints that receive the events of the chat.")
    webhooks.command("talkwire.cli.integration.webhooks:add", name="add", help="Create a webhook.")
    webhooks.command("talkwire.cli.integration.webhooks:list_all", name="list", help="List all webhooks.")
    webhooks.command("talkwire.cli.integration.webhooks:show", name="show", help="Show a webhook and its attempts.")
    webhooks.command("talkwire.cli.integration.webhooks:rewind", name="rewind", help="Continue after a cursor.")
    webhooks.command("talkwire.cli.integration.webhooks:test", name="test", help="Send a test event.")
    webhooks.command("talkwire.cli.integration.webhooks:enable", name="enable", help="Enable a webhook.")
    webhooks.command("talkwire.cli.integration.webhooks:disable", name="disable", help="Send nothing to a webhook.")
    webhooks.command(
        "talkwire.cli.integration.webhooks:rotate_secret", name="rotate-secret", help="Give a webhook a new secret."
    )
    webhooks.command("talkwire.cli.integration.webhooks:remove", name="remove", help="Delete a webhook.")
    return webhooks
