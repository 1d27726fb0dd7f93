"""Keeps the newest refusals of this process in memory: what was refused, to which user and why, for operators."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from types import MappingProxyType
from typing import Literal

import msgspec

from talkwire.core.clock import now_ms

RefusalKind = Literal["connection", "sign_in", "command", "rate_limit"]

KEPT_OF_A_KIND = 500
"""Most refusals of one kind that are kept. Each kind has its own room, so that a client that is limited does not
displace those that cannot sign in."""

_TEXT_MAX = 128
"""Most characters of a text of a refusal that are kept. Longer texts come from clients and are cut."""

_KINDS: MappingProxyType[str, RefusalKind] = MappingProxyType(
    {
        "connection_refused": "connection",
        "sign_in_refused": "sign_in",
        "command_refused": "command",
        "rate_limited": "rate_limit",
    }
)
"""Kinds of refusals, by the events of the log. Other events are not kept."""

_MEMBERS = (
    "cause",
    "command",
    "limit",
    "method",
    "detail",
    "user_id",
    "address",
    "origin",
    "namespace",
)
"""Fields of log lines that are kept. None of them has what users write."""


class RecentRefusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A refusal that one client received: of a connection, a sign-in or a command, or because of a rate limit.

    `conversation_id` is of the last time. `count` is how often this client has received the same refusal while it was
    kept (see `RecentRefusals`), the last time at `at_ms` (milliseconds since 1970). A later refusal of this process has
    a greater `number`.
    """

    at_ms: int
    number: int
    kind: RefusalKind
    reason: str
    cause: str | None = None
    conversation_id: str | None = None
    command: str | None = None
    limit: str | None = None
    method: str | None = None
    detail: str | None = None
    user_id: str | None = None
    address: str | None = None
    origin: str | None = None
    namespace: str | None = None
    count: int = 1


class RecentRefusals:
    """The newest refusals of each kind (connection, sign-in, command, rate limit), kept in memory.

    `kept` is the maximum number of each kind. `now_ms` returns milliseconds since 1970.
    """

    def __init__(self, kept: int = KEPT_OF_A_KIND, now_ms: Callable[[], int] = now_ms) -> None:
        self._kept = kept
        self._now_ms = now_ms
        self._numbers = count(1)
        self._by_kind: dict[RefusalKind, OrderedDict[tuple[str, ...], tuple[int, int, int, str | None]]] = {
            kind: OrderedDict() for kind in _KINDS.values()
        }
        """Refusals of each kind as (time, number, count, conversation), by their reason and members, the newest
        last."""
        self.total = 0
        """Number of refusals since the start."""

    def add(self, event: str, fields: Mapping[str, object]) -> None:
        """Records the refusal that a log line reports, or counts it if it is recorded already. `event` and `fields` are
        those of the log line. Does nothing if the event is not a refusal.
        """
        kind = _KINDS.get(event)
        if kind is None:
            return
        self.total += 1
        reason = fields.get("reason") or fields.get("code") or fields.get("limit") or ""
        conversation = str(fields.get("conversation_id") or "")[:_TEXT_MAX]
        # Clients name any conversation as often as they like: beyond a rate limit, that makes no further item.
        apart = conversation if kind == "command" else ""
        key = (apart, str(reason)[:_TEXT_MAX], *(str(fields.get(name) or "")[:_TEXT_MAX] for name in _MEMBERS))
        kept = self._by_kind[kind]
        _, _, before, _ = kept.pop(key, (0, 0, 0, None))
        kept[key] = self._now_ms(), next(self._numbers), before + 1, conversation or None
        if len(kept) > self._kept:
            kept.popitem(last=False)

    def newest(self, kind: RefusalKind | None = None, user_id: str | None = None) -> Iterator[RecentRefusal]:
        """Yields the kept refusals, kind by kind, the newest of each kind first. `kind` and `user_id` restrict them to
        one kind or one user; None restricts nothing.
        """
        for each, kept in self._by_kind.items():
            if kind not in {None, each}:
                continue
            for (_, reason, *members), (at_ms, number, times, conversation) in reversed(kept.items()):
                given = dict(zip(_MEMBERS, members, strict=True))
                if user_id in {None, given["user_id"]}:
                    shown = {name: value for name, value in given.items() if value}
                    yield RecentRefusal(at_ms, number, each, reason, conversation_id=conversation, count=times, **shown)
