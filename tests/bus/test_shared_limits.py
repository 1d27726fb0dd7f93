"""Limits of several nodes over a real Valkey, which is ended, paused and emptied too."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from talkwire.bus import shared_limits
from talkwire.bus.redis_client import redis_client
from talkwire.bus.shared_limits import TAKE, SharedLimits
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine.limits import Kind, Limits, parse_rates
from tests.bus.bucket_model import SharedBuckets
from tests.bus.networks import let_answers_take_long
from tests.valkey_server import ValkeyServer, valkey_server
from tests.waiting import deadline, until

# So slow that no bucket fills up while a test runs.
RATES = parse_rates(["sends=0.01/10", "reads=0.01/10", "sign_ins=0.01/10", "signals=4/10"])


class Node:
    """A node's rate limits. Reports when a test says so, or continuously while `running`."""

    def __init__(self, url: str, epoch: str = "e1") -> None:
        self.redis: Redis = redis_client(url)
        self.limits = Limits(RATES, shared=True)
        self.now_s = 1000.0
        self.shared = SharedLimits(self.redis, self.limits, epoch, self.now)

    def now(self) -> float:
        return self.now_s

    def take(self, times: int, kind: Kind = Kind.SENDS, key: str = "alice") -> int:
        """How many of so many were let through."""
        return sum(not self.limits.take(kind, key, self.now()) for _ in range(times))

    async def sign_in(self, times: int) -> int:
        """How many were let through."""
        let_through = 0
        for _ in range(times):
            with suppress(ChatError):
                await self.limits.take_or_refuse_everywhere(Kind.SIGN_INS, "192.0.2.7", self.now())
                let_through += 1
        return let_through


@pytest.fixture(autouse=True)
def _answers_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    let_answers_take_long(monkeypatch)


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture
def valkey(server: ValkeyServer) -> ValkeyServer:
    server.command("FLUSHALL")
    return server


@pytest.fixture
async def start(valkey: ValkeyServer) -> AsyncIterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def start(epoch: str = "e1", url: str = "") -> Node:
        nodes.append(Node(url or valkey.url, epoch))
        return nodes[-1]

    yield start
    for node in nodes:
        await node.redis.aclose()


async def test_tokens_taken_on_one_node_are_missing_on_another_after_its_first_use(
    start: Callable[..., Node],
) -> None:
    one, other = start(), start()
    assert one.take(8) == 8
    await one.shared.report()
    assert other.take(1) == 1
    await other.shared.report()
    assert other.take(5) == 1
    await one.shared.report()
    assert one.take(5) == 2


async def test_tokens_taken_beyond_the_shared_burst_are_owed(start: Callable[..., Node]) -> None:
    one, other = start(), start()
    assert (one.take(10), other.take(10)) == (10, 10)
    await one.shared.report()
    await other.shared.report()
    # Twenty of ten were taken, at a rate of one in a hundred seconds: eleven must refill before one is free.
    other.now_s += 1090
    assert other.take(1) == 0
    other.now_s += 20
    assert other.take(5) == 1


async def test_nodes_share_the_tenfold_limit_of_an_agent(start: Callable[..., Node]) -> None:
    one, other = start(), start()
    agent = Actor("helper", "")

    def sent(node: Node, times: int) -> int:
        node.limits.is_agent = {"helper"}.__contains__
        return sum(not node.limits.take_for(agent, Kind.SENDS, node.now()) for _ in range(times))

    assert sent(one, 80) == 80
    await one.shared.report()
    assert sent(other, 12) == 12
    await other.shared.report()
    assert sent(other, 50) == 18, "what is left of a hundred, and the ten that this node took before it knew"
    other.now_s += 1090
    assert sent(other, 200) == 90, "the ten are owed"


async def test_kinds_users_and_logs_do_not_share_their_buckets(start: Callable[..., Node]) -> None:
    one, same, of_another_log = start(), start(), start("e2")
    assert one.take(10) == 10
    await one.shared.report()
    for node, kind, key in (
        (same, Kind.READS, "alice"),
        (same, Kind.SENDS, "alice:x"),
        (of_another_log, Kind.SENDS, "alice"),
    ):
        node.take(1, kind, key)
        await node.shared.report()
        assert node.take(20, kind, key) == 9, (kind, key)


@pytest.mark.parametrize("key", ["", "a b\r\nc", "{x}:*", "\udcff", "ü" * 128])
async def test_any_text_may_be_a_key(start: Callable[..., Node], key: str) -> None:
    one, other = start(), start()
    assert one.take(9, key=key) == 9
    await one.shared.report()
    assert other.take(1, key=key) == 1
    await other.shared.report()
    assert other.take(1, key=key) == 0


async def test_thousands_of_buckets_are_reported_at_once(start: Callable[..., Node]) -> None:
    one, other = start(), start()
    for node in (one, other):
        for number in range(2 * shared_limits.REPORT_MAX + 1):
            node.take(5, key=str(number))
        await node.shared.report()
    assert other.take(1, key="0") == other.take(1, key=str(2 * shared_limits.REPORT_MAX)) == 0


async def test_passwords_are_counted_on_all_nodes_at_once_and_a_refusal_costs_nothing(
    start: Callable[..., Node], valkey: ValkeyServer
) -> None:
    one, other, third = start(), start(), start()
    assert (await one.sign_in(7), await other.sign_in(7), await third.sign_in(7)) == (7, 3, 0)
    # The node knows now that the bucket is empty, so it asks Redis no more.
    assert third.take(1, Kind.SIGN_INS, "192.0.2.7") == 0
    [key] = _keys(valkey)
    assert 990_000 < int(str(valkey.command("PTTL", key))) <= 1_000_000


async def test_simultaneous_requests_get_no_more_tokens_than_there_are(start: Callable[..., Node]) -> None:
    nodes = [start() for _ in range(4)]
    for node in nodes:
        await node.redis.ping()
    assert sum(await asyncio.gather(*(node.sign_in(8) for node in nodes))) == 10


async def test_redis_keeps_nothing_of_full_buckets(start: Callable[..., Node], valkey: ValkeyServer) -> None:
    node, expired_before = start(), _expired(valkey)
    assert node.take(10, Kind.SIGNALS) == 10
    assert node.take(1) == 1
    await node.shared.report()
    assert all(int(str(valkey.command("PTTL", key))) <= 100_000 for key in _keys(valkey))
    await until(lambda: _expired(valkey) == expired_before + 1)
    [key] = _keys(valkey)
    assert key.endswith("sends:alice")
    assert int(str(valkey.command("PTTL", key))) > 0


async def test_a_node_without_news_leaves_redis_alone(start: Callable[..., Node], valkey: ValkeyServer) -> None:
    node = start()
    await node.shared.report()
    assert valkey.command("DBSIZE") == 0


async def test_an_unavailable_redis_refuses_no_request(start: Callable[..., Node]) -> None:
    with capture_logs() as logs:
        node = start(url="redis://127.0.0.1:1")
        assert (node.take(12), await node.sign_in(12)) == (10, 10)
        await node.shared.report()
        assert node.shared.is_disconnected
        assert node.take(1, key="bob") == 1
        await node.shared.report()
    assert [line["event"] for line in logs] == ["shared_limits_disconnected"]


async def test_a_redis_that_restarts_is_used_again_and_its_lost_data_do_no_harm(
    start: Callable[..., Node],
) -> None:
    with valkey_server() as valkey:
        one, other = start(url=valkey.url), start(url=valkey.url)
        assert one.take(9) == 9
        await one.shared.report()
        valkey.kill()
        assert (one.take(5), other.take(9)) == (1, 9)
        await one.shared.report()
        await other.shared.report()
        assert one.shared.is_disconnected
        assert other.shared.is_disconnected
        valkey.start()
        with capture_logs() as logs:
            await _until_received(other, "bob")
        assert "shared_limits_connected" in [line["event"] for line in logs]
        # It was killed, so it knows of none of this; the nodes do.
        assert (one.take(1), other.take(5)) == (0, 1)


async def test_an_emptied_redis_gives_back_what_was_taken_before_only(
    start: Callable[..., Node], valkey: ValkeyServer
) -> None:
    one, other = start(), start()
    assert one.take(9) == 9
    await one.shared.report()
    valkey.command("FLUSHALL")
    valkey.command("SCRIPT", "FLUSH")
    assert (one.take(5), other.take(1)) == (1, 1)
    await one.shared.report()
    await other.shared.report()
    assert (one.take(5), other.take(20)) == (0, 8)
    assert not one.shared.is_disconnected


async def test_a_redis_that_hangs_delays_no_request(
    start: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_limits, "REPORT_WITHIN_S", 0.3)
    monkeypatch.setattr(shared_limits, "ASK_WITHIN_S", 0.2)
    with valkey_server() as valkey:
        node = start(url=valkey.url)
        assert await node.sign_in(1) == 1
        valkey.pause()
        assert node.take(1) == 1
        # The first is given up after a moment, the others are not even asked.
        assert await node.sign_in(20) == 9
        await node.shared.report()
        assert node.shared.is_disconnected
        # Redis now executes the waiting commands, although their caller has given up.
        valkey.resume()
        await _until_received(node, "bob")
        assert node.take(20) == 9


async def test_an_unresponsive_redis_is_not_asked_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limits, "REPORT_WITHIN_S", 0.1)
    monkeypatch.setattr(shared_limits, "ASK_WITHIN_S", 0.1)
    tries: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: tries.append(writer), "127.0.0.1", 0)
    redis = redis_client(f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}")
    now = 100.0
    asking, reporting = Limits(RATES, shared=True), Limits(RATES, shared=True)
    SharedLimits(redis, asking, "e1", lambda: now)
    shared = SharedLimits(redis, reporting, "e1", lambda: now)
    seen = []
    for later in (0, 0.1, 0.6, 0.1, 0.6, 0.6):
        now += later
        await asking.take_or_refuse_everywhere(Kind.SIGN_INS, "192.0.2.7", now)
        reporting.take(Kind.SENDS, "alice", now)
        await shared.report()
        seen.append(len(tries))
    assert seen == [2, 2, 4, 4, 4, 6]
    for writer in tries:
        writer.close()
    silent.close()
    await redis.aclose()


async def test_a_server_that_refuses_counts_as_unavailable(start: Callable[..., Node], server: ValkeyServer) -> None:
    with valkey_server("--replicaof", "127.0.0.1", str(server.port)) as replica:
        node = start(url=replica.url)
        with capture_logs() as logs:
            node.take(1)
            await node.shared.report()
            assert await node.sign_in(12) == 10
        assert node.shared.is_disconnected
        assert "read only" in str(logs[0]["error"])


async def test_reports_continue_after_a_failure(start: Callable[..., Node], valkey: ValkeyServer) -> None:
    one, other = start(), start()
    running = [asyncio.create_task(node.shared.run()) for node in (one, other)]
    assert one.take(9) == 9
    await until(lambda: _keys(valkey))
    assert other.take(1) == 1
    await until(lambda: not _has_a_token(other))
    for task in running:
        task.cancel()


async def test_the_script_does_what_the_properties_are_tested_with(valkey: ValkeyServer) -> None:
    redis = redis_client(valkey.url)
    # The server's clock cannot be set, so this copy of the script takes the time as an argument.
    assert TAKE.count("redis.call('TIME')") == 1
    script = redis.register_script(TAKE.replace("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}"))
    model, chance, now = SharedBuckets(), random.Random(5), 1_700_000_000_123_456
    seen: set[bool] = set()
    for _ in range(2000):
        # In steps of a thousand seconds, so that the server, whose own clock does not move, expires nothing.
        now += chance.choice([0, 10**9, 10**10, -(10**9)])
        keys = chance.sample(["a", "b", "c"], chance.randrange(1, 4))
        age, slack = chance.choice([(0, -1), (10**9, -1), (0, 5 * 10**9)])
        costs = [chance.choice([0, 10**9, 3 * 10**9]) for _ in keys]
        expected = model.take(keys, age, slack, costs, now)
        assert await script(keys, [age, slack, *costs, now // 10**6, now % 10**6]) == expected
        seen |= {answer < 0 for answer in expected}
    assert seen == {True, False}
    await redis.aclose()


def _keys(valkey: ValkeyServer) -> list[str]:
    answer = valkey.command("KEYS", "talkwire:e1:limit:*")
    assert isinstance(answer, list)
    return [key.decode() for key in answer]


def _expired(valkey: ValkeyServer) -> int:
    """Returns how many keys the server has removed because their time had come."""
    figures = valkey.command("INFO", "stats")
    assert isinstance(figures, dict)
    return int(figures["expired_keys"])


def _has_a_token(node: Node) -> bool:
    has_one = node.take(1) == 1
    if has_one:
        node.limits.give_back(Kind.SENDS, "alice")
    return has_one


async def _until_received(node: Node, key: str) -> None:
    """Returns when Redis accepts reports again. The node's time passes quickly, so no pause delays the test."""
    async with deadline():
        while node.shared.is_disconnected:
            node.now_s += shared_limits.REDIS_PAUSE_MAX_S
            node.take(1, Kind.SIGNALS, key)
            await node.shared.report()
