"""What `talkwire check` and `talkwire serve` report about the configured Redis."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talkwire.bus.redis import RedisTransport
from talkwire.bus.redis_client import redis_client
from talkwire.bus.shared_limits import SharedLimits
from talkwire.cli import redis
from talkwire.cli.extras import how_to_install
from talkwire.core.engine.limits import Kind, Limits
from tests.cli.conftest import CommandResult
from tests.valkey_server import ValkeyServer, valkey_server

Command = Callable[..., CommandResult]


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


def _lines(result: CommandResult) -> list[str]:
    assert result.err == ""
    return [line for line in result.out.splitlines() if " redis: " in line]


def test_a_working_redis_is_reported_and_left_empty(command: Command, valkey: ValkeyServer) -> None:
    result = command("check", "--port", "0", "--redis", f"{valkey.url}/0")
    assert result.exit_code == 0
    [line] = _lines(result)
    assert line.startswith(f"ok       redis: {valkey.url}/0 responds: Valkey 9.")
    assert {*_keys(valkey)} <= {b"talkwire:check:limit"}
    assert int(str(valkey.command("PTTL", "talkwire:check:limit"))) <= 1


def test_over_a_unix_socket_too(command: Command, tmp_path: object) -> None:
    path = f"{tmp_path}/v.sock"
    with valkey_server("--unixsocket", path):
        result = command("check", "--port", "0", "--redis", f"unix://{path}?db=1")
    assert result.exit_code == 0
    assert _lines(result)[0].startswith(f"ok       redis: unix://{path} responds: Valkey")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--cluster-enabled", "yes"], "wrong    redis: it is a cluster; nodes need a single server"),
        (["--replicaof", "127.0.0.1", "1"], "wrong    redis: it is a replica; nodes need the server that it copies"),
        (["--maxmemory", "50mb"], "note     redis: when its memory is full it stores no more limits"),
        (["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"], "when its memory is full it forgets limits ("),
    ],
)
def test_an_unsuitable_redis_is_reported(command: Command, options: list[str], expected: str) -> None:
    with valkey_server(*options) as server:
        result = command("check", "--port", "0", "--redis", server.url)
    assert any(expected in line for line in _lines(result)), result.out
    assert result.exit_code == ("wrong" in expected)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["+@all", "&talkwire:*", "~other:*"], "wrong    redis: each node applies its rate limits alone: "),
        (["+@all", "resetchannels", "~*"], "wrong    redis: nodes cannot send events to each other: "),
        (["+@all", "resetchannels", "~*"], "wrong    redis: nodes cannot receive events of each other: "),
        (["+@all", "&*", "~talkwire:*", "-info"], "responds, but does not let this user read its version"),
    ],
)
def test_missing_permissions_of_the_redis_user_are_reported(
    command: Command, valkey: ValkeyServer, rules: list[str], expected: str
) -> None:
    valkey.command("ACL", "SETUSER", "chat", "reset", "on", ">hidden", *rules)
    result = command("check", "--port", "0", "--redis", valkey.url.replace("://", "://chat:hidden@"))
    assert any(expected in line for line in _lines(result)), result.out
    assert "hidden" not in result.out
    assert result.exit_code == expected.startswith("wrong")


def _documented_rights() -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "bus.md").read_text(encoding="utf-8")
    found = re.search(r"ACL SETUSER chat on >PASSWORD (.*)", page)
    assert found is not None
    return found[1].split()


def _as_chat(valkey: ValkeyServer, *rights: str, path: str = "") -> str:
    valkey.command("SCRIPT", "FLUSH")
    valkey.command("ACL", "SETUSER", "chat", "reset", "on", ">hidden", *rights)
    valkey.command("ACL", "LOG", "RESET")
    return valkey.url.replace("://", "://chat:hidden@") + path


@pytest.mark.parametrize(("path", "more"), [("", ()), ("/1", ("+select",))])
async def test_the_documented_rights_suffice_for_nodes(valkey: ValkeyServer, path: str, more: tuple[str, ...]) -> None:
    async with redis_client(_as_chat(valkey, *_documented_rights(), *more, path=path)) as client:
        bus = RedisTransport(client, "log")
        async with bus.listening("one") as parcels:
            for to in (None, ("one",), ("two", "one")):
                await bus.publish([(b"parcel", to)])
                assert await anext(parcels) == b"parcel"
        limits = Limits(shared=True)
        shared = SharedLimits(client, limits, "log")
        limits.take(Kind.SENDS, "alice", 0)
        await shared.report()
        assert not shared.is_disconnected
    assert valkey.command("ACL", "LOG") == []


@pytest.mark.parametrize(("path", "more"), [("", ()), ("/1", ("+select",))])
def test_the_documented_rights_suffice_for_check(
    command: Command, valkey: ValkeyServer, path: str, more: tuple[str, ...]
) -> None:
    url = _as_chat(valkey, *_documented_rights(), *more, path=path)
    result = command("check", "--port", "0", "--redis", url)
    assert [line.split()[0] for line in _lines(result)] == ["note"]
    assert "but does not let this user read its version" in result.out
    assert result.exit_code == 0


@pytest.mark.parametrize("right", [each for each in _documented_rights() if each[0] in "+&~" and "setinfo" not in each])
def test_check_names_each_right_that_is_missing(command: Command, valkey: ValkeyServer, right: str) -> None:
    rights = [each for each in _documented_rights() if each != right]
    result = command("check", "--port", "0", "--redis", _as_chat(valkey, *rights))
    [line] = [line for line in _lines(result) if line.startswith("wrong")][:1]
    named = {"&talkwire:*": "a channel", "~talkwire:*": "a key"}.get(right, f"'{right[1:]}'")
    assert named in line
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:hidden@127.0.0.1:1/2", "wrong    redis: redis://127.0.0.1:1/2: Error 111 connecting to 127.0.0.1:1"),
        ("redis://:hidden@127.0.0.1:1?foo=1", "redis://127.0.0.1:1: has an unknown parameter: 'foo'"),
        ("unix:///nowhere/v.sock", "wrong    redis: unix:///nowhere/v.sock: Error 2 connecting to /nowhere/v.sock"),
    ],
)  # fmt: skip
def test_an_unreachable_redis_is_reported_in_one_line(command: Command, url: str, expected: str) -> None:
    result = command("check", "--port", "0", "--redis", url)
    [line] = _lines(result)
    assert expected in line
    assert "hidden" not in result.out
    assert result.exit_code == 1


def test_a_hanging_redis_is_reported_in_one_line(
    command: Command, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "ANSWERS_WITHIN_S", 0.3)
    valkey.pause()
    try:
        result = command("check", "--port", "0", "--redis", valkey.url)
    finally:
        valkey.resume()
    assert _lines(result) == [f"wrong    redis: {valkey.url}: no response within 0.3 s"]


def test_a_different_clock_of_redis_is_reported(
    command: Command, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "time", type("Clock", (), {"time": staticmethod(lambda: 0.0)}))
    result = command("check", "--port", "0", "--redis", valkey.url)
    assert "s ahead of this machine's; nothing depends on it" in _lines(result)[-1]
    assert result.exit_code == 0


@pytest.mark.parametrize("verb", ["check", "serve"])
def test_without_its_package_the_error_names_the_package_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr("talkwire.cli.extras.find_spec", lambda name: None if name == "redis" else find_spec(name))
    result = command(verb, "--port", "0", "--redis", "redis://127.0.0.1:1")
    assert result.exit_code == 1
    output = result.out if verb == "check" else result.err
    assert f"Redis requires its client: {how_to_install('redis')}" in output


def test_a_server_does_not_start_with_an_invalid_redis_url(command: Command) -> None:
    result = command("serve", "--port", "0", "--redis", "redis://:hidden@h?foo=1")
    assert result == (1, "", "talkwire: redis://h: has an unknown parameter: 'foo'\n")


def _keys(valkey: ValkeyServer) -> list[bytes]:
    answer = valkey.command("KEYS", "*")
    assert isinstance(answer, list)
    return answer
