"""`talkwire invite`, with a running server and without one."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandResult
from tests.cli.processes import Answer, RunningServer, clean_environment, running_server
from tests.forked_talkwire import Streams, start_python
from tests.http_client import HttpClient
from tests.waiting import DEADLINE_S

Command = Callable[..., CommandResult]


def _code(line: str, site: str) -> str:
    """Returns the code of the link, which must be the only line."""
    found = re.fullmatch(rf"{re.escape(site)}/#invite=([\w-]{{24}})\n", line)
    assert found is not None, line
    return found[1]


def test_the_link_is_all_that_is_printed_and_leads_to_the_running_server(
    command: Command, server: RunningServer
) -> None:
    where = ["--data", str(server.data)]
    command("conversation", "create", "alice", "--id", "club", *where)
    result = command("invite", "--conversation", "club", "--expires", "7d", "--max-uses", "1", *where)
    assert (result.exit_code, result.err) == (0, "")
    account = {"email": "ann@example.com", "password": "correct horse", "name": "Ann"}
    with HttpClient(base_url=server.url) as http:
        invitation = {"invitation": _code(result.out, server.url)}
        signed_in = http.post("/api/v1/auth/register", json=account | invitation)
        assert signed_in.status_code == 201, signed_in.text
        headers = {"authorization": f"Bearer {signed_in.json()['token']}"}
        assert http.get("/api/v1/conversations/club", headers=headers).status_code == 200


def test_without_a_server_the_link_is_good_for_the_next_one(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    result = command("invite", "--data", str(data), "--port", "4000")
    code = _code(result.out, "http://127.0.0.1:4000")
    with running_server(tmp_path, "--accounts", "invite") as server:
        account = {"email": "ann@example.com", "password": "correct horse", "name": "Ann"}
        with HttpClient(base_url=server.url) as http:
            assert http.post("/api/v1/auth/register", json=account).status_code == 403
            assert http.post("/api/v1/auth/register", json=account | {"invitation": code}).status_code == 201


@pytest.mark.parametrize(
    ("arguments", "site"),
    [
        (["--public-url", "https://chat.example.com"], "https://chat.example.com"),
        (["--public-url", "https://example.com/chat/"], "https://example.com/chat"),
        (["--host", "0.0.0.0", "--port", "80"], "http://localhost:80"),
        (["--host", "::1"], "http://[::1]:3000"),
    ],
)
def test_the_link_leads_where_the_settings_say(command: Command, arguments: list[str], site: str) -> None:
    result = command("invite", *arguments)
    assert (result.exit_code, result.err) == (0, "")
    _code(result.out, site)


def test_a_server_without_accounts_is_pointed_out(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "s" * 32)
    result = command("invite")
    assert result.exit_code == 0
    _code(result.out, "http://127.0.0.1:3000")
    assert result.err.startswith("accounts are off in these settings")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-uses", "0"], "maxUses: must be between 1 and 100000"),
        (["--max-uses", "many"], "many"),
        (["--expires", "soon"], "--expires: "),
        (["--public-url", "chat.example.com"], "--public-url: must be a URL like https://host/path"),
        (["--public-url", "https://chat.example.com/#x"], "--public-url: must be an address without a query"),
    ],
)
def test_invalid_invitations_are_refused(talkwire: Callable[..., Answer], arguments: list[str], message: str) -> None:
    answer = talkwire("invite", *arguments)
    assert (answer.exit_code, answer.out) == (2, "")
    assert message in answer.line


def test_an_invitation_to_an_unknown_conversation_is_refused(talkwire: Callable[..., Answer]) -> None:
    answer = talkwire("invite", "--conversation", "nothing")
    assert (answer.exit_code, answer.out) == (1, "")
    assert "conversationIds[0]: no such conversation" in answer.line


ANN = {"email": "ann@example.com", "password": "correct horse", "name": "Ann"}


def test_the_first_admin_registers_by_a_link_and_uses_the_admin_routes(command: Command, tmp_path: Path) -> None:
    with running_server(tmp_path, "--accounts", "invite") as server, HttpClient(base_url=server.url) as http:
        where = ["--data", str(server.data)]
        result = command("invite", "--first-admin", *where)
        assert result == command("invite", "--first-admin", *where)
        invitation = {"invitation": _code(result.out, server.url)}
        signed_in = http.post("/api/v1/auth/register", json=ANN | invitation).json()
        assert http.post("/api/v1/auth/register", json=ANN | invitation | {"email": "b@x.org"}).status_code == 403
        renewed = http.post("/api/v1/auth/refresh", json={"refreshToken": signed_in["refreshToken"]}).json()
        again = http.post("/api/v1/auth/login", json={name: ANN[name] for name in ("email", "password")}).json()
        for session in (signed_in, renewed, again):
            headers = {"authorization": f"Bearer {session['token']}"}
            assert http.get("/api/v1/webhooks", headers=headers).status_code == 200
        by_admin = {"authorization": f"Bearer {again['token']}"}
        created = http.post("/api/v1/invitations", json={}, headers=by_admin)
        other = http.post(
            "/api/v1/auth/register", json=ANN | {"email": "b@x.org", "invitation": created.json()["code"]}
        )
        headers = {"authorization": f"Bearer {other.json()['token']}"}
        assert http.get("/api/v1/webhooks", headers=headers).status_code == 403
        refused = command("invite", "--first-admin", *where)
        assert (refused.exit_code, refused.out) == (1, "")
        assert "there is an admin already" in refused.err
        # The log says that an admin is missing, and never the link.
        answer = server.stop(signal.SIGTERM)
        assert "no_admin" in answer.err
        assert invitation["invitation"] not in answer.out + answer.err


def test_the_link_for_the_first_admin_has_no_options(command: Command) -> None:
    result = command("invite", "--first-admin", "--max-uses", "5")
    assert result.exit_code == 2
    assert "--first-admin excludes the other options" in result.err


def _terminal_lines(folder: Path, lines: int) -> list[str]:
    """Returns the first lines that `talkwire serve` prints on a terminal."""
    ours, theirs = os.openpty()
    serve = ["-m", "talkwire", "serve", "--port", "0", "--data", "data", "--log-format", "console"]
    with (
        os.fdopen(ours, encoding="utf-8") as terminal,
        os.fdopen(theirs, "wb", buffering=0) as writes,
        Path(os.devnull).open("rb") as nothing,
        (folder / "errors").open("wb") as errors,
    ):
        process = start_python(serve, Streams(nothing, writes, errors), clean_environment(), folder)
        try:
            return [terminal.readline() for _ in range(lines)]
        finally:
            process.kill()
            process.wait(DEADLINE_S)


def test_serve_prints_the_link_on_a_terminal_the_same_after_a_restart(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = []
    for _ in range(2):
        greeting, link, until = _terminal_lines(tmp_path, 3)
        assert greeting.startswith("Talkwire ")
        assert "registers the first one, once, until" in until
        links.append(re.fullmatch(r"No admin yet: http://127\.0\.0\.1:\d+/#invite=([\w-]{24})\s+", link))
    assert links[0] is not None
    assert links[1] is not None
    assert links[0][1] == links[1][1]
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    where = ["--data", str(tmp_path / "data")]
    added = command("user", "add", "root@example.com", "--name", "Root", "--role", "admin", *where)
    assert added.exit_code == 0, added.err
    assert command("invite", "--first-admin", *where).exit_code == 1
