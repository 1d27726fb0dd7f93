"""What `/metrics` counts, and that the page, the dashboard and the alerts name no other metrics."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from talkwire.callbacks.metrics import CallbackMetrics
from talkwire.composition.metrics import ExceededLimits
from talkwire.core.engine.limits import Limits
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.chat.test_growing import author
from tests.http_client import http_get

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\b(?:talkwire|process)_[a-z_]+[a-z]\b")


def published(server: ServerProcess) -> set[str]:
    """Returns the names of all samples and of their families, as a page or a query may write them."""
    families = list(text_string_to_metric_families(http_get(f"{server.url}/metrics").text))
    # Only a server with callbacks and with rate limits has these.
    families += [*CallbackMetrics().collect(), *ExceededLimits(Limits()).collect()]
    names = set()
    for family in families:
        if family.type == "counter":
            names.add(f"{family.name}_total")
        else:
            names.add(family.name)
        if family.type == "histogram":
            names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
    return names


async def value(world: World, name: str, **labels: str) -> float:
    text = (await world.request("GET", "/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_the_page_has_every_metric_and_no_other(chat_server: ServerProcess) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    parts = ("_bucket", "_sum", "_count")
    names = {name for name in published(chat_server) if name.startswith("talkwire_")}
    histograms = {name.removesuffix("_bucket") for name in names if name.endswith("_bucket")}
    expected = {name for name in names if not (name.endswith(parts) and name.rpartition("_")[0] in histograms)}
    assert set(NAME.findall(page)) == expected


@pytest.mark.parametrize("file", ["grafana/talkwire.json", "prometheus/alerts.yaml"])
def test_the_dashboard_and_the_alerts_name_metrics_that_exist(chat_server: ServerProcess, file: str) -> None:
    text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
    document = json.loads(text) if file.endswith("json") else yaml.safe_load(text)
    named = set(NAME.findall("\n".join(_expressions(document))))
    assert len(named) > 10
    assert named - published(chat_server) == set()


def _expressions(document: object) -> list[str]:
    """Returns all queries in a dashboard or in alerts."""
    if isinstance(document, dict):
        found = [value for key, value in document.items() if key == "expr"]
        return found + [each for value in document.values() for each in _expressions(value)]
    if isinstance(document, list):
        return [each for value in document for each in _expressions(value)]
    return []


async def test_commands_are_counted_by_name_and_outcome_over_sockets_and_rest(world: World) -> None:
    async def sent(outcome: str) -> float:
        return await value(world, "talkwire_commands_total", command="message:send", outcome=outcome)

    room = await world.conversation("alice", "bob")
    before, refused_before = await sent("ok"), await sent("forbidden")
    alice, mallory = await world.connect("alice"), await world.connect("mallory")
    await alice.send_message(room, "by a socket")
    body = {"conversationId": room, "content": "over REST"}
    await world.request("POST", "/api/v1/messages", by="bob", json=body)
    await mallory.refused("message:send", {**body})
    await world.request("POST", "/api/v1/messages", by="mallory", json=body)
    assert await sent("ok") - before >= 2
    assert await sent("forbidden") - refused_before >= 2


async def test_streams_are_counted_and_their_ends_are_logged(world: World, chat_server: ServerProcess) -> None:
    async def ends(state: str) -> float:
        return await value(world, "talkwire_stream_ends_total", state=state)

    agent = await author(world)
    before = [await ends(state) for state in ("done", "failed")]
    await agent.open()
    # Those that other tests have left open end meanwhile.
    open_before = await value(world, "talkwire_streams")
    assert open_before >= 1
    await agent.append("Hello")
    await agent.finish()
    await agent.open("s2")
    failed = await agent.finish(state="failed")
    assert [await ends(state) for state in ("done", "failed")] == [each + 1 for each in before]
    assert await value(world, "talkwire_streams") <= open_before - 1
    (line,) = [
        each for each in chat_server.logged() if each["event"] == "stream_ended" and each["message_id"] == failed["id"]
    ]
    ids = {"conversation_id": agent.conversation, "user_id": world.id_of("helper"), "state": "failed"}
    assert {name: line[name] for name in ids} == ids


async def test_ends_of_cards_are_counted_and_logged(world: World, chat_server: ServerProcess) -> None:
    async def ends(state: str) -> float:
        return await value(world, "talkwire_card_ends_total", state=state)

    room = await world.conversation("alice", "bob")
    before = [await ends(state) for state in ("decided", "cancelled")]
    card = {"title": "Pay?", "actions": [{"id": "yes", "label": "Yes"}], "decide": "first"}
    for end, body in (("", {"actionIds": ["yes"]}), ("/cancel", None)):
        asked = await world.request("POST", "/api/v1/messages", by="alice", json={"conversationId": room, "card": card})
        message_id = asked.json()["id"]
        by = "bob" if body else "alice"
        await world.request("POST", f"/api/v1/messages/{message_id}/card{end}", by=by, json=body)
    assert [await ends(state) for state in ("decided", "cancelled")] == [each + 1 for each in before]
    lines = [each for each in chat_server.logged() if each["event"] == "card_ended" and each["conversation_id"] == room]
    assert [(each["state"], each["action_id"], each["user_id"]) for each in lines] == [
        ("decided", "yes", world.id_of("alice")),
        ("cancelled", None, world.id_of("alice")),
    ]


async def test_connections_messages_deliveries_and_requests_are_counted(world: World) -> None:
    room = await world.conversation("alice", "bob")
    messages, deliveries = [await value(world, f"talkwire_{name}_total") for name in ("messages", "deliveries")]
    alice, bob = await world.connect("alice"), await world.connect("bob")
    assert await value(world, "talkwire_connections", transport="websocket", dialect="messenger") >= 2
    await alice.send_message(room, "Hello!")
    await bob.next("message:new")
    assert await value(world, "talkwire_messages_total") - messages >= 1
    assert await value(world, "talkwire_deliveries_total") - deliveries >= 2
    assert await value(world, "talkwire_commit_duration_seconds_count") > 0
    assert await value(world, "talkwire_request_duration_seconds_count", route="/metrics", status="200") > 0
    refused = await value(world, "talkwire_request_duration_seconds_count", route="", status="404")
    await world.http.get("/nowhere")
    assert await value(world, "talkwire_request_duration_seconds_count", route="", status="404") - refused >= 1
