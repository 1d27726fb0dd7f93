"""One server for all imports of a module: each test's export has ids of its own."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire.identity.issuer import TokenIssuer
from tests.chat.chat_server import SECRET, running_chat
from tests.cli.conftest import CommandResult
from tests.cli.history_import.exports import Files, write_zip
from tests.http_client import HttpClient

Command = Callable[..., CommandResult]


class Receiver:
    """The server that receives imports, and what is stored there, as the back end sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = HttpClient(base_url=f"{url}/api/v1")

    def get(self, path: str, by: str | None = None) -> Any:  # noqa: ANN401 (JSON)
        return self.request("GET", path, by=by).raise_for_status().json()

    def request(self, method: str, path: str, body: object = None, by: str | None = None) -> httpx.Response:
        token = TokenIssuer(SECRET).issue(by or "backend", ttl_s=600, role=None if by else "service")
        return self._http.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})

    def messages(self, conversation_id: str, by: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/conversations/{conversation_id}/messages?limit=100", by)["items"]
        return found

    def conversations(self, member_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/conversations?limit=100&memberId={member_id}")["items"]
        return found

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with running_chat(tmp_path_factory.mktemp("receiver")) as server:
        receiver = Receiver(server.url)
        yield receiver
        receiver.close()


@pytest.fixture
def imported(command: Command, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`imported(source, files, *flags)` imports an export as a zip file."""
    monkeypatch.setenv("JWT_SECRET", SECRET)

    def run(source: str, files: Files, *flags: str) -> CommandResult:
        path = write_zip(tmp_path / "export.zip", files)
        return command("import", source, str(path), "--server", receiver.url, *flags)

    return run


@contextmanager
def captured() -> Iterator[Callable[[int], CommandResult]]:
    """Captures what commands print, where a test runs many. Yields a function of the exit code."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        yield lambda code: CommandResult(code, out.getvalue(), err.getvalue())


def counts(result: CommandResult) -> dict[str, int]:
    """Returns what an import printed as imported."""
    assert result.exit_code == 0, result.err
    return {kind: int(count) for kind, count in (line.split("\t") for line in result.out.splitlines())}


def dropped(result: CommandResult) -> dict[str, int]:
    """Returns what an import printed as dropped: messages and other things."""
    found = Counter[str]()
    for line in result.err.splitlines():
        if line.startswith("  "):
            count, kind = line.strip().split(" ", 1)
            found[kind] += int(count)
    return dict(found)


def messages(result: CommandResult) -> tuple[int, int, int, int]:
    """Returns how many messages an import printed as in the export, imported, there before and not imported."""
    (line,) = (line for line in result.err.splitlines() if line.startswith("Messages in the export: "))
    found, imported, before, lost = map(int, re.findall("[0-9]+", line))
    return found, imported, before, lost


def unused(result: CommandResult) -> list[str]:
    """Returns the files that an import printed as belonging to nothing."""
    return [line.removeprefix("- ") for line in result.err.splitlines() if line.startswith("- ")]


def failure(result: CommandResult) -> str:
    """Returns the one line of a refused export."""
    assert result.exit_code == 1
    line: str = result.err.splitlines()[-1]
    assert line.startswith("talkwire: ")
    return line
