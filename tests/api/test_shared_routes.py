"""Servers in one process share their routes, but nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire.app import Node
from talkwire.settings import Settings

ALICE = {"email": "alice@example.com", "password": "a password of alice", "name": "Alice"}


class Nodes:
    """Starts nodes in this process, and returns HTTP clients for them."""

    def __init__(self, folder: Path, resources: AsyncExitStack) -> None:
        self._folder = folder
        self._resources = resources

    async def start(self, name: str, **settings: Any) -> httpx.AsyncClient:  # noqa: ANN401 (as `Settings` has them)
        node = Node(Settings(data=self._folder / name, accounts="open", **settings))
        await self._resources.enter_async_context(node.started())
        transport = httpx.ASGITransport(node.app)
        http = httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60, trust_env=False)
        return await self._resources.enter_async_context(http)


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with AsyncExitStack() as resources:
        yield Nodes(tmp_path, resources)


async def test_each_server_uses_its_own_services(nodes: Nodes) -> None:
    first = await nodes.start("first", public_url="https://first.example")
    second = await nodes.start("second", public_url="https://second.example")
    registered = await first.post("/api/v1/auth/register", json=ALICE)
    assert registered.status_code == 201
    headers = {"authorization": f"Bearer {registered.json()['accessToken']}"}
    assert (await first.get("/api/v1/users/me", headers=headers)).status_code == 200
    assert (await second.get("/api/v1/users/me", headers=headers)).status_code == 401
    sign_in = {name: ALICE[name] for name in ("email", "password")}
    assert (await second.post("/api/v1/auth/login", json=sign_in)).status_code == 401
    assert (await first.post("/api/v1/auth/login", json=sign_in)).status_code == 200


async def test_a_server_describes_its_own_settings(nodes: Nodes) -> None:
    everything = await nodes.start("first")
    only_talks = await nodes.start("second", dialect="talks", dialects=["talks"])
    below = await nodes.start("third", prefix="/chat")
    again = await nodes.start("fourth")
    described = {http: (await http.get("/openapi.json")).json() for http in (everything, only_talks, again)}
    assert described[again] == described[everything]
    assert described[only_talks]["paths"].keys() < described[everything]["paths"].keys()
    assert (await below.get("/chat/openapi.json")).json()["servers"] == [{"url": "/chat"}]
    events = {http: (await http.get("/asyncapi.json")).json() for http in (everything, only_talks, again)}
    assert events[again] == events[everything]
    assert set(events[only_talks]["channels"]) == {"talks"} < set(events[everything]["channels"])


async def test_only_a_server_with_the_web_client_serves_its_page(nodes: Nodes) -> None:
    own = await nodes.start("first", demo=True)
    below = await nodes.start("second", prefix="/chat")
    demo = (await own.get("/demo.json")).json()
    assert demo["open"] is True
    assert demo["users"] != []
    other = await nodes.start("third")
    assert (await other.get("/demo.json")).json() == {"open": False, "users": []}
    assert (await below.get("/chat/demo.json")).json() == {"open": False, "users": []}
    assert (await below.get("/demo.json")).status_code == 404
