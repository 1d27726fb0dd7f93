"""Turns over sockets and REST: what an agent's processes, members, the owner and the back end receive."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.chat.chat_client import Payload
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.chat.test_drain import LONG_WINDOW_S, begin_to_drain, draining_world
from tests.waiting import deadline, until_asked

CLAIM = "/api/v1/turns/claim"


@pytest.fixture
async def group(world: World) -> str:
    """A group of Alice, who owns the agent Helper, Bob and Helper."""
    conversation, helper = await with_agent(world)
    await world.service("PATCH", f"/api/v1/conversations/{conversation}", {"agents": "all"})
    assert helper == world.id_of("helper")
    return conversation


async def rest(  # noqa: PLR0917 (a request is short to write so)
    world: World,
    method: str,
    path: str,
    body: object = None,
    by: str = "helper",
    role: str | None = None,
) -> tuple[int, Any]:
    """Returns the status and the JSON of a response; of a refusal the error."""
    answer = await world.request(method, f"/api/v1{path}", by=by, role=role, json=body)
    found = answer.json() if answer.content else None
    return answer.status_code, found if answer.is_success or found is None else found["error"]


async def claimed(world: World) -> Payload:
    status, answer = await rest(world, "POST", "/turns/claim", {})
    assert status == 200
    (turn,) = answer["turns"]
    assert isinstance(turn, dict)
    return turn


async def states(world: World) -> list[tuple[str, int]]:
    """Returns the states and attempts of the agent's turns, the newest first."""
    _, page = await rest(world, "GET", "/turns")
    return [(turn["state"], turn["attempt"]) for turn in page["items"]]


async def test_a_turn_is_claimed_worked_on_and_answered_over_sockets(world: World, group: str) -> None:
    alice, bob, helper = [await world.connect(name) for name in ("alice", "bob", "helper")]
    question = await bob.send_message(group, "A question")
    ready = await helper.next("turn:ready")
    assert (ready["conversationId"], ready["agentId"]) == (group, world.id_of("helper"))
    (turn,) = (await helper.done("turn:claim", {"max": 5}))["turns"]
    assert (turn["id"], turn["conversationId"], turn["agentId"]) == (ready["turnId"], group, world.id_of("helper"))
    assert (turn["state"], turn["attempt"], turn["token"]) == ("working", 1, f"{turn['id']}.1")
    assert [message["id"] for message in turn["messages"]] == [question["id"]]
    working = {"conversationId": group, "agentId": world.id_of("helper")}
    for socket in (alice, bob):
        assert await socket.next("turn:working") == working
    renewed = await helper.done("turn:update", {"turn": turn["token"], "label": "Searching"})
    assert "stop" not in renewed
    for socket in (alice, bob):
        assert await socket.next("turn:working") == working | {"label": "Searching"}
    await helper.done(
        "message:send",
        {"conversationId": group, "content": "An answer", "turn": turn["token"], "onBehalfOf": world.id_of("bob")},
    )
    assert (await bob.next("message:new"))["content"] == "A question"
    sent = await bob.next("message:new")
    assert (sent["content"], sent["onBehalfOf"]) == ("An answer", world.id_of("bob"))
    assert not {"turn", "cause", "depth", "more"} & {*sent}
    assert await helper.pending("turn:working") == []
    assert await bob.pending("turn:ready", "turn:working") == []
    assert await states(world) == [("done", 1)]
    error = await helper.refused("turn:done", {"turn": turn["token"]})
    assert (error["code"], error["details"]) == ("conflict", {"reason": "ended", "state": "done"})


async def test_a_turn_is_claimed_worked_on_and_ended_over_rest(world: World, group: str) -> None:
    bob = await world.connect("bob")
    await bob.send_message(group, "A question")
    for attempt, end in enumerate(("release", "fail", "done"), 1):

        async def again() -> Payload | None:
            _, answer = await rest(world, "POST", "/turns/claim")
            return answer["turns"][0] if answer["turns"] else None

        turn = await until_asked(again)  # a failed one after a second
        assert turn is not None
        assert turn["attempt"] == attempt
        body = {"turn": turn["token"]}
        assert await rest(world, "PATCH", f"/turns/{turn['id']}", body | {"label": "Searching"}) == (200, {})
        status, error = await rest(world, "PATCH", "/turns/1", body)
        assert (status, error["code"]) == (422, "invalid_request")
        failure = {"error": {"code": "broken", "message": "No model"}} if end == "fail" else {}
        assert await rest(world, "POST", f"/turns/{turn['id']}/{end}", body | failure) == (204, None)
        status, error = await rest(world, "POST", f"/turns/{turn['id']}/{end}", body)
        assert (status, error["code"]) == (409, "conflict")
    _, page = await rest(world, "GET", "/turns?state=done")
    (listed,) = page["items"]
    assert (listed["tries"], listed["error"]) == (1, {"code": "broken", "message": "No model"})
    assert "endedAt" in listed
    assert {"claimableAt", "leaseUntil", "label"}.isdisjoint(listed)


async def test_a_failed_turn_is_reported_and_retried_by_the_owner(world: World, group: str) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    cursor = (await world.service("GET", "/api/v1/events"))["cursor"]
    for agent in ("second", "third"):
        body = {"name": agent, "kind": "agent", "ownerId": world.id_of("alice")}
        await world.service("PUT", f"/api/v1/users/{world.id_of(agent)}", body)
    ids = [world.id_of(agent) for agent in ("second", "third")]
    await world.service("POST", f"/api/v1/conversations/{group}/members", {"userIds": ids})
    await world.service("PATCH", f"/api/v1/conversations/{group}", {"agents": "mentions"})
    await bob.send_message(group, "@second, a question")
    for agent, other in (("second", "third"), ("third", "second"), ("second", "third")):
        _, answer = await rest(world, "POST", "/turns/claim", {}, by=agent)
        send = {"conversationId": group, "content": f"@{other}?", "turn": answer["turns"][0]["token"]}
        assert (await rest(world, "POST", "/messages", send, by=agent))[0] == 201
    failed = await alice.next("turn:failed")
    assert failed["error"]["code"] == "depth"
    assert await bob.pending("turn:failed") == []
    events = (await world.service("GET", f"/api/v1/events?after={cursor}&limit=100"))["items"]
    assert "turn:failed" in [each["type"] for each in events]
    assert (await rest(world, "POST", f"/turns/{failed['turnId']}/retry", by="bob"))[0] == 403
    assert await rest(world, "POST", f"/turns/{failed['turnId']}/retry", by="alice") == (204, None)
    await alice.done("turn:retry", {"turnId": failed["turnId"]})
    _, page = await rest(world, "GET", f"/turns?agentId={failed['agentId']}&state=failed", by="alice")
    assert failed["turnId"] not in [turn["id"] for turn in page["items"]]


async def test_the_back_end_names_the_agent(world: World, group: str) -> None:
    bob = await world.connect("bob")
    await bob.send_message(group, "A question")
    helper = world.id_of("helper")
    status, _ = await rest(world, "POST", "/turns/claim", {}, by="backend", role="service")
    assert status == 403
    _, answer = await rest(world, "POST", "/turns/claim", {"senderId": helper}, by="backend", role="service")
    (turn,) = answer["turns"]
    body = {"turn": turn["token"], "senderId": helper}
    assert (await rest(world, "PATCH", f"/turns/{turn['id']}", body, by="backend", role="service"))[0] == 200
    assert (await rest(world, "POST", f"/turns/{turn['id']}/done", body, by="backend", role="service"))[0] == 204


# --- waiting ----------------------------------------------------------------------------------------------------------


async def online(world: World) -> bool:
    _, found = await rest(world, "GET", f"/users/{world.id_of('helper')}/presence", by="bob")
    return bool(found["status"] == "online")


async def test_a_socket_that_waits_for_a_turn_goes_on_meanwhile(world: World, group: str) -> None:
    helper, bob = await world.connect("helper"), await world.connect("bob")
    waiting = helper.start_call("turn:claim", {"wait": 60})
    assert (await helper.call("ping")) is not None
    sent = await helper.send_message(group, "Good morning")
    assert sent["content"] == "Good morning"
    second = helper.start_call("turn:claim", {"wait": 60})
    await helper.call("ping")
    assert not waiting.done()
    assert not second.done()
    question = await bob.send_message(group, "A question")
    async with deadline():
        finished, left = await asyncio.wait([waiting, second], return_when=asyncio.FIRST_COMPLETED)
    answer = finished.pop().result()
    (turn,) = answer["turns"]
    assert [message["id"] for message in turn["messages"]] == [question["id"]]
    assert len(left) == 1


async def test_a_request_that_waits_is_answered_when_a_message_comes(world: World, group: str) -> None:
    waiting = asyncio.ensure_future(rest(world, "POST", "/turns/claim", {"wait": 60}))
    await until_asked(lambda: online(world))
    bob = await world.connect("bob")
    await bob.send_message(group, "A question")
    async with deadline():
        status, answer = await waiting
    assert (status, len(answer["turns"])) == (200, 1)


async def test_a_socket_that_closes_while_it_waits_is_given_nothing(world: World, group: str) -> None:
    helper, bob = await world.connect("helper"), await world.connect("bob")
    helper.start_call("turn:claim", {"wait": 60})
    await helper.call("ping")
    await helper.close()
    await bob.send_message(group, "A question")

    async def is_free() -> bool:
        return (await states(world))[0][0] == "waiting"

    await until_asked(is_free)
    turn = await claimed(world)
    assert "tries" not in turn


async def test_a_request_that_goes_away_while_it_waits_is_given_nothing(world: World, group: str) -> None:
    waiting = asyncio.ensure_future(rest(world, "POST", "/turns/claim", {"wait": 60}))
    await until_asked(lambda: online(world))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bob = await world.connect("bob")
    await bob.send_message(group, "A question")

    async def is_free() -> bool:
        return (await states(world))[0][0] == "waiting"

    await until_asked(is_free)
    turn = await claimed(world)
    assert "tries" not in turn


async def test_a_server_that_drains_answers_claims_that_wait(tmp_path: Path) -> None:
    async with draining_world(tmp_path, LONG_WINDOW_S) as (server, world):
        await with_agent(world)
        waiting = asyncio.ensure_future(rest(world, "POST", "/turns/claim", {"wait": 60}))
        await until_asked(lambda: online(world))
        await begin_to_drain(server, world)
        async with deadline():
            assert await waiting == (200, {"turns": []})
            assert await rest(world, "POST", "/turns/claim", {"wait": 60}) == (200, {"turns": []})
        assert server.logged_errors() == []


# --- bad input --------------------------------------------------------------------------------------------------------

BAD: list[tuple[Payload, str]] = [
    ({"max": 0}, "max"),
    ({"max": 51}, "max"),
    ({"max": "1"}, "max"),
    ({"leaseS": 1}, "leaseS"),
    ({"leaseS": 301}, "leaseS"),
    ({"leaseS": 86_400}, "leaseS"),
    ({"leaseS": 5.5}, "leaseS"),
    ({"wait": 61}, "wait"),
    ({"wait": -1}, "wait"),
    ({"wait": True}, "wait"),
    ({"agent": "x"}, "agent"),
]


@pytest.mark.parametrize(("body", "path"), BAD, ids=str)
async def test_bad_claims_are_refused_alike_by_sockets_and_rest(
    world: World, group: str, body: Payload, path: str
) -> None:
    helper = await world.connect("helper")
    over_socket = await helper.refused("turn:claim", body)
    status, over_rest = await rest(world, "POST", "/turns/claim", body)
    assert (status, over_rest["code"]) == (422, "invalid_request")
    assert over_socket["code"] == over_rest["code"]
    assert over_socket["details"] == over_rest["details"]
    assert [each["path"] for each in over_rest["details"]] == [path]


@pytest.mark.parametrize(
    ("event", "route", "body"),
    [
        ("turn:update", "PATCH /turns/1", {"turn": "1.1", "label": "x" * 101}),
        ("turn:update", "PATCH /turns/1", {"turn": "1.1", "leaseS": 4}),
        ("turn:update", "PATCH /turns/1", {"turn": "garbage"}),
        ("turn:done", "POST /turns/1/done", {"turn": ""}),
        ("turn:release", "POST /turns/1/release", {}),
        ("turn:fail", "POST /turns/1/fail", {"turn": "1.1", "error": {"code": "x" * 65, "message": ""}}),
        ("turn:fail", "POST /turns/1/fail", {"turn": "1.1", "error": {"code": "x", "message": "x" * 501}}),
        ("turn:fail", "POST /turns/1/fail", {"turn": "1.1", "error": "broken"}),
    ],
    ids=str,
)
async def test_bad_commands_about_a_turn_are_refused_alike(
    world: World, group: str, event: str, route: str, body: Payload
) -> None:
    helper = await world.connect("helper")
    over_socket = await helper.refused(event, body)
    method, path = route.split(" ")
    status, over_rest = await rest(world, method, path, body)
    assert (status, over_rest["code"]) == (422, "invalid_request")
    assert (over_socket["code"], over_socket["details"]) == (over_rest["code"], over_rest["details"])


async def test_people_are_refused_alike(world: World, group: str) -> None:
    bob = await world.connect("bob")
    over_socket = await bob.refused("turn:claim", {})
    status, over_rest = await rest(world, "POST", "/turns/claim", {}, by="bob")
    assert (status, over_rest["code"], over_socket["code"]) == (403, "forbidden", "forbidden")
    assert over_socket["message"] == over_rest["message"]
