"""Registration and invitations over REST: responses and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chat.chat_client import Refused
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at

UNBRANDED = {"oidc": None, "name": "Talkwire", "description": None, "logo": None}

ACCOUNT_ROUTES = ("register", "login", "refresh", "logout", "password")


@pytest.fixture(scope="module")
def invite_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on which registering needs an invitation, behind a trusted proxy."""
    environment = {"TALKWIRE_ACCOUNTS": "invite", "TALKWIRE_TRUSTED_PROXIES": "127.0.0.1"}
    with running_chat(tmp_path_factory.mktemp("invite"), environment) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def closed(invite_only: ServerProcess) -> AsyncIterator[World]:
    async with world_at(invite_only) as world:
        yield world


OFFERS_OFF = {"offers": False, "offerCurrency": "EUR"}
"""What a server says of offers in the web client without settings."""


async def _invite(world: World, *conversation_ids: str, by: str | None = None, **body: object) -> Any:  # noqa: ANN401 (JSON)
    """Creates an invitation as the backend, or as a user."""
    asked = {"conversationIds": conversation_ids, **body}
    if by is None:
        return await world.service("POST", "/api/v1/invitations", asked)
    answer = await world.request("POST", "/api/v1/invitations", by=by, json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _register(world: World, name: str, **further: object) -> tuple[int, Any]:
    """Registers an account, and returns (status, body)."""
    account = {"email": f"{world.id_of(name)}@example.com", "password": "correct horse", "name": name.title()}
    answer = await world.request("POST", "/api/v1/auth/register", json={**account, **further})
    return answer.status_code, answer.json()


# --- registration ---------------------------------------------------------------------------------------------------


async def test_the_server_publishes_who_may_register(world: World, closed: World) -> None:
    for place, accounts in ((world, "open"), (closed, "invite")):
        answer = await place.request("GET", "/api/v1/server")
        expected: dict[str, object] = {"accounts": accounts, "webSignIn": "account", "embedOrigins": [], **UNBRANDED}
        expected |= OFFERS_OFF
        assert (answer.status_code, answer.json()) == (200, expected)


async def test_on_an_invite_only_server_registering_needs_an_invitation(closed: World) -> None:
    status, body = await _register(closed, "ann")
    assert (status, body["error"]["code"]) == (403, "forbidden")
    assert "invitation" in body["error"]["message"]
    status, body = await _register(closed, "ann", invitation="guessed")
    assert (status, body["error"]["code"]) == (403, "forbidden")

    conversation = await closed.conversation("alice")
    invitation = await _invite(closed, conversation)
    status, signed_in = await _register(closed, "ann", invitation=invitation["code"])
    assert status == 201
    headers = {"authorization": f"Bearer {signed_in['token']}"}
    listed = (await closed.request("GET", "/api/v1/conversations", headers=headers)).json()["items"]
    assert [item["id"] for item in listed] == [conversation]
    account = {"email": f"{closed.id_of('ann')}@example.com", "password": "correct horse"}
    assert (await closed.request("POST", "/api/v1/auth/login", json=account)).status_code == 200


async def test_on_an_open_server_an_invitation_joins_its_conversations(world: World) -> None:
    conversation = await world.conversation("alice")
    invitation = await _invite(world, conversation)
    alice = await world.connect("alice")
    status, signed_in = await _register(world, "ann", invitation=invitation["code"])
    assert status == 201
    joined = await alice.next("member:added")
    assert (joined["conversationId"], joined["members"][0]["userId"]) == (conversation, signed_in["user"]["id"])
    assert (await _register(world, "ben", invitation="guessed"))[0] == 403


async def test_a_server_without_accounts_has_no_account_routes_and_refuses_their_tokens(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            _, signed_in = await _register(world, "ann")
            account = {"email": f"{world.id_of('ann')}@example.com", "password": "correct horse"}
            names = world
    async with _without_accounts(tmp_path) as world:
        world.take_ids_of(names)
        assert (await world.request("GET", "/api/v1/server")).json() == {
            "accounts": "off",
            "webSignIn": "token",
            "embedOrigins": [],
            **UNBRANDED,
            **OFFERS_OFF,
        }
        described = (await world.request("GET", "/openapi.json")).json()["paths"]
        for route in ACCOUNT_ROUTES:
            path = f"/api/v1/auth/{route}"
            assert path not in described
            body = {**account, "name": "Ann", "refreshToken": signed_in["refreshToken"]}
            answer = await world.http.post(path, json=body, headers={"authorization": f"Bearer {signed_in['token']}"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), route
        headers = {"authorization": f"Bearer {signed_in['token']}"}
        refused = await world.request("GET", "/api/v1/users/me", headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthenticated")
        socket = await world.open()
        with pytest.raises(Refused) as no_socket:
            await socket.sign_in({"token": signed_in["token"]})
        assert no_socket.value.error["data"]["code"] == "unauthenticated"
        # Users with the application's own tokens keep access.
        client = await world.connect("alice")
        await client.done("ping")
        assert (await client.refused("auth:refresh", {"token": signed_in["token"]}))["code"] == "unauthenticated"
        assert (await world.request("GET", "/api/v1/users/me/sessions", by="alice")).json()["items"] == []
        conversation = await world.conversation("alice")
        invitation = await _invite(world, conversation)
        accepted = await world.request("POST", f"/api/v1/invitations/{invitation['code']}/accept", by="bob")
        assert accepted.status_code == 200


@asynccontextmanager
async def _without_accounts(folder: Path) -> AsyncIterator[World]:
    """A server with the application's secret, which has no accounts by default."""
    with running_chat(folder, {"TALKWIRE_ACCOUNTS": ""}) as server:
        async with world_at(server) as world:
            yield world
        assert server.logged_errors() == []


# --- invitations ----------------------------------------------------------------------------------------------------


async def test_an_invitation_has_a_link_and_its_limits(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    asked = {"expiresAt": "2999-01-31T12:00:00+01:00", "maxUses": 2}
    created = await _invite(world, conversation, by="alice", **asked)
    assert len(created["code"]) >= 22
    assert created["url"] == f"{world.server.url}/#invite={created['code']}"
    shown = {
        "id": created["id"],
        "conversationIds": [conversation],
        "uses": 0,
        "createdAt": created["createdAt"],
        "createdBy": world.id_of("alice"),
        "expiresAt": "2999-01-31T11:00:00.000Z",
        "maxUses": 2,
    }
    assert {name: value for name, value in created.items() if name not in {"code", "url"}} == shown
    listed = await world.request("GET", "/api/v1/invitations", by="alice")
    assert listed.json() == {"items": [shown], "next": None}
    assert (await world.request("GET", "/api/v1/invitations", by="bob")).json()["items"] == []

    assert (await world.request("DELETE", f"/api/v1/invitations/{created['id']}", by="bob")).status_code == 403
    assert (await world.request("DELETE", f"/api/v1/invitations/{created['id']}", by="alice")).status_code == 204
    assert (await world.request("GET", "/api/v1/invitations", by="alice")).json()["items"] == []


async def test_an_invitation_of_the_backend_needs_no_body(world: World) -> None:
    answer = await world.request("POST", "/api/v1/invitations", by="backend", role="service")
    assert answer.status_code == 201
    assert answer.json()["conversationIds"] == []
    assert {"expiresAt", "maxUses", "createdBy"}.isdisjoint(answer.json())


async def test_a_retry_creates_no_second_invitation_and_names_the_first(world: World) -> None:
    conversation = await world.conversation("alice")
    headers = {"Idempotency-Key": world.id_of("k1")}

    async def create() -> Any:  # noqa: ANN401 (httpx's)
        asked = {"conversationIds": [conversation]}
        return await world.request("POST", "/api/v1/invitations", by="alice", json=asked, headers=headers)

    created, again = await create(), await create()
    assert (created.status_code, again.status_code) == (201, 409)
    error = again.json()["error"]
    assert (error["code"], error["details"]) == ("conflict", {"invitationId": created.json()["id"]})
    (listed,) = (await world.request("GET", "/api/v1/invitations", by="alice")).json()["items"]
    assert listed["id"] == created.json()["id"]


async def test_joining_by_an_invitation_notifies_the_members(world: World) -> None:
    conversation = await world.conversation("alice")
    created = await _invite(world, conversation, by="alice", maxUses=1)
    alice, bob = await world.connect("alice"), await world.connect("bob")
    accept = f"/api/v1/invitations/{created['code']}/accept"
    for _ in range(2):
        answer = await world.request("POST", accept, by="bob")
        assert answer.status_code == 200, answer.text
        assert [each["id"] for each in answer.json()["conversations"]] == [conversation]
    assert (await alice.next("member:added"))["members"][0]["userId"] == world.id_of("bob")
    assert (await bob.next("member:added"))["conversationId"] == conversation
    refused = await world.request("POST", accept, by="carol")
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        403,
        "The invitation has been used up. Ask for a new one.",
    )
    unknown = await world.request("POST", "/api/v1/invitations/guessed/accept", by="carol")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")


async def test_who_has_the_code_sees_the_conversation_before_joining(world: World) -> None:
    conversation = await world.conversation("alice")
    created = await _invite(world, conversation, by="alice", maxUses=1)
    path = f"/api/v1/invitations/{created['code']}"
    before_signing_in = f"/api/v1/auth/invitations/{created['code']}"
    seen = []
    for address, by in (
        (f"{path}/conversations", "alice"),
        (f"{path}/conversations", "bob"),
        (before_signing_in, None),
    ):
        answer = await world.request("GET", address, by=by)
        assert answer.status_code == 200, answer.text
        (invited,) = answer.json()["conversations"]
        assert (invited["id"], invited["kind"]) == (conversation, "group")
        seen.append(invited["isMember"])
    assert seen == [True, False, False]
    # Looking uses nothing up.
    assert (await world.request("POST", f"{path}/accept", by="bob")).status_code == 200
    # The next user cannot join; those who have joined still see what they are in.
    assert (await world.request("GET", f"{path}/conversations", by="bob")).status_code == 200
    refused = await world.request("GET", f"{path}/conversations", by="carol")
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        403,
        "The invitation has been used up. Ask for a new one.",
    )
    assert (await world.request("GET", before_signing_in)).json() == refused.json()
    guesses = (("/api/v1/invitations/guessed/conversations", "carol"), ("/api/v1/auth/invitations/guessed", None))
    for address, by in guesses:
        unknown = await world.request("GET", address, by=by)
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")


async def test_a_code_in_the_body_is_answered_like_one_in_the_address(world: World) -> None:
    conversation = await world.conversation("alice")
    created = await _invite(world, conversation, by="alice", maxUses=1)
    for code in (created["code"], "guessed"):
        for by, in_body, in_address in (
            (None, "POST auth/invitations/conversations", f"GET auth/invitations/{code}"),
            ("bob", "POST invitations/conversations", f"GET invitations/{code}/conversations"),
            ("bob", "POST invitations/accept", f"POST invitations/{code}/accept"),
        ):
            method, path = in_body.split()
            answer = await world.request(method, f"/api/v1/{path}", by=by, json={"code": code})
            method, path = in_address.split()
            other = await world.request(method, f"/api/v1/{path}", by=by)
            assert (answer.status_code, answer.json()) == (other.status_code, other.json())
            assert answer.status_code == (404 if code == "guessed" else 200), answer.text


async def test_a_used_up_invitation_to_the_server_is_refused_before_signing_in(world: World) -> None:
    created = await _invite(world, maxUses=1)
    path = f"/api/v1/auth/invitations/{created['code']}"
    assert (await world.request("GET", path)).json() == {"conversations": []}
    account = {"email": f"{created['id']}@example.com", "password": "correct horse", "name": "Iris"}
    registered = await world.request("POST", "/api/v1/auth/register", json={**account, "invitation": created["code"]})
    assert registered.status_code == 201, registered.text
    assert (await world.request("GET", path)).status_code == 403


async def test_concurrent_uses_of_the_last_invitation_have_one_winner(world: World) -> None:
    conversation = await world.conversation("alice")
    accept = f"/api/v1/invitations/{(await _invite(world, conversation, maxUses=1))['code']}/accept"
    answers = await asyncio.gather(*(world.request("POST", accept, by=f"racer{number}") for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 7


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"maxUses": 0}, "maxUses"),
        ({"maxUses": "5"}, "maxUses"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-23:59"}, "expiresAt"),
        ({"conversationIds": ["a b"]}, "conversationIds[0]"),
        ({"uses": 5}, "uses"),
    ],
)
async def test_an_invalid_invitation_is_refused_with_its_path(world: World, body: object, path: str) -> None:
    answer = await world.request("POST", "/api/v1/invitations", by="backend", role="service", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert answer.json()["error"]["details"][0]["path"] == path


@pytest.mark.parametrize(
    ("headers", "site"),
    [
        ({"host": "chat.example.com", "x-forwarded-proto": "https"}, "https://chat.example.com"),
        ({"host": "chat.example.com", "x-forwarded-proto": "http"}, "http://chat.example.com"),
        ({"host": "chat.example.com", "origin": "https://chat.example.com"}, "https://chat.example.com"),
        ({"host": "chat.example.com", "origin": "https://evil.example"}, "http://chat.example.com"),
        ({"host": "chat.example.com", "origin": "https://["}, "http://chat.example.com"),
    ],
)
async def test_a_link_has_the_address_of_the_request(closed: World, headers: dict[str, str], site: str) -> None:
    answer = await closed.request("POST", "/api/v1/invitations", by="backend", role="service", headers=headers)
    assert answer.json()["url"] == f"{site}/#invite={answer.json()['code']}"


async def test_codes_are_guessed_as_slowly_as_passwords_and_links_lead_to_the_public_address(tmp_path: Path) -> None:
    environment = {
        "TALKWIRE_RATE_LIMITS": "on",
        "TALKWIRE_RATES": "sign_ins=0.01/3",
        "TALKWIRE_PUBLIC_URL": "https://chat.example.com/",
    }
    with running_chat(tmp_path, environment) as server:
        async with world_at(server) as world:
            created = await _invite(world)
            assert created["url"] == f"https://chat.example.com/#invite={created['code']}"
            guesses = [f"/api/v1/invitations/{guess}/accept" for guess in range(4)]
            answers = [await world.request("POST", guess, by="bob") for guess in guesses]
            assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
            refused = await world.request("POST", f"/api/v1/invitations/{created['code']}/accept", by="carol")
            assert refused.status_code == 429
            assert (await world.request("GET", f"/api/v1/auth/invitations/{created['code']}")).status_code == 429
