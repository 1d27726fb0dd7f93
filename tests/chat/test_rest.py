"""REST: each route, each status, and the texts of refusals."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from talkwire.identity.issuer import TokenIssuer
from tests.chat.chat_server import SECRET, in_process, running_chat, serving
from tests.chat.conftest import World, world_at

SERVER = ("get", "/api/v1/server")
"""A route without authentication, which says who may register."""

ROUTES = {
    ("post", "/api/v1/auth/register"),
    ("post", "/api/v1/auth/login"),
    ("get", "/api/v1/auth/invitations/{code}"),
    ("post", "/api/v1/auth/invitations/conversations"),
    ("post", "/api/v1/auth/refresh"),
    ("post", "/api/v1/auth/logout"),
    SERVER,
    ("get", "/api/v1/invitations"),
    ("post", "/api/v1/invitations"),
    ("delete", "/api/v1/invitations/{invitation_id}"),
    ("get", "/api/v1/invitations/{code}/conversations"),
    ("post", "/api/v1/invitations/{code}/accept"),
    ("post", "/api/v1/invitations/conversations"),
    ("post", "/api/v1/invitations/accept"),
    ("get", "/api/v1/users/me"),
    ("get", "/api/v1/users/me/rights"),
    ("post", "/api/v1/conversations/{conversation_id}/delivered"),
    ("post", "/api/v1/auth/password"),
    ("get", "/api/v1/users"),
    ("patch", "/api/v1/users/me"),
    ("get", "/api/v1/users/me/sessions"),
    ("post", "/api/v1/users/me/address-token"),
    ("delete", "/api/v1/users/me/sessions/{session_id}"),
    ("put", "/api/v1/users/{user_id}"),
    ("post", "/api/v1/users/batch"),
    ("put", "/api/v1/users/{user_id}/ban"),
    ("delete", "/api/v1/users/{user_id}/ban"),
    ("delete", "/api/v1/users/me"),
    ("delete", "/api/v1/users/{user_id}"),
    ("get", "/api/v1/users/me/export"),
    ("get", "/api/v1/users/{user_id}/export"),
    ("get", "/api/v1/users/{user_id}"),
    ("get", "/api/v1/conversations"),
    ("post", "/api/v1/conversations"),
    ("get", "/api/v1/conversations/{conversation_id}"),
    ("get", "/api/v1/conversations/{conversation_id}/messages"),
    ("post", "/api/v1/conversations/{conversation_id}/members"),
    ("delete", "/api/v1/conversations/{conversation_id}/members/{user_id}"),
    ("post", "/api/v1/conversations/{conversation_id}/claim"),
    ("post", "/api/v1/conversations/{conversation_id}/close"),
    ("post", "/api/v1/conversations/{conversation_id}/handoff"),
    ("post", "/api/v1/conversations/{conversation_id}/notes"),
    ("post", "/api/v1/conversations/{conversation_id}/release"),
    ("post", "/api/v1/conversations/{conversation_id}/signals"),
    ("post", "/api/v1/messages/stream"),
    ("post", "/api/v1/messages/{message_id}/append"),
    ("post", "/api/v1/messages/{message_id}/rewind"),
    ("post", "/api/v1/messages/{message_id}/keep"),
    ("post", "/api/v1/messages/{message_id}/stop"),
    ("get", "/api/v1/messages/{message_id}/stream"),
    ("post", "/api/v1/messages/stop"),
    ("post", "/api/v1/messages/{message_id}/finish"),
    ("post", "/api/v1/conversations/{conversation_id}/typing"),
    ("post", "/api/v1/messages"),
    ("post", "/messages"),
    ("get", "/api/v1/messages/{message_id}"),
}

FURTHER_ROUTES = {
    ("get", "/api/v1/presence"),
    ("delete", "/api/v1/conversations/{conversation_id}"),
    ("patch", "/api/v1/conversations/{conversation_id}"),
    ("get", "/api/v1/conversations/{conversation_id}/bans"),
    ("delete", "/api/v1/conversations/{conversation_id}/bans/{user_id}"),
    ("put", "/api/v1/conversations/{conversation_id}/bans/{user_id}"),
    ("patch", "/api/v1/conversations/{conversation_id}/members/{user_id}"),
    ("get", "/api/v1/conversations/{conversation_id}/mutes"),
    ("delete", "/api/v1/conversations/{conversation_id}/mutes/{user_id}"),
    ("put", "/api/v1/conversations/{conversation_id}/mutes/{user_id}"),
    ("get", "/api/v1/conversations/{conversation_id}/notices"),
    ("get", "/api/v1/conversations/{conversation_id}/files"),
    ("get", "/api/v1/conversations/{conversation_id}/links"),
    ("get", "/api/v1/conversations/{conversation_id}/offers"),
    ("post", "/api/v1/conversations/{conversation_id}/offers"),
    ("get", "/api/v1/conversations/{conversation_id}/pins"),
    ("get", "/api/v1/conversations/{conversation_id}/preferences"),
    ("patch", "/api/v1/conversations/{conversation_id}/preferences"),
    ("put", "/api/v1/conversations/{conversation_id}/preferences"),
    ("post", "/api/v1/conversations/{conversation_id}/read"),
    ("post", "/api/v1/conversations/{conversation_id}/unread"),
    ("post", "/api/v1/files"),
    ("delete", "/api/v1/files/{file_id}"),
    ("get", "/api/v1/files/{file_id}"),
    ("head", "/api/v1/files/{file_id}"),
    ("patch", "/api/v1/files/{file_id}"),
    ("post", "/api/v1/files/{file_id}"),
    ("get", "/api/v1/files/{file_id}/thumbnail"),
    ("get", "/api/v1/files/{file_id}/{name}"),
    ("get", "/api/v1/audit"),
    ("get", "/api/v1/reports"),
    ("patch", "/api/v1/reports/{report_id}"),
    ("get", "/api/v1/reports/{report_id}/context"),
    ("post", "/api/v1/messages/{message_id}/report"),
    ("delete", "/api/v1/messages/{message_id}"),
    ("patch", "/api/v1/messages/{message_id}"),
    ("post", "/api/v1/messages/batch"),
    ("post", "/api/v1/messages/{message_id}/forward"),
    ("get", "/api/v1/messages/{message_id}/history"),
    ("delete", "/api/v1/messages/{message_id}/pin"),
    ("put", "/api/v1/messages/{message_id}/pin"),
    ("delete", "/api/v1/messages/{message_id}/previews"),
    ("delete", "/api/v1/messages/{message_id}/saved"),
    ("put", "/api/v1/messages/{message_id}/saved"),
    ("get", "/api/v1/saved"),
    ("delete", "/api/v1/messages/{message_id}/reactions/{emoji}"),
    ("put", "/api/v1/messages/{message_id}/reactions/{emoji}"),
    ("get", "/api/v1/messages/{message_id}/rating"),
    ("put", "/api/v1/messages/{message_id}/rating"),
    ("get", "/api/v1/messages/{message_id}/card"),
    ("get", "/api/v1/messages/{message_id}/card/receipt"),
    ("get", "/api/v1/cards"),
    ("get", "/api/v1/turns"),
    ("get", "/api/v1/admin/agents"),
    ("post", "/api/v1/turns/claim"),
    ("patch", "/api/v1/turns/{turn_id}"),
    ("post", "/api/v1/turns/{turn_id}/done"),
    ("post", "/api/v1/turns/{turn_id}/release"),
    ("post", "/api/v1/turns/{turn_id}/fail"),
    ("post", "/api/v1/turns/{turn_id}/retry"),
    ("post", "/api/v1/messages/{message_id}/card"),
    ("post", "/api/v1/messages/{message_id}/card/close"),
    ("post", "/api/v1/messages/{message_id}/card/cancel"),
    ("get", "/api/v1/messages/{message_id}/receipts"),
    ("get", "/api/v1/messages/{message_id}/thread"),
    ("delete", "/api/v1/messages/{message_id}/thread/following"),
    ("put", "/api/v1/messages/{message_id}/thread/following"),
    ("post", "/api/v1/messages/{message_id}/thread/read"),
    ("get", "/api/v1/notifications"),
    ("post", "/api/v1/notifications/read"),
    ("delete", "/api/v1/offers/{offer_id}"),
    ("get", "/api/v1/offers/{offer_id}"),
    ("patch", "/api/v1/offers/{offer_id}"),
    ("post", "/api/v1/offers/{offer_id}/accept"),
    ("post", "/api/v1/offers/{offer_id}/counter"),
    ("post", "/api/v1/offers/{offer_id}/reject"),
    ("post", "/api/v1/offers/{offer_id}/report"),
    ("post", "/api/v1/offers/{offer_id}/withdraw"),
    ("get", "/api/v1/search"),
    ("get", "/api/v1/search/offers"),
    ("get", "/api/v1/sync"),
    ("get", "/api/v1/threads"),
    ("get", "/api/v1/events"),
    ("get", "/api/v1/webhooks"),
    ("post", "/api/v1/webhooks"),
    ("get", "/api/v1/webhooks/{webhook_id}"),
    ("put", "/api/v1/webhooks/{webhook_id}"),
    ("patch", "/api/v1/webhooks/{webhook_id}"),
    ("delete", "/api/v1/webhooks/{webhook_id}"),
    ("post", "/api/v1/webhooks/{webhook_id}/rewind"),
    ("post", "/api/v1/webhooks/{webhook_id}/rotate-secret"),
    ("post", "/api/v1/webhooks/{webhook_id}/test"),
    ("get", "/api/v1/webhooks/{webhook_id}/deliveries"),
    ("get", "/api/v1/admin/overview"),
    ("get", "/api/v1/admin/users"),
    ("get", "/api/v1/admin/users/{user_id}/sessions"),
    ("delete", "/api/v1/admin/users/{user_id}/sessions/{session_id}"),
    ("get", "/api/v1/admin/conversations"),
    ("get", "/api/v1/admin/connections"),
    ("delete", "/api/v1/admin/connections/{connection_id}"),
    ("get", "/api/v1/admin/refusals"),
    ("get", "/api/v1/admin/limits"),
    ("get", "/api/v1/admin/push"),
    ("get", "/api/v1/admin/settings"),
    ("get", "/api/v1/push/key"),
    ("get", "/api/v1/users/me/push"),
    ("put", "/api/v1/users/me/push"),
    ("delete", "/api/v1/users/me/push/{subscription_id}"),
    ("get", "/api/v1/users/me/blocks"),
    ("delete", "/api/v1/users/me/blocks/{user_id}"),
    ("put", "/api/v1/users/me/blocks/{user_id}"),
    ("get", "/api/v1/calls/ice-servers"),
    ("get", "/api/v1/users/me/preferences"),
    ("put", "/api/v1/users/me/preferences"),
    ("get", "/api/v1/users/{user_id}/preferences"),
    ("put", "/api/v1/users/{user_id}/preferences"),
    ("get", "/api/v1/users/me/unread"),
    ("get", "/api/v1/teams"),
    ("get", "/api/v1/teams/{team_id}"),
    ("put", "/api/v1/teams/{team_id}"),
    ("delete", "/api/v1/teams/{team_id}"),
    ("get", "/api/v1/teams/{team_id}/numbers"),
    ("post", "/api/v1/teams/{team_id}/members"),
    ("delete", "/api/v1/teams/{team_id}/members/{user_id}"),
    ("delete", "/api/v1/conversations/{conversation_id}/teams/{team_id}"),
    ("get", "/api/v1/users/me/presence"),
    ("put", "/api/v1/users/me/presence"),
    ("get", "/api/v1/users/online"),
    ("get", "/api/v1/users/{user_id}/presence"),
    ("delete", "/messages/{message_id}"),
    ("patch", "/messages/{message_id}"),
    ("get", "/api/gateway/connected"),
    ("post", "/api/gateway/send"),
    ("post", "/api/gateway/send-many"),
    ("get", "/api/gateway/stats"),
    ("get", "/api/gateway/status/{user_id}"),
    ("get", "/chat-messages"),
    ("post", "/chat-messages"),
    ("delete", "/chat-messages/{message_id}"),
    ("patch", "/chat-messages/{message_id}"),
    ("get", "/api/v1/talks"),
    ("post", "/api/v1/talks"),
    ("get", "/api/v1/talks/{conversation_id}"),
    ("post", "/api/v1/talks/{conversation_id}/message"),
    ("get", "/api/v1/talks/{conversation_id}/messages"),
    ("post", "/api/v1/talks/{conversation_id}/offers"),
    ("post", "/api/v1/talks/{conversation_id}/read"),
    ("post", "/api/v1/whatsapp/conversations/{conversation_id}/read"),
    ("get", "/api/v1/whatsapp/conversations/{conversation_id}/messages"),
    ("get", "/api/v1/whatsapp/messages/{message_id}"),
    ("post", "/api/v1/whatsapp/messages"),
    ("patch", "/api/v1/whatsapp/messages/{message_id}/status"),
}
"""Routes that tests/reference/test_openapi.py requests without a token."""


def refusal(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Returns the error of a response, which must have this status and code."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}, body
    error: dict[str, Any] = body["error"]
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    assert error["message"]
    assert set(error) <= {"code", "message", "details"}
    return error


async def test_a_conversation_and_its_messages_are_read_back(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    one = await world.request("GET", f"/api/v1/conversations/{conversation}", by="alice")
    assert [member["userId"] for member in one.json()["members"]] == [world.id_of("alice"), world.id_of("bob")]
    sent = [
        (
            await world.request(
                "POST", "/api/v1/messages", by="alice", json={"conversationId": conversation, "content": str(number)}
            )
        ).json()
        for number in range(3)
    ]
    page = (await world.request("GET", f"/api/v1/conversations/{conversation}/messages?limit=2", by="bob")).json()
    assert page == {"items": sent[1:], "next": sent[1]["id"]}
    path = f"/api/v1/conversations/{conversation}/messages?before={page['next']}"
    assert (await world.request("GET", path, by="bob")).json() == {"items": sent[:1], "next": None}
    assert (await world.request("GET", f"/api/v1/messages/{sent[0]['id']}", by="bob")).json() == sent[0]
    listed = (await world.request("GET", "/api/v1/conversations", by="bob")).json()
    assert [item["id"] for item in listed["items"]] == [conversation]
    assert listed["next"] is None


async def test_the_short_path_sends_too(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    bob = await world.connect("bob")
    body: dict[str, object] = {"conversationId": conversation, "content": "hi", "attachments": [], "replyToId": None}
    answer = await world.request("POST", "/messages", by="alice", json=body)
    assert answer.status_code == 201, answer.text
    assert await bob.next("message:new") == answer.json()


async def test_an_idempotency_key_replaces_a_client_message_id(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    bob = await world.connect("bob")
    body = {"conversationId": conversation, "content": "once"}

    async def send(body: dict[str, str], path: str = "/api/v1/messages") -> httpx.Response:
        return await world.request("POST", path, by="alice", json=body, headers={"Idempotency-Key": "k-1"})

    first = await send(body)
    assert first.json()["clientMessageId"] == "k-1"
    assert (await send(body, "/messages")).json() == first.json()
    refusal(await send({**body, "content": "x"}), 409, "conflict")
    assert (await send({**body, "clientMessageId": "k-2"})).json()["clientMessageId"] == "k-2"
    assert len(await bob.pending("message:new")) == 2


async def test_a_user_sees_only_the_own_email_address(world: World) -> None:
    account = {"email": f"{world.id_of('a')}@example.com", "password": "long enough", "name": "Alice"}
    signed_in = (await world.request("POST", "/api/v1/auth/register", json=account)).json()
    assert signed_in["token"] == signed_in["accessToken"]
    assert signed_in["expiresIn"] == 3600
    headers = {"authorization": f"Bearer {signed_in['token']}"}
    own = (await world.request("GET", "/api/v1/users/me", headers=headers)).json()
    assert own == signed_in["user"]
    assert own["email"] == account["email"]
    pair = {"kind": "direct", "memberIds": [own["id"], world.id_of("bob")]}
    await world.service("POST", "/api/v1/conversations", pair)
    seen = (await world.request("GET", f"/api/v1/users/{own['id']}", by="bob")).json()
    assert (seen["name"], seen.get("email")) == ("Alice", None)


async def test_a_member_may_leave(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    path = f"/api/v1/conversations/{conversation}/members/me"
    assert (await world.request("DELETE", path, by="bob")).status_code == 204
    refusal(await world.request("GET", f"/api/v1/conversations/{conversation}", by="bob"), 403, "forbidden")


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), sorted(r for r in ROUTES if "/auth/" not in r[1] and r != SERVER))
async def test_a_request_without_a_token_is_unauthenticated(world: World, method: str, path: str) -> None:
    answer = await world.request(method, path, json={} if method == "post" else None)
    refusal(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_may_be_in_the_query(world: World) -> None:
    path = f"/api/v1/users/me?token={world.server.token(world.id_of('alice'))}"
    assert (await world.request("GET", path)).json()["id"] == world.id_of("alice")


async def test_an_expired_token_is_refused_as_expired(world: World) -> None:
    token = TokenIssuer(SECRET, clock=lambda: 1_000_000).issue("alice", ttl_s=1)
    answer = await world.request("GET", "/api/v1/users/me", headers={"authorization": f"Bearer {token}"})
    refusal(answer, 401, "token_expired")


@pytest.mark.parametrize("path", ["conversations/{}", "conversations/{}/messages"])
async def test_hidden_objects_are_forbidden_whether_they_exist_or_not(world: World, path: str) -> None:
    conversation = await world.conversation("alice")
    answers = [await world.request("GET", f"/api/v1/{path.format(id_)}", by="bob") for id_ in (conversation, "nowhere")]
    assert refusal(answers[0], 403, "forbidden") == refusal(answers[1], 403, "forbidden")


async def test_a_message_of_others_is_forbidden_whether_it_exists_or_not(world: World) -> None:
    conversation = await world.conversation("alice")
    body = {"conversationId": conversation, "content": "secret"}
    sent = (await world.request("POST", "/api/v1/messages", by="alice", json=body)).json()
    for message_id in (sent["id"], "1", "x", "9" * 40):
        refusal(await world.request("GET", f"/api/v1/messages/{message_id}", by="bob"), 403, "forbidden")


async def test_an_unknown_object_is_not_found(world: World) -> None:
    nobody = await world.request("GET", "/api/v1/users/nobody-at-all", by="backend", role="service")
    refusal(nobody, 404, "not_found")
    refusal(await world.request("GET", "/api/v1/nothing?token=secret"), 404, "not_found")


async def test_an_unknown_method_is_refused(world: World) -> None:
    refusal(await world.request("PUT", "/api/v1/notifications", by="alice"), 405, "invalid_request")


async def test_an_id_or_an_address_that_is_taken_is_a_conflict(world: World) -> None:
    conversation = await world.conversation("alice")
    body = {"kind": "group", "memberIds": [world.id_of("bob")], "id": conversation}
    answer = await world.request("POST", "/api/v1/conversations", by="backend", role="service", json=body)
    refusal(answer, 409, "conflict")
    account = {"email": f"{world.id_of('a')}@example.com", "password": "long enough", "name": "Alice"}
    assert (await world.request("POST", "/api/v1/auth/register", json=account)).status_code == 201
    refusal(await world.request("POST", "/api/v1/auth/register", json=account), 409, "conflict")


async def test_a_body_over_the_limit_is_too_large(world: World) -> None:
    conversation = await world.conversation("alice")
    for length in (65_537, 300_000):
        body = {"conversationId": conversation, "content": "x" * length}
        refusal(await world.request("POST", "/api/v1/messages", by="alice", json=body), 413, "payload_too_large")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"kind": "group", "memberIds": ["a", "b", "c", 4]}, "memberIds[3]"),
        ({"kind": "group", "memberIds": ["a", "b", "c", "d/e"]}, "memberIds[3]"),
        ({"kind": "group", "memberIds": ["nobody-at-all"]}, "memberIds[0]"),
        ({"kind": "crowd", "memberIds": []}, "kind"),
        ({"memberIds": []}, "kind"),
        ([], ""),
        (None, ""),
    ],
)
async def test_an_invalid_body_is_refused_with_its_path(world: World, body: object, path: str) -> None:
    token = world.server.token(world.id_of("alice"))
    answer = await world.request("POST", f"/api/v1/conversations?token={token}", json=body)
    error = refusal(answer, 422, "invalid_request")
    assert [detail["path"] for detail in error["details"]] == [path]
    assert token not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"conversationId":"\xff","content":"x"}',
        b'{"conversationId":"c","content":"\\ud800"}',
        b'{"conversationId":"c","content":"x","metadata":{"a":NaN}}',
        b'{"conversationId":"c","content":"x","metadata":{"a":1e999}}',
        b'{"conversationId":"c","content":"x","metadata":' + b'{"a":' * 100 + b"1" + b"}" * 101,
        b'{"conversationId":"c","content":"x","metadata":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001,
    ],
    ids=["empty", "cut off", "nonsense", "no UTF-8", "surrogate", "NaN", "infinite", "deep", "very deep"],
)
async def test_a_body_of_invalid_json_is_refused(world: World, body: bytes) -> None:
    token = world.server.token(world.id_of("alice"))
    answer = await world.request("POST", f"/api/v1/messages?token={token}", content=body)
    refusal(answer, 422, "invalid_request")
    assert token not in answer.text


@pytest.mark.parametrize("query", ["limit=x", "limit=0", "limit=101", "cursor=x"])
async def test_an_invalid_query_is_refused_with_its_path(world: World, query: str) -> None:
    token = world.server.token(world.id_of("alice"))
    answer = await world.request("GET", f"/api/v1/conversations?token={token}&{query}")
    error = refusal(answer, 422, "invalid_request")
    assert [detail["path"] for detail in error["details"]] == [query.partition("=")[0]]
    assert token not in answer.text


async def test_a_wrong_password_and_an_unknown_address_are_refused_alike(world: World) -> None:
    account = {"email": f"{world.id_of('a')}@example.com", "password": "long enough", "name": "Alice"}
    await world.request("POST", "/api/v1/auth/register", json=account)
    wrong = [
        {"email": account["email"], "password": "wrong password"},
        {"email": f"not-{account['email']}", "password": "long enough"},
        {"email": "no address", "password": "long enough"},
    ]
    errors = [
        refusal(await world.request("POST", "/api/v1/auth/login", json=body), 401, "unauthenticated") for body in wrong
    ]
    assert errors[0] == errors[1] == errors[2]


@pytest.mark.parametrize("token", ["", "x", "x.y", "\x00.y", "1-0123456789abcdef.secret", "." * 1000])
async def test_an_unknown_refresh_token_is_refused(world: World, token: str) -> None:
    answer = await world.request("POST", "/api/v1/auth/refresh", json={"refreshToken": token})
    refusal(answer, 401, "unauthenticated")


async def test_an_applications_own_token_cannot_be_logged_out(world: World) -> None:
    refusal(await world.request("POST", "/api/v1/auth/logout", by="alice"), 422, "invalid_request")


# --- operators, documentation, other origins ------------------------------------------------------------------------


async def test_a_server_without_its_database_reports_it_and_recovers(tmp_path: Path) -> None:
    async with serving(in_process(tmp_path)) as server, world_at(server) as world:
        conversation = await world.conversation("alice")
        alice = await world.connect("alice")
        body = {"conversationId": conversation, "content": "x"}
        with closing(sqlite3.connect(tmp_path / "data" / "talkwire.db")) as database:
            database.execute("ALTER TABLE log_head RENAME TO mislaid")
            database.commit()
            answer = await world.request("GET", "/readyz")
            assert answer.status_code == 503
            assert (answer.json()["status"], answer.json()["database"]) == ("unavailable", "away")
            assert (await world.request("GET", "/healthz")).status_code == 200
            refusal(await world.request("POST", "/api/v1/messages", by="alice", json=body), 503, "unavailable")
            assert (await alice.refused("message:send", body))["code"] == "unavailable"
            database.execute("ALTER TABLE mislaid RENAME TO log_head")
            database.commit()
        ready = {"status": "ok", "database": "ok", "bus": "ok", "lease": "ok", "webhooks": "ok", "draining": False}
        assert (await world.request("GET", "/readyz")).json() == ready
        await alice.send_message(conversation, "x")


async def test_metrics_count_what_is_there(world: World) -> None:
    await world.connect("alice")
    answer = await world.request("GET", "/metrics")
    assert re.fullmatch(r"text/plain; version=[\d.]+; charset=utf-8", answer.headers["content-type"])
    for name in ("sessions", "sockets", "events_received_total", "commit_duration_seconds_count"):
        assert re.search(rf"^talkwire_{name} \d+", answer.text, re.MULTILINE), name


async def test_the_description_has_every_route(world: World) -> None:
    description = (await world.request("GET", "/openapi.json")).json()
    described = {(method, path) for path, methods in description["paths"].items() for method in methods}
    assert described == ROUTES | FURTHER_ROUTES
    operations = [operation for methods in description["paths"].values() for operation in methods.values()]
    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


async def test_the_description_has_the_answers_that_are_server_sent_events(world: World) -> None:
    description = (await world.request("GET", "/openapi.json")).json()
    streamed = {
        path
        for path, methods in description["paths"].items()
        for operation in methods.values()
        if "text/event-stream" in operation["responses"].get("200", {}).get("content", ())
    }
    assert streamed == {"/api/v1/events", "/api/v1/messages/{message_id}/stream"}


async def test_the_documentation_loads_everything_from_this_server(world: World) -> None:
    page = await world.request("GET", "/docs")
    assert page.status_code == 200
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert len(loaded) >= 3
    for address in loaded:
        assert re.match(r"/\w", address), address
        assert (await world.request("GET", address)).status_code == 200, address


async def test_a_body_of_null_is_a_body_without_members(world: World) -> None:
    for body in ("null", " null\n", "{}"):
        answer = await world.request(
            "PATCH", "/api/v1/users/me", by="alice", content=body, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["id"]) == (200, world.id_of("alice"))
    refused = await world.request("POST", "/api/v1/messages", by="alice", content="null")
    assert refused.json()["error"]["message"].startswith("conversationId: is missing")


async def test_a_page_of_this_machine_may_use_rest(world: World) -> None:
    page = {"origin": "http://localhost:5173"}
    asked = {**page, "access-control-request-method": "POST"}
    tracing = "authorization,baggage,sentry-trace,traceparent,tracestate,x-datadog-trace-id,ngrok-skip-browser-warning"
    for names in (None, "authorization,content-type,idempotency-key", tracing):
        named = {} if names is None else {"access-control-request-headers": names}
        allowed = await world.request("OPTIONS", "/api/v1/messages", headers=asked | named)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == page["origin"]
        assert allowed.headers.get("access-control-allow-headers") == names
        assert "PATCH" in allowed.headers["access-control-allow-methods"]
    foreign = {"origin": "https://evil.example", "access-control-request-headers": tracing}
    refused = await world.request("OPTIONS", "/api/v1/messages", headers=asked | foreign)
    assert not [name for name in refused.headers if name.startswith("access-control-")]
    answer = await world.request("GET", "/api/v1/users/me", by="alice", headers=page)
    assert answer.headers["access-control-allow-origin"] == page["origin"]
    assert answer.headers["vary"] == "Origin"
    refused = await world.request("GET", "/api/v1/users/me", headers=page)
    assert refused.headers["access-control-allow-origin"] == page["origin"]


async def test_the_servers_own_page_may_connect_whatever_origins_are_named_and_refusals_are_logged(
    tmp_path: Path,
) -> None:
    with running_chat(tmp_path, {"TALKWIRE_ORIGINS": "https://app.example"}) as server:
        async with world_at(server) as world:
            for origin, allowed in ((server.url, True), ("https://app.example", True), ("https://evil.example", False)):
                polling = await world.http.get("/socket.io/?EIO=4&transport=polling", headers={"origin": origin})
                assert polling.status_code == (200 if allowed else 403), origin
                answer = await world.request("GET", "/api/v1/users/me", by="alice", headers={"origin": origin})
                assert ("access-control-allow-origin" in answer.headers) is allowed, origin
                if allowed:
                    await world.open(headers={"origin": origin})
                else:
                    with pytest.raises(InvalidStatus):
                        await world.open(headers={"origin": origin})
        refused = [line for line in server.logged() if line["event"] == "connection_refused"]
        asked = {"reason": "origin", "origin": "https://evil.example", "setting": 'origins = ["https://evil.example"]'}
        assert [{name: line[name] for name in asked} for line in refused] == [asked] * 3


async def test_a_page_of_another_site_may_not_use_rest(world: World) -> None:
    page = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for method in ("OPTIONS", "GET"):
        answer = await world.request(method, "/api/v1/users/me", by="alice", headers=page)
        assert "access-control-allow-origin" not in answer.headers
    answer = await world.request("GET", "/healthz")
    # a browser must not reuse the cached response for a page of another origin
    assert answer.headers["vary"] == "Origin"
