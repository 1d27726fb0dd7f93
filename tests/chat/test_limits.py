"""Rate limits over sockets and REST: users over the limit learn when to retry, and others are not affected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.chat.chat_client import Payload, Refused
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import pause, until_asked

# Fast enough for tests that wait for a refill, and otherwise so slow that no bucket refills during a test.
RATES = "sends=0.02/3,changes=0.02/3,reads=0.02/4,signals=0.02/4,retries=0.02/5,account_sign_ins=0.02/3"


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("strict"), {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": RATES}) as it:
        yield it
        assert it.logged_errors() == []


@pytest.fixture
async def strict(strict_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(strict_server) as world:
        yield world


def _too_often(answer: httpx.Response) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (429, "rate_limited")
    wait_ms = error["details"]["retryAfterMs"]
    assert 0 < wait_ms <= 50_000
    assert int(answer.headers["retry-after"]) == -(-wait_ms // 1000)


async def test_a_burst_of_messages_is_accepted_and_the_next_one_refused(strict: World) -> None:
    conversation = await strict.conversation("alice", "bob")
    alice, bob = await strict.connect("alice"), await strict.connect("bob")
    for number in range(3):
        await alice.send_message(conversation, str(number))
    refused = await alice.refused("message:send", {"conversationId": conversation, "content": "4"})
    assert refused["code"] == "rate_limited"
    assert 0 < refused["details"]["retryAfterMs"] <= 50_000
    await bob.send_message(conversation, "Bob may")
    assert [(await bob.next("message:new"))["content"] for _ in range(4)] == ["0", "1", "2", "Bob may"]


async def test_an_agent_may_send_ten_times_as_much_from_when_it_is_one(strict: World) -> None:
    conversation = await strict.conversation("alice")
    alice, body = await strict.connect("alice"), {"conversationId": conversation, "content": "x"}
    assert [(await alice.call("message:send", body))["success"] for _ in range(4)] == [True] * 3 + [False]
    await strict.service("PUT", f"/api/v1/users/{strict.id_of('alice')}", {"kind": "agent"})
    await alice.next("user:updated")
    assert [(await alice.call("message:send", body))["success"] for _ in range(28)] == [True] * 27 + [False]
    _too_often(await strict.request("POST", "/api/v1/messages", json=body, by="alice"))


async def test_a_refusal_without_an_ack_is_an_event(strict: World) -> None:
    conversation = await strict.conversation("alice")
    alice = await strict.connect("alice")
    for _ in range(4):
        await alice.emit("message:send", {"conversationId": conversation, "content": "x"})
    error = await alice.next("error")
    assert (error["code"], error["event"]) == ("rate_limited", "message:send")
    assert error["details"]["retryAfterMs"] > 0


async def test_sockets_and_rest_and_all_devices_share_a_users_limit(strict: World) -> None:
    conversation = await strict.conversation("alice")
    phone, desktop = await strict.connect("alice"), await strict.connect("alice")
    body = {"conversationId": conversation, "content": "x"}
    await phone.done("message:send", body)
    await desktop.done("message:send", body)
    assert (await strict.request("POST", "/api/v1/messages", json=body, by="alice")).status_code == 201
    _too_often(await strict.request("POST", "/api/v1/messages", json=body, by="alice"))
    assert (await phone.refused("message:send", body))["code"] == "rate_limited"


async def test_a_retry_of_a_sent_message_is_answered_beyond_the_limit(strict: World) -> None:
    conversation = await strict.conversation("alice")
    alice = await strict.connect("alice")
    bodies = [{"conversationId": conversation, "content": str(n), "clientMessageId": f"m{n}"} for n in range(3)]
    sent = [(await alice.done("message:send", body))["message"] for body in bodies]
    new = {"conversationId": conversation, "content": "new", "clientMessageId": "m4"}
    assert (await alice.refused("message:send", new))["code"] == "rate_limited"
    assert (await alice.done("message:send", bodies[0]))["message"] == sent[0]
    answer = await strict.request("POST", "/api/v1/messages", json=bodies[1], by="alice")
    assert (answer.status_code, answer.json()) == (201, sent[1])
    key = {"idempotency-key": "m2"}
    body = {"conversationId": conversation, "content": "2"}
    answer = await strict.request("POST", "/api/v1/messages", json=body, by="alice", headers=key)
    assert (answer.status_code, answer.json()) == (201, sent[2])


async def test_another_message_under_a_known_id_is_a_conflict_beyond_the_limit_too(strict: World) -> None:
    conversation = await strict.conversation("alice")
    alice = await strict.connect("alice")
    for number in range(3):
        body = {"conversationId": conversation, "content": "x", "clientMessageId": str(number)}
        await alice.done("message:send", body)
    other = {"conversationId": conversation, "content": "y", "clientMessageId": "1"}
    assert (await alice.refused("message:send", other))["code"] == "conflict"


async def test_endless_retries_are_refused(strict: World) -> None:
    conversation = await strict.conversation("alice")
    alice = await strict.connect("alice")
    body = {"conversationId": conversation, "content": "x", "clientMessageId": "m"}
    answers = [await alice.call("message:send", body) for _ in range(12)]
    assert [answer["success"] for answer in answers] == [True] * 8 + [False] * 4


async def test_a_retry_of_a_request_with_a_key_is_answered_beyond_the_limit(strict: World) -> None:
    bodies = [{"kind": "group", "memberIds": [], "name": f"Plans {n}"} for n in range(3)]
    created = []
    for number, body in enumerate(bodies):
        headers = {"idempotency-key": f"k{number}"}
        answer = await strict.request("POST", "/api/v1/conversations", json=body, by="alice", headers=headers)
        assert answer.status_code == 201, answer.text
        created.append(answer.json())
    _too_often(await strict.request("POST", "/api/v1/conversations", json=bodies[0], by="alice"))
    headers = {"idempotency-key": "k0"}
    answer = await strict.request("POST", "/api/v1/conversations", json=bodies[0], by="alice", headers=headers)
    assert (answer.status_code, answer.json()) == (201, created[0])


async def test_reading_is_limited_apart_from_writing(strict: World) -> None:
    for _ in range(4):
        assert (await strict.request("GET", "/api/v1/users/me", by="alice")).status_code == 200
    _too_often(await strict.request("GET", "/api/v1/users/me", by="alice"))
    assert (await strict.request("PATCH", "/api/v1/users/me", json={"name": "A"}, by="alice")).status_code == 200


async def test_a_flood_of_unknown_events_is_refused_unread(strict: World) -> None:
    alice = await strict.connect("alice")
    answers = await asyncio.gather(*(alice.start_call("no:such:event") for _ in range(50)))
    codes = [answer["error"]["code"] for answer in answers]
    assert codes == ["invalid_request"] * 4 + ["rate_limited"] * 46
    assert (await alice.refused("ping"))["code"] == "rate_limited"


async def test_a_flood_in_one_polling_request_is_bounded_too(strict: World) -> None:
    conversation = await strict.conversation("alice", "bob")
    bob = await strict.connect("bob")
    query = {"EIO": "4", "transport": "polling"}
    opened = await strict.http.get("/socket.io/", params=query)
    query["sid"] = opened.text.split('"sid":"')[1].split('"')[0]
    connect = f'40{{"token":"{strict.server.token(strict.id_of("alice"))}"}}'
    assert (await strict.http.post("/socket.io/", params=query, content=connect)).text == "ok"
    received = (await strict.http.get("/socket.io/", params=query)).text
    assert received.startswith("40")
    event = f'42["message:send",{{"conversationId":"{conversation}","content":"x"}}]'
    assert (await strict.http.post("/socket.io/", params=query, content="\x1e".join([event] * 500))).text == "ok"
    for _ in range(3):
        await bob.next("message:new")
    await bob.send_message(conversation, "after the flood")
    assert (await bob.next("message:new"))["content"] == "after the flood"


async def test_the_backend_is_not_limited(strict: World) -> None:
    conversation = await strict.conversation("alice")
    for number in range(10):
        body = {"conversationId": conversation, "content": str(number), "senderId": strict.id_of("alice")}
        await strict.service("POST", "/api/v1/messages", body)


async def test_password_guessing_is_limited(strict: World) -> None:
    email = f"{strict.id_of('alice')}@example.com"
    account = {"email": email, "password": "correct horse", "name": "Alice"}
    assert (await strict.request("POST", "/api/v1/auth/register", json=account)).status_code == 201
    for _ in range(3):
        wrong = await strict.request("POST", "/api/v1/auth/login", json={"email": email.upper(), "password": "guess"})
        assert wrong.status_code == 401
    _too_often(await strict.request("POST", "/api/v1/auth/login", json={"email": email, "password": "correct horse"}))
    nobody = {"email": f"{strict.id_of('nobody')}@example.com", "password": "guess"}
    for _ in range(3):
        assert (await strict.request("POST", "/api/v1/auth/login", json=nobody)).status_code == 401
    _too_often(await strict.request("POST", "/api/v1/auth/login", json=nobody))


GUESSING = {
    "TALKWIRE_RATE_LIMITS": "on",
    "TALKWIRE_RATES": "sign_ins=100/1000,account_sign_ins=0.02/4,first_sign_ins=0.02/2,"
    "site_first_sign_ins=0.02/6,account_guesses=0.02/5",
    "TALKWIRE_TRUSTED_PROXIES": "127.0.0.1",
}


async def test_guessing_passwords_does_not_lock_out_the_owner(tmp_path: Path) -> None:
    with running_chat(tmp_path, GUESSING) as server:
        async with world_at(server) as world:
            email = f"{world.id_of('alice')}@example.com"
            account = {"email": email, "password": "correct horse", "name": "Alice"}
            home = {"x-forwarded-for": "203.0.113.9"}
            registered = await world.http.post("/api/v1/auth/register", json=account, headers=home)
            assert registered.status_code == 201

            async def signs_in(address: str, password: str = "a guess", email: str = email) -> int:
                body = {"email": email, "password": password}
                headers = {"x-forwarded-for": address}
                return (await world.http.post("/api/v1/auth/login", json=body, headers=headers)).status_code

            assert [await signs_in("198.51.100.1") for _ in range(6)] == [401] * 4 + [429] * 2
            assert await signs_in("198.51.100.1", "correct horse") == 429
            assert await signs_in("198.51.100.2", "correct horse") == 200
            # From many addresses: each has two tries, and all together have five more.
            statuses = [await signs_in(f"198.51.100.{10 + number % 6}") for number in range(24)]
            assert statuses.count(401) == 6 * 2 + 5 - 2
            nobody = [await signs_in(f"198.51.100.{10 + number % 6}", email="nobody@b.example") for number in range(24)]
            assert nobody.count(401) == 6 * 2 + 5
            assert await signs_in("198.51.100.99", "correct horse") == 200, "a new device in a new place"
            # For an account with a signed-in device, only tries from that device's address count.
            assert [await signs_in("203.0.113.9") for _ in range(3)] == [401] * 3
            assert await signs_in("203.0.113.9", "correct horse") == 200


async def test_many_ipv6_networks_give_no_additional_tries(tmp_path: Path) -> None:
    with running_chat(tmp_path, GUESSING) as server:
        async with world_at(server) as world:
            email = f"{world.id_of('alice')}@example.com"
            account = {"email": email, "password": "correct horse", "name": "Alice"}
            home = {"x-forwarded-for": "2001:db8:9:1::1"}
            registered = await world.http.post("/api/v1/auth/register", json=account, headers=home)
            assert registered.status_code == 201

            async def signs_in(address: str, password: str = "a guess") -> int:
                body = {"email": email, "password": password}
                headers = {"x-forwarded-for": address}
                return (await world.http.post("/api/v1/auth/login", json=body, headers=headers)).status_code

            # One try from each of 40 networks of 64 bits: their shared 48 bits have six tries, and the account has five
            # more.
            statuses = [await signs_in(f"2001:db8:1:{number:x}::1") for number in range(40)]
            assert statuses.count(401) == 6 + 5
            assert statuses.count(429) == 40 - 11
            # The owner signs in from home, from another site, and over IPv4.
            for address in ("2001:db8:9:1::2", "2001:db8:2:1::1", "198.51.100.9"):
                assert await signs_in(address, "correct horse") == 200, address


async def test_a_stolen_session_does_not_block_changing_the_password(strict: World) -> None:
    account = {"email": f"{strict.id_of('alice')}@example.com", "password": "correct horse"}
    first = (await strict.request("POST", "/api/v1/auth/register", json={**account, "name": "Alice"})).json()["token"]
    second = (await strict.request("POST", "/api/v1/auth/login", json=account)).json()["token"]

    async def changes(token: str, current: str) -> int:
        body = {"currentPassword": current, "newPassword": "battery staple"}
        headers = {"authorization": f"Bearer {token}"}
        return (await strict.http.post("/api/v1/auth/password", json=body, headers=headers)).status_code

    assert [await changes(first, "a guess") for _ in range(4)] == [403] * 3 + [429]
    assert await changes(second, "correct horse") == 204


async def test_guessing_the_current_password_is_limited(strict: World) -> None:
    body = {"currentPassword": "a guess", "newPassword": "battery staple"}
    for _ in range(3):
        assert (await strict.request("POST", "/api/v1/auth/password", json=body, by="alice")).status_code == 403
    _too_often(await strict.request("POST", "/api/v1/auth/password", json=body, by="alice"))


async def test_an_address_opens_as_many_sessions_as_its_limit_says(tmp_path: Path) -> None:
    rates = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "connects=0.02/3", "TALKWIRE_TRUSTED_PROXIES": "127.0.0.1"}
    with running_chat(tmp_path, rates) as server:
        async with world_at(server) as world:
            query = {"EIO": "4", "transport": "polling"}
            for _ in range(2):
                assert (await world.http.get("/socket.io/", params=query)).status_code == 200
            alice = await world.connect("alice")
            refused = await world.http.get("/socket.io/", params=query)
            assert (refused.status_code, refused.json()) == (429, {"code": 4, "message": "Too many connections"})
            with pytest.raises(InvalidStatus) as status:
                await world.open()
            assert status.value.response.status_code == 429
            elsewhere = {"x-forwarded-for": "203.0.113.9"}
            assert (await world.http.get("/socket.io/", params=query, headers=elsewhere)).status_code == 200
            await alice.done("ping")


async def test_an_address_with_many_invalid_tokens_is_limited_but_valid_ones_pass(tmp_path: Path) -> None:
    rates = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "refused_tokens=0.02/4"}
    with running_chat(tmp_path, rates) as server:
        async with world_at(server) as world:
            alice = await world.connect("alice")
            bad = {"authorization": "Bearer x.y.z"}
            for _ in range(2):
                assert (await world.request("GET", "/api/v1/users/me", headers=bad)).status_code == 401
            client = await world.open()
            errors = []
            for _ in range(3):
                with pytest.raises(Refused) as refused:
                    await client.sign_in({"token": "x.y.z"})
                errors.append(refused.value.error["data"])
            assert [error["code"] for error in errors] == ["unauthenticated", "unauthenticated", "rate_limited"]
            assert errors[-1]["details"]["retryAfterMs"] > 0
            _too_often(await world.request("GET", "/api/v1/users/me", headers=bad))
            await alice.done("ping")
            assert (await world.request("GET", "/api/v1/users/me", by="bob")).status_code == 200
            await world.connect("bob")
        limited = [line for line in server.logged() if line["event"] == "rate_limited"]
        assert [(line["limit"], line["address"]) for line in limited] == [("refused_tokens", "127.0.0.1")]


async def test_an_upload_beyond_the_rate_is_logged_with_its_limit_and_user(tmp_path: Path) -> None:
    rates = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "uploads=0.02/1"}
    with running_chat(tmp_path, rates) as server:
        async with world_at(server) as world:
            await world.request("POST", "/api/v1/files", by="alice")
            _too_often(await world.request("POST", "/api/v1/files", by="alice"))
        [limited] = [line for line in server.logged() if line["event"] == "rate_limited"]
        assert (limited["limit"], limited["command"]) == ("uploads", "POST /api/v1/files")
        assert limited["user_id"] == world.id_of("alice")


async def test_limits_end_by_themselves(tmp_path: Path) -> None:
    rates = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "sends=2/1"}
    with running_chat(tmp_path, rates) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice")
            alice = await world.connect("alice")
            body = {"conversationId": conversation, "content": "x"}

            async def refusal() -> Payload | None:
                answer = await alice.call("message:send", body)
                return None if answer["success"] else answer["error"]

            refused = await until_asked(refusal)
            assert refused is not None
            # The client waits as long as the answer asks and does nothing else.
            await pause(refused["details"]["retryAfterMs"] / 1000)
            await alice.done("message:send", body)
