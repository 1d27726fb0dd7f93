from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from talkwire.storage.migrations import newest_revision
from tests.cli.conftest import CommandResult
from tests.cli.processes import RunningServer

Command = Callable[..., CommandResult]


def test_a_database_gets_its_tables(command: Command) -> None:
    expected = f"talkwire-data/talkwire.db has the tables of version {newest_revision()}.\n"
    assert command("migrate") == (0, expected, "")
    assert command("migrate") == (0, expected, "")
    assert command("user", "list") == (0, "", "")


def test_a_running_server_keeps_its_database_to_itself(command: Command, server: RunningServer) -> None:
    result = command("migrate", "--data", str(server.data))
    assert result.exit_code == 1
    assert f"is in use by the process {server.process.pid} at {server.url}" in result.err


def test_a_path_that_is_no_folder_is_reported(command: Command) -> None:
    Path("a-file").touch()
    assert command("migrate", "--data", "a-file") == (1, "", "talkwire: a-file: is not a folder\n")
