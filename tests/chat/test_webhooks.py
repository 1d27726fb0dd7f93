"""The routes of webhooks. `tests/webhooks` has the delivery."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chat.conftest import World

URL = "https://203.0.114.7/hook"  # a public address; nothing is sent, since no event has this type
TYPES = ["call:missed"]


async def _create(world: World, **members: object) -> Any:  # noqa: ANN401 (JSON)
    return await world.service("POST", "/api/v1/webhooks", {"url": URL, "types": TYPES, **members})


async def test_a_webhook_from_its_creation_to_its_end(world: World) -> None:
    created = await _create(world, conversationIds=[world.id_of("c")], description="orders", after="start", final=True)
    path = f"/api/v1/webhooks/{created['id']}"
    secret = created.pop("secret")
    assert secret.startswith("whsec_")
    assert await world.service("GET", path) == created
    assert created in (await world.service("GET", "/api/v1/webhooks"))["items"]
    changed = await world.service("PATCH", path, {"types": None, "enabled": False})
    assert (changed["types"], changed["enabled"], changed["disabledReason"]) == (None, False, "request")
    assert (created["final"], changed["final"]) == (True, True)
    assert (await world.service("PATCH", path, {"final": False}))["final"] is False
    assert (await world.service("POST", f"{path}/rewind", {"after": created["cursor"]}))["cursor"] == created["cursor"]
    rotated = await world.service("POST", f"{path}/rotate-secret")
    assert rotated["secret"] not in {secret, ""}
    assert (await world.service("GET", f"{path}/deliveries")) == {"items": [], "next": None}
    assert await world.service("DELETE", path) is None
    assert (await world.request("GET", path, by="backend", role="service")).status_code == 404


async def test_a_program_registers_its_webhook_at_each_start(world: World) -> None:
    path, body = "/api/v1/webhooks/orders", {"url": URL, "types": TYPES, "after": "start"}
    created = await world.service("PUT", path, body)
    assert created.pop("secret").startswith("whsec_")
    # The cursor moves over events of other types.
    for again in (await world.service("GET", path), await world.service("PUT", path, body)):
        assert {**again, "cursor": None} == {**created, "cursor": None}
    assert (await world.service("PUT", path, {**body, "final": True}))["final"]
    await world.service("PATCH", path, {"enabled": False, "description": "by hand"})
    changed = await world.service("PUT", path, {"url": URL, "secret": "whsec_" + 32 * "A"})
    assert (changed["types"], changed["enabled"], changed["final"]) == (None, False, False)
    assert (changed["description"], "secret" in changed) == (None, False)
    await world.service("DELETE", path)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_AAAA", "whsec_" + 33 * "A", 32 * "A", "whsec_" + 31 * "A" + "!"]
)
async def test_a_secret_that_no_library_reads_is_refused(world: World, secret: str) -> None:
    body = {"url": URL, "secret": secret}
    answer = await world.request("PUT", "/api/v1/webhooks/orders", by="backend", role="service", json=body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["path"]) == (422, "secret")


async def test_an_id_that_the_server_could_give_is_refused(world: World) -> None:
    path = "/api/v1/webhooks/8000000000000001"
    answer = await world.request("PUT", path, by="backend", role="service", json={"url": URL})
    assert (answer.status_code, answer.json()["error"]["details"][0]["path"]) == (422, "webhookId")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"url": "http://203.0.114.7/"}, "url: must begin with https://"),
        ({"url": "https://127.0.0.1/"}, "url: 127.0.0.1 is a loopback address"),
        ({"url": "https://169.254.169.254/"}, "url: 169.254.169.254 is a metadata address"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url: 10.0.0.1 is a private address"),
        ({"url": URL, "types": ["mesage:new"]}, "did you mean message:new?"),
        ({"url": URL, "types": []}, "types: must have 1 to 100 items"),
        ({"url": URL, "conversationIds": ["a b"]}, "conversationIds[0]: must be an id"),
        ({"url": URL, "after": "nonsense"}, "after: must be a cursor"),
        ({"url": URL, "secret": "x"}, "secret"),
        ({"url": URL, "final": "maybe"}, "final"),
        ({"url": URL, "final": None}, "final"),
    ],
)
async def test_an_invalid_member_and_its_rule_are_named(world: World, body: dict[str, object], text: str) -> None:
    answer = await world.request("POST", "/api/v1/webhooks", by="backend", role="service", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert text in answer.json()["error"]["message"]


async def test_a_test_that_reaches_nobody_is_an_outcome(world: World) -> None:
    created = await _create(world, url="https://nobody.invalid/hook")
    outcome = await world.service("POST", f"/api/v1/webhooks/{created['id']}/test")
    assert (outcome["status"], outcome["attempt"]) == (None, 1)
    assert outcome["error"].startswith("cannot connect")
    await world.service("DELETE", f"/api/v1/webhooks/{created['id']}")


async def test_users_have_no_access(world: World) -> None:
    created = await _create(world)
    path = f"/api/v1/webhooks/{created['id']}"
    for method, place, body in (
        ("GET", "/api/v1/webhooks", None),
        ("POST", "/api/v1/webhooks", {"url": "https://127.0.0.1/"}),
        ("GET", path, None),
        ("PUT", path, {"url": "https://127.0.0.1/"}),
        ("PATCH", path, {"url": "https://127.0.0.1/"}),
        ("DELETE", path, None),
        ("POST", f"{path}/rewind", {"after": "start"}),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
    ):
        answer = await world.request(method, place, by="alice", json=body)
        assert answer.status_code == 403, (method, place)
    await world.service("DELETE", path)


async def test_the_description_has_the_request_for_each_event(world: World) -> None:
    described = (await world.request("GET", "/openapi.json")).json()
    request = described["webhooks"]["message:new"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert request["allOf"][1]["properties"]["type"]["const"] == "message:new"
    data = request["allOf"][1]["properties"]["data"]["$ref"].rpartition("/")[2]
    assert "clientMessageId" in described["components"]["schemas"][data]["properties"]
    assert described["webhooks"].keys() >= {"user:created", "conversation:new", "webhook:changed", "webhook:test"}
