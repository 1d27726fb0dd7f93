"""The routes of the operators' console on one server. `tests/cluster/test_console.py` has several nodes."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.dialects.gateway.vocabulary import GATEWAY
from tests.chat.chat_server import SECRET
from tests.chat.conftest import World

ADMIN = "/api/v1/admin"


async def _get(world: World, path: str) -> Any:  # noqa: ANN401 (JSON)
    answer = await world.request("GET", f"{ADMIN}/{path}", by="boss", role="admin")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _refusal(world: World, path: str) -> str:
    answer = await world.request("GET", f"{ADMIN}/{path}", by="boss", role="admin")
    return str(answer.json()["error"]["code"])


async def _all(world: World, path: str) -> list[Any]:
    """Returns the items on all pages of two."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = await _get(world, f"{path}{'&' if '?' in path else '?'}limit=2{cursor}")
        assert len(page["items"]) <= 2
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def test_the_overview_says_what_runs(world: World) -> None:
    await world.connect("alice")
    overview = await _get(world, "overview")
    (node,) = overview["nodes"]
    assert node["isSelf"] is True
    assert node["connections"] >= node["users"] >= 1
    assert node["memoryBytes"] > 1_000_000
    assert overview["silentNodes"] == []
    assert (overview["bus"]["kind"], overview["bus"]["state"]) == ("none", "ok")
    assert (overview["database"]["kind"], overview["database"]["state"]) == ("sqlite", "ok")
    assert overview["database"]["sizeBytes"] > 0
    assert overview["totals"]["users"] >= 1
    assert overview["version"] == node["version"]


async def test_connections_are_paged_newest_first_and_filtered(world: World) -> None:
    clients = [await world.connect("alice") for _ in range(3)]
    other = await world.connect("alice", dialect=GATEWAY)
    await world.connect("bob")
    mine = await _all(world, f"connections?userId={world.id_of('alice')}")
    assert {each["userId"] for each in mine} == {world.id_of("alice")}
    # Sockets that connect within one millisecond come in any order.
    assert [each["connectedAt"] for each in mine] == sorted((each["connectedAt"] for each in mine), reverse=True)
    assert sorted(each["dialect"] for each in mine) == ["gateway", "messenger", "messenger", "messenger"]
    assert len({each["id"] for each in mine}) == 4
    assert {each["transport"] for each in mine} == {"websocket"}
    (of_gateway,) = await _all(world, f"connections?userId={world.id_of('alice')}&dialect=gateway")
    assert of_gateway in mine
    assert of_gateway["dialect"] == "gateway"
    here = of_gateway["node"]
    assert await _all(world, f"connections?userId={world.id_of('alice')}&node={here}") == mine
    assert await _all(world, f"connections?userId={world.id_of('alice')}&node=none") == []
    for client in (*clients, other):
        await client.close()


async def test_a_page_of_connections_continues_where_it_was_while_others_come_and_go(world: World) -> None:
    clients = [await world.connect("alice") for _ in range(4)]
    path = f"connections?userId={world.id_of('alice')}&limit=2"
    first = await _get(world, path)
    await world.connect("alice")
    await clients[3].close()
    second = await _get(world, f"{path}&cursor={first['next']}")
    shown = [each["id"] for page in (first, second) for each in page["items"]]
    assert len(set(shown)) == 4
    assert second["next"] is None


async def test_an_operator_ends_a_connection(world: World) -> None:
    alice = await world.connect("alice")
    (connection,) = await _all(world, f"connections?userId={world.id_of('alice')}")
    path = f"{ADMIN}/connections/{connection['id']}"
    for by in ("bob", "alice"):
        assert (await world.request("DELETE", path, by=by)).status_code == 403
    assert await _all(world, f"connections?userId={world.id_of('alice')}") == [connection]
    assert (await world.request("DELETE", path, by="boss", role="admin")).status_code == 204
    assert await alice.next("session:ending") == {"reason": "ended", "reconnect": True}
    await alice.wait_closed()
    assert await _all(world, f"connections?userId={world.id_of('alice')}") == []
    again = await world.request("DELETE", path, by="boss", role="admin")
    assert again.json()["error"]["code"] == "not_found"
    await world.connect("alice")


async def test_users_have_their_connections_and_ban(world: World) -> None:
    for _ in range(2):
        await world.connect("alice")
    (alice,) = await _all(world, f"users?q={world.id_of('alice')}")
    assert (alice["online"], alice["connections"], alice["banned"], alice["erased"]) == (True, 2, None, False)
    await world.service("PUT", f"/api/v1/users/{world.id_of('carol')}", {"name": "Carol"})
    await world.service("PUT", f"/api/v1/users/{world.id_of('carol')}/ban")
    (carol,) = await _all(world, f"users?q={world.id_of('carol')}&banned=true")
    assert (carol["online"], carol["connections"], carol["name"]) == (False, 0, "Carol")
    assert carol["banned"] == {"reason": None, "until": None}
    until = "2099-01-01T00:00:00.000Z"
    await world.service("PUT", f"/api/v1/users/{world.id_of('carol')}/ban", {"reason": "spam", "until": until})
    (carol,) = await _all(world, f"users?q={world.id_of('carol')}&banned=true")
    assert carol["banned"] == {"reason": "spam", "until": until}
    assert await _all(world, f"users?q={world.id_of('carol')}&banned=false") == []


async def test_a_device_of_a_user_is_signed_out(world: World) -> None:
    body = {"email": f"{world.id_of('ann')}@example.com", "password": "correct horse", "name": "Ann"}
    signed_in = (await world.request("POST", "/api/v1/auth/register", json=body)).json()
    user_id = signed_in["user"]["id"]
    socket = await world.open()
    await socket.sign_in({"token": signed_in["accessToken"]})
    (session,) = (await _get(world, f"users/{user_id}/sessions"))["items"]
    assert session["current"] is False
    path = f"{ADMIN}/users/{user_id}/sessions/{session['id']}"
    assert (await world.request("DELETE", path, by="boss", role="admin")).status_code == 204
    assert (await socket.next("session:ending"))["reason"] == "logout"
    assert (await _get(world, f"users/{user_id}/sessions"))["items"] == []
    assert (await world.request("DELETE", path, by="boss", role="admin")).status_code == 404


async def test_refusals_say_who_cannot_sign_in_and_why(world: World) -> None:
    alice = world.id_of("alice")
    await world.service("PUT", f"/api/v1/users/{alice}", {"name": "Alice"})
    await world.service("PUT", f"/api/v1/users/{alice}/ban")
    for _ in range(3):
        assert (await world.request("GET", "/api/v1/users/me", by="alice")).status_code == 403
    email = f"{world.id_of('ann')}@example.com"
    registered = {"email": email, "password": "correct horse", "name": "Ann"}
    ann = (await world.request("POST", "/api/v1/auth/register", json=registered)).json()["user"]["id"]
    await world.request("POST", "/api/v1/auth/login", json={"email": email, "password": "wrong horse"})
    (banned,) = await _all(world, f"refusals?kind=sign_in&userId={alice}")
    assert (banned["reason"], banned["method"], banned["count"]) == ("banned", "token", 3)
    (wrong,) = await _all(world, f"refusals?userId={ann}")
    assert (wrong["kind"], wrong["reason"], wrong["method"]) == ("sign_in", "unauthenticated", "password")
    assert wrong["address"] == "127.0.0.1"


async def test_refusals_name_the_command_and_neither_content_nor_token(world: World) -> None:
    talk = await world.conversation("bob")
    secret = "a-secret-text"
    body = {"conversationId": talk, "content": secret}
    await world.request("POST", "/api/v1/messages", by="mallory", json=body)
    await world.request("GET", f"/api/v1/users/me?token={secret}.{secret}.{secret}")
    (refused,) = await _all(world, f"refusals?kind=command&userId={world.id_of('mallory')}")
    assert (refused["command"], refused["reason"]) == ("message:send", "forbidden")
    assert (refused["cause"], refused["conversationId"]) == ("not_member", talk)
    assert secret not in str(await _all(world, "refusals"))


async def test_refusals_of_one_code_are_apart_by_cause_and_conversation(world: World) -> None:
    room, other = [await world.conversation("bob") for _ in range(2)]
    channel = {"kind": "channel", "ownerId": world.id_of("bob"), "memberIds": [world.id_of("bob"), world.id_of("tom")]}
    news = (await world.service("POST", "/api/v1/conversations", channel))["id"]
    tom, bob = await world.connect("tom"), await world.connect("bob")
    sent = (await bob.done("message:send", {"conversationId": news, "content": "Hello!"}))["message"]
    for conversation in (room, room, news, other):
        await tom.refused("message:send", {"conversationId": conversation, "content": "x"})
    await tom.refused("message:edit", {"messageId": sent["id"], "content": "x"})
    body = {"conversationId": news, "content": "x"}
    await world.request("POST", "/api/v1/messages", by="tom", json=body)
    found = await _all(world, f"refusals?userId={world.id_of('tom')}")
    assert [(each["command"], each["cause"], each["conversationId"], each["count"]) for each in found] == [
        ("message:send", "read_only", news, 2),
        ("message:edit", "not_author", news, 1),
        ("message:send", "not_member", other, 1),
        ("message:send", "not_member", room, 2),
    ]


@pytest.mark.parametrize("path", ["connections", "refusals", "users", "conversations"])
@pytest.mark.parametrize(
    "cursor", ["x", "W10%3D", "%00", "WzEsMSwxLDEsMSwxXQ%3D%3D", "bnVsbA%3D%3D", "eyJhIjoxfQ%3D%3D"]
)
async def test_a_cursor_that_is_none_is_refused(world: World, path: str, cursor: str) -> None:
    assert await _refusal(world, f"{path}?cursor={cursor}") == "invalid_request"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "kind=nothing"])
async def test_what_a_list_does_not_know_is_refused(world: World, query: str) -> None:
    assert await _refusal(world, f"refusals?{query}") == "invalid_request"


async def test_push_and_limits_are_shown(world: World) -> None:
    assert (await _get(world, "push"))["attempts"].keys() == {"sent", "gone", "refused", "failed"}
    assert (await _get(world, "limits"))["items"] == [], "limits are off on this server"


async def test_settings_are_for_operators_and_have_no_secret(world: World) -> None:
    assert (await world.request("GET", f"{ADMIN}/settings", by="backend", role="service")).status_code == 403
    answer = await _get(world, "settings")
    assert SECRET not in str(answer)
    settings = {each["name"]: each for each in answer["items"]}
    assert settings["jwt_secret"] == {"name": "jwt_secret", "value": None, "source": "environment", "isSecret": True}
    assert settings["rate_limits"] == {
        "name": "rate_limits",
        "value": "off",
        "source": "environment",
        "isSecret": False,
    }
    assert settings["port"]["source"] == "option"
    assert settings["host"] == {"name": "host", "value": "127.0.0.1", "source": "default", "isSecret": False}
