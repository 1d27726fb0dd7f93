"""Erasing and exporting users on a running server, with their files, their sockets and its data folder."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire.dialects.built_in import DIALECTS
from tests.chat.chat_client import Refused
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.cli.processes import run_talkwire
from tests.files import pictures
from tests.waiting import until_asked

CANARY = "kanarienvogel"
FILES = "/api/v1/files"


@pytest.fixture(scope="module")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("erasing")) as server:
        yield server
        assert server.logged_errors() == []


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def traces(folder: Path) -> list[str]:
    """Returns the files of a data folder that contain the text, in their content or their name."""
    found = []
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):  # deleted since it was listed
            if path.is_file() and (CANARY.encode() in path.read_bytes() or CANARY in path.name):
                found.append(str(path))
    return found


async def erased(world: World, folder: Path) -> None:
    """Waits until the data folder has no trace of the text."""

    async def is_clean() -> bool:
        return not await asyncio.to_thread(traces, folder)

    await until_asked(is_clean)


async def upload(world: World, data: bytes, name: str, declared: str, by: str = "alice") -> dict[str, Any]:
    answer = await world.request("POST", FILES, by=by, files={"file": (name, data, declared)})
    assert answer.status_code == 201, answer.text
    file: dict[str, Any] = answer.json()
    return file


async def plant(world: World) -> tuple[str, str]:
    """Puts the text into Alice's profile, messages and files. Returns (conversation id, file id)."""
    conversation_id = await world.conversation("alice", "bob")
    text = await upload(world, f"{CANARY} in a file".encode(), f"{CANARY}.txt", "text/plain")
    photo = await upload(world, pictures.jpeg(), f"{CANARY}.jpg", "image/jpeg")
    me = {"name": CANARY, "text": CANARY, "avatar": photo["url"], "handle": CANARY}
    await world.request("PATCH", "/api/v1/users/me", by="alice", json=me)
    body = {"conversationId": conversation_id, "content": CANARY, "attachments": [{"id": text["id"]}]}
    assert (await world.request("POST", "/api/v1/messages", by="alice", json=body)).is_success
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "100", "Content-Type": "application/offset+octet-stream"}
    begun = await world.request("POST", FILES, by="alice", headers=headers, content=CANARY.encode())
    assert begun.status_code == 201
    return conversation_id, text["id"]


async def test_the_data_folder_of_a_running_server_has_no_trace_of_an_erased_user(
    chat_server: ServerProcess, world: World
) -> None:
    conversation_id, file_id = await plant(world)
    bob = await world.connect("bob")
    alice = await world.connect("alice")
    assert traces(chat_server.data)
    path = f"/api/v1/users/{world.id_of('alice')}?messages=redact"
    assert (await world.request("DELETE", path, by="backend", role="service")).status_code == 204
    assert await alice.next("session:ending") == {"reason": "erased", "reconnect": False}
    await alice.wait_disconnected()
    user = await bob.next("user:updated")
    assert (user["id"], user["name"]) == (world.id_of("alice"), "Deleted user")
    deleted = await bob.next("message:deleted")
    assert deleted["conversationId"] == conversation_id
    assert code(await world.request("GET", f"{FILES}/{file_id}/content", by="bob")) == (403, "forbidden")
    await erased(world, chat_server.data)
    with pytest.raises(Refused) as refused:
        await world.connect("alice")
    refusal = refused.value.error["data"]
    assert (refusal["code"], refusal["details"]) == ("banned", {"erased": True})
    again = await world.request("PUT", path.partition("?")[0], by="backend", role="service", json={"name": "Alice"})
    assert code(again) == (409, "conflict")


async def test_an_erasure_continues_after_the_server_was_killed(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation_id, _ = await plant(world)
            for number in range(120):
                body = {"conversationId": conversation_id, "content": f"{CANARY} {number}"}
                assert (await world.request("POST", "/api/v1/messages", by="alice", json=body)).is_success
            path = f"/api/v1/users/{world.id_of('alice')}?messages=redact"
            async with asyncio.TaskGroup() as tasks:
                erasing = tasks.create_task(_lost(world.request("DELETE", path, by="backend", role="service")))
                bob = await world.connect("bob")
                await bob.next("message:deleted")
                server.process.kill()
                await erasing
    with running_chat(tmp_path) as server:
        async with world_at(server) as restarted:
            await erased(restarted, server.data)


async def _lost(request: Any) -> None:  # noqa: ANN401 (a coroutine)
    try:
        await request
    except httpx.TransportError:
        return


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_every_dialect_shows_a_deleted_user(world: World, dialect: str) -> None:
    conversation_id = await world.conversation("alice", "bob")
    await world.request("PATCH", "/api/v1/users/me", by="alice", json={"name": CANARY})
    body = {"conversationId": conversation_id, "content": "hello"}
    await world.request("POST", "/api/v1/messages", by="alice", json=body)
    path = f"/api/v1/users/{world.id_of('alice')}?messages=keep"
    await world.request("DELETE", path, by="backend", role="service")
    bob = await world.connect("bob", dialect=DIALECTS[dialect])
    answer = await world.request("GET", f"/api/v1/conversations/{conversation_id}", by="bob")
    assert CANARY not in answer.text
    assert CANARY not in json.dumps(list(bob.events), default=str)


async def test_members_see_who_was_erased_and_give_them_no_role(world: World) -> None:
    conversation_id = await world.conversation("bob", "alice")
    alice_id = world.id_of("alice")
    bob = await world.connect("bob")
    assert (await world.request("DELETE", "/api/v1/users/me", by="alice")).status_code == 204
    assert (await bob.next("user:updated"))["erased"] is True
    profile = (await world.request("GET", f"/api/v1/users/{alice_id}", by="bob")).json()
    members = (await world.request("GET", f"/api/v1/conversations/{conversation_id}", by="bob")).json()["members"]
    assert (profile["erased"], {each["userId"]: each.get("erased") for each in members}) == (
        True,
        {alice_id: True, world.id_of("bob"): None},
    )
    for role in ("admin", "owner"):
        payload = {"conversationId": conversation_id, "userId": alice_id, "role": role}
        assert (await bob.refused("member:update", payload))["code"] == "conflict"
        path = f"/api/v1/conversations/{conversation_id}/members/{alice_id}"
        assert code(await world.request("PATCH", path, by="bob", json={"role": role})) == (409, "conflict")


async def test_users_erase_themselves_with_their_password(world: World) -> None:
    email = f"{world.id_of('alice')}@example.com"
    account = {"email": email, "password": "correct horse", "name": "Alice"}
    registered = (await world.request("POST", "/api/v1/auth/register", json=account)).json()
    headers = {"authorization": f"Bearer {registered['token']}"}
    for body in (None, {"password": "wrong horse"}):
        refused = await world.request("DELETE", "/api/v1/users/me", headers=headers, json=body)
        assert code(refused) == (403, "forbidden")
    body = {"password": "correct horse"}
    assert (await world.request("DELETE", "/api/v1/users/me", headers=headers, json=body)).status_code == 204
    assert code(await world.request("GET", "/api/v1/users/me", headers=headers)) == (403, "banned")
    login = await world.request("POST", "/api/v1/auth/login", json={"email": email, "password": "correct horse"})
    assert code(login) == (401, "unauthenticated")


async def test_the_command_line_erases_a_user_of_a_running_server(chat_server: ServerProcess, world: World) -> None:
    await world.request("GET", "/api/v1/users/me", by="alice")
    done = await asyncio.to_thread(
        partial(run_talkwire, cwd=chat_server.data),
        *("user", "erase", world.id_of("alice"), "--yes", "--data", str(chat_server.data)),
    )
    assert (done.exit_code, done.out) == (0, f"{world.id_of('alice')} is erased.\n")
    found = await world.service("GET", f"/api/v1/users/{world.id_of('alice')}")
    assert (found["name"], found["erased"]) == ("Deleted user", True)


async def test_holds_and_retention_are_set_over_rest(world: World) -> None:
    conversation_id = await world.conversation("alice", "bob")
    path = f"/api/v1/conversations/{conversation_id}"
    kept = await world.service("PATCH", path, {"retentionDays": 30, "hold": True})
    assert (kept["retentionDays"], kept["hold"]) == (30, True)
    seen = (await world.request("GET", path, by="alice")).json()
    assert (seen["retentionDays"], "hold" in seen) == (30, False)
    assert code(await world.request("PATCH", path, by="alice", json={"hold": False})) == (403, "forbidden")
    assert code(await world.request("DELETE", path, by="alice")) == (409, "conflict")
    user_path = f"/api/v1/users/{world.id_of('alice')}"
    assert (await world.service("PUT", user_path, {"hold": True}))["hold"]
    assert code(await world.request("DELETE", user_path, by="backend", role="service")) == (409, "conflict")


# --- exporting ------------------------------------------------------------------------------------------------------


def read_zip(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


async def test_an_export_has_what_the_user_may_see_and_their_files(world: World) -> None:
    conversation_id = await world.conversation("alice", "bob")
    other_id = await world.conversation("bob", "carol")
    file = await upload(world, b"a file" * 50_000, "notes.txt", "text/plain")
    body: dict[str, Any]
    for by, to, content in (
        ("alice", conversation_id, "mine"),
        ("bob", conversation_id, "his"),
        ("bob", other_id, "no"),
    ):
        attachments = [{"id": file["id"]}] if by == "alice" else []
        body = {"conversationId": to, "content": content, "attachments": attachments}
        assert (await world.request("POST", "/api/v1/messages", by=by, json=body)).is_success
    saved = await world.request("GET", f"/api/v1/conversations/{conversation_id}/messages", by="alice")
    saved_id = saved.json()["items"][1]["id"]
    await world.request("PUT", f"/api/v1/messages/{saved_id}/saved", by="alice")
    path = f"/api/v1/conversations/{conversation_id}/preferences"
    await world.request("PATCH", path, by="alice", json={"favourite": True})
    for by, role in (("alice", None), ("backend", "service")):
        answer = await world.request("GET", f"/api/v1/users/{world.id_of('alice')}/export", by=by, role=role)
        assert answer.headers["content-type"] == "application/zip"
        parts = read_zip(answer.content)
        assert json.loads(parts["profile.json"])["user"]["id"] == world.id_of("alice")
        profile = json.loads(parts["profile.json"])
        assert [each["messageId"] for each in profile["savedMessages"]] == [saved_id]
        assert profile["conversationPreferences"][conversation_id]["favourite"] is True
        assert [found["id"] for found in lines(parts["conversations.jsonl"])] == [conversation_id]
        assert [found["content"] for found in lines(parts["messages.jsonl"])] == ["mine", "his"]
        assert parts[f"files/{file['id']}/notes.txt"] == b"a file" * 50_000
    denied = await world.request("GET", f"/api/v1/users/{world.id_of('alice')}/export", by="bob")
    assert code(denied) == (403, "forbidden")


async def test_an_export_has_own_messages_of_a_conversation_that_the_user_has_left(world: World) -> None:
    conversation_id = await world.conversation("bob", "alice")
    for by in ("alice", "bob"):
        body = {"conversationId": conversation_id, "content": f"from {by}"}
        await world.request("POST", "/api/v1/messages", by=by, json=body)
    path = f"/api/v1/conversations/{conversation_id}/members/{world.id_of('alice')}"
    await world.request("DELETE", path, by="alice")
    answer = await world.request("GET", "/api/v1/users/me/export", by="alice")
    parts = read_zip(answer.content)
    assert lines(parts["conversations.jsonl"]) == []
    assert [found["content"] for found in lines(parts["messages.jsonl"])] == ["from alice"]


async def test_the_command_line_exports_a_user_and_a_conversation(
    chat_server: ServerProcess, world: World, tmp_path: Path
) -> None:
    conversation_id = await world.conversation("alice", "bob")
    file = await upload(world, b"a file", "notes.txt", "text/plain")
    body = {"conversationId": conversation_id, "content": "hello", "attachments": [{"id": file["id"]}]}
    await world.request("POST", "/api/v1/messages", by="alice", json=body)
    run = partial(run_talkwire, cwd=tmp_path)
    for flag, id_ in (("--user", world.id_of("alice")), ("--conversation", conversation_id)):
        target = tmp_path / f"{flag}.zip"
        done = await asyncio.to_thread(run, "export", flag, id_, str(target), "--data", str(chat_server.data))
        assert done.exit_code == 0, done.err
        parts = read_zip(target.read_bytes())
        assert [found["content"] for found in lines(parts["messages.jsonl"])] == ["hello"]
        assert parts[f"files/{file['id']}/notes.txt"] == b"a file"
