"""Push services that fail, and the end of the server."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from talkwire.push import sender
from talkwire.testing import temporary_server
from talkwire.testing.server import TemporaryServer
from tests.push.conftest import LOOPBACK, fill
from tests.push.push_service import Browser, PushService, Rest, push_service, rest_of
from tests.waiting import until_asked


@pytest.mark.parametrize("status", ["500 Internal Server Error", "429 Too Many Requests", "408 Request Timeout"])
async def test_a_failed_push_is_repeated(
    server: TemporaryServer, service: PushService, rest: Rest, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(sender, "PUSH_RETRIES_S", (0.01,))
    service.respond = (status,)
    browser = Browser(service)
    await rest.subscribe("bob", browser)
    message = await server.chat.send_message("pair", sender="alice", content="Hello")
    await browser.next(3)
    service.respond = ("201 Created",)
    await server.chat.send_message("pair", sender="alice", content="the end")
    await service.until(lambda: browser.pushes[-1]["body"] == "the end")
    assert {each["id"] for each in browser.pushes[:-1]} == {str(message.id)}
    assert {each.headers["topic"] for each in browser.requests[:-1]} == {browser.requests[0].headers["topic"]}


@pytest.mark.parametrize("status", ["413 Payload Too Large", "401 Unauthorized"])
async def test_a_push_that_its_service_would_refuse_again_is_given_up(
    server: TemporaryServer, service: PushService, rest: Rest, status: str
) -> None:
    service.respond, service.body = (status,), b'{"reason": "BadJwtToken"}'
    browser = Browser(service)
    await rest.subscribe("bob", browser)
    await server.chat.send_message("pair", sender="alice", content="large")
    await browser.next()
    service.respond = ("201 Created",)
    await server.chat.send_message("pair", sender="alice", content="small")
    assert (await browser.next(2))["body"] == "small"


async def test_a_subscription_for_another_key_ends_with_the_services_words(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    service.respond, service.body = ("400 Bad Request",), b'{"reason":"VapidPkHashMismatch"}'
    await rest.subscribe("bob", Browser(service))

    async def ended() -> bool:
        return not (await rest("GET", "users/me/push", "bob"))["items"]

    with capture_logs() as lines:
        await server.chat.send_message("pair", sender="alice", content="Hello")
        await until_asked(ended)
    (line,) = [line for line in lines if line["event"].startswith("push_")]
    assert (line["event"], line["error"]) == (
        "push_subscription_removed",
        'status 400: {"reason":"VapidPkHashMismatch"}',
    )


async def test_a_service_that_does_not_answer_delays_no_other(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    async with push_service() as slow:
        slow.held = asyncio.Event()
        bobs, carols = Browser(slow), Browser(service)
        await rest.subscribe("bob", bobs)
        await rest.subscribe("carol", carols)
        await server.chat.send_message("team", sender="alice", content="@all look")
        await bobs.next()
        await carols.next()
        slow.held.set()


async def test_a_server_that_ends_while_it_sends_continues_after_its_start(
    service: PushService, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "PUSHES_CLOSE_S", 0.01)
    database = f"sqlite:///{tmp_path_factory.mktemp('push') / 'talkwire.db'}"
    browser = Browser(service)
    service.held = asyncio.Event()
    async with temporary_server(push_allow=LOOPBACK, database=database) as server, rest_of(server) as rest:
        await fill(server)
        await rest.subscribe("bob", browser)
        message = await server.chat.send_message("pair", sender="alice", content="Hello")
        await browser.next()
    service.held = None
    async with temporary_server(push_allow=LOOPBACK, database=database) as server, rest_of(server) as rest:
        assert (await browser.next(2))["id"] == str(message.id)
        metrics = (await rest.raw("GET", "/metrics")).text
        await service.until(lambda: True)
        assert "talkwire_push_attempts_total" in metrics


async def test_an_address_that_is_not_allowed_any_more_is_not_connected_to(
    service: PushService, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = f"sqlite:///{tmp_path_factory.mktemp('push') / 'talkwire.db'}"
    browser = Browser(service)
    async with temporary_server(push_allow=LOOPBACK, database=database) as server, rest_of(server) as rest:
        await fill(server)
        await rest.subscribe("bob", browser)
    async with temporary_server(push_allow=(), database=database) as server, rest_of(server) as rest:
        await server.chat.send_message("pair", sender="alice", content="Hello")

        async def has_failed() -> bool:
            metrics = (await rest.raw("GET", "/metrics")).text
            return 'talkwire_push_attempts_total{outcome="failed"} 1.0' in metrics

        await until_asked(has_failed)
    assert browser.requests == []


async def test_a_push_service_is_asked_again_when_it_says(
    server: TemporaryServer, service: PushService, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float | None]] = []

    def retry_ms(failures: int, retry_after_s: float | None) -> int:
        asked.append((failures, retry_after_s))
        return 10

    monkeypatch.setattr(sender, "retry_ms", retry_ms)
    service.respond = ("429 Too Many Requests", "retry-after: 17")
    browser = Browser(service)
    await rest.subscribe("bob", browser)
    await server.chat.send_message("pair", sender="alice", content="first")
    await browser.next(3)
    service.respond = ("201 Created",)
    await server.chat.send_message("pair", sender="alice", content="second")
    await service.until(lambda: browser.pushes[-1]["body"] == "second")
    service.respond = ("500 Internal Server Error",)
    failures = len(asked)
    await server.chat.send_message("pair", sender="alice", content="third")
    await browser.next(len(browser.requests) + 2)
    assert asked[:failures] == [(number, 17.0) for number in range(1, failures + 1)]
    assert asked[failures] == (1, None)
