"""JSON in the shape that a schema of `/openapi.json` or `/asyncapi.json` asks for, with something wrong here and there.

A payload in which everything is wrong ends at the first check. So most members fit: ids are of things that exist, times
are times; and of a fitting payload one or two members are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rigs.hostile.scene import CLOSED_URL, Pools
from rigs.hostile.values import Values

Schema = Mapping[str, Any]

_POOL_OF = {
    "conversationid": "conversation",
    "conversationids": "conversation",
    "conversation": "conversation",
    "chatid": "conversation",
    "talkid": "conversation",
    "messageid": "message",
    "replytoid": "message",
    "threadid": "message",
    "before": "message",
    "after": "message",
    "around": "message",
    "userid": "user",
    "userids": "user",
    "memberids": "user",
    "participantids": "user",
    "receiverid": "user",
    "touserid": "user",
    "senderid": "user",
    "offerid": "offer",
    "fileid": "file",
    "sessionid": "session",
    "webhookid": "webhook",
    "refreshtoken": "refresh",
    "cursor": "cursor",
    "token": "token",
}

_URLS = (
    CLOSED_URL,
    "http://127.0.0.1:22/",
    "https://127.1/",
    "https://2130706433/",
    "https://127.0.0.2/",
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]:1024/",
    "https://[fe80::1%25eth0]/",
    "http://169.254.169.254/latest/meta-data/",
    "https://localhost/",
    "https://name:word@127.0.0.1:1024/",
    "https://127.0.0.1:99999/",
    "https://\u0661.\u0662/",
    "https://a..b/",
    "https:///",
    "file:///etc/passwd",
    "gopher://127.0.0.1:1024/",
)
"""Addresses that the server must not reach, except for the first, where nothing listens. No name has to be resolved."""

_OTHERS: Mapping[str, Sequence[object]] = {
    "email": ("user0@example.com", "user1@example.com", "a@b", "@", "ü@example.com", "x" * 300 + "@example.com"),
    "password": ("correct horse", "short", "a" + "\u0315\u0300" * 200, "p" * 1025),
    "currency": ("EUR", "eur", "€", "XXXX"),
    "emoji": ("👍", "👍🏽", "a", "", ":+1:", "❤️" * 40),
    "status": ("accepted", "rejected", "withdrawn", "online", "away", "read", "delivered"),
    "type": ("text", "image", ""),
    "event": ("alert", "connect", "disconnect", "message", ""),
    "avatar": ("https://example.com/a.png", "/a.png", "javascript:alert(1)", "data:,"),
    "url": _URLS,
    "endpoint": _URLS,
    "amount": (1, 0, -1, 2**53, 0.5, 10**400),
    "limit": (1, 100, 101, 0, -1, 2**63),
    "kind": ("group", "direct", "channel"),
}


_OFTEN = {
    "content": 0.95,
    "receiverId": 0.7,
    "senderId": 0.03,
    "replyToId": 0.1,
    "threadId": 0.1,
    "attachments": 0.1,
    "metadata": 0.5,
}
"""How often an optional member is present: often if requests fail without it, rarely if it refers to something narrow,
otherwise one time in three.
"""


class Shapes:
    """Draws payloads. `schemas` are what `$ref` refers to."""

    def __init__(self, values: Values, pools: Pools, schemas: Mapping[str, Schema]) -> None:
        self.values = values
        self.random = values.random
        self.pools = pools
        self._schemas = schemas

    def payload(self, schema: Schema) -> object:
        """A payload that fits, or nearly, or (one in twenty) anything."""
        if self.values.chance(0.05):
            return self.values.json()
        value = self._value(schema, "")
        if isinstance(value, dict) and value and self.values.chance(0.45):
            for name in self.random.sample(sorted(value), 1):
                value[name] = self._wrong(name)
        return value

    def known(self, name: str) -> object:
        """A value that fits a member or parameter of this name, mostly an id of something that exists."""
        key = name.lower().replace("_", "")
        pool = self.pools.get(_POOL_OF.get(key, ""), [])
        if pool:
            return self._neighbour(pool) if self.values.chance(0.1) else self.random.choice(pool)
        if key in _OTHERS:
            return self.random.choice(_OTHERS[key])
        if key in {"until", "expiresat", "createdat"}:
            return self.values.time()
        return None

    def _neighbour(self, pool: Sequence[str]) -> str:
        """Returns an id near an existing one: of something created meanwhile, or of nothing."""
        id_ = self.random.choice(pool)
        if id_.isdecimal():
            return str(int(id_) + self.random.randrange(-3, 20_000))
        return self.random.choice((id_ + "x", id_[:-1] or "x", id_.upper(), self.random.choice(self.pools["user"])))

    def _wrong(self, name: str) -> object:
        draw = self.random.random()
        if draw < 0.25 and (known := self.known(name)) is not None:
            return known
        return self.values.json() if draw < 0.9 else self.values.time()

    def _value(self, schema: Schema, name: str, depth: int = 0) -> Any:  # noqa: ANN401 (JSON)
        if "$ref" in schema:
            return self._value(self._schemas[schema["$ref"].rpartition("/")[2]], name, depth)
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                return self._value(self.random.choice(schema[choice]), name, depth)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        type_ = schema.get("type")
        if isinstance(type_, list):
            type_ = self.random.choice(type_)
        return self._of_type(type_, schema, name, depth)

    def _of_type(self, type_: str | None, schema: Schema, name: str, depth: int) -> Any:  # noqa: ANN401 (JSON)
        match type_:
            case "object":
                return self._object(schema, depth)
            case "array":
                count = self.random.choice((0, 1, 1, 2, 3, 150 if self.values.chance(0.02) else 1))
                return [self._value(schema.get("items", {}), name, depth + 1) for _ in range(count)]
            case "string":
                known = self.known(name)
                if schema.get("format") == "date-time":
                    return self.values.time()
                if isinstance(known, str):
                    return known
                return self.values.fitting_text() if self.values.chance(0.7) else self.values.text()
            case "integer" | "number":
                return self.values.number()
            case "boolean":
                return self.values.chance(0.5)
            case "null":
                return None
            case _:
                return self.values.json()

    def _object(self, schema: Schema, depth: int) -> dict[str, object]:
        required = schema.get("required", ())
        value = {
            name: self._value(member, name, depth + 1)
            for name, member in schema.get("properties", {}).items()
            if self.values.chance(0.97 if name in required else _OFTEN.get(name, 0.35))
        }
        if not schema.get("properties") or self.values.chance(0.03):
            value[self.values.text()[:100]] = self.values.json()
        return value
