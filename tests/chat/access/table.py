"""The structure of the access matrix: its rows, and the rules that most rows share."""

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
    "clerk",
    "former_clerk",
    "blocked",
    "blocker",
    "banned",
    "service",
    "operator",
)
"""`anonymous` has no token. `stranger` was never in the conversation, `former` was removed from it, `member`, `admin`
and `owner` are in it. `clerk` is in it through a team, `former_clerk` was removed from that team. `blocked` and
`blocker` are in a direct conversation with a block, by the other user or by the caller. `banned` is a member whose
account is banned, `service` is the application's backend, and `operator` has the role `admin`."""

OK = "ok"
FORBIDDEN = "forbidden"
BLOCKED = "blocked"
NOT_FOUND = "not_found"
INVALID = "invalid_request"
CONFLICT = "conflict"

HEAD_STATUS = {401: "unauthenticated", 403: FORBIDDEN}
"""Error codes of a HEAD request by status, since its response has no body."""


def is_of_a_pair(caller: str) -> bool:
    """Returns whether the caller's conversation is direct and has a block."""
    return caller in {"blocked", "blocker"}


Rule = Mapping[str, str]
"""Maps each caller to the code that the caller receives."""


def rule(default: str, **others: str) -> Rule:
    """Returns a rule. By default, anonymous and banned callers are refused, `blocker` is treated like `blocked`,
    `clerk` like `member`, and `former_clerk` like `former`."""
    verdicts = dict.fromkeys(CALLERS, default) | {"anonymous": "unauthenticated", "banned": "banned"} | others
    for caller, like in (("blocker", "blocked"), ("clerk", "member"), ("former_clerk", "former")):
        if caller not in others:
            verdicts[caller] = verdicts[like]
    return MappingProxyType(verdicts)


def but(known: Rule, **others: str) -> Rule:
    """Returns a rule like another one, except for some callers. Who is there through a team, and who was, are treated
    like the members and the former members that `others` names."""
    for caller, like in (("clerk", "member"), ("former_clerk", "former")):
        if like in others:
            others.setdefault(caller, others[like])
    return MappingProxyType({**known, **others})


EVERYONE = rule(OK)
"""Allows every signed-in user."""

NOBODY = rule(FORBIDDEN)

USERS = but(EVERYONE, service=FORBIDDEN, operator=FORBIDDEN)
"""Allows every signed-in user except the backend and operators."""

READERS = rule(OK, stranger=FORBIDDEN, former=FORBIDDEN)
"""Allows members, the backend and operators."""

MEMBERS = but(READERS, service=FORBIDDEN, operator=FORBIDDEN)
"""Allows members only, for things that they do for themselves."""

SPEAKERS = but(MEMBERS, blocked=BLOCKED, blocker=BLOCKED)
"""Allows members, but not across a block, for things that affect other members."""

WRITERS = but(SPEAKERS, service=OK)
"""Like SPEAKERS, and also allows the backend, which names a member as the sender."""

UNNAMED = but(SPEAKERS, service=INVALID)
"""Like SPEAKERS, for requests of the backend that name no member, which it learns."""

STAFF = rule(FORBIDDEN, clerk=OK, service=OK, blocked=CONFLICT)
"""Allows members through a team of the conversation, and the backend, which names one. A direct conversation has no
team, which its members learn."""

AS_CLERK: Rule = MappingProxyType({"senderId": "{clerk}"})
"""What the backend adds to act in the name of a member of the conversation's team."""

MANAGERS = rule(OK, stranger=FORBIDDEN, former=FORBIDDEN, member=FORBIDDEN, blocked=FORBIDDEN)
"""Allows the owner, admins, the backend and operators. No one manages a direct conversation."""

OWNERS = but(MANAGERS, admin=FORBIDDEN)

OPERATORS = but(NOBODY, operator=OK)

TRUSTED = but(OPERATORS, service=OK)


@dataclass(frozen=True)
class Row:
    """A route (`METHOD /path`) or an event, and the code that each caller receives.

    `{placeholders}` are ids of the scene; `{own…}` are ids of the caller's own objects. `of` distinguishes several rows
    of one name. `as_service` is added to the backend's body.
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
        """Returns whether the row changes nothing, so that callers can share a scene."""
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
    """Returns a path without the names of its parameters: `/users/{user_id}/ban` becomes `/users/{}/ban`."""
    return re.sub(r"\{\w+\}", "{}", path.partition("?")[0])
