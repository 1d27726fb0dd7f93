from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from talkwire.egress import EgressClient, EgressError
from talkwire.identity.jwks import FetchLimits, KeySet
from talkwire.identity.signatures import ALGORITHMS_TEXT
from talkwire.observability.key_fetches import KeyFetchLog, key_fetches
from tests.identity.conftest import Clock, KeyPair, KeyServer, egress_client
from tests.processor_time import at_most


async def test_callers_at_the_same_time_share_one_fetch(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair
) -> None:
    key_server.publish(rs256.jwk("k1"))
    keys = KeySet(key_server.url, http_client)
    await asyncio.gather(*(keys.refresh() for _ in range(50)))
    assert keys.find("k1", "RS256") is not None
    assert key_server.requests == 1
    await keys.aclose()


async def test_a_caller_who_gives_up_leaves_the_fetch_to_the_others(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair
) -> None:
    key_server.publish(rs256.jwk("k1"))
    keys = KeySet(key_server.url, http_client)
    impatient = asyncio.create_task(keys.refresh())
    patient = asyncio.create_task(keys.refresh())
    await key_server.asked.wait()
    impatient.cancel()
    await patient
    assert keys.find("k1", "RS256") is not None
    assert impatient.cancelled()
    await keys.aclose()


async def test_a_running_fetch_is_waited_for(http_client: EgressClient, key_server: KeyServer, clock: Clock) -> None:
    key_server.body = None
    keys = KeySet(key_server.url, http_client, clock=clock)
    waiting = asyncio.create_task(keys.refresh())
    await key_server.asked.wait()
    assert keys.should_refresh(found=False)
    await keys.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_keys_are_fetched_again_when_they_are_old(
    http_client: EgressClient, key_server: KeyServer, clock: Clock, rs256: KeyPair
) -> None:
    key_server.publish(rs256.jwk("k1"))
    keys = KeySet(key_server.url, http_client, clock=clock, limits=FetchLimits(max_age_s=600))
    assert keys.should_refresh(found=False)
    await keys.refresh()
    clock.now += 599
    assert not keys.should_refresh(found=True)
    clock.now += 1
    assert keys.should_refresh(found=True)
    await keys.aclose()


async def test_an_unknown_key_is_looked_for_only_every_so_often(
    http_client: EgressClient, key_server: KeyServer, clock: Clock, rs256: KeyPair
) -> None:
    key_server.publish(rs256.jwk("k1"))
    keys = KeySet(key_server.url, http_client, clock=clock, limits=FetchLimits(retry_after_s=30))
    await keys.refresh()
    clock.now += 29
    assert not keys.should_refresh(found=False)
    clock.now += 1
    assert keys.should_refresh(found=False)
    await keys.aclose()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "X-Gzip", " gzip\t", "", " ", "Identity"])
async def test_keys_may_come_compressed(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair, encoding: str
) -> None:
    key_server.publish(rs256.jwk("k1"))
    assert key_server.body is not None
    if "gzip" in encoding.lower():
        key_server.body = gzip.compress(key_server.body)
    key_server.encoding = encoding
    keys = KeySet(key_server.url, http_client)
    await keys.refresh()
    assert keys.find("k1", "RS256") is not None
    await keys.aclose()


@pytest.mark.parametrize(
    ("encoding", "failure"),
    [("gzip", "more than 262144 bytes"), ("br", "encoded as br"), ("deflate", "encoded as deflate")],
)
async def test_decompressed_keys_over_the_limit_are_refused(
    http_client: EgressClient, key_server: KeyServer, encoding: str, failure: str
) -> None:
    key_server.body, key_server.encoding = gzip.compress(bytes(100_000_000)), encoding
    keys = KeySet(key_server.url, http_client)
    with at_most(0.2):
        await keys.refresh()
    assert failure in (keys.last_failure or "")
    await keys.aclose()


async def test_an_invalid_gzip_response_is_refused(http_client: EgressClient, key_server: KeyServer) -> None:
    key_server.body, key_server.encoding = b"{}", "gzip"
    keys = KeySet(key_server.url, http_client)
    await keys.refresh()
    assert "not gzip" in (keys.last_failure or "")
    await keys.aclose()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"oops"),
        (404, b'{"keys": []}'),
        (302, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"keys": 5}'),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [{"kty": "oct", "k": "AA"}]}'),
        (200, b'{"keys": [' + b"{}," * 200 + b"{}]}"),
        (200, b'{"keys": ["' + b"a" * 300_000 + b'"]}'),
        (200, b'{"keys": ' + b"[" * 5000),
        (200, b"\xff"),
    ],
)
async def test_the_old_keys_stay_while_the_address_answers_something_else(  # noqa: PLR0917 (each is given by name)
    http_client: EgressClient, key_server: KeyServer, clock: Clock, rs256: KeyPair, status: int, body: bytes
) -> None:
    key_server.publish(rs256.jwk("k1"))
    keys = KeySet(key_server.url, http_client, clock=clock)
    await keys.refresh()

    key_server.status, key_server.body = status, body
    clock.now += 3600
    await keys.refresh()
    assert keys.find("k1", "RS256") is not None
    assert keys.last_failure is not None
    assert not keys.should_refresh(found=True)
    clock.now += 30
    assert keys.should_refresh(found=True)
    await keys.aclose()


async def test_the_old_keys_stay_while_the_address_fails(http_client: EgressClient, clock: Clock) -> None:
    keys = KeySet("http://127.0.0.1:1/jwks.json", http_client, clock=clock)
    await keys.refresh()
    assert keys.find("k1", "RS256") is None
    assert keys.last_failure is not None
    await keys.aclose()


async def test_an_address_that_never_answers_is_given_up(key_server: KeyServer) -> None:
    key_server.body = None
    async with egress_client(total_s=0.05) as client:
        keys = KeySet(key_server.url, client)
        await keys.refresh()
    assert keys.last_failure == "no response within 0.05 s"


async def test_a_failure_is_remembered_from_its_end(
    http_client: EgressClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_slowly(*_: object, **__: object) -> None:
        clock.now += 10
        raise EgressError("timeout", "no response within 10 s")

    monkeypatch.setattr(http_client, "request", fail_slowly)
    limits = FetchLimits(retry_after_s=1, retry_failed_after_s=5)
    keys = KeySet("https://login.example.com/jwks.json", http_client, clock=clock, limits=limits)
    await keys.refresh()
    clock.now += 4
    assert not keys.should_refresh(found=False)
    clock.now += 1
    assert keys.should_refresh(found=False)


async def test_keys_with_odd_members_are_left_out(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair, es256: KeyPair
) -> None:
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    odd: tuple[object, ...] = ([], {}, deep, 5, 1e300, 10**400, True, "x" * 1000, "\ud7ff")
    members = ("kty", "use", "key_ops", "alg", "kid", "n", "e", "d")
    strange = [rs256.jwk(None, **{member: value}) for member in members for value in odd]
    key_server.publish(*strange, es256.jwk("good"))
    keys = KeySet(key_server.url, http_client)
    await keys.refresh()
    assert (keys.find("good", "ES256") is not None, keys.last_failure) == (True, None)


async def test_a_failure_is_forgotten_after_a_good_answer(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair
) -> None:
    keys = KeySet(key_server.url, http_client)
    failures: list[str | None] = []
    await keys.refresh()
    failures.append(keys.last_failure)
    key_server.publish(rs256.jwk("k1"))
    await keys.refresh()
    failures.append(keys.last_failure)
    assert failures == [f"no key for {ALGORITHMS_TEXT}", None]
    await keys.aclose()


async def test_keys_that_cannot_be_used_are_named(http_client: EgressClient, key_server: KeyServer) -> None:
    k256 = KeyPair("ES256K", ec.generate_private_key(ec.SECP256K1()))
    key_server.publish(
        k256.jwk("k1", alg="ES256K"), {"kty": "oct", "k": "hidden"}, {"kty": 5}, k256.jwk("k2", alg="ES256K")
    )
    keys = KeySet(key_server.url, http_client)
    await keys.refresh()
    await keys.aclose()
    assert keys.last_failure == f"no key for {ALGORITHMS_TEXT}; its keys are EC secp256k1 ES256K, oct"


async def test_each_failed_fetch_is_logged_with_its_cause_and_the_recovery_once(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair
) -> None:
    before = key_fetches.counts.copy()
    url = f"{key_server.url}?key=hidden"
    keys = KeySet(url, http_client, log=KeyFetchLog("jwt_jwks_url", url))
    with capture_logs() as lines:
        key_server.status = 404
        await keys.refresh()
        key_server.status, key_server.body = 200, json.dumps({"k1": rs256.pem}).encode()
        await keys.refresh()
        key_server.publish(rs256.jwk("k1"))
        await keys.refresh()
        await keys.refresh()
    await keys.aclose()
    assert [(line["event"], line["log_level"], line["failures"], line.get("error")) for line in lines] == [
        ("keys_not_fetched", "warning", 1, "status 404"),
        ("keys_not_fetched", "warning", 2, "not a JWK set, which is a JSON object with the list `keys`"),
        ("keys_fetched_again", "info", 2, None),
    ]
    assert {(line["setting"], line["url"]) for line in lines} == {("jwt_jwks_url", key_server.url)}
    assert key_fetches.counts - before == {("jwt_jwks_url", "failed"): 2, ("jwt_jwks_url", "ok"): 2}


async def test_a_key_that_is_no_longer_published_is_no_longer_accepted(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair, es256: KeyPair
) -> None:
    keys = KeySet(key_server.url, http_client)
    key_server.publish(rs256.jwk("k1"), es256.jwk("k2"))
    await keys.refresh()
    key_server.publish(es256.jwk("k2"))
    await keys.refresh()
    assert keys.find("k1", "RS256") is None
    assert keys.find("k2", "ES256") is not None
    await keys.aclose()


async def test_a_token_that_names_no_key_means_the_only_one_of_its_algorithm(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair, es256: KeyPair
) -> None:
    keys = KeySet(key_server.url, http_client)
    key_server.publish(rs256.jwk("k1"), rs256.jwk("k2"), es256.jwk("k3"))
    await keys.refresh()
    assert keys.find(None, "ES256") is not None
    assert keys.find(None, "RS256") is None
    assert keys.find(None, "EdDSA") is None
    await keys.aclose()
