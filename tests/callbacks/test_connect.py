"""The callback `connect`: the back end says who a token belongs to that this server cannot verify."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from websockets.asyncio.client import connect as websocket

from talkwire.callbacks.connect import IDENTITY_KEPT_S, ConnectCallback
from talkwire.core.domain.log.positions import own_id_at
from talkwire.identity.callers import Credentials
from talkwire.identity.signatures import TOKEN_MAX_LENGTH
from talkwire.identity.user_ids import user_id_of
from talkwire.realtime.chat import socket_commands
from talkwire.testing import TemporaryServer
from talkwire.testing.client import Rejected, connected
from tests.callbacks.conftest import BackEnd, Serve
from tests.embedding.conftest import request

SEND = {"conversationId": "talk", "content": "hello"}
USERS: dict[str, Any] = {
    "opaque-alice": {"userId": "alice", "name": "Alice A.", "claims": {"team": "red"}},
    "opaque-bob": {"userId": "bob", "expiresAt": "2999-01-01T00:00:00Z"},
    "opaque-admin": {"userId": "eve", "role": "admin"},
    "opaque-service": {"userId": "shop", "role": "service"},
    "opaque-number": {"userId": 42},
    "opaque-path": {"userId": "DOMAIN/jane"},
    "opaque-late": {"userId": "alice", "expiresAt": 1_600_000_000},
    "opaque-own": {"userId": own_id_at(0)},
    "opaque-none": {"name": "Nobody"},
    "opaque-role": {"userId": "alice", "role": "root"},
    "opaque-claims": {"userId": "alice", "claims": {"a": "x" * 10_000}},
    "opaque-ms": {"userId": "alice", "expiresAt": 4_000_000_000_000},
    "opaque-time": {"userId": "alice", "expiresAt": "tomorrow"},
    "opaque-typo": {"userId": "alice", "expires_at": 4_000_000_000},
    "opaque-banned": {"error": {"code": "banned", "message": "Not you."}},
    "opaque-odd": {"error": {"code": "nope"}},
}


def _identify(asked: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    return USERS.get(asked["token"], {"error": {"code": "unauthenticated", "message": "Who is that?"}})


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _me(server: TemporaryServer, token: str, **headers: str) -> httpx.Response:
    return await request(server, "GET", "/api/v1/users/me", headers={**_bearer(token), **headers})


async def test_a_socket_signs_in_with_a_token_that_only_the_back_end_knows(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = _identify
    server = await serve("connect")
    async with connected(server.url, {"token": "opaque-alice"}) as alice:
        sent = await alice.call("message:send", SEND)
        assert sent["message"]["sender"] == {"id": "alice", "name": "Alice A."}
    async with connected(server.url, {"token": "opaque-alice"}, namespace="/talks"):
        pass
    assert back_end.asked == [{"type": "connect", "token": "opaque-alice", "headers": {}}] * 2, "sockets always ask"


async def test_the_callers_role_and_claims_reach_other_callbacks(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = lambda asked: _identify(asked) if asked["type"] == "connect" else {}
    server = await serve("connect", "message:send")
    await request(server, "POST", "/api/v1/messages", json=SEND, headers=_bearer("opaque-alice"))
    assert back_end.asked[-1]["actor"] == {"userId": "alice", "role": "user", "claims": {"team": "red"}}
    named = {**SEND, "senderId": "bob"}
    sent = await request(server, "POST", "/api/v1/messages", json=named, headers=_bearer("opaque-service"))
    assert sent.json()["senderId"] == "bob"
    assert back_end.asked[-1]["actor"]["role"] == "service"


async def test_rest_requests_ask_once_in_a_while(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = _identify
    server = await serve("connect")
    found = await asyncio.gather(*(_me(server, "opaque-bob") for _ in range(5)))
    assert [each.json()["id"] for each in found] == ["bob"] * 5
    assert (await _me(server, "opaque-bob")).status_code == 200
    assert len(back_end.asked) == 1
    assert (await _me(server, "opaque-number")).json()["id"] == "42"
    for _ in range(2):
        assert (await _me(server, "opaque-path")).json()["id"] == user_id_of("DOMAIN/jane")
        assert (await _me(server, "unknown")).status_code == 401
    asked = [asked["token"] for asked in back_end.asked]
    assert asked == ["opaque-bob", "opaque-number", "opaque-path", "unknown", "unknown"]


async def test_tokens_of_this_server_are_verified_without_asking(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = _identify
    server = await serve("connect")
    assert (await _me(server, server.token("alice"))).status_code == 200
    expired = await _me(server, jwt.encode({"sub": "alice", "exp": 1_600_000_000}, server.secret))
    assert (expired.status_code, expired.json()["error"]["code"]) == (401, "token_expired")
    too_long = await _me(server, "x" * (TOKEN_MAX_LENGTH + 1))
    assert (too_long.status_code, str(TOKEN_MAX_LENGTH) in too_long.text) == (401, True)
    assert back_end.asked == []
    assert (await _me(server, "x" * TOKEN_MAX_LENGTH)).status_code == 401
    assert [len(asked["token"]) for asked in back_end.asked] == [TOKEN_MAX_LENGTH]
    back_end.asked.clear()
    foreign = server.token("alice")[:-4] + "AAAA"
    assert (await _me(server, foreign)).status_code == 401
    assert [asked["token"] for asked in back_end.asked] == [foreign], "signed by somebody else: the application"


_REFUSED: dict[str, tuple[int, str]] = {
    "unknown": (401, "unauthenticated"),
    "opaque-banned": (403, "banned"),
    "opaque-odd": (401, "unauthenticated"),
    "opaque-late": (401, "token_expired"),
    "opaque-own": (503, "unavailable"),
    "opaque-none": (503, "unavailable"),
    "opaque-role": (503, "unavailable"),
    "opaque-claims": (503, "unavailable"),
    "opaque-ms": (503, "unavailable"),
    "opaque-time": (503, "unavailable"),
    "opaque-typo": (503, "unavailable"),
}


async def test_a_refused_or_failing_callback_is_a_refused_sign_in(back_end: BackEnd, serve: Serve) -> None:
    """Also where `on_failure` allows commands, and where anyone may sign in without a token."""
    back_end.decide = _identify
    server = await serve("connect", callback_on_failure="allow", insecure_dev_auth=True)
    for token, (status, code) in _REFUSED.items():
        path = f"/api/v1/users/me?userId=alice&token={token}"
        rest = await request(server, "GET", path)
        assert (rest.status_code, rest.json()["error"]["code"]) == (status, code), token
        with pytest.raises(Rejected) as rejected:
            async with connected(server.url, {"token": token, "userId": "alice"}):
                pass
        assert rejected.value.data == {"code": code, "reason": rest.json()["error"]["message"]}
    metrics = (await request(server, "GET", "/metrics")).text
    assert 'talkwire_callbacks_total{command="connect",outcome="refused"} 8.0' in metrics
    assert 'talkwire_callbacks_total{command="connect",outcome="failed"} 14.0' in metrics


async def test_a_back_end_that_hangs_or_is_down_refuses_the_sign_in(back_end: BackEnd, serve: Serve) -> None:
    async def hang(_: object) -> object:
        return await asyncio.Event().wait()

    back_end.decide = hang
    server = await serve("connect", callback_timeout_s=0.3, callback_on_failure="allow", insecure_dev_auth=True)
    rest = await _me(server, "opaque-alice")
    assert (rest.status_code, rest.json()["error"]["code"]) == (503, "unavailable")
    with pytest.raises(Rejected) as rejected:
        async with connected(server.url, {"token": "opaque-alice", "userId": "alice"}):
            pass
    assert rejected.value.data == {"code": "unavailable", "reason": rest.json()["error"]["message"]}
    assert (await request(server, "GET", "/api/v1/users/me?userId=alice")).status_code == 200, "no token was sent"


async def test_a_socket_ends_when_its_callback_decides(
    back_end: BackEnd, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_at = datetime(2999, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(socket_commands, "time", SimpleNamespace(time=lambda: ends_at.timestamp() - 0.3))
    expiry = {"soon": ends_at, "later": ends_at + timedelta(hours=1)}
    back_end.decide = lambda asked: {"userId": "alice", "expiresAt": expiry[asked["token"]].isoformat()}
    server = await serve("connect")
    async with connected(server.url, {"token": "later"}) as later:
        async with connected(server.url, {"token": "soon"}) as soon:
            ending = await soon.wait_for("session:ending")
        assert (await later.call("message:send", SEND))["success"]
    assert ending == {"reason": "token_expired", "reconnect": True}


async def test_a_socket_renews_its_sign_in(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = _identify
    server = await serve("connect")
    async with connected(server.url, {"token": "opaque-bob"}) as bob:
        assert (await bob.call("auth:refresh", {"token": "opaque-bob"}))["success"]
        assert (await bob.call("auth:refresh", {"token": "opaque-alice"}))["error"]["code"] == "forbidden"
        assert (await bob.call("auth:refresh", {"token": "unknown"}))["error"]["code"] == "unauthenticated"


def _by_cookie(asked: dict[str, Any]) -> dict[str, Any]:
    is_alice = asked["headers"].get("cookie") == "session=s1" or asked["headers"].get("authorization") == "Basic abc"
    return {"userId": "alice"} if is_alice else {"error": {"code": "unauthenticated"}}


async def test_a_session_of_the_application_signs_in_by_its_cookie(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = _by_cookie
    server = await serve("connect")
    cookie = {"Cookie": "session=s1"}
    assert (await request(server, "GET", "/api/v1/users/me", headers=cookie)).json()["id"] == "alice"
    assert back_end.asked == [{"type": "connect", "token": None, "headers": {"cookie": "session=s1"}}]
    basic = {"Authorization": "Basic abc", "X-Other": "y"}
    assert (await request(server, "GET", "/api/v1/users/me", headers=basic)).json()["id"] == "alice"
    assert back_end.asked[-1] == {"type": "connect", "token": None, "headers": {"authorization": "Basic abc"}}
    assert (await request(server, "GET", "/api/v1/users/me")).status_code == 401
    assert len(back_end.asked) == 2, "nothing to ask about"
    assert await _accepted_by_polling(server, cookie)
    assert await _accepted_by_websocket(server, cookie)
    assert not await _accepted_by_websocket(server, {"Cookie": "session=s2"})
    assert len(back_end.asked) == 5


@pytest.mark.parametrize(("origins", "questions"), [(("*",), 0), (("https://app.example.com",), 3)])
async def test_a_page_of_another_origin_cannot_use_a_visitors_cookie(
    back_end: BackEnd, serve: Serve, origins: tuple[str, ...], questions: int
) -> None:
    """Unless the operator names the origin. Origins that are not allowed at all cannot connect."""
    accepted = questions > 0
    back_end.decide = _by_cookie
    server = await serve("connect", origins=origins)
    headers = {"Cookie": "session=s1", "Origin": "https://app.example.com"}
    rest = await request(server, "GET", "/api/v1/users/me", headers=headers)
    assert (rest.status_code == 200) == accepted
    assert await _accepted_by_websocket(server, headers) == accepted
    assert await _accepted_by_polling(server, headers) == accepted
    foreign = await request(server, "GET", "/api/v1/users/me", headers={**headers, "Origin": "https://b.example"})
    assert foreign.status_code != 200
    assert len(back_end.asked) == questions


@pytest.mark.parametrize("origin", ["null", "file://"])
async def test_a_page_without_a_host_cannot_use_a_visitors_cookie(back_end: BackEnd, serve: Serve, origin: str) -> None:
    back_end.decide = _by_cookie
    server = await serve("connect", origins=(origin,))
    headers = {"Cookie": "session=s1", "Origin": origin}
    rest = await request(server, "GET", "/api/v1/users/me", headers=headers)
    assert (rest.status_code, rest.headers["access-control-allow-origin"]) == (401, origin)
    assert not await _accepted_by_websocket(server, headers)
    assert not await _accepted_by_polling(server, headers)
    assert back_end.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_page_that_came_unencrypted_cannot_use_the_cookie_of_an_encrypted_site(
    back_end: BackEnd, serve: Serve, scheme: str
) -> None:
    back_end.decide = _by_cookie
    server = await serve("connect", trusted_proxies=("127.0.0.1",))
    for host in ("chat.example", "chat.example:443"):
        page = {"Host": host, "Origin": f"{scheme}://chat.example", "X-Forwarded-Proto": "https"}
        answer = await request(server, "GET", "/api/v1/users/me", headers={"Cookie": "session=s1", **page})
        assert (answer.status_code == 200) is (scheme == "https")


async def _accepted_by_polling(server: TemporaryServer, headers: dict[str, str]) -> bool:
    path = "/socket.io/?EIO=4&transport=polling"
    opened = await request(server, "GET", path, headers=headers)
    session = f"{path}&sid={msgspec.json.decode(opened.text[1:])['sid']}"
    await request(server, "POST", session, content="40", headers=headers)
    return (await request(server, "GET", session, headers=headers)).text.startswith("40{")


async def _accepted_by_websocket(server: TemporaryServer, headers: dict[str, str]) -> bool:
    url = f"{server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    async with websocket(url, additional_headers=headers, proxy=None) as connection:
        await connection.recv()
        await connection.send("40")
        return str(await connection.recv()).startswith("40{")


async def test_rate_limits_apply_before_the_back_end_is_asked(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = _identify
    server = await serve("connect", rate_limits=True, rates=("refused_tokens=0.001/3",))
    found = await asyncio.gather(*(_me(server, f"unknown-{number}") for number in range(8)))
    assert sorted(each.status_code for each in found) == [401] * 3 + [429] * 5
    assert len(back_end.asked) == 3
    assert (await _me(server, "opaque-alice")).status_code == 429
    assert len(back_end.asked) == 3
    assert (await _me(server, server.token("alice"))).status_code == 200, "verified here"


async def test_accepted_tokens_do_not_count_as_refused(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = lambda asked: {"userId": asked["token"]}
    server = await serve("connect", rate_limits=True, rates=("refused_tokens=0.001/2",))
    for number in range(6):
        assert (await _me(server, f"user-{number}")).status_code == 200


async def test_the_same_limits_hold_for_users(back_end: BackEnd, serve: Serve) -> None:
    """A banned user stays banned, and an unknown one is refused where users are not created."""
    back_end.decide = lambda asked: {"userId": asked["token"]}
    server = await serve("connect", create_users=False)
    assert (await _me(server, "nobody")).status_code == 401
    assert (await _me(server, "bob")).status_code == 200
    banned = await request(
        server, "PUT", "/api/v1/users/bob/ban", json={}, headers=server.headers("alice", role="admin")
    )
    assert banned.status_code < 300
    assert (await _me(server, "bob")).json()["error"]["code"] == "banned"


async def test_kept_identities_end_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.callbacks.connect.IDENTITIES_KEPT_MAX", 2)
    client, now = _Client(), [1000.0]
    callback = ConnectCallback(client, lambda: now[0])  # type: ignore[arg-type]

    async def asked(token: str) -> int:
        credentials = Credentials(token, one_request=True)
        before = client.count_of_questions
        if callback.known(credentials) is None:
            await callback.identify(credentials)
        return client.count_of_questions - before

    assert [await asked("a"), await asked("a")] == [1, 0]
    now[0] += IDENTITY_KEPT_S
    assert await asked("a") == 1
    client.expires_at = now[0] + 5
    assert [await asked("b"), await asked("b")] == [1, 0]
    now[0] += 5
    client.expires_at = None
    assert [await asked("b"), await asked("a"), await asked("c"), await asked("a")] == [1, 0, 1, 1]
    assert callback.known(Credentials("c", cookie="x", one_request=True)) is None
    assert callback.known(Credentials("c")) is None


class _Client:
    """A client of callbacks that names everybody `alice`."""

    def __init__(self) -> None:
        self.count_of_questions = 0
        self.expires_at: float | None = None

    async def ask(self, _: str, __: object, response_type: type[Any]) -> Any:  # noqa: ANN401 (as the client's)
        self.count_of_questions += 1
        return response_type(user_id="alice", expires_at=self.expires_at)

    def count(self, name: str, outcome: str) -> None:
        assert (name, outcome) == ("connect", "allowed")
