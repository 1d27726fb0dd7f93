"""Lookups of host names that are late, fail, or come all at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from talkwire.egress import resolver as module
from talkwire.egress.resolver import RESOLVER_THREADS, Resolver
from tests.waiting import deadline, until


class NameServers:
    """The system's name servers: `slow` has the hosts whose lookups wait, `failures` the errors of others."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slow: dict[str, threading.Event] = {}
        self.failures: dict[str, int] = {}
        self.address = "192.0.2.1"

    def getaddrinfo(self, host: str, port: None, type: int) -> list[tuple[object, ...]]:  # noqa: A002 (its name there)
        self.asked.append(host)
        if host in self.slow:
            self.slow[host].wait()
        if host in self.failures:
            raise socket.gaierror(self.failures[host], "failed")
        return [(socket.AF_INET, type, 6, "", (self.address, 0))]

    def hold(self, host: str) -> None:
        self.slow[host] = threading.Event()


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServers]:
    servers = NameServers()
    monkeypatch.setattr("socket.getaddrinfo", servers.getaddrinfo)
    yield servers
    for held in servers.slow.values():
        held.set()


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.close()


async def test_the_last_addresses_are_used_while_a_name_server_is_slow(
    servers: NameServers, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await resolver("a.example", 443) == ["192.0.2.1"]
    monkeypatch.setattr(module, "LOOKUP_LATE_S", 0.01)
    servers.hold("a.example")
    async with deadline():
        assert await resolver("a.example", 443) == ["192.0.2.1"]


async def test_the_last_addresses_are_used_when_a_name_server_fails(servers: NameServers, resolver: Resolver) -> None:
    await resolver("a.example", 443)
    servers.failures["a.example"] = socket.EAI_AGAIN
    assert await resolver("a.example", 443) == ["192.0.2.1"]


async def test_a_name_that_exists_no_more_has_no_address(servers: NameServers, resolver: Resolver) -> None:
    await resolver("a.example", 443)
    servers.failures["a.example"] = socket.EAI_NONAME
    with pytest.raises(socket.gaierror):
        await resolver("a.example", 443)


async def test_a_changed_address_is_seen_at_once(servers: NameServers, resolver: Resolver) -> None:
    await resolver("a.example", 443)
    servers.address = "192.0.2.2"
    assert await resolver("a.example", 443) == ["192.0.2.2"]


async def test_the_last_addresses_are_forgotten_in_time(
    servers: NameServers, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ADDRESSES_KEPT_S", 0.0)
    await resolver("a.example", 443)
    servers.failures["a.example"] = socket.EAI_AGAIN
    with pytest.raises(socket.gaierror):
        await resolver("a.example", 443)


async def test_only_so_many_names_are_kept(
    servers: NameServers, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NAMES_KEPT_MAX", 2)
    for host in ("a.example", "b.example", "a.example", "c.example"):
        await resolver(host, 443)
    servers.failures = dict.fromkeys(("a.example", "b.example"), socket.EAI_AGAIN)
    assert await resolver("a.example", 443) == ["192.0.2.1"]
    with pytest.raises(socket.gaierror):
        await resolver("b.example", 443)


async def test_simultaneous_lookups_of_a_name_are_one(servers: NameServers, resolver: Resolver) -> None:
    """Also when one of the callers gives up."""
    servers.hold("a.example")
    asked = [asyncio.create_task(resolver("a.example", 443)) for _ in range(20)]
    await until(lambda: servers.asked == ["a.example"])
    asked[0].cancel()
    servers.slow["a.example"].set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [["192.0.2.1"]] * 19
    assert servers.asked == ["a.example"]


async def test_nobody_waits_behind_lookups_that_were_given_up(servers: NameServers, resolver: Resolver) -> None:
    names = [f"{number}.slow.example" for number in range(RESOLVER_THREADS + 50)]
    for name in names:
        servers.hold(name)
    asked = [asyncio.create_task(resolver(name, 443)) for name in names]
    await until(lambda: len(servers.asked) == RESOLVER_THREADS)
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    wanted = asyncio.create_task(resolver("a.example", 443))
    servers.slow[servers.asked[0]].set()
    async with deadline():
        assert await wanted == ["192.0.2.1"]
    assert servers.asked == [*servers.asked[:RESOLVER_THREADS], "a.example"]
