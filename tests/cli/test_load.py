"""`talkwire load`, against a server that runs."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from talkwire.cli.load_test.client import LoadClient, Measurements, Refused
from talkwire.egress import system_tls
from talkwire.identity.issuer import TokenIssuer
from tests.certificates import self_signed
from tests.chat.chat_server import SECRET, running_chat
from tests.cli.conftest import CommandResult
from tests.http_client import http_get
from tests.protocol.server_process import reserved_port

Command = Callable[..., CommandResult]


def rows(output: str) -> dict[str, list[str]]:
    """Returns the table's rows by their first cell."""
    return {line.split("\t")[0]: line.split("\t")[1:] for line in output.splitlines()}


def test_users_connect_and_talk_and_the_durations_are_printed(
    command: Command, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    with running_chat(tmp_path_factory.mktemp("loaded")) as server:
        result = command("load", server.url, "--connections", "25", "--rate", "100", "--seconds", "1")
        token = TokenIssuer(SECRET).issue("backend", ttl_s=60, role="service")
        headers = {"authorization": f"Bearer {token}"}
        left = http_get(f"{server.url}/api/v1/conversations?memberId=load-1", headers=headers).json()
    assert result.exit_code == 0, result.err
    table = rows(result.out)
    assert [table[name][0] for name in ("connect", "acknowledgement")] == ["25", "100"]
    # 25 users are a group of 20, which sends 80 of the messages, and one of 5.
    assert table["delivery"][0] == str(80 * 20 + 20 * 5)
    assert all(float(cell) > 0 for cell in table["delivery"][1:])
    assert "100 messages sent, 100 acknowledged, 0 refused." in result.err
    assert left["items"] == []


def test_messages_beyond_the_rate_limit_are_counted_and_the_exit_code_says_so(
    command: Command, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    limits = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "sends=1/10"}
    with running_chat(tmp_path_factory.mktemp("limited"), limits) as server:
        result = command("load", server.url, "--connections", "2", "--rate", "200", "--seconds", "0.5")
    assert result.exit_code == 1
    assert "Refused with rate_limited: " in result.err


def test_a_server_that_cannot_be_reached_fails(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    result = command("load", f"http://127.0.0.1:{reserved_port()}", "--connections", "1", "--seconds", "1")
    assert result.exit_code == 1
    assert "cannot be reached" in result.err


def test_a_token_that_the_server_does_not_accept_fails(
    command: Command, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_chat(tmp_path_factory.mktemp("other")) as server:
        monkeypatch.setenv("JWT_SECRET", SECRET[::-1])
        result = command("load", server.url, "--connections", "1", "--seconds", "1")
    assert result.exit_code == 1
    assert "401" in result.err


@pytest.mark.parametrize(
    "arguments", [["ws://127.0.0.1"], ["http://127.0.0.1", "--connections", "0"], ["http://127.0.0.1", "--rate", "0"]]
)
def test_an_impossible_load_is_a_misuse(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    assert command("load", *arguments).exit_code == 2


async def test_sockets_trust_the_authorities_that_requests_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(socket: ServerConnection) -> None:
        await socket.recv()

    certificate, key = self_signed(tmp_path, "localhost")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    system_tls.cache_clear()
    try:
        async with serve(refuse, "127.0.0.1", 0, ssl=tls) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            with pytest.raises(Refused, match="connection_closed"):
                await LoadClient.connected(f"https://localhost:{port}", "token", "run", Measurements())
    finally:
        system_tls.cache_clear()
