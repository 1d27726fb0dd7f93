"""Rate limits for users, IP addresses and e-mail addresses, as token buckets that sockets and REST share.

A bucket holds at most `burst` tokens and gains `per_s` tokens a second; each action takes one. Times are arguments, in
seconds of a monotonic clock. Nothing is stored: after a restart all buckets are full.

Nodes can share buckets (`bus/shared_limits.py`): each node takes tokens from its own buckets, regularly publishes how
many it took (`taken`), and adjusts its buckets to what all nodes together have taken (`adopt`).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import NamedTuple

from talkwire.core.commands.agents.turns import ClaimTurns, UpdateTurn
from talkwire.core.commands.command import Change, Query
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.streams.writing import (
    AppendToMessage,
    FinishMessage,
    KeepStream,
    RewindMessage,
    StreamMessage,
)
from talkwire.core.commands.typing import SendSignal
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor

BUCKETS_SWEPT_FROM = 1024
"""Number of buckets from which on full ones are searched for and removed."""

BUCKETS_MAX = 200_000
"""Most buckets of one kind. Beyond it the oldest is removed, which allows its owner more and never less."""

_IPV6_NETWORK_BITS = 64
_IPV6_SITE_BITS = 48
_ROUNDING_S = 1e-6
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)/(\d{1,9})")


class Kind(StrEnum):
    """The kinds of actions that are limited. Each kind has its own buckets, one for each user, IP address or
    account."""

    SENDS = "sends"
    """messages sent, by user"""
    CHANGES = "changes"
    """all other commands that change something (forwarding any number of messages is one), by user"""
    READS = "reads"
    """queries, by user"""
    SIGNALS = "signals"
    """signals, which store nothing: typing, presence, calls, rooms, pings, and unknown events; by user"""
    CUSTOM_SIGNALS = "custom_signals"
    """custom signals that members send to each other, by user"""
    APPENDS = "appends"
    """appends to messages that are being written, by user"""
    RETRIES = "retries"
    """lookups of commands that may have been executed before, once their own bucket is empty; by user"""
    UPLOADS = "uploads"
    """uploads started, by user"""
    EXPORTS = "exports"
    """exports of one's own data, by user"""
    CONNECTS = "connects"
    """sessions opened, by IP address"""
    SIGN_INS = "sign_ins"
    """passwords tried and accounts created, by IP address"""
    ACCOUNT_SIGN_INS = "account_sign_ins"
    """passwords tried, by account and IP address"""
    FIRST_SIGN_INS = "first_sign_ins"
    """the first passwords tried from an address, which no other limit covers, by account and IP address"""
    SITE_FIRST_SIGN_INS = "site_first_sign_ins"
    """as `FIRST_SIGN_INS`, for all networks of an IPv6 site together, by account and site"""
    ACCOUNT_GUESSES = "account_guesses"
    """later passwords tried from addresses without a signed-in device of the account, by account"""
    REFRESHES = "refreshes"
    """refresh tokens exchanged, by IP address"""
    REFUSED_TOKENS = "refused_tokens"
    """invalid tokens, by IP address"""


_KINDS = frozenset(kind.value for kind in Kind)

ASKED_KINDS = frozenset(
    {Kind.SIGN_INS, Kind.ACCOUNT_SIGN_INS, Kind.FIRST_SIGN_INS, Kind.SITE_FIRST_SIGN_INS, Kind.ACCOUNT_GUESSES}
)
"""Kinds that protect passwords. Verifying a password is slow enough to ask all nodes before it."""

EXEMPTING_KINDS = frozenset({Kind.FIRST_SIGN_INS, Kind.SITE_FIRST_SIGN_INS})
"""Kinds that refuse nothing: while they have a token, another limit does not count."""


class Rate(NamedTuple):
    """A rate limit: at most `burst` actions at once, then `per_s` a second."""

    per_s: float
    burst: int


AGENT_KINDS = frozenset({Kind.SENDS, Kind.CHANGES, Kind.APPENDS})
"""Kinds of actions of which agents may do `AGENT_FACTOR` times as much as people."""

AGENT_FACTOR = 10
"""Number of times that agents may do as much as people."""

_AGENT_TOKENS = 1 / (AGENT_FACTOR - 1)
"""Tokens that an action takes from the second bucket of an agent, so that both buckets allow `AGENT_FACTOR` times the
rate and the burst of one."""

Rates = Mapping[Kind, Rate]

DEFAULT_RATES: Rates = MappingProxyType(
    {
        Kind.SENDS: Rate(20, 60),
        Kind.CHANGES: Rate(20, 100),
        Kind.READS: Rate(50, 200),
        Kind.SIGNALS: Rate(30, 150),
        Kind.CUSTOM_SIGNALS: Rate(20, 40),
        Kind.APPENDS: Rate(200, 400),
        Kind.RETRIES: Rate(20, 100),
        Kind.UPLOADS: Rate(2, 30),
        Kind.EXPORTS: Rate(0.001, 3),
        Kind.CONNECTS: Rate(50, 500),
        Kind.SIGN_INS: Rate(2, 60),
        Kind.ACCOUNT_SIGN_INS: Rate(0.2, 10),
        Kind.FIRST_SIGN_INS: Rate(0.001, 3),
        Kind.SITE_FIRST_SIGN_INS: Rate(0.004, 12),
        Kind.ACCOUNT_GUESSES: Rate(1, 100),
        Kind.REFRESHES: Rate(20, 500),
        Kind.REFUSED_TOKENS: Rate(10, 200),
    }
)


def parse_rates(texts: Iterable[str]) -> Rates:
    """Returns the default rate limits, with those in `texts` replaced: `sends=50/200` means 50 messages a second and
    200 at once.

    Raises ValueError for an invalid text.
    """
    rates = dict(DEFAULT_RATES)
    for text in texts:
        name, _, figures = text.partition("=")
        found = _RATE.fullmatch(figures.strip())
        if name.strip() not in _KINDS or found is None:
            raise ValueError(f'"{text}" is no limit such as sends=20/60; there are {", ".join(Kind)}')
        rate = Rate(float(found[1]), int(found[2]))
        if not (rate.per_s > 0 and rate.burst > 0):
            raise ValueError(f'"{text}" would allow nothing')
        rates[Kind(name.strip())] = rate
    return rates


class Buckets:
    """The token buckets for one kind of action, by key (a user, an IP address or an account).

    A bucket is stored as the time at which it will be full again, so full buckets need no memory. A shared bucket can
    fall below empty, when several nodes took tokens at once; then callers wait until it has tokens again.
    """

    __slots__ = ("_full_at", "_interval", "_slack", "_sweep_at", "_taken")

    def __init__(self, rate: Rate, *, counts: bool = False) -> None:
        """Creates full buckets with this rate. With `counts`, taken tokens are counted, so that `taken` can return
        them."""
        self._taken: dict[str, float] | None = {} if counts else None
        self._interval = 1 / rate.per_s
        # The tolerance for rounding errors keeps them from costing the last token of a burst.
        self._slack = (rate.burst - 1) * self._interval + _ROUNDING_S
        self._full_at: dict[str, float] = {}
        self._sweep_at = BUCKETS_SWEPT_FROM

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float, tokens: float = 1) -> float:
        """Takes a token from the bucket `key` and returns 0. If there is none, takes nothing and returns the seconds
        until there will be one. With `tokens` below 1, takes only this part of a token. `now` is in seconds of a
        monotonic clock, the same at each call."""
        full_at = self._full_at.get(key, now)
        slack = self._slack if tokens == 1 else self._slack + (1 - tokens) * self._interval
        if full_at < now:
            full_at = now
        elif full_at - now > slack:
            return full_at - now - slack
        self._full_at[key] = full_at + tokens * self._interval
        if self._taken is not None:
            self._taken[key] = self._taken.get(key, 0) + tokens
        if len(self._full_at) >= self._sweep_at:
            self._sweep(now)
        return 0.0

    def give_back(self, key: str) -> None:
        """Puts back a token that was taken from the bucket `key`. Other nodes that already know that it was taken are
        not notified."""
        if key in self._full_at:
            self._full_at[key] -= self._interval
        if self._taken is not None and key in self._taken:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]

    def taken(self) -> dict[str, float]:
        """Returns how many tokens were taken from each bucket, by key, since the last call."""
        taken, self._taken = self._taken or {}, None if self._taken is None else {}
        return taken

    def adopt(self, full_at: Iterable[tuple[str, float]]) -> None:
        """Applies what all nodes together have taken from shared buckets: `full_at` has, for each key, the time when
        its bucket is full again, by the clock of `take`. Tokens that this node has taken since the last call of `taken`
        make that time later. If this node knows a later time for a bucket, it keeps that."""
        here = self._full_at
        since = self._taken or {}
        for key, shared in full_at:
            owed = shared + since[key] * self._interval if key in since else shared
            if owed > here.get(key, 0.0):
                here[key] = owed

    def _sweep(self, now: float) -> None:
        """Removes full buckets, and of more than three quarters of `BUCKETS_MAX` also the oldest ones. The next removal
        follows when there are twice as many buckets or `BUCKETS_MAX`, so the average cost of a token stays small even
        if no bucket is full."""
        kept = [(key, full_at) for key, full_at in self._full_at.items() if full_at > now]
        self._full_at = dict(kept[-(BUCKETS_MAX * 3 // 4) :])
        self._sweep_at = min(BUCKETS_MAX, max(BUCKETS_SWEPT_FROM, 2 * len(self._full_at)))


Ask = Callable[[Kind, str], Awaitable[float]]
"""Function that takes a token from a bucket shared by all nodes. Returns as `take` does, or 0 if no node answers in
time; never raises."""


class Limits:
    """All token buckets of a node, for each kind of action.

    With `shared`, the nodes limit together: `taken` returns the tokens that this node has taken, and `adopt` receives
    what all nodes have left. Tokens of the kinds in `ASKED_KINDS` are not counted like this: the function `ask`, if it
    is set, takes each from a bucket of all nodes. `bus/shared_limits.py` does both with Redis.
    """

    __slots__ = ("_buckets", "ask", "exceeded", "is_agent", "rates")

    def __init__(self, rates: Rates = DEFAULT_RATES, *, shared: bool = False) -> None:
        self.rates = rates
        self.ask: Ask | None = None
        """Function that takes a token on all nodes, for `take_or_refuse_everywhere`; None: only this node's own buckets
        count."""
        self.is_agent: Callable[[str], bool] = _is_no_agent
        """Function that returns whether the user with this id is an agent."""
        self.exceeded: Counter[Kind] = Counter(dict.fromkeys(set(Kind) - EXEMPTING_KINDS, 0))
        """Numbers of actions for which there was no token, by kind, except of kinds that only exempt from another
        limit."""
        self._buckets = {kind: Buckets(rates[kind], counts=shared and kind not in ASKED_KINDS) for kind in Kind}

    def take(self, kind: Kind, key: str, now: float) -> float:
        """Takes a token from the bucket `key` of a kind of action. Returns 0, or the seconds until there is a token.
        `now` is in seconds of a monotonic clock."""
        wait_s = self._buckets[kind].take(key, now)
        if wait_s and kind not in EXEMPTING_KINDS:
            self.exceeded[kind] += 1
        return wait_s

    def take_for(self, actor: Actor, kind: Kind, now: float) -> float:
        """Takes a token from the actor's bucket for a kind of action. Returns 0, or the seconds until there is a token;
        always 0 for the application's backend, which acts for many users. `now` is in seconds of a monotonic clock.

        Whether the actor is an agent matters only once that bucket is empty, so people's actions do not ask."""
        if actor.role == "service":
            return 0.0
        wait_s = self._buckets[kind].take(actor.user_id, now)
        if wait_s and kind in AGENT_KINDS and self.is_agent(actor.user_id):
            wait_s = min(wait_s, self._buckets[kind].take(_second_key(actor.user_id), now, _AGENT_TOKENS))
        if wait_s:
            self.exceeded[kind] += 1
        return wait_s

    def take_or_refuse(self, kind: Kind, key: str, now: float) -> None:
        """Takes a token from the bucket `key` of a kind of action, or raises `rate_limited` if there is none.
        `now` is in seconds of a monotonic clock."""
        wait_s = self.take(kind, key, now)
        if wait_s:
            raise RateLimited(wait_s, kind)

    def give_back(self, kind: Kind, key: str) -> None:
        """Puts back a token that was taken from the bucket `key` of a kind of action."""
        self._buckets[kind].give_back(key)

    async def take_or_refuse_everywhere(self, kind: Kind, key: str, now: float) -> None:
        """Takes a token from a bucket whose tokens all nodes share (one of `ASKED_KINDS`), or raises `rate_limited` if
        there is none. `now` is in seconds of a monotonic clock."""
        wait_s = await self.take_everywhere(kind, key, now)
        if wait_s:
            raise RateLimited(wait_s, kind)

    async def take_everywhere(self, kind: Kind, key: str, now: float) -> float:
        """Takes a token from a bucket whose tokens all nodes share (one of `ASKED_KINDS`), with the function
        `ask` if it is set, else from this node's own bucket. Returns 0, or the seconds until there is a token. `now` is
        in seconds of a monotonic clock."""
        wait_s = self.take(kind, key, now)
        if wait_s or self.ask is None:
            return wait_s
        wait_s = await self.ask(kind, key)
        if wait_s and kind not in EXEMPTING_KINDS:
            self.exceeded[kind] += 1
        return wait_s

    def taken(self) -> list[tuple[Kind, dict[str, float]]]:
        """Returns the numbers of tokens taken since the last call, by kind of action and key. Kinds without any are
        left out."""
        return [(kind, taken) for kind, buckets in self._buckets.items() if (taken := buckets.taken())]

    def adopt(self, kind: Kind, full_at: Iterable[tuple[str, float]]) -> None:
        """Adjusts the buckets of a kind of action to what all nodes together have taken. `full_at` has, for each key,
        the time when its bucket will be full again.

        Times are of the same clock as those passed to `take`. If this node knows a later time for a bucket, that is
        kept.
        """
        self._buckets[kind].adopt(full_at)


class RateLimited(ChatError):
    """The `rate_limited` error with the seconds to wait, which clients receive as `retryAfterMs` in milliseconds and,
    over REST, as `Retry-After`. `limit` is the kind of action that was limited, for the log; None if not given."""

    def __init__(self, wait_s: float, limit: Kind | None = None) -> None:
        details = {"retryAfterMs": max(1, math.ceil(wait_s * 1000))}
        super().__init__("rate_limited", "Too many requests. Try again later.", details)
        self.wait_s = wait_s
        self.limit = limit


@cache
def kind_of(command_type: type) -> Kind:
    """Returns the kind of action as which a type of command is limited: sending a message, any other change, a query, a
    custom signal or any other signal. Types that are neither changes nor queries count as signals."""
    if issubclass(command_type, SendMessage | StreamMessage):
        return Kind.SENDS
    if issubclass(command_type, SendSignal):
        return Kind.CUSTOM_SIGNALS
    if issubclass(command_type, AppendToMessage | KeepStream):
        return Kind.APPENDS
    if issubclass(command_type, Change | FinishMessage | RewindMessage | ClaimTurns | UpdateTurn):
        return Kind.CHANGES
    return Kind.READS if issubclass(command_type, Query) else Kind.SIGNALS


def _is_no_agent(_: str) -> bool:
    return False


def _second_key(agent_id: str) -> str:
    """Returns the key of an agent's second bucket. No id contains a space, so it is no other user's."""
    return f"agent {agent_id}"


def address_key(address: str) -> str:
    """Returns the bucket key of an IP address. IPv6 addresses of one /64 network share a key, because a customer has at
    least one such network."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return _network(parsed, _IPV6_NETWORK_BITS)


def site_key(address: str) -> str | None:
    """Returns the bucket key of an IPv6 address's /48 network, which may belong to one customer as a whole; None for
    other addresses."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address) or parsed.ipv4_mapped is not None:
        return None
    return _network(parsed, _IPV6_SITE_BITS)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


def _network(address: IPv6Address, bits: int) -> str:
    rest = address.max_prefixlen - bits
    return str(IPv6Address(int(address) >> rest << rest))
