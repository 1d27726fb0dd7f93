"""The audit log, reports and bans over REST and sockets, behind a trusted proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from talkwire.dialects.crm.vocabulary import CRM
from tests.chat.chat_client import Refused
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import until_asked

HOME = {"x-forwarded-for": "203.0.113.9"}


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("audit"), {"TALKWIRE_TRUSTED_PROXIES": "127.0.0.1"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def world(behind_a_proxy: ServerProcess) -> AsyncIterator[World]:
    async with world_at(behind_a_proxy) as world:
        yield world
        world.check_events()


async def _as_admin(world: World, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (httpx)
    return await world.request(method, path, by="admin", role="admin", **options)


async def _audit(world: World, **wanted: str) -> list[dict[str, Any]]:
    """Returns audit entries, oldest first."""
    answer = await _as_admin(world, "GET", "/api/v1/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    return [*reversed(answer.json()["items"])]


async def _message(world: World, *names: str) -> tuple[str, str]:
    """Returns the ids of a new group of these users, and of a message of the last of them in it."""
    conversation_id = await world.conversation(*names)
    sent = {"conversationId": conversation_id, "content": "Buy now"}
    return conversation_id, (await world.request("POST", "/api/v1/messages", by=names[-1], json=sent)).json()["id"]


async def test_an_act_over_rest_has_the_clients_address(world: World) -> None:
    await world.conversation("alice")
    path = f"/api/v1/users/{world.id_of('alice')}/ban"
    banned = await _as_admin(world, "PUT", path, json={"reason": "spam"}, headers=HOME)
    assert banned.status_code == 204
    (entry,) = await _audit(world, targetId=world.id_of("alice"))
    assert entry.keys() == {"id", "action", "actorId", "targetId", "at", "address", "reason"}
    assert (entry["action"], entry["actorId"], entry["address"], entry["reason"]) == (
        "ban",
        world.id_of("admin"),
        "203.0.113.9",
        "spam",
    )


async def test_a_moderators_act_over_a_socket_has_the_clients_address(world: World) -> None:
    conversation_id, message_id = await _message(world, "alice", "bob")
    alice = await world.open(headers=HOME)
    await alice.sign_in({"token": world.server.token(world.id_of("alice"))})
    await alice.done("message:delete", {"messageId": message_id})
    (entry,) = await _audit(world, targetId=message_id)
    assert (entry["action"], entry["actorId"], entry["address"], entry["conversationId"]) == (
        "message-delete",
        world.id_of("alice"),
        "203.0.113.9",
        conversation_id,
    )


async def test_an_act_in_another_dialect_is_audited(world: World) -> None:
    _, message_id = await _message(world, "alice", "bob")
    alice = await world.connect("alice", dialect=CRM)
    await alice.call("deleteMessage", {"messageId": message_id})
    assert [entry["action"] for entry in await _audit(world, targetId=message_id)] == ["message-delete"]


async def test_an_export_of_somebody_else_is_audited(world: World) -> None:
    await world.conversation("alice")
    path = f"/api/v1/users/{world.id_of('alice')}/export"
    assert (await world.request("GET", path, by="alice")).status_code == 200
    assert (await _as_admin(world, "GET", path)).status_code == 200
    entries = await _audit(world, targetId=world.id_of("alice"))
    assert [(entry["action"], entry["actorId"]) for entry in entries] == [("export", world.id_of("admin"))]


async def test_a_message_is_reported_over_a_socket_and_decided(world: World) -> None:
    _, message_id = await _message(world, "carol", "alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    asked = {"messageId": message_id, "reason": "spam", "note": "again"}
    report = (await alice.done("message:report", asked))["report"]
    assert (report["state"], report["reporterId"], report["note"]) == ("open", world.id_of("alice"), "again")
    over_rest = await world.request("POST", f"/api/v1/messages/{message_id}/report", by="alice", json={"reason": "x"})
    assert (over_rest.status_code, over_rest.json()) == (201, report)
    listed = (await _as_admin(world, "GET", "/api/v1/reports", params={"state": "open"})).json()["items"]
    assert report in listed
    context = await _as_admin(world, "GET", f"/api/v1/reports/{report['id']}/context")
    assert (context.status_code, context.json()) == (200, {"before": [], "after": []})
    decision = {"state": "resolved", "action": "delete", "reason": "Advertising"}
    decided = await _as_admin(world, "PATCH", f"/api/v1/reports/{report['id']}", json=decision)
    assert (decided.status_code, decided.json()["state"]) == (200, "resolved")
    assert (await bob.next("message:deleted"))["messageId"] == message_id
    for client, outcome in ((alice, "resolved"), (bob, "delete")):
        received = await client.next("notification")
        assert (received["type"], received["outcome"], received["body"]) == ("moderation", outcome, "Advertising")
    actions = [entry["action"] for entry in await _audit(world, actorId=world.id_of("admin"))]
    assert actions == ["report-context", "report-resolve", "message-delete"]


async def test_the_back_end_receives_reports(world: World) -> None:
    since = (await world.service("GET", "/api/v1/events?limit=1"))["cursor"]
    _, message_id = await _message(world, "alice", "bob")
    report = await world.request("POST", f"/api/v1/messages/{message_id}/report", by="alice", json={"reason": "spam"})
    found = await world.service("GET", f"/api/v1/events?after={since}&types=report:created")
    assert [event["data"] for event in found["items"]] == [report.json()]


async def test_a_ban_says_why_and_until_when_and_ends_by_itself(world: World) -> None:
    await world.conversation("alice")
    alice = await world.connect("alice")
    path = f"/api/v1/users/{world.id_of('alice')}/ban"
    until = datetime.now(UTC) + timedelta(hours=1)
    body = {"reason": "spam", "until": until.isoformat()}
    assert (await _as_admin(world, "PUT", path, json=body)).status_code == 204
    assert (await alice.next("session:ending"))["reason"] == "banned"
    details = {"reason": "spam", "until": f"{until:%Y-%m-%dT%H:%M:%S}.{until.microsecond // 1000:03d}Z"}
    refused = await world.request("GET", "/api/v1/users/me", by="alice")
    assert (refused.status_code, refused.json()["error"]["details"]) == (403, details)
    with pytest.raises(Refused) as connecting:
        await world.connect("alice")
    assert connecting.value.error["data"] == {"code": "banned", "reason": "This user is banned.", "details": details}

    async def is_banned_briefly() -> bool:
        """Asks again if the end has passed before the server reads it."""
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        return (await _as_admin(world, "PUT", path, json={"until": soon})).status_code == 204

    async def may_come_back() -> bool:
        return (await world.request("GET", "/api/v1/users/me", by="alice")).status_code == 200

    await until_asked(is_banned_briefly)
    await until_asked(may_come_back)
    await world.connect("alice")
