"""How often one user, address or e-mail address may do things: token buckets, shared by sockets and REST.

A bucket holds `burst` tokens and gets `per_s` new ones a second; what is done takes one. Time is an argument, in
seconds of a clock that never goes back. Nothing is stored: a restart fills all buckets.

Nodes may share their buckets (`bus/shared_limits.py`): each takes from its own at once, hands over now and then what
was `taken`, and with `learn` takes over what all together have left.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import NamedTuple

from talkwire.core.commands.command import Change, Query
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor

SWEEP_FROM = 1024
"""From this many buckets on, those that have filled up again are looked for and forgotten."""

BUCKETS_MAX = 200_000
"""Buckets of one kind; beyond them the one that was made first is forgotten, which lets its owner do more, not less."""

_IPV6_NETWORK_BITS = 64
_IPV6_SITE_BITS = 48
_ROUNDING_S = 1e-6
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)/(\d{1,9})")


class Kind(StrEnum):
    """What is counted, and by what it is told apart."""

    SENDS = "sends"
    """messages, by user"""
    CHANGES = "changes"
    """every other command that changes something, by user"""
    READS = "reads"
    """queries, by user"""
    SIGNALS = "signals"
    """what nothing is stored of: typing, presence, calls, rooms, pings, and events that are not understood; by user"""
    RETRIES = "retries"
    """looking a command up that may have been carried out already, once its own bucket is empty; by user"""
    UPLOADS = "uploads"
    """files that are begun, by user"""
    CONNECTS = "connects"
    """sessions that are opened, by address"""
    SIGN_INS = "sign_ins"
    """passwords that are tried and accounts that are made, by address"""
    ACCOUNT_SIGN_INS = "account_sign_ins"
    """passwords that are tried, by the account and the address that they come from"""
    FIRST_SIGN_INS = "first_sign_ins"
    """those of them with which an address begins, and which nothing else limits, by the account and the address"""
    SITE_FIRST_SIGN_INS = "site_first_sign_ins"
    """the same, of all the networks of an IPv6 site together, by the account and the site"""
    ACCOUNT_GUESSES = "account_guesses"
    """those that follow from addresses at which no device of the account is signed in, by the account"""
    REFRESHES = "refreshes"
    """refresh tokens that are traded, by address"""
    REFUSED_TOKENS = "refused_tokens"
    """tokens that were no good, by address"""


_KINDS = frozenset(kind.value for kind in Kind)

ASKED_KINDS = frozenset(
    {Kind.SIGN_INS, Kind.ACCOUNT_SIGN_INS, Kind.FIRST_SIGN_INS, Kind.SITE_FIRST_SIGN_INS, Kind.ACCOUNT_GUESSES}
)
"""Those that guard passwords. To check one takes so long that all nodes can be asked first."""


class Rate(NamedTuple):
    """`burst` at once, then `per_s` a second."""

    per_s: float
    burst: int


Rates = Mapping[Kind, Rate]

DEFAULT_RATES: Rates = MappingProxyType(
    {
        Kind.SENDS: Rate(20, 60),
        Kind.CHANGES: Rate(20, 100),
        Kind.READS: Rate(50, 200),
        Kind.SIGNALS: Rate(30, 150),
        Kind.RETRIES: Rate(20, 100),
        Kind.UPLOADS: Rate(2, 30),
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
    """The default rates with others in their place: `sends=50/200` is 50 a second and 200 at once. ValueError."""
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
    """One kind's buckets, full until they are first taken from.

    A bucket is the time at which it will be full again, so one that is full needs no memory. One that others take from
    too may be emptier than empty: then what was taken too much is waited for.
    """

    __slots__ = ("_full_at", "_interval", "_slack", "_sweep_at", "_taken")

    def __init__(self, rate: Rate, *, counts: bool = False) -> None:
        """`counts`: what is taken is to be handed over."""
        self._taken: dict[str, int] | None = {} if counts else None
        self._interval = 1 / rate.per_s
        # Sums of fractions err in their last digits, and must not cost the last token of a burst.
        self._slack = (rate.burst - 1) * self._interval + _ROUNDING_S
        self._full_at: dict[str, float] = {}
        self._sweep_at = SWEEP_FROM

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """Takes a token. Answers 0, or the seconds until there will be one: then none was taken."""
        full_at = self._full_at.get(key, now)
        if full_at < now:
            full_at = now
        elif full_at - now > self._slack:
            return full_at - now - self._slack
        self._full_at[key] = full_at + self._interval
        if self._taken is not None:
            self._taken[key] = self._taken.get(key, 0) + 1
        if len(self._full_at) >= self._sweep_at:
            self._sweep(now)
        return 0.0

    def taken(self) -> dict[str, int]:
        """How many tokens were taken from which buckets since it was last asked."""
        taken, self._taken = self._taken or {}, None if self._taken is None else {}
        return taken

    def learn(self, full_at: Iterable[tuple[str, float]]) -> None:
        """Takes over at what time buckets are full again by what was handed over, on all nodes: if that is later than
        by what was taken here. What was taken here since then comes on top."""
        here = self._full_at
        since = self._taken or {}
        for key, shared in full_at:
            owed = shared + since[key] * self._interval if key in since else shared
            if owed > here.get(key, 0.0):
                here[key] = owed

    def _sweep(self, now: float) -> None:
        """Forgets full buckets. The next sweep comes at twice as many, so each bucket's share of it stays small."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        while len(self._full_at) >= BUCKETS_MAX:
            del self._full_at[next(iter(self._full_at))]
        self._sweep_at = min(BUCKETS_MAX, max(SWEEP_FROM, 2 * len(self._full_at)))


Ask = Callable[[Kind, str], Awaitable[float]]
"""Takes a token where all nodes take theirs. Answers as `take` does, and 0 when nobody says in time; never raises."""


class Limits:
    """All buckets of a node. `shared`: what is taken is handed over, so somebody must ask for `taken`."""

    __slots__ = ("_buckets", "ask", "rates")

    def __init__(self, rates: Rates = DEFAULT_RATES, *, shared: bool = False) -> None:
        self.rates = rates
        self.ask: Ask | None = None
        """Whom `must_take_everywhere` asks; None: nobody but this node's own bucket."""
        self._buckets = {kind: Buckets(rates[kind], counts=shared and kind not in ASKED_KINDS) for kind in Kind}

    def take(self, kind: Kind, key: str, now: float) -> float:
        """See `Buckets.take`."""
        return self._buckets[kind].take(key, now)

    def take_for(self, actor: Actor, kind: Kind, now: float) -> float:
        """`take` by user. The application's backend is not limited: it speaks for many."""
        if actor.role == "service":
            return 0.0
        return self._buckets[kind].take(actor.user_id, now)

    def must_take(self, kind: Kind, key: str, now: float) -> None:
        """Takes a token or raises `rate_limited`."""
        wait_s = self.take(kind, key, now)
        if wait_s:
            raise rate_limited(wait_s)

    async def must_take_everywhere(self, kind: Kind, key: str, now: float) -> None:
        """`must_take` of one of `ASKED_KINDS`, whichever node its tokens were taken on."""
        wait_s = await self.take_everywhere(kind, key, now)
        if wait_s:
            raise rate_limited(wait_s)

    async def take_everywhere(self, kind: Kind, key: str, now: float) -> float:
        """`take` of one of `ASKED_KINDS`, whichever node its tokens were taken on."""
        wait_s = self.take(kind, key, now)
        if wait_s or self.ask is None:
            return wait_s
        return await self.ask(kind, key)

    def taken(self) -> list[tuple[Kind, dict[str, int]]]:
        """What was taken since it was last asked, as far as there is something."""
        return [(kind, taken) for kind, buckets in self._buckets.items() if (taken := buckets.taken())]

    def learn(self, kind: Kind, full_at: Iterable[tuple[str, float]]) -> None:
        """See `Buckets.learn`; times are of the clock that `take` is given."""
        self._buckets[kind].learn(full_at)


def rate_limited(wait_s: float) -> ChatError:
    """The refusal; REST says it in `Retry-After` too."""
    details = {"retryAfterMs": max(1, math.ceil(wait_s * 1000))}
    return ChatError("rate_limited", "Too many requests. Try again later.", details)


@cache
def kind_of(command_type: type) -> Kind:
    """What a command counts as; whatever is no command of the chat concerns one socket only."""
    if issubclass(command_type, SendMessage):
        return Kind.SENDS
    if issubclass(command_type, Change):
        return Kind.CHANGES
    return Kind.READS if issubclass(command_type, Query) else Kind.SIGNALS


def address_key(address: str) -> str:
    """Returns what tells addresses apart. One of IPv6 stands for its network of 64 bits, which every customer has."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return _network(parsed, _IPV6_NETWORK_BITS)


def site_key(address: str) -> str | None:
    """Returns the network of 48 bits that an IPv6 address is in, 65,536 networks of 64 bits that one customer may have.
    None for other addresses."""
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
