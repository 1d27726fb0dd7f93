"""Accounts: devices, passwords, profiles and bans."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire.identity.issuer import TokenIssuer
from tests.chat.chat_client import ChatClient, Refused
from tests.chat.chat_server import SECRET, in_process, jump_ahead, running_chat, serving
from tests.chat.conftest import World, world_at
from tests.cli.processes import run_talkwire
from tests.databases import Database

PASSWORD = "correct horse"


@dataclass
class Device:
    """A signed-in device of an account."""

    world: World
    user_id: str
    token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (httpx's)
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.world.request(method, path, headers=headers, **options)

    async def connect(self) -> ChatClient:
        client = await self.world.open()
        await client.sign_in({"token": self.token})
        await client.next("connected")
        return client

    async def is_signed_in(self) -> bool:
        return (await self.request("GET", "/api/v1/users/me")).status_code == 200


def _device(world: World, answer: httpx.Response) -> Device:
    assert answer.is_success, answer.text
    body = answer.json()
    return Device(world, body["user"]["id"], body["token"], body["refreshToken"])


def _email(world: World, name: str) -> str:
    return f"{world.id_of(name)}@example.com"


async def _register(world: World, name: str, **headers: str) -> Device:
    body = {"email": _email(world, name), "password": PASSWORD, "name": name.title()}
    return _device(world, await world.request("POST", "/api/v1/auth/register", json=body, headers=headers))


async def _login(world: World, name: str, password: str = PASSWORD, **headers: str) -> Device:
    body = {"email": _email(world, name), "password": password}
    return _device(world, await world.request("POST", "/api/v1/auth/login", json=body, headers=headers))


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# --- devices --------------------------------------------------------------------------------------------------------


async def test_a_user_sees_the_devices_that_are_signed_in(world: World) -> None:
    phone = await _register(world, "alice", **{"user-agent": "Phone/1.0"})
    desktop = await _login(world, "alice", **{"user-agent": "Desktop\tBrowser " + "x" * 500})
    answer = await phone.request("GET", "/api/v1/users/me/sessions")
    assert answer.status_code == 200
    listed = {item["userAgent"][:7]: item for item in answer.json()["items"]}
    assert answer.json()["next"] is None
    assert set(listed) == {"Phone/1", "Desktop"}
    first = listed["Phone/1"]
    assert set(first) == {"id", "createdAt", "lastSeenAt", "address", "userAgent", "current"}
    assert (first["userAgent"], first["address"], first["current"]) == ("Phone/1.0", "127.0.0.1", True)
    assert listed["Desktop"]["current"] is False
    assert len(listed["Desktop"]["userAgent"]) == 300
    assert "\t" not in listed["Desktop"]["userAgent"]
    assert await desktop.is_signed_in()


async def test_an_address_is_that_of_the_client_only_where_the_proxy_is_trusted(world: World, tmp_path: Path) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.9"}
    device = await _register(world, "alice", **forwarded)
    sessions = (await device.request("GET", "/api/v1/users/me/sessions")).json()["items"]
    assert [session["address"] for session in sessions] == ["127.0.0.1"]
    with running_chat(tmp_path, {"TALKWIRE_TRUSTED_PROXIES": "127.0.0.0/8"}) as server:
        async with world_at(server) as behind_a_proxy:
            device = await _register(behind_a_proxy, "alice", **forwarded)
            sessions = (await device.request("GET", "/api/v1/users/me/sessions")).json()["items"]
            assert [session["address"] for session in sessions] == ["203.0.113.9"]
            # A proxy may add another header line after the one that the client sent.
            made_up = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "203.0.113.9")]
            account = {"email": f"{behind_a_proxy.id_of('bob')}@example.com", "password": PASSWORD, "name": "Bob"}
            signed_in = await behind_a_proxy.http.post("/api/v1/auth/register", json=account, headers=made_up)
            bearer = {"authorization": f"Bearer {signed_in.json()['token']}"}
            listed = await behind_a_proxy.http.get("/api/v1/users/me/sessions", headers=bearer)
            assert [session["address"] for session in listed.json()["items"]] == ["203.0.113.9"]


async def test_a_refresh_updates_the_address_of_the_device(world: World) -> None:
    device = await _register(world, "alice", **{"user-agent": "Old"})
    body = {"refreshToken": device.refresh_token}
    answer = await world.request("POST", "/api/v1/auth/refresh", json=body, headers={"user-agent": "New"})
    assert answer.status_code == 200
    (session,) = (await device.request("GET", "/api/v1/users/me/sessions")).json()["items"]
    assert session["userAgent"] == "New"
    assert session["lastSeenAt"] > session["createdAt"]


async def test_made_up_refresh_tokens_do_not_sign_a_device_out(world: World) -> None:
    """Access tokens name the session, so its id is not a secret."""
    device, attacker = await _register(world, "alice"), await _register(world, "mallory")
    session_id, secret, mac = device.refresh_token.split(".")
    _, own_secret, own_mac = attacker.refresh_token.split(".")
    other = "A" if mac[0] != "A" else "B"
    made_up = [
        "",
        "x",
        "x.y",
        f"x.{mac}",
        f"{own_secret}.{own_mac}",
        f"{secret}x.{mac}",
        f"{secret[:-1]}.{other}{mac[1:]}",
    ]
    for rest in made_up:
        body = {"refreshToken": f"{session_id}.{rest}"}
        assert _code(await world.request("POST", "/api/v1/auth/refresh", json=body)) == (401, "unauthenticated")
    assert await device.is_signed_in()
    body = {"refreshToken": device.refresh_token}
    assert (await world.request("POST", "/api/v1/auth/refresh", json=body)).status_code == 200
    assert (await world.request("POST", "/api/v1/auth/refresh", json=body)).status_code == 401
    assert not await device.is_signed_in(), "a token was used twice"


async def test_a_device_signs_another_one_out(world: World) -> None:
    phone, desktop = await _register(world, "alice"), await _login(world, "alice")
    socket, own = await desktop.connect(), await phone.connect()
    sessions = (await phone.request("GET", "/api/v1/users/me/sessions")).json()["items"]
    (other,) = [session["id"] for session in sessions if not session["current"]]
    answer = await phone.request("DELETE", f"/api/v1/users/me/sessions/{other}")
    assert (answer.status_code, answer.content) == (204, b"")
    ending = await socket.next("session:ending")
    assert ending == {"reason": "logout", "reconnect": False}
    await socket.wait_disconnected()
    assert not await desktop.is_signed_in()
    refused = await world.request("POST", "/api/v1/auth/refresh", json={"refreshToken": desktop.refresh_token})
    assert refused.status_code == 401
    await own.done("ping")
    assert await phone.is_signed_in()


async def test_an_address_token_ends_with_its_session_or_the_ban_of_its_user(world: World) -> None:
    phone, desktop = await _register(world, "alice"), await _login(world, "alice")
    issued = [await device.request("POST", "/api/v1/users/me/address-token") for device in (phone, desktop)]

    async def codes() -> list[str]:
        paths = [f"/api/v1/files/x/x?token={answer.json()['token']}" for answer in issued]
        return [_code(await world.request("GET", path))[1] for path in paths]

    assert await codes() == ["forbidden", "forbidden"]  # there is no such file
    assert (await desktop.request("POST", "/api/v1/auth/logout")).status_code == 204
    assert await codes() == ["forbidden", "unauthenticated"]
    assert (
        await world.request("PUT", f"/api/v1/users/{phone.user_id}/ban", by="judge", role="admin")
    ).status_code == 204
    assert await codes() == ["banned", "banned"]


async def test_another_users_device_is_refused_like_an_unknown_one(world: World) -> None:
    alice, mallory = await _register(world, "alice"), await _register(world, "mallory")
    (session,) = (await alice.request("GET", "/api/v1/users/me/sessions")).json()["items"]
    for session_id in (session["id"], "1-unknown", "%00"):
        answer = await mallory.request("DELETE", f"/api/v1/users/me/sessions/{session_id}")
        assert answer.status_code in {403, 422}, answer.text
    assert _code(await mallory.request("DELETE", f"/api/v1/users/me/sessions/{session['id']}")) == (403, "forbidden")
    assert _code(await mallory.request("DELETE", "/api/v1/users/me/sessions/1-unknown")) == (403, "forbidden")
    assert await alice.is_signed_in()


async def test_a_user_of_an_applications_token_has_no_devices(world: World) -> None:
    answer = await world.request("GET", "/api/v1/users/me/sessions", by="alice")
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


# --- passwords ------------------------------------------------------------------------------------------------------


async def test_a_new_password_ends_the_other_devices_and_keeps_this_one(world: World) -> None:
    phone, desktop = await _register(world, "alice"), await _login(world, "alice")
    socket, own = await desktop.connect(), await phone.connect()
    body = {"currentPassword": PASSWORD, "newPassword": "battery staple"}
    answer = await phone.request("POST", "/api/v1/auth/password", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await socket.next("session:ending"))["reason"] == "logout"
    assert not await desktop.is_signed_in()
    await own.done("ping")
    assert await phone.is_signed_in()
    old = await world.request(
        "POST", "/api/v1/auth/login", json={"email": _email(world, "alice"), "password": PASSWORD}
    )
    assert _code(old) == (401, "unauthenticated")
    assert await (await _login(world, "alice", "battery staple")).is_signed_in()
    renewed = await world.request("POST", "/api/v1/auth/refresh", json={"refreshToken": phone.refresh_token})
    assert renewed.status_code == 200


async def test_a_wrong_current_password_changes_nothing(world: World) -> None:
    device = await _register(world, "alice")
    body = {"currentPassword": "a guess", "newPassword": "battery staple"}
    assert _code(await device.request("POST", "/api/v1/auth/password", json=body)) == (403, "forbidden")
    assert await (await _login(world, "alice")).is_signed_in()


async def test_a_user_without_an_account_is_refused_like_a_wrong_password(world: World) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": "battery staple"}
    device = await _register(world, "alice")
    wrong = await device.request("POST", "/api/v1/auth/password", json={**body, "currentPassword": "a guess"})
    none = await world.request("POST", "/api/v1/auth/password", json=body, by="bob")
    assert (none.status_code, none.json()) == (wrong.status_code, wrong.json())


async def test_a_user_with_the_address_of_anothers_account_learns_nothing_of_its_password(world: World) -> None:
    """The backend may set any e-mail address for a user without an account."""
    await _register(world, "alice")
    await world.service("PUT", f"/api/v1/users/{world.id_of('mallory')}", {"email": _email(world, "alice")})
    body = {"currentPassword": PASSWORD, "newPassword": "battery staple"}
    right = await world.request("POST", "/api/v1/auth/password", json=body, by="mallory")
    wrong = await world.request(
        "POST", "/api/v1/auth/password", json={**body, "currentPassword": "a guess"}, by="mallory"
    )
    assert _code(right) == (403, "forbidden")
    assert (right.status_code, right.json()) == (wrong.status_code, wrong.json())
    assert await (await _login(world, "alice")).is_signed_in()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"currentPassword": PASSWORD, "newPassword": "short"}, "newPassword"),
        ({"currentPassword": PASSWORD}, "newPassword"),
        ({"currentPassword": PASSWORD, "newPassword": 5}, "newPassword"),
    ],
)
async def test_an_impossible_new_password_is_refused(world: World, body: dict[str, object], path: str) -> None:
    device = await _register(world, "alice")
    answer = await device.request("POST", "/api/v1/auth/password", json=body)
    assert _code(answer) == (422, "invalid_request")
    assert answer.json()["error"]["details"][0]["path"] == path


# --- profiles -------------------------------------------------------------------------------------------------------


async def _introduce(world: World, device: Device, name: str) -> None:
    """Creates a conversation of a user and another one, so that they are contacts."""
    body = {"kind": "direct", "memberIds": [device.user_id, world.id_of(name)]}
    await world.service("POST", "/api/v1/conversations", body)


async def test_contacts_see_a_changed_profile(world: World) -> None:
    device = await _register(world, "alice")
    await _introduce(world, device, "bob")
    socket = await device.connect()
    change = {"name": "Alicia", "avatar": "https://example.com/a.png", "text": "Hello"}
    answer = await device.request("PATCH", "/api/v1/users/me", json=change)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in change} == change
    assert answer.json()["email"] == _email(world, "alice")
    received = await socket.next("user:updated")
    assert received == {name: value for name, value in answer.json().items() if name != "email"}
    seen = (await world.request("GET", f"/api/v1/users/{device.user_id}", by="bob")).json()
    assert seen == received
    answer = await device.request("PATCH", "/api/v1/users/me", json={"avatar": None})
    assert "avatar" not in answer.json()
    assert answer.json()["text"] == "Hello"


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"name": ""},
        {"avatar": "javascript:alert(1)"},
        {"text": 5},
        {"email": "other@example.com"},
        {"role": "admin"},
        {"banned": False},
        [],
    ],
)
async def test_an_invalid_change_is_refused(world: World, body: object) -> None:
    answer = await world.request("PATCH", "/api/v1/users/me", json=body, by="alice")
    assert _code(answer) == (422, "invalid_request")


async def test_users_are_searched_by_name_and_id(world: World) -> None:
    device = await _register(world, "alice")
    await _introduce(world, device, "bob")
    name = world.id_of("Zoë")
    await device.request("PATCH", "/api/v1/users/me", json={"name": name})
    for text in (name.upper(), device.user_id):
        answer = await world.request("GET", "/api/v1/users", params={"query": text}, by="bob")
        assert answer.status_code == 200
        (found,) = answer.json()["items"]
        assert (found["id"], found["name"], "email" in found) == (device.user_id, name, False)
        assert answer.json()["next"] is None
    answer = await world.request("GET", "/api/v1/users", params={"query": _email(world, "alice")}, by="bob")
    assert answer.json() == {"items": [], "next": None}
    page = (await world.request("GET", "/api/v1/users", params={"limit": 1}, by="bob")).json()
    assert len(page["items"]) == 1
    assert page["next"]


# --- bans -----------------------------------------------------------------------------------------------------------


async def test_a_moderator_bans_and_unbans_a_user(world: World) -> None:
    sockets = [await world.connect("mallory"), await world.connect("mallory")]
    path = f"/api/v1/users/{world.id_of('mallory')}/ban"
    assert (await world.request("PUT", path, by="judge", role="admin")).status_code == 204
    for socket in sockets:
        ending = await socket.next("session:ending")
        assert ending == {"reason": "banned", "reconnect": False}
        await socket.wait_disconnected()
    assert _code(await world.request("GET", "/api/v1/users/me", by="mallory")) == (403, "banned")
    assert (await world.request("PUT", path, by="judge", role="admin")).status_code == 204
    assert (await world.request("DELETE", path, by="judge", role="admin")).status_code == 204
    await world.connect("mallory")


async def test_users_cannot_ban(world: World) -> None:
    socket = await world.connect("bob")
    for method in ("PUT", "DELETE"):
        for user_id in (world.id_of("bob"), "nobody"):
            answer = await world.request(method, f"/api/v1/users/{user_id}/ban", by="alice")
            assert _code(answer) == (403, "forbidden")
    await socket.done("ping")


async def test_a_moderator_learns_that_there_is_no_such_user(world: World) -> None:
    answer = await world.request("PUT", f"/api/v1/users/{world.id_of('nobody')}/ban", by="judge", role="admin")
    assert _code(answer) == (404, "not_found")


async def test_a_ban_by_the_command_line_reaches_a_running_server(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            device = await _register(world, "alice")
            socket = await device.connect()
            arguments = ("user", "ban", device.user_id, "--data", str(tmp_path / "data"))
            answer = await asyncio.to_thread(run_talkwire, *arguments, cwd=tmp_path)
            assert answer.exit_code == 0, answer.err
            ending = await socket.next("session:ending")
            assert ending == {"reason": "banned", "reconnect": False}
            assert _code(await device.request("GET", "/api/v1/users/me")) == (403, "banned")
            refused = await world.request("POST", "/api/v1/auth/refresh", json={"refreshToken": device.refresh_token})
            assert _code(refused) == (403, "banned")


async def test_a_ban_that_goes_into_the_database_beside_the_server_reaches_it(
    tmp_path: Path, postgresql_database: Database
) -> None:
    url = postgresql_database.url.render_as_string(hide_password=False)
    with running_chat(tmp_path, {"TALKWIRE_DATABASE": url}) as server:
        async with world_at(server) as world:
            socket, bystander = await world.connect("mallory"), await world.connect("alice")
            arguments = ("user", "ban", world.id_of("mallory"), "--database", url)
            answer = await asyncio.to_thread(run_talkwire, *arguments, cwd=tmp_path)
            assert answer.exit_code == 0, answer.err
            ending = await socket.next("session:ending")
            assert ending == {"reason": "banned", "reconnect": False}
            assert _code(await world.request("GET", "/api/v1/users/me", by="mallory")) == (403, "banned")
            await bystander.done("ping")


async def test_a_password_by_the_command_line_signs_everyone_out(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            device = await _register(world, "alice")
            socket = await device.connect()
            arguments = ("user", "password", device.user_id, "--password", "-", "--data", str(tmp_path / "data"))
            answer = await asyncio.to_thread(run_talkwire, *arguments, cwd=tmp_path, stdin="battery staple\n")
            assert answer.exit_code == 0, answer.err
            assert (await socket.next("session:ending"))["reason"] == "logout"
            assert not await device.is_signed_in()


# --- auth:refresh ---------------------------------------------------------------------------------------------------


async def test_a_socket_outlives_its_token_with_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(in_process(tmp_path)) as server, world_at(server) as world:
        client, other = await world.connect("alice", ttl_s=20), await world.connect("alice", ttl_s=20)
        token = world.server.token(world.id_of("alice"), ttl_s=600)
        answer = await client.done("auth:refresh", {"token": token})
        assert set(answer) == {"success", "expiresAt"}
        assert answer["expiresAt"].endswith("Z")
        jump_ahead(monkeypatch, 21)
        # When the other token ends, the first one has expired too.
        assert (await other.next("session:ending"))["reason"] == "token_expired"
        await client.done("ping")


async def test_a_socket_ends_with_a_newer_token_that_expires_sooner(world: World) -> None:
    client = await world.connect("alice", ttl_s=600)
    await client.done("auth:refresh", {"token": world.server.token(world.id_of("alice"), ttl_s=1)})
    assert await client.next("session:ending") == {"reason": "token_expired", "reconnect": True}


async def test_an_invalid_token_leaves_the_socket_unchanged(world: World) -> None:
    client = await world.connect("alice", ttl_s=600)
    expired = TokenIssuer(SECRET, clock=lambda: 1_000_000).issue(world.id_of("alice"), ttl_s=1)
    for token, code in (
        (world.server.token(world.id_of("bob")), "forbidden"),
        (expired, "token_expired"),
        ("x.y.z", "unauthenticated"),
        ("", "unauthenticated"),
    ):
        assert (await client.refused("auth:refresh", {"token": token}))["code"] == code
    assert (await client.refused("auth:refresh", {}))["code"] == "invalid_request"
    assert (await client.refused("auth:refresh", {"token": 5}))["code"] == "invalid_request"
    await client.done("ping")
    answer = await world.request("GET", "/api/v1/users/me", by="alice")
    assert answer.json()["id"] == world.id_of("alice")


async def test_a_socket_belongs_to_the_device_of_its_newer_token(world: World) -> None:
    phone, desktop = await _register(world, "alice"), await _login(world, "alice")
    socket = await phone.connect()
    await socket.done("auth:refresh", {"token": desktop.token})
    await phone.request("POST", "/api/v1/auth/logout")
    await socket.done("ping")
    await desktop.request("POST", "/api/v1/auth/logout")
    assert (await socket.next("session:ending"))["reason"] == "logout"


async def test_a_token_of_a_device_that_signed_out_is_no_newer_token(world: World) -> None:
    phone, desktop = await _register(world, "alice"), await _login(world, "alice")
    socket = await phone.connect()
    await desktop.request("POST", "/api/v1/auth/logout")
    assert (await socket.refused("auth:refresh", {"token": desktop.token}))["code"] == "unauthenticated"
    await socket.done("ping")


async def test_a_socket_has_the_role_of_its_newer_token(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    client = await world.connect("backend2", ttl_s=600)
    message = {"conversationId": conversation, "content": "As the backend"}
    assert (await client.refused("message:send", message))["code"] == "forbidden"
    token = world.server.token(world.id_of("backend2"), role="service")
    await client.done("auth:refresh", {"token": token})
    await client.done("messages:list", {"conversationId": conversation})


async def test_a_refresh_token_used_twice_ends_its_family_and_sockets(world: World) -> None:
    device = await _register(world, "alice")
    socket = await device.connect()
    body = {"refreshToken": device.refresh_token}
    renewed = _device(world, await world.request("POST", "/api/v1/auth/refresh", json=body))
    await socket.done("auth:refresh", {"token": renewed.token})
    assert (await world.request("POST", "/api/v1/auth/refresh", json=body)).status_code == 401
    assert (await socket.next("session:ending"))["reason"] == "logout"
    with pytest.raises(Refused):
        await renewed.connect()
