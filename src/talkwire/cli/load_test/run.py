"""Runs the load test of `talkwire load`: connects users, lets them send messages in groups, and collects
measurements.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from secrets import token_hex

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus

from talkwire.cli.failures import Failure, connection_cause
from talkwire.cli.load_test.client import LoadClient, Measurements, Refused
from talkwire.cli.progress import Bar, Lines
from talkwire.egress import system_tls

GROUP_SIZE = 20
"""Number of members of a conversation: each message is delivered to so many sockets."""

CONNECTS_AT_ONCE = 20
"""Most clients that connect at once."""

DELIVERIES_WAIT_S = 10.0
"""Longest time that the end of a load test waits for acknowledgements and deliveries, in seconds."""

_REQUEST_S = 30.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Load:
    """The load to generate: `connections` users send `rate` messages a second in total, for `seconds` seconds."""

    connections: int
    rate: float
    seconds: float


@dataclass(slots=True)
class Result:
    """The result of a load test: how many messages were sent, and the measurements."""

    sent: int = 0
    measured: Measurements = field(default_factory=Measurements)


class LoadRun:
    """A load test of one server. `token(user_id, role)` returns a signed token that the server accepts."""

    def __init__(self, url: str, load: Load, token: Callable[[str, str | None], str], progress: Bar | Lines) -> None:
        self._url = url.rstrip("/")
        self._load = load
        self._token = token
        self._progress = progress
        self._run_id = f"load-{token_hex(4)}"
        self._users = [f"load-{number}" for number in range(1, load.connections + 1)]
        self._result = Result()

    async def run(self) -> Result:
        """Runs the load test and returns its result. Deletes the test's conversations at the end.

        Raises Failure if the server cannot be used.
        """
        headers = {"authorization": f"Bearer {self._token('load-service', 'service')}"}
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=f"{self._url}/api/v1", headers=headers, timeout=_REQUEST_S, verify=system_tls()
                )
            )
            groups = await self._groups(http)
            stack.push_async_callback(_delete, http, list(groups))
            clients = await self._connect(stack)
            await self._send(clients, groups)
            await self._wait_for_the_last(clients)
        return self._result

    async def _groups(self, http: httpx.AsyncClient) -> dict[str, Sequence[str]]:
        """Creates the test users and their group conversations on the server. Returns the ids of the members by
        conversation id."""
        groups: dict[str, Sequence[str]] = {}
        for start in range(0, len(self._users), GROUP_SIZE):
            members = self._users[start : start + GROUP_SIZE]
            users = [{"id": user, "name": user} for user in members]
            await _request(http, "POST", "/users/batch", {"users": users})
            group = {"id": f"{self._run_id}-{start // GROUP_SIZE}", "kind": "group", "name": "Load test"}
            await _request(http, "POST", "/conversations", {**group, "memberIds": members})
            groups[group["id"]] = members
        return groups

    async def _connect(self, stack: AsyncExitStack) -> list[LoadClient]:
        self._progress.begin("connecting", len(self._users), "users")
        limit = asyncio.Semaphore(CONNECTS_AT_ONCE)

        async def connect(user: str) -> LoadClient:
            async with limit:
                client = await LoadClient.connected(
                    self._url, self._token(user, None), self._run_id, self._result.measured
                )
            stack.push_async_callback(client.close)
            self._progress.advance(1)
            return client

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(connect(user)) for user in self._users]
        except* (Refused, InvalidStatus, OSError, TimeoutError, ConnectionClosed) as errors:
            raise _unusable(errors.exceptions[0]) from None
        return [task.result() for task in tasks]

    async def _send(self, clients: Sequence[LoadClient], groups: dict[str, Sequence[str]]) -> None:
        """Sends the messages of the load test at an even pace, each from one of `clients` to that user's conversation
        in `groups`. If this process is late, it sends faster to keep the average rate."""
        total = round(self._load.rate * self._load.seconds)
        self._progress.begin("sending", total, "messages")
        by_user = {user: group for group, members in groups.items() for user in members}
        start = time.perf_counter()
        for number in range(total):
            early_s = start + number / self._load.rate - time.perf_counter()
            if early_s > 0:
                await asyncio.sleep(early_s)
            index = number % len(clients)
            group = by_user[self._users[index]]
            try:
                await clients[index].send(group, len(groups[group]), number)
            except ConnectionClosed:
                continue
            self._result.sent += 1
            self._progress.advance(1)

    async def _wait_for_the_last(self, clients: Sequence[LoadClient]) -> None:
        measured = self._result.measured
        until = time.perf_counter() + DELIVERIES_WAIT_S
        # Polls, since no event marks the end: a message may have been lost.
        while time.perf_counter() < until:
            if not any(client.waiting for client in clients) and len(measured.deliveries) >= measured.expected:
                return
            await asyncio.sleep(_POLL_S)


async def _request(http: httpx.AsyncClient, method: str, path: str, body: object = None) -> None:
    try:
        answer = await http.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise _unusable(error) from None
    if not answer.is_success:
        raise Failure(f"{http.base_url} refused {method} {path} with {answer.status_code}: {answer.text[:200]}")


async def _delete(http: httpx.AsyncClient, conversations: Sequence[str]) -> None:
    for conversation in conversations:
        await _request(http, "DELETE", f"/conversations/{conversation}")


def _unusable(error: BaseException) -> Failure:
    if isinstance(error, Refused):
        return Failure(f"the server refused a connection: {error}")
    if isinstance(error, InvalidStatus):
        return Failure(f"the server refused a connection with status {error.response.status_code}")
    return Failure(f"the server cannot be reached: {connection_cause(error)}")
