"""The matrix's form: what a row is, and who gets what by the rules that most follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

CALLERS = (
    "anonymous",
    "stranger",
    "former",
    "member",
    "admin",
    "owner",
    "blocked",
    "blocker",
    "banned",
    "service",
    "operator",
)
"""`anonymous` has no token. `stranger` was never in the conversation, `former` was removed from it, `member`, `admin`
and `owner` are in it. For `blocked` and `blocker` it is a direct one with a block on it: the other's, and their own.
`banned` is a member whose account is banned, `service` the application's backend, `operator` has the role `admin`."""

OK = "ok"
FORBIDDEN = "forbidden"
BLOCKED = "blocked"
NOT_FOUND = "not_found"
INVALID = "invalid_request"

HEAD_STATUS = {401: "unauthenticated", 403: FORBIDDEN}
"""An answer to HEAD has no body that says which of the codes it is."""


def is_of_a_pair(caller: str) -> bool:
    """Whether the caller's conversation is a direct one, with a block on it."""
    return caller in {"blocked", "blocker"}


Rule = Mapping[str, str]
"""Caller -> what they are answered."""


def rule(default: str, **others: str) -> Rule:
    """Nobody gets anywhere without a token, or under a ban. The two of a blocked pair are alike, unless said."""
    said = dict.fromkeys(CALLERS, default) | {"anonymous": "unauthenticated", "banned": "banned"} | others
    if "blocker" not in others:
        said["blocker"] = said["blocked"]
    return MappingProxyType(said)


def but(known: Rule, **others: str) -> Rule:
    return MappingProxyType({**known, **others})


EVERYONE = rule(OK)
"""Whoever is signed in."""

NOBODY = rule(FORBIDDEN)

READERS = rule(OK, stranger=FORBIDDEN, former=FORBIDDEN)
"""Members see a conversation, the backend and operators any."""

MEMBERS = but(READERS, service=FORBIDDEN, operator=FORBIDDEN)
"""What members do for themselves."""

SPEAKERS = but(MEMBERS, blocked=BLOCKED, blocker=BLOCKED)
"""What members do towards the others."""

WRITERS = but(SPEAKERS, service=OK)
"""The same, where the backend may name one of them as the sender."""

MANAGERS = rule(OK, stranger=FORBIDDEN, former=FORBIDDEN, member=FORBIDDEN, blocked=FORBIDDEN)
"""Owner and admins, the backend and operators; nobody manages a direct conversation."""

OWNERS = but(MANAGERS, admin=FORBIDDEN)

OPERATORS = but(NOBODY, operator=OK)

TRUSTED = but(OPERATORS, service=OK)


@dataclass(frozen=True)
class Row:
    """A route (`METHOD /path`) or an event, and what each caller is answered.

    `{placeholders}` stand for ids of the scene; `{own…}` are of what is the caller's own. `of` tells apart the rows of
    one name. The backend's body has what is in `as_service` too.
    """

    name: str
    expected: Rule
    body: Any = None
    of: str = ""
    as_service: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_route(self) -> bool:
        return " " in self.name

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.name.partition(" ")[2]

    @property
    def reads(self) -> bool:
        """Whether it spoils nothing for the next caller."""
        return self.method in {"GET", "HEAD"}

    def body_of(self, caller: str) -> Any:  # noqa: ANN401 (JSON)
        return {**(self.body or {}), **self.as_service} if caller == "service" and self.as_service else self.body

    def expects(self, caller: str) -> str:
        code = self.expected[caller]
        return FORBIDDEN if self.method == "HEAD" and code in {"banned", BLOCKED} else code

    def __str__(self) -> str:
        return f"{self.name}{self.of and f' ({self.of})'}"


def placeholders_in(row: Row) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", f"{row.path} {row.body} {dict(row.as_service)}"))


def form_of(path: str) -> str:
    """A path whose parameters have no names: `/users/{user_id}/ban` is `/users/{}/ban`."""
    return re.sub(r"\{\w+\}", "{}", path.partition("?")[0])
