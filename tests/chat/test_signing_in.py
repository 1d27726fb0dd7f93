"""Signing in over a socket: where the token may be, which tokens are valid, and when a socket's sign-in ends."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest

from talkwire.core.commands.accounts import BanUser
from talkwire.core.domain.model import ID_MAX_LENGTH, Actor
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.signatures import TOKEN_MAX_LENGTH
from tests.chat.chat_client import Refused
from tests.chat.chat_server import SECRET, in_process, running_chat, serving
from tests.chat.conftest import World, world_at


async def test_a_client_signs_in_with_a_token_in_auth(world: World) -> None:
    client = await world.open()
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    connected = await client.next("connected")
    assert connected["userId"] == world.id_of("alice")
    assert connected["socketId"] == client.socket_id
    assert connected["message"]
    assert connected["cursor"]


async def test_a_client_signs_in_with_a_token_in_the_authorization_header(world: World) -> None:
    client = await world.open(headers={"Authorization": f"Bearer {world.server.token(world.id_of('alice'))}"})
    await client.sign_in()
    assert (await client.next("connected"))["userId"] == world.id_of("alice")


async def test_a_client_signs_in_with_a_token_in_the_query(world: World) -> None:
    client = await world.open({"token": world.server.token(world.id_of("alice"))})
    await client.sign_in()
    assert (await client.next("connected"))["userId"] == world.id_of("alice")


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", ""])
async def test_a_token_may_have_its_scheme_wherever_it_stands(world: World, scheme: str) -> None:
    token = scheme + world.server.token(world.id_of("alice"))
    for client, auth in (
        (await world.open(), {"token": token}),
        (await world.open({"token": token}), None),
        (await world.open(headers={"Authorization": token}), None),
    ):
        await client.sign_in(auth)
        assert (await client.next("connected"))["userId"] == world.id_of("alice")
        await client.done("auth:refresh", {"token": token})
    for path, headers in (
        (f"/api/v1/users/me?{urlencode({'token': token})}", {}),
        ("/api/v1/users/me", {"authorization": token}),
    ):
        assert (await world.request("GET", path, headers=headers)).json()["id"] == world.id_of("alice")


async def test_a_token_with_many_roles_is_accepted_in_each_place(world: World) -> None:
    issuer = TokenIssuer(SECRET)
    short = issuer.issue(world.id_of("alice"), ttl_s=60, claims={"groups": ""})
    groups = "g" * ((TOKEN_MAX_LENGTH - len(short)) * 3 // 4 - 2)
    token = issuer.issue(world.id_of("alice"), ttl_s=60, claims={"groups": groups})
    assert TOKEN_MAX_LENGTH - 8 < len(token) <= TOKEN_MAX_LENGTH
    further = {"dialect": "messenger", "deviceId": "d" * ID_MAX_LENGTH}
    for client, auth in (
        (await world.open(), {"token": f"Bearer {token}", **further}),
        (await world.open({"token": token}), None),
        (await world.open(headers={"Authorization": f"Bearer {token}"}), None),
    ):
        await client.sign_in(auth)
        await client.done("auth:refresh", {"token": token})
    for path, headers in (
        (f"/api/v1/users/me?token={token}", {}),
        ("/api/v1/users/me", {"authorization": f"Bearer {token}"}),
    ):
        assert (await world.request("GET", path, headers=headers)).status_code == 200


@pytest.mark.parametrize("auth", [{}, {"accessToken": "a"}, {"token": {"jwt": "a"}}])
async def test_a_client_without_a_token_learns_where_one_belongs(world: World, auth: dict[str, object]) -> None:
    client = await world.open(headers={"Authorization": "Token a"})
    with pytest.raises(Refused) as refused:
        await client.sign_in(auth)
    reason = refused.value.error["data"]["reason"]
    assert all(place in reason for place in ("`auth.token`", "`Authorization: Bearer …`", "`?token=`"))


async def test_an_empty_token_in_auth_does_not_hide_another(world: World) -> None:
    client = await world.open({"token": world.server.token(world.id_of("alice"))})
    await client.sign_in({"token": ""})
    assert (await client.next("connected"))["userId"] == world.id_of("alice")


async def test_a_token_in_auth_takes_precedence_over_one_in_the_query(world: World) -> None:
    client = await world.open({"token": world.server.token(world.id_of("bob"))})
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert (await client.next("connected"))["userId"] == world.id_of("alice")


@pytest.mark.parametrize("auth", [None, {}, {"token": None}, {"token": 5}, {"token": ""}, {"token": "x.y.z"}])
async def test_a_client_without_a_valid_token_is_refused(world: World, auth: dict[str, object] | None) -> None:
    client = await world.open()
    with pytest.raises(Refused) as refused:
        await client.sign_in(auth)
    assert refused.value.error["message"] == "Authentication failed"
    assert refused.value.error["data"]["code"] == "unauthenticated"


async def test_a_refused_client_learns_the_reason_that_rest_gives(world: World) -> None:
    other = TokenIssuer("another secret, which also has 32 bytes").issue("alice", ttl_s=60)
    for token in (other, expired_token(world.id_of("alice")), "x.y.z"):
        client = await world.open()
        with pytest.raises(Refused) as refused:
            await client.sign_in({"token": token})
        answer = await world.request("GET", "/api/v1/users/me", headers={"authorization": f"Bearer {token}"})
        error = answer.json()["error"]
        assert refused.value.error["data"] == {"code": error["code"], "reason": error["message"]}


async def test_a_user_id_alone_is_no_credential(world: World) -> None:
    client = await world.open({"userId": "alice"})
    with pytest.raises(Refused) as refused:
        await client.sign_in({"userId": "alice"})
    assert refused.value.error["data"]["code"] == "unauthenticated"


def expired_token(user_id: str) -> str:
    return TokenIssuer(SECRET, clock=lambda: 1_000_000).issue(user_id, ttl_s=1)


async def test_a_client_with_an_expired_token_is_refused(world: World) -> None:
    client = await world.open()
    with pytest.raises(Refused) as refused:
        await client.sign_in({"token": expired_token("alice")})
    assert refused.value.error["data"] == {"code": "token_expired", "reason": "The token has expired."}


async def test_a_client_that_was_refused_may_try_again(world: World) -> None:
    client = await world.open()
    with pytest.raises(Refused):
        await client.sign_in({"token": "nonsense"})
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert (await client.next("connected"))["userId"] == world.id_of("alice")


async def test_a_client_that_asks_for_an_unknown_dialect_is_refused(world: World) -> None:
    client = await world.open()
    with pytest.raises(Refused) as refused:
        await client.sign_in({"token": world.server.token(world.id_of("alice")), "dialect": "klingon"})
    assert refused.value.error["data"] == {"code": "invalid_request"}


async def test_a_socket_ends_when_its_token_expires(world: World) -> None:
    # At least a whole second, since tokens count in seconds.
    client = await world.connect("alice", ttl_s=1)
    ending = await client.next("session:ending")
    assert ending == {"reason": "token_expired", "reconnect": True}
    await client.wait_closed()


async def test_a_token_that_expires_very_late_is_accepted(world: World) -> None:
    client = await world.connect("alice", ttl_s=10**11)
    await client.done("ping")


async def test_a_banned_user_loses_all_sockets_and_gets_no_new_one(tmp_path: Path) -> None:
    talkwire = in_process(tmp_path)
    async with serving(talkwire) as server, world_at(server) as world:
        sockets = [await world.connect("mallory"), await world.connect("mallory")]
        bystander = await world.connect("alice")
        await talkwire.chat.execute(Actor("operator", "Operator", "admin"), BanUser(world.id_of("mallory")))
        for socket in sockets:
            assert await socket.next("session:ending") == {"reason": "banned", "reconnect": False}
            await socket.wait_disconnected()
        client = await world.open()
        with pytest.raises(Refused) as refused:
            await client.sign_in({"token": world.server.token(world.id_of("mallory"))})
        assert refused.value.error["data"]["code"] == "banned"
        answer = await world.request("GET", "/api/v1/users/me", by="mallory")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "banned")
        await bystander.done("ping")


async def test_logging_out_ends_the_sockets_of_that_device_only(world: World) -> None:
    account = {"email": f"{world.id_of('alice')}@example.com", "password": "correct horse"}
    registered = await world.request("POST", "/api/v1/auth/register", json={**account, "name": "Alice"})
    assert registered.status_code == 201, registered.text
    logged_in = (await world.request("POST", "/api/v1/auth/login", json=account)).json()
    phone, desktop = await world.open(), await world.open()
    await phone.sign_in({"token": registered.json()["accessToken"]})
    await desktop.sign_in({"token": logged_in["token"]})

    headers = {"authorization": f"Bearer {registered.json()['accessToken']}"}
    answer = await world.request("POST", "/api/v1/auth/logout", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")

    assert await phone.next("session:ending") == {"reason": "logout", "reconnect": False}
    await phone.wait_disconnected()
    await desktop.done("ping")


async def test_the_token_of_a_signed_out_device_is_invalid(world: World) -> None:
    account = {"email": f"{world.id_of('alice')}@example.com", "password": "correct horse", "name": "Alice"}
    token = (await world.request("POST", "/api/v1/auth/register", json=account)).json()["accessToken"]
    headers = {"authorization": f"Bearer {token}"}
    assert (await world.request("GET", "/api/v1/users/me", headers=headers)).status_code == 200
    await world.request("POST", "/api/v1/auth/logout", headers=headers)

    assert (await world.request("GET", "/api/v1/users/me", headers=headers)).status_code == 401
    client = await world.open()
    with pytest.raises(Refused) as refused:
        await client.sign_in({"token": token})
    assert refused.value.error["data"]["code"] == "unauthenticated"


async def test_a_refresh_token_that_is_used_twice_ends_the_sockets_of_its_sign_in(world: World) -> None:
    account = {"email": f"{world.id_of('alice')}@example.com", "password": "correct horse", "name": "Alice"}
    first = (await world.request("POST", "/api/v1/auth/register", json=account)).json()
    client = await world.open()
    await client.sign_in({"token": first["accessToken"]})
    old = {"refreshToken": first["refreshToken"]}
    second = await world.request("POST", "/api/v1/auth/refresh", json=old)
    assert second.status_code == 200
    assert second.json()["refreshToken"] != first["refreshToken"]
    await client.done("ping")
    assert (await world.request("POST", "/api/v1/auth/refresh", json=old)).status_code == 401
    assert (await client.next("session:ending"))["reason"] == "logout"
    stolen = {"refreshToken": second.json()["refreshToken"]}
    assert (await world.request("POST", "/api/v1/auth/refresh", json=stolen)).status_code == 401


async def test_a_token_within_the_tolerance_is_accepted_and_its_socket_stays(world: World) -> None:
    """The tolerance is ten seconds. If the socket ended at `exp`, the client would reconnect at once."""
    expired_at = int(time.time()) - 1
    late = _token_until(world.id_of("alice"), expired_at)
    assert (await world.request("GET", "/api/v1/users/me", headers={"authorization": f"Bearer {late}"})).is_success
    client = await world.open()
    await client.sign_in({"token": late})
    renewed = await client.done("auth:refresh", {"token": late})
    assert datetime.fromisoformat(renewed["expiresAt"]).timestamp() == expired_at + 10
    await client.done("ping")

    too_late = _token_until(world.id_of("alice"), int(time.time()) - 11)
    answer = await world.request("GET", "/api/v1/users/me", headers={"authorization": f"Bearer {too_late}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_expired")


def _token_until(user_id: str, expires_at: int) -> str:
    return jwt.encode({"sub": user_id, "exp": expires_at}, SECRET)


async def test_a_page_of_another_site_cannot_sign_a_developer_in(tmp_path: Path) -> None:
    with running_chat(tmp_path, {"TALKWIRE_INSECURE_DEV_AUTH": "true"}) as server:
        async with world_at(server) as world:
            path = f"/api/v1/conversations?userId={world.id_of('alice')}"
            for origin, status in ((None, 201), ("http://localhost:5173", 201), ("https://evil.example", 401)):
                # A content type that browsers send to other origins without a preflight request.
                headers = {"content-type": "text/plain", **({} if origin is None else {"origin": origin})}
                answer = await world.http.post(path, content='{"kind": "group", "memberIds": []}', headers=headers)
                assert answer.status_code == status, origin
