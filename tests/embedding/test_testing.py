"""`talkwire.testing`, as the tests of other programs use it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from talkwire import Actor, DataFolderError, Settings, Talkwire
from talkwire.commands import BanUser, CreateConversation
from talkwire.identity.issuer import TokenIssuer
from talkwire.testing import Rejected, temporary_server, threaded_server
from talkwire.testing.client import connected
from tests.embedding.conftest import Serve
from tests.http_client import http_get


async def test_a_temporary_server_has_the_programs_settings_and_a_temporary_folder() -> None:
    chat = Talkwire(Settings(data="/nowhere/at/all", jwt_secret="s" * 40, dialect="talks", database="sqlite:////no"))
    async with temporary_server(chat, contacts_max=7) as server:
        settings = server.chat._node.settings
        assert (settings.contacts_max, settings.dialect, settings.database) == (7, "talks", None)
        assert (settings.data / "talkwire.db").is_file()
        assert settings.jwt_secret == server.secret != "s" * 40
    assert not settings.data.exists()
    assert chat.settings.data == Path("/nowhere/at/all")


async def test_a_temporary_server_contacts_no_provider_and_sends_no_traces() -> None:
    settings = Settings(
        oidc_issuer="https://sign-in.example", oidc_client_id="chat", otlp_endpoint="http://127.0.0.1:9"
    )
    async with temporary_server(Talkwire(settings)) as server:
        isolated = server.chat._node.settings
        assert (isolated.oidc_issuer, isolated.otlp_endpoint) == (None, None)


async def test_temporary_servers_are_independent(serve: Serve) -> None:
    one, other = await serve(Talkwire(Settings())), await serve(Talkwire(Settings()))
    assert one.url != other.url
    with pytest.raises(Rejected):
        async with connected(other.url, {"token": one.token("alice")}):
            pytest.fail("its tokens are not the other's")


async def test_one_talkwire_serves_once_at_a_time(chat: Talkwire, serve: Serve) -> None:
    await serve(chat)
    with pytest.raises(RuntimeError, match="is already running"):
        await serve(chat)


async def test_a_rejected_client_receives_the_reason(chat: Talkwire, serve: Serve) -> None:
    server = await serve(chat)
    expired = TokenIssuer(server.secret, lambda: time.time() - 3600).issue("alice", ttl_s=60)
    with pytest.raises(Rejected) as rejected:
        async with connected(server.url, {"token": expired}):
            pytest.fail("it has expired")
    assert rejected.value.data == {"code": "token_expired", "reason": "The token has expired."}


async def test_a_client_waits_for_an_event_that_matches(chat: Talkwire, serve: Serve) -> None:
    server = await serve(chat)
    async with server.client("alice") as alice:
        for number in range(5):
            await chat.send_to_user("alice", "count", {"n": number})
        assert await alice.wait_for("count", lambda data: data["n"] == 3) == {"n": 3}
        assert await alice.wait_for("count") == {"n": 0}
        with pytest.raises(TimeoutError, match=r"'never' did not arrive; received instead: .*count"):
            await alice.wait_for("never", timeout_s=0.05)


async def test_a_client_notices_that_it_was_disconnected(chat: Talkwire, serve: Serve) -> None:
    server = await serve(chat)
    async with server.client("alice") as alice:
        waiting = asyncio.create_task(alice.wait_for("never"))
        await asyncio.sleep(0)
        before = alice.connected
        await chat.execute(BanUser("alice"), Actor("root", "Root", "admin"))
        await alice.wait_disconnected()
        assert (before, alice.connected) == (True, False)
        with pytest.raises(ConnectionError, match="ended before 'never' arrived"):
            await waiting


async def test_an_unanswered_call_fails_with_the_connection(chat: Talkwire, serve: Serve) -> None:
    reached = asyncio.Event()

    @chat.on("hang")
    async def hang(_: object, __: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    server = await serve(chat)
    async with server.client("alice") as alice:
        call = asyncio.create_task(alice.call("hang"))
        await reached.wait()
        await alice.close()
        with pytest.raises(ConnectionError):
            await call
        with pytest.raises(ConnectionError):
            await alice.call("ping")


def test_a_server_in_a_thread_is_for_tests_without_a_loop(chat: Talkwire) -> None:
    chat.on("double")(lambda _, number: 2 * number)

    async def talk() -> object:
        async with server.client("alice") as alice:
            return await alice.call("double", 21)

    with threaded_server(chat) as server:
        server.run(chat.execute(CreateConversation("group", ("alice",), name="Talk", id="talk", owner_id="alice")))
        assert asyncio.run(talk()) == 42
        url = f"{server.url}/api/v1/conversations/talk"
        assert http_get(url, headers=server.headers("alice")).status_code == 200


def test_a_threaded_server_raises_the_reason_of_a_failed_start(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(DataFolderError, match="there is no such folder"), threaded_server(data=file / "data"):
        pytest.fail("it must not start")
