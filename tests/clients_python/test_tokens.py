"""When the client asks for a token, and what it does while there is none."""

from __future__ import annotations

import asyncio
import math
from base64 import urlsafe_b64encode

import pytest

from talkwire_client.tokens import TokenSource, expiry_of
from tests.chat.chat_server import ChatAddress

NOW_S = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


class Issuer:
    """A token function. It fails as often as `failures` says."""

    def __init__(self, clock: Clock, ttl_s: float = 600) -> None:
        self.asked = 0
        self.failures = 0
        self._clock = clock
        self._ttl_s = ttl_s

    async def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise OSError("the application's server is away")
        return unsigned(self._clock.now_s + self._ttl_s)


def unsigned(expires_at: float) -> str:
    """Returns a token that expires at this time. Nobody checks its signature here."""
    claims = urlsafe_b64encode(b'{"exp": %d}' % expires_at).rstrip(b"=").decode()
    return f"e30.{claims}.signature"


async def test_a_token_is_asked_for_once_and_again_before_it_expires() -> None:
    clock = Clock()
    issuer = Issuer(clock)
    source = TokenSource(issuer, 1, clock)
    first = await source.current()
    assert await source.current() == first
    assert issuer.asked == 1
    assert source.renew_in_s == 600 - 60
    clock.now_s += 541
    assert await source.current() != first
    assert issuer.asked == 2


async def test_requests_at_the_same_time_share_one_renewal() -> None:
    clock = Clock()
    issuer = Issuer(clock)
    source = TokenSource(issuer, 1, clock)
    assert len(set(await asyncio.gather(*(source.current() for _ in range(10))))) == 1
    assert issuer.asked == 1


async def test_the_old_token_is_used_while_the_function_fails_and_it_is_valid() -> None:
    clock = Clock()
    issuer = Issuer(clock)
    source = TokenSource(issuer, 1, clock)
    first = await source.current()
    clock.now_s += 541
    issuer.failures = 1
    assert await source.current() == first
    assert await source.current() == first
    assert issuer.asked == 2, "the function has a pause between two attempts"
    clock.now_s += 1
    assert await source.current() != first


async def test_a_caller_without_a_valid_token_waits_until_the_function_works() -> None:
    clock = Clock()
    issuer = Issuer(clock)
    issuer.failures = 2
    assert await TokenSource(issuer, 0.01, clock).current() == unsigned(NOW_S + 600)
    assert issuer.asked == 3


async def test_a_refused_token_is_not_used_again() -> None:
    clock = Clock()
    issuer = Issuer(clock)
    source = TokenSource(issuer, 1, clock)
    first = await source.current()
    source.refuse("another token")
    assert await source.current() == first
    source.refuse(first)
    await source.current()
    assert issuer.asked == 2


async def test_a_text_is_never_renewed_and_ordinary_functions_work() -> None:
    text = unsigned(NOW_S - 1)
    source = TokenSource(f"{text}\n", 1, Clock())
    source.refuse(text)
    assert (await source.current(), source.renew_in_s) == (text, math.inf)
    assert await TokenSource(lambda: "opaque", 1, Clock()).current() == "opaque"


async def test_a_function_that_returns_no_text_is_an_error() -> None:
    source = TokenSource(lambda: None, 1, Clock())  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="must return a text, not NoneType"):
        await source.current()


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "e30.e30.", "e30.W10.", "1.2.3.4"])
def test_a_token_that_does_not_say_when_it_expires_never_does(token: str) -> None:
    assert expiry_of(token) == math.inf


def test_the_expiry_of_a_signed_token_is_read() -> None:
    assert (
        500 < expiry_of(ChatAddress.token("alice", ttl_s=600)) - expiry_of(ChatAddress.token("alice", ttl_s=10)) < 700
    )
