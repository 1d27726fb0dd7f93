"""Web Push, from a message to the browser: a server in this process, and a push service double that decrypts."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from talkwire.core.domain.base64url import from_any_base64
from talkwire.testing.server import TemporaryServer
from tests.push.push_service import Browser, PushService, Rest
from tests.waiting import until_asked


async def _until_listed(rest: Rest, by: str, count: int) -> list[dict[str, Any]]:
    """Waits until a user has this many subscriptions, and returns them."""

    async def listed() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await rest("GET", "users/me/push", by))["items"]
        return items

    async def are_listed() -> bool:
        return len(await listed()) == count

    await until_asked(are_listed)
    return await listed()


async def test_a_direct_message_is_pushed_to_an_offline_user(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    browser = Browser(service)
    await rest.subscribe("bob", browser)
    message = await server.chat.send_message("pair", sender="alice", content="Hello Bob")
    assert await browser.next() == {
        "id": str(message.id),
        "type": "direct",
        "title": "alice",
        "body": "Hello Bob",
        "conversationId": "pair",
        "actorId": "alice",
        "messageId": str(message.id),
        "sound": "default",
        "createdAt": (await browser.next())["createdAt"],
        "badge": 1,
    }
    headers = browser.requests[0].headers
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["urgency"] == "high"
    assert 86_000 < int(headers["ttl"]) <= 86_400
    assert len(headers["topic"]) == 32


async def test_the_push_service_knows_the_server_by_its_key(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    browser = Browser(service)
    await rest.subscribe("bob", browser)
    public_key = (await rest("GET", "push/key", "bob"))["publicKey"]
    await server.chat.send_message("pair", sender="alice", content="Hello")
    await browser.next()
    scheme, _, parameters = browser.requests[0].headers["authorization"].partition(" ")
    given = dict(each.strip().split("=", 1) for each in parameters.split(","))
    assert scheme == "vapid"
    assert given["k"] == public_key
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_any_base64(public_key))
    claims = jwt.decode(given["t"], key, algorithms=["ES256"], audience=service.url)
    assert claims["aud"] == service.url


async def test_reading_elsewhere_dismisses_what_was_pushed(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    browser = Browser(service)
    await rest.subscribe("bob", browser)
    ids = [str((await server.chat.send_message("pair", sender="alice", content=each)).id) for each in ("one", "two")]
    await browser.next(2)
    await rest("POST", "conversations/pair/read", "bob")
    assert await browser.next(3) == {"type": "dismiss", "ids": ids, "badge": 0}


async def test_a_deleted_message_is_dismissed(server: TemporaryServer, service: PushService, rest: Rest) -> None:
    browser = Browser(service)
    await rest.subscribe("bob", browser)
    message = await server.chat.send_message("pair", sender="alice", content="oops")
    await browser.next()
    await rest("DELETE", f"messages/{message.id}", "alice", 204)
    assert await browser.next(2) == {"type": "dismiss", "ids": [str(message.id)], "badge": 0}
    assert browser.requests[1].headers["topic"] == browser.requests[0].headers["topic"], "replaces an undelivered one"


async def test_a_device_with_a_socket_gets_no_push_and_another_one_does(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    phone, desktop = Browser(service), Browser(service)
    await rest.subscribe("bob", phone, deviceId="phone")
    await rest.subscribe("bob", desktop, deviceId="desktop")
    async with server.client("bob", deviceId="desktop") as bob:
        await server.chat.send_message("team", sender="alice", content="@bob look")
        await bob.wait_for("notification")
        assert (await phone.next())["type"] == "mention"
        await server.chat.send_message("pair", sender="alice", content="a direct message, which bob sees")
        await server.chat.send_message("team", sender="alice", content="@bob again")
        assert (await phone.next(2))["body"] == "@bob again"
    assert desktop.pushes == []
    await server.chat.send_message("team", sender="alice", content="@bob bye")
    assert (await desktop.next())["body"] == "@bob bye"


async def test_without_a_device_id_any_socket_of_the_user_counts(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    unknown, phone = Browser(service), Browser(service)
    await rest.subscribe("bob", unknown)
    await rest.subscribe("bob", phone, deviceId="phone")
    async with server.client("bob"):
        await server.chat.send_message("team", sender="alice", content="@bob look")
        await phone.next()
    assert unknown.pushes == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("conversations/pair/preferences", {"muted": True}),
        ("users/me/preferences", {"notify": {"direct": False}}),
        (
            "users/me/preferences",
            {"doNotDisturb": {"enabled": True, "from": "00:00", "to": "00:00", "timeZone": "UTC"}},
        ),
    ],
)
async def test_pushes_follow_the_preferences(
    server: TemporaryServer, service: PushService, rest: Rest, path: str, body: object
) -> None:
    bobs, carols = Browser(service), Browser(service)
    await rest.subscribe("bob", bobs)
    await rest.subscribe("carol", carols)
    await rest("PUT", path, "bob", json=body)
    await server.chat.send_message("pair", sender="alice", content="hush")
    await server.chat.send_message("team", sender="alice", content="@carol look")
    await carols.next()
    assert bobs.pushes == []


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_a_subscription_that_has_ended_is_removed(
    server: TemporaryServer, service: PushService, rest: Rest, status: str
) -> None:
    service.respond = (status,)
    await rest.subscribe("bob", Browser(service))
    await server.chat.send_message("pair", sender="alice", content="Hello")
    assert await _until_listed(rest, "bob", 0) == []


async def test_an_endpoint_has_one_subscription_and_the_last_user_has_it(service: PushService, rest: Rest) -> None:
    browser = Browser(service)
    first = await rest.subscribe("bob", browser)
    again = await rest.subscribe("bob", browser, userAgent="Firefox")
    assert first["id"] == again["id"]
    assert again["createdAt"] == first["createdAt"]
    assert again["userAgent"] == "Firefox"
    await rest.subscribe("carol", browser)
    assert await _until_listed(rest, "bob", 0) == []
    assert [each["endpoint"] for each in await _until_listed(rest, "carol", 1)] == [browser.endpoint]


async def test_a_user_has_twenty_subscriptions_at_most(service: PushService, rest: Rest) -> None:
    browsers = [Browser(service) for _ in range(21)]
    for browser in browsers:
        await rest.subscribe("bob", browser)
    kept = {each["endpoint"] for each in await _until_listed(rest, "bob", 20)}
    assert kept == {browser.endpoint for browser in browsers[1:]}


async def test_a_subscription_can_be_deleted_by_its_user_only(service: PushService, rest: Rest) -> None:
    subscription = await rest.subscribe("bob", Browser(service))
    await rest("DELETE", f"users/me/push/{subscription['id']}", "carol", 403)
    await rest("DELETE", f"users/me/push/{subscription['id']}", "bob", 204)
    assert await _until_listed(rest, "bob", 0) == []
    await rest("DELETE", f"users/me/push/{subscription['id']}", "bob", 403)


async def test_a_device_does_not_renew_what_its_user_has_removed(service: PushService, rest: Rest) -> None:
    browser = Browser(service)
    first = await rest.subscribe("bob", browser, renew=True)
    await rest("DELETE", f"users/me/push/{first['id']}", "bob", 204)
    refusal = await rest("PUT", "users/me/push", "bob", 409, json={**browser.subscription, "renew": True})
    assert refusal["error"]["code"] == "conflict"
    assert await _until_listed(rest, "bob", 0) == []
    # Another user of the browser, or bob when he asks for pushes, may subscribe.
    await rest.subscribe("carol", browser, renew=True)
    await rest.subscribe("bob", browser)
    assert (await rest.subscribe("bob", browser, renew=True))["id"] == first["id"]


async def test_a_subscription_ends_with_its_sign_in(service: PushService, rest: Rest) -> None:
    account = {"email": "dora@example.com", "password": "correct horse", "name": "Dora"}
    signed_in = await rest("POST", "auth/register", "alice", 201, json=account)
    token, dora = signed_in["accessToken"], signed_in["user"]["id"]
    subscription = await rest.subscribe(token, Browser(service))
    assert subscription["current"] is True
    await rest.subscribe(dora, Browser(service), deviceId="of a token without a sign-in")
    await rest("POST", "auth/logout", token, 204)
    assert [each["current"] for each in await _until_listed(rest, dora, 1)] == [False]


async def test_a_ban_ends_all_subscriptions(service: PushService, server: TemporaryServer, rest: Rest) -> None:
    await rest.subscribe("bob", Browser(service))
    await rest("PUT", "users/bob/ban", server.token("backend", role="service"), 204)
    await rest("DELETE", "users/bob/ban", server.token("backend", role="service"), 204)
    assert await _until_listed(rest, "bob", 0) == []


INVALID = (
    ({"endpoint": None}, "endpoint"),
    ({"keys": None}, "keys"),
    ({"endpoint": "ftp://push.example.com/x"}, "endpoint"),
    ({"endpoint": "https://10.0.0.1/x"}, "endpoint"),
    ({"keys": {"p256dh": "AAAA", "auth": "AAAAAAAAAAAAAAAAAAAAAA"}}, "keys.p256dh"),
    ({"kind": "gateway", "appId": "a", "pushKey": "b"}, "url"),
    ({"kind": "gateway", "appId": "a", "pushKey": "b", "url": "https://93.184.216.34/x"}, "url"),
    ({"kind": "gateway", "url": "https://93.184.216.34/_matrix/push/v1/notify", "pushKey": "b"}, "appId"),
)


async def test_an_invalid_subscription_is_refused(service: PushService, rest: Rest) -> None:
    for change, path in INVALID:
        whole = Browser(service).subscription | change
        body = {name: value for name, value in whole.items() if value is not None}
        refused = await rest("PUT", "users/me/push", "bob", 422, json=body)
        assert refused["error"]["code"] == "invalid_request"
        assert refused["error"]["details"][0]["path"] == path, change
