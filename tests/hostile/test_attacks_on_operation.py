"""Servers that must not start or respond: weak secrets, two on one file, and foreign web pages that reach a developer's
machine by DNS rebinding.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from rigs.hostile.connections import send_and_close, upgrade_head
from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.cli.processes import run_talkwire
from tests.http_client import HttpClient, http_get
from tests.protocol.server_process import reserved_port

WEAK = "secret"


def serve(folder: Path, variables: Mapping[str, str], *arguments: str) -> tuple[int | None, str]:
    """Returns the exit status of `talkwire serve` (None if it kept running) and its output."""
    try:
        ended = run_talkwire("serve", "--port", str(reserved_port()), *arguments, cwd=folder, environ=variables)
    except subprocess.TimeoutExpired:
        return None, ""
    return ended.exit_code, ended.out + ended.err


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_server_does_not_start_with_a_weak_secret(tmp_path: Path) -> None:
    status, output = serve(tmp_path, {"JWT_SECRET": WEAK, "TALKWIRE_DATA": str(tmp_path / "data")})
    assert status == 2, output
    assert "allow_weak_secret" in output
    assert "Traceback" not in output


def test_an_operator_who_says_so_may_have_a_weak_secret(tmp_path: Path) -> None:
    with running_chat(tmp_path, {"JWT_SECRET": WEAK, "TALKWIRE_ALLOW_WEAK_SECRET": "on"}) as server:
        assert http_get(f"{server.url}/healthz").status_code == 200


# --- one server for one file ----------------------------------------------------------------------------------------


def test_two_servers_do_not_run_on_one_file(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        file = (server.data / "talkwire.db").resolve()
        for name in (str(file), os.path.relpath(file, tmp_path), f"{file.parent}/../{file.parent.name}/{file.name}"):
            variables = {"JWT_SECRET": SECRET, "TALKWIRE_DATA": str(tmp_path / "other")}
            status, output = serve(tmp_path, variables, "--database", f"sqlite:///{name}")
            assert status == 1, f"as {name}: {status} {output}"
            assert "Traceback" not in output


def test_a_server_that_names_its_file_keeps_others_out_that_name_its_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    variables = {"TALKWIRE_DATA": str(tmp_path / "other"), "DATABASE_URL": f"sqlite:///{data}/talkwire.db"}
    with running_chat(tmp_path, variables):
        status, output = serve(tmp_path, {"JWT_SECRET": SECRET, "TALKWIRE_DATA": str(data)})
    assert status == 1, f"{status} {output}"


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def developers_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with running_chat(tmp_path, {"TALKWIRE_INSECURE_DEV_AUTH": "on"}) as server:
        yield server


def test_a_server_that_believes_everybody_answers_to_names_of_its_machine_only(
    developers_server: ServerProcess,
) -> None:
    port = developers_server.url.rpartition(":")[2]
    names = {
        f"127.0.0.1:{port}": True,
        f"localhost:{port}": True,
        f"rebound.evil.example:{port}": False,
        "127.0.0.1.evil.example": False,
        f"localhost.evil.example:{port}": False,
    }
    with HttpClient(base_url=developers_server.url) as http:
        for name, lets_in in names.items():
            for path in ("/socket.io/?EIO=4&transport=polling", "/openapi.json"):
                answer = http.get(path, headers={"host": name})
                assert answer.is_success is lets_in, f"{name} {path}: {answer.status_code}"
    address = ("127.0.0.1", int(port))
    for name, lets_in in names.items():
        output = asyncio.run(send_and_close(address, upgrade_head(name), half_close=False, wait_s=5))
        assert output.startswith(b"HTTP/1.1 101 ") is lets_in, f"{name}: {output[:60]!r}"


# --- sign-ins -------------------------------------------------------------------------------------------------------


def test_wrong_passwords_of_a_stranger_do_not_keep_an_accounts_owner_out(tmp_path: Path) -> None:
    environment = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_TRUSTED_PROXIES": "127.0.0.1"}
    with running_chat(tmp_path, environment) as server, HttpClient(base_url=server.url) as http:
        account = {"email": "owner@example.com", "password": "correct horse", "name": "Owner"}
        assert http.post("/api/v1/auth/register", json=account, headers=_from("192.0.2.1")).is_success
        for _ in range(30):
            body = {"email": account["email"], "password": "wrong"}
            assert http.post("/api/v1/auth/login", json=body, headers=_from("198.51.100.9")).status_code in {401, 429}
        right = {"email": account["email"], "password": account["password"]}
        answer = http.post("/api/v1/auth/login", json=right, headers=_from("192.0.2.1"))
        assert answer.status_code == 200, answer.text


def _from(address: str) -> dict[str, str]:
    return {"x-forwarded-for": address}
