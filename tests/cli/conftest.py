"""Runs the command line: as separate processes, or in this process where only the result matters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from talkwire.cli import main
from tests.cli.processes import (
    Answer,
    RunningServer,
    clean_environment,
    run_fresh_talkwire,
    run_talkwire,
    running_server,
)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine, and nothing of the repository's folder."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)


@pytest.fixture
def talkwire(tmp_path: Path) -> Callable[..., Answer]:
    """`talkwire ARGUMENTS` as a process."""
    return lambda *arguments, **options: run_talkwire(*arguments, cwd=tmp_path, **options)


@pytest.fixture
def fresh_talkwire(tmp_path: Path) -> Callable[..., Answer]:
    """`talkwire ARGUMENTS` as a process that imports everything by itself."""
    return lambda *arguments, **options: run_fresh_talkwire(*arguments, cwd=tmp_path, **options)


class CommandResult(NamedTuple):
    exit_code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., CommandResult]:
    """`talkwire ARGUMENTS` in this process."""

    def run(*arguments: str) -> CommandResult:
        exit_code = main(arguments)
        captured = capsys.readouterr()
        return CommandResult(exit_code, captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for the tests of a module."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(params=["alone", "beside a server"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Flags that lead to a chat: one that this process opens, then one that a server has open."""
    if request.param == "alone":
        return ["--data", str(tmp_path / "alone")]
    server = request.getfixturevalue("server")
    assert isinstance(server, RunningServer)
    return ["--data", str(server.data)]
