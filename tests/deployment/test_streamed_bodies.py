"""Messages that are written by one request, behind nginx and Caddy with the configurations of docs/deployment: bodies
are passed on as they arrive, for as long as it takes, and an answer comes before the body has ended."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.chat.body_sender import sending_to
from tests.chat.chat_server import ServerProcess
from tests.deployment.conftest import StartProxy, needs_nginx
from tests.deployment.proxies import (
    Proxy,
    nginx_program,
    running_caddy,
    running_nginx,
)
from tests.deployment.visitors import bearer, group_of
from tests.http_client import AsyncHttpClient
from tests.waiting import pause, until_asked


class Written:
    """A message that the agent `helper` writes through a proxy."""

    def __init__(self, server: ServerProcess, proxy: Proxy, conversation: str) -> None:
        self.server, self.proxy = server, proxy
        self.params = {"format": "text", "conversationId": conversation, "clientMessageId": uuid.uuid4().hex}

    async def rest(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        headers = bearer(self.server.token("backend", role="service"))
        async with AsyncHttpClient(base_url=self.server.url, headers=headers) as http:
            answer = (await http.request(method, f"/api/v1/{path}", json=body)).raise_for_status()
        return answer.json() if answer.content else None

    async def message(self) -> Any:  # noqa: ANN401 (JSON)
        items = (await self.rest("GET", f"conversations/{self.params['conversationId']}/messages"))["items"]
        return next((each for each in items if each["clientMessageId"] == self.params["clientMessageId"]), None)

    async def until_shows(self, text: str) -> None:
        async def is_shown() -> bool:
            message = await self.message()
            return message is not None and text in message["content"]

        await until_asked(is_shown)

    async def trickle(self, seconds: int) -> None:
        """Writes a piece each second. Members see the message while it arrives."""
        token = self.server.token("helper")
        async with sending_to(self.proxy.url, token, self.params, tls=self.proxy.tls) as author:
            for number in range(seconds):
                await author.send(b"%d " % number)
                await pause(1)
                if number % 20 == 10:
                    await self.until_shows(f"{number} ")
            status, answer = await author.end()
        assert (status, answer["message"]["state"]) == (200, "done"), answer
        assert answer["message"]["content"] == "".join(f"{number} " for number in range(seconds))


async def written(server: ServerProcess, proxy: Proxy) -> Written:
    work = Written(server, proxy, await group_of(server, "helper", "bob"))
    await work.rest("PUT", "users/helper", {"kind": "agent"})
    return work


def both(stack: ExitStack, server: ServerProcess, folder: Path) -> Iterator[Proxy]:
    """Starts Caddy, and nginx if it is installed."""
    for start in (running_caddy, running_nginx) if nginx_program() else (running_caddy,):
        own = folder / start.__name__
        own.mkdir()
        yield stack.enter_context(start(own, server.url))


async def trickle_through_both(server: ServerProcess, folder: Path, seconds: int) -> None:
    with ExitStack() as stack:
        works = [await written(server, proxy) for proxy in both(stack, server, folder)]
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work.trickle(seconds))


async def test_a_body_is_passed_on_as_it_arrives_for_longer_than_time_outs(
    chat_server: ServerProcess, tmp_path: Path
) -> None:
    """Both proxies at once, since this only waits."""
    await trickle_through_both(chat_server, tmp_path, 70)


@pytest.mark.timeout(900)
async def test_a_body_may_take_ten_minutes(chat_server: ServerProcess, tmp_path: Path) -> None:
    await trickle_through_both(chat_server, tmp_path, 600)


@pytest.mark.parametrize(
    "start", [pytest.param(running_nginx, id="nginx", marks=needs_nginx), pytest.param(running_caddy, id="caddy")]
)
async def test_an_answer_comes_before_the_body_has_ended(
    chat_server: ServerProcess, tmp_path: Path, start: StartProxy
) -> None:
    with start(tmp_path, chat_server.url, None) as proxy:
        work = await written(chat_server, proxy)
        async with sending_to(proxy.url, chat_server.token("helper"), work.params, tls=proxy.tls) as author:
            await author.send(b"It was ")
            await work.until_shows("It was ")
            await work.rest("POST", f"messages/{(await work.message())['id']}/stop")
            status, answer = await author.answer()
    assert (status, answer["message"]["state"], answer["message"]["content"]) == (200, "stopped", "It was ")
