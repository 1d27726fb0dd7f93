"""Programs that run Talkwire: how they start, which errors they receive, and how they stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import talkwire
from talkwire import Settings, SettingsError, Talkwire, settings_from_environment
from talkwire.commands import CreateConversation
from talkwire.identity.issuer import TokenIssuer
from tests.http_client import AsyncHttpClient
from tests.protocol.server_process import reserved_port
from tests.python_socketio import python_client
from tests.waiting import DEADLINE_S, until_asked

SECRET = "a secret for tests, of more than 32 characters"

PROGRAM = """
import sys
from talkwire import Talkwire

chat = Talkwire()

@chat.on("ask")
def ask(socket, data):
    return {"user": socket.user_id, "data": data}

chat.run(port=int(sys.argv[1]))
print("the program goes on")
"""


@contextmanager
def _running(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "JWT_SECRET": SECRET, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_S)


async def _until_ready(url: str, process: subprocess.Popen[str]) -> None:
    async with AsyncHttpClient() as http:

        async def responds() -> bool:
            assert process.poll() is None, process.communicate()
            try:
                await http.get(f"{url}/readyz")
            except httpx.TransportError:
                return False
            return True

        await until_asked(responds)


async def test_a_program_runs_a_server_until_sigterm_and_continues(tmp_path: Path) -> None:
    port = reserved_port()
    url = f"http://127.0.0.1:{port}"
    with _running(["-c", PROGRAM, str(port)], tmp_path, {"TALKWIRE_DATA": "chat"}) as process:
        await _until_ready(url, process)
        async with python_client() as client:
            auth = {"token": TokenIssuer(SECRET).issue("alice", ttl_s=600)}
            await client.connect(url, auth=auth, wait_timeout=DEADLINE_S)
            assert await client.call("ask", 7) == {"user": "alice", "data": 7}
            process.send_signal(signal.SIGTERM)
            output, _ = await asyncio.to_thread(process.communicate, timeout=DEADLINE_S)
    *logged, last = output.splitlines()
    assert process.returncode == 0
    assert [line for line in logged if "listening" in line and url in line]
    assert last == "the program goes on"
    assert (tmp_path / "chat" / "talkwire.db").is_file()


async def test_a_second_server_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    async with Talkwire(settings).serving(port=0):
        with pytest.raises(talkwire.DataFolderError):
            async with Talkwire(settings).serving(port=0):
                pytest.fail("the folder is in use")


async def test_a_port_in_use_is_an_oserror_and_leaves_nothing_running(tmp_path: Path) -> None:
    one, other = (Talkwire(Settings(data=tmp_path / name)) for name in ("one", "other"))
    async with one.serving(port=0) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with other.serving(port=port):
                pytest.fail("the port is in use")
    async with other.serving(port=0) as server, AsyncHttpClient() as http:
        assert (await http.get(f"{server.url}/readyz")).status_code == 200


async def test_a_talkwire_can_serve_again_with_its_data(tmp_path: Path) -> None:
    chat = Talkwire(Settings(data=tmp_path / "data"))
    notified: list[str] = []
    chat.after("message:new")(lambda event: notified.append(event.message.content))
    async with chat.serving(port=0):
        await chat.execute(CreateConversation("group", ("alice",), name="Talk", id="talk", owner_id="alice"))
        await chat.send_message("talk", sender="alice", content="before")
    async with chat.serving(port=0):
        assert (await chat.send_message("talk", sender="alice", content="after")).seq == 2
    assert notified == ["before", "after"]  # observers do not receive events of an earlier run again


async def test_signals_are_left_to_a_program_that_serves_within_its_own_loop(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with Talkwire(Settings(data=tmp_path / "data")).serving(port=0):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_the_programs_logging_is_left_alone(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    async with Talkwire(Settings(data=tmp_path / "data")).serving(port=0):
        assert (root.handlers, root.level) == before


def test_without_settings_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talkwire.toml").write_text("port = 1\ncall_ring_s = 7.0\n", encoding="utf-8")
    monkeypatch.setenv("PORT", "4321")
    monkeypatch.setenv("TALKWIRE_DATA", "here")
    settings = Talkwire().settings
    assert (settings.port, settings.data, settings.call_ring_s) == (4321, Path("here"), 7.0)
    assert settings_from_environment(port=5, prefix="/chat").port == 5
    assert Talkwire(Settings(data="./data")).settings.port == 3000
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(SettingsError, match="PORT"):
        Talkwire()


def test_a_program_has_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKWIRE_WORKERS", "2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://host/name")
    with pytest.raises(SettingsError, match="workers: must be 1 in an embedding program"):
        Talkwire()


def test_every_public_name_exists() -> None:
    assert set(talkwire.__all__) <= set(dir(talkwire))
    for name in talkwire.__all__:
        assert getattr(talkwire, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = talkwire.Nothing  # type: ignore[attr-defined]  # the invalid use under test


def test_the_wire_layer_can_be_used_without_the_rest() -> None:
    program = "import sys, talkwire.wire; print('talkwire.app' in sys.modules, 'litestar' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output == "False False\n"
