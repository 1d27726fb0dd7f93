"""Clients behind a proxy: the official clients as processes, HTTP clients with an address of their own, raw sockets."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.chat.chat_server import ServerProcess
from tests.deployment.proxies import HOST, Proxy
from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, deadline

HANDSHAKE = "/socket.io/?EIO=4&transport="


class Script:
    """A script of tests/clients, which reports events line by line."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def says(self, happened: str) -> dict[str, Any]:
        """Returns the next report that is not about a single request; it must have this name."""
        assert self._process.stdout is not None
        async with deadline():
            while line := await self._process.stdout.readline():
                report: dict[str, Any] = json.loads(line)
                if (kind := report.pop("happened")) not in {"request", "response"}:
                    assert kind == happened, report
                    return report
        raise AssertionError(f"the client ended before {happened}")


@asynccontextmanager
async def script(proxy: Proxy, command: Sequence[str], *arguments: str) -> AsyncIterator[Script]:
    """Runs a script that believes the proxy's certificate."""
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(proxy.authority)}
    process = await asyncio.create_subprocess_exec(*command, *arguments, stdout=PIPE, env=environment)
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def visitor(
    proxy: Proxy, address: str = "127.0.0.1", token: str | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Yields an HTTP client at this local address. Host and certificate are those of the proxy's site."""
    transport = httpx.AsyncHTTPTransport(verify=proxy.tls, local_address=address)
    headers = {"host": f"{HOST}:{proxy.port}", **({} if token is None else bearer(token))}
    async with httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{proxy.port}", transport=transport, headers=headers, timeout=DEADLINE_S
    ) as client:
        client.event_hooks["request"].append(_name_the_site)
        yield client


async def _name_the_site(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = HOST


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@asynccontextmanager
async def socket(
    proxy: Proxy, address: str = "127.0.0.1", headers: Mapping[str, str] | None = None
) -> AsyncIterator[ClientConnection]:
    """A WebSocket that has read the server's opening packet."""
    async with connect(
        f"wss://{HOST}:{proxy.port}{HANDSHAKE}websocket",
        ssl=proxy.tls,
        host="127.0.0.1",
        local_addr=(address, 0),
        additional_headers=dict(headers or {}),
        proxy=None,
        ping_interval=None,
        open_timeout=DEADLINE_S,
    ) as connection:
        async with deadline():
            opening = await connection.recv()
        assert isinstance(opening, str)
        assert opening.startswith("0{")
        yield connection


async def group_of(server: ServerProcess, *user_ids: str) -> str:
    """The id of a new conversation."""
    headers = bearer(server.token("backend", role="service"))
    async with AsyncHttpClient(base_url=server.url, headers=headers) as http:
        answer = await http.post("/api/v1/conversations", json={"kind": "group", "memberIds": user_ids})
        return str(answer.raise_for_status().json()["id"])
