"""The largest bodies: passwords, texts, numbers, lists and nesting in JSON, and search terms."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from rigs.hostile.connections import Answer
from rigs.hostile.largest.budget import Attacker, Largest

_BODY = 250_000
"""Characters, where one is a byte; a body has at most 256 KiB."""

_TEXT = 64_000
_SEARCHED = 60_000

_MARKS = "\u0315\u0300"
"""Combining marks in an order that normalising has to change."""


def _marks(size: int) -> str:
    """`size` marks on one letter, all of the first kind before all of the second: the worst case for sorting."""
    return "a" + _MARKS[0] * (size // 2) + _MARKS[1] * (size // 2)


async def _account(attacker: Attacker, size: int, *, path: str, members: tuple[str, ...]) -> Answer | None:
    body = {"email": "user0@example.com", "name": "a", "password": "p", "refreshToken": "a.b", "newPassword": "a" * 10}
    body |= dict.fromkeys(members, _marks(size))
    text = json.dumps({name: value for name, value in body.items() if name in _TAKEN[path]}, ensure_ascii=False)
    by = "member" if path == "password" else None
    return await attacker.send_json("POST", f"/api/v1/auth/{path}", text, by)


_TAKEN = {
    "login": ("email", "password"),
    "register": ("email", "password", "name"),
    "password": ("currentPassword", "newPassword"),
    "refresh": ("refreshToken",),
}


async def _message(attacker: Attacker, size: int, *, unit: str) -> Answer | None:
    """A message of a text that repeats `unit`; `size` is in bytes of UTF-8."""
    return await _send_text(attacker, unit * (size // len(unit.encode())))


async def _links(attacker: Attacker, size: int, *, unit: str) -> Answer | None:
    """The links of one message, whose link ends with repeated `unit`."""
    await _send_text(attacker, "https://x" + unit * ((size - 9) // len(unit)))
    return await attacker.get("/api/v1/conversations/commons/links?limit=1", "member")


async def _page_of_links(attacker: Attacker, size: int, *, unit: str) -> Answer | None:
    """The links of `size` messages, each of them as long as it may be. The messages are sent once."""
    id_ = f"links-{unit.encode().hex()}-{size}"
    body = json.dumps({"id": id_, "kind": "group", "memberIds": ["member", "reader3"]})
    answer = await attacker.send_json("POST", "/api/v1/conversations", body, "backend")
    if answer is not None and answer.status == HTTPStatus.CREATED:
        text = json.dumps({"conversationId": id_, "content": unit * (_TEXT // len(unit)), "senderId": "member"})
        for _ in range(size):
            await attacker.send_json("POST", "/api/v1/messages", text, "backend")
    return await attacker.get(f"/api/v1/conversations/{id_}/links?limit=100", "member")


async def _marked_message(attacker: Attacker, size: int) -> Answer | None:
    return await _send_text(attacker, _marks(size // 2 - 2))


async def _send_text(attacker: Attacker, text: str) -> Answer | None:
    body = json.dumps({"conversationId": "commons", "content": text}, ensure_ascii=False)
    return await attacker.send_json("POST", "/api/v1/messages", body, "member")


async def _edited(attacker: Attacker, size: int) -> Answer | None:
    body = {"content": _marks(size // 2 - 2), "senderId": "author"}
    id_ = attacker.scene.pools["message"][0]
    return await attacker.send_json("PATCH", f"/api/v1/messages/{id_}", json.dumps(body, ensure_ascii=False), "backend")


async def _named(attacker: Attacker, size: int) -> Answer | None:
    return await attacker.send_json(
        "PATCH", "/api/v1/users/me", json.dumps({"name": _marks(size)}, ensure_ascii=False), "member"
    )


async def _metadata(attacker: Attacker, size: int, *, unit: str, start: str = "[", end: str = "0]") -> Answer | None:
    """Sends metadata of repeated `unit`. It is too long, but the server has to read it to notice."""
    value = start + unit * (size // len(unit)) + end
    body = f'{{"conversationId":"commons","content":"a","metadata":{{"a":{value}}}}}'
    return await attacker.send_json("POST", "/api/v1/messages", body, "member")


async def _nested(attacker: Attacker, size: int, *, left: str, right: str) -> Answer | None:
    half = size // (len(left) + len(right))
    body = f'{{"conversationId":"commons","metadata":{{"a":{left * half}1{right * half}}}}}'
    return await attacker.send_json("POST", "/api/v1/messages", body, "member")


async def _names(attacker: Attacker, size: int) -> Answer | None:
    members = ",".join(f'"k{number}":1' for number in range(size // 11))
    body = f'{{"conversationId":"commons","metadata":{{{members}}}}}'
    return await attacker.send_json("POST", "/api/v1/messages", body, "member")


async def _ids(attacker: Attacker, size: int, *, path: str, body: str) -> Answer | None:
    """Sends a list of ids that do not exist."""
    ids = json.dumps([f"u{number}" for number in range(size // 10)])
    return await attacker.send_json("POST", path, body.replace("IDS", ids), "owner")


async def _same_ids(attacker: Attacker, size: int, *, path: str, body: str, id_: str) -> Answer | None:
    ids = json.dumps([id_] * (size // (len(id_) + 4)))
    return await attacker.send_json("POST", path, body.replace("IDS", ids), "owner")


async def _search(attacker: Attacker, size: int, *, unit: str) -> Answer | None:
    quoted = quote(unit, safe="")
    return await attacker.get("/api/v1/search?q=" + quoted * (size // len(quoted)), "member")


async def _people(attacker: Attacker, size: int) -> Answer | None:
    return await attacker.get("/api/v1/users?query=" + quote(_marks(size // 6)), "member")


async def _crowd(attacker: Attacker, size: int, *, path: str) -> Answer | None:
    """What a member of `size` conversations loads first. They are made once, by the back end."""
    user = f"member-of-{size}"
    if user not in attacker.scene.tokens:
        attacker.scene.tokens[user] = attacker.scene.server.token(user, ttl_s=3600)
        for number in range(size):
            body = {"id": f"{user}-{number}", "kind": "group", "memberIds": [user, "reader3"]}
            await attacker.send_json("POST", "/api/v1/conversations", json.dumps(body), "backend")
    return await attacker.get(path, user)


_MEMBERS = "/api/v1/conversations/playground/members"

TABLE = [
    Largest("a password of marks", _BODY // 2, partial(_account, path="login", members=("password",))),
    Largest("an address of marks", _BODY // 2, partial(_account, path="login", members=("email",))),
    Largest(
        "a new account of marks", _BODY // 6, partial(_account, path="register", members=("email", "password", "name"))
    ),
    Largest(
        "a new password of marks",
        _BODY // 4,
        partial(_account, path="password", members=("currentPassword", "newPassword")),
    ),
    Largest("a refresh token of marks", _BODY // 2, partial(_account, path="refresh", members=("refreshToken",))),
    Largest("a name of marks", _BODY // 2, _named),
    Largest("a message of marks", _TEXT, _marked_message),
    Largest("an edited message of marks", _TEXT, _edited),
    Largest("a message of one letter", _TEXT, partial(_message, unit="a")),
    Largest("a message of words", _TEXT, partial(_message, unit="a b ")),
    Largest("a message of ligatures", _TEXT, partial(_message, unit="\ufdfa")),
    Largest("a message of Hangul", _TEXT, partial(_message, unit="\u1112\u1161\u11ab")),
    Largest("a message of emoji", _TEXT, partial(_message, unit="👩‍👩‍👧‍👦")),
    Largest("a message of mentions", _TEXT, partial(_message, unit="@reader1 ")),
    Largest("a message of at signs", _TEXT, partial(_message, unit="@")),
    Largest("a message of brackets", _TEXT, partial(_message, unit="](")),
    Largest("a message of quotes", _TEXT, partial(_message, unit="> ")),
    Largest("a message of backticks", _TEXT, partial(_message, unit="`")),
    Largest("a message of links", _TEXT, partial(_message, unit="https://a.b/ ")),
    Largest("the link of a message with brackets behind it", _TEXT, partial(_links, unit=")")),
    Largest("the link of a message with brackets and dots behind it", _TEXT, partial(_links, unit=".)")),
    Largest("the link of a message with pairs of brackets behind it", _TEXT, partial(_links, unit="()")),
    Largest("a page of messages of equal links", 100, partial(_page_of_links, unit="https://a.b/ ")),
    Largest("a page of messages that only look like links", 100, partial(_page_of_links, unit="://")),
    Largest("a message of dots", _TEXT, partial(_message, unit="a.b@")),
    Largest("a message of lines", _TEXT, partial(_message, unit="\n")),
    Largest("a message of spaces", _TEXT, partial(_message, unit=" ")),
    Largest("large numbers", _BODY, partial(_metadata, unit="1e308,")),
    Largest("small numbers", _BODY, partial(_metadata, unit="5e-324,")),
    Largest("digits of an integer", _BODY, partial(_metadata, unit="9", start="", end="")),
    Largest("digits of a fraction", _BODY, partial(_metadata, unit="3", start="0.", end="")),
    Largest("digits of an exponent", _BODY, partial(_metadata, unit="0", start="1e", end="1")),
    Largest("escapes in a text", _BODY, partial(_metadata, unit="\\u0000", start='"', end='"')),
    Largest("empty lists", _BODY, partial(_metadata, unit="[],")),
    Largest("empty texts", _BODY, partial(_metadata, unit='"",')),
    Largest("nested lists", _BODY, partial(_nested, left="[", right="]")),
    Largest("nested objects", _BODY, partial(_nested, left='{"a":', right="}")),
    Largest("names in an object", _BODY, _names),
    Largest("members of nobody", _BODY, partial(_ids, path=_MEMBERS, body='{"userIds":IDS}')),
    Largest("the same member", _BODY, partial(_same_ids, path=_MEMBERS, body='{"userIds":IDS}', id_="member")),
    Largest(
        "members of a new group",
        _BODY,
        partial(_ids, path="/api/v1/conversations", body='{"kind":"group","memberIds":IDS}'),
    ),
    Largest("notifications", _BODY, partial(_ids, path="/api/v1/notifications/read", body='{"ids":IDS}')),
    Largest("a search of words", _SEARCHED, partial(_search, unit="ab ")),
    Largest("a search of one word again and again", _SEARCHED, partial(_search, unit="word ")),
    Largest("a search of marks", _SEARCHED, partial(_search, unit=_MARKS)),
    Largest("a search of quotes", _SEARCHED, partial(_search, unit='"a" ')),
    Largest("a search of stars", _SEARCHED, partial(_search, unit="*")),
    Largest("a search of ligatures", _SEARCHED, partial(_search, unit="\ufdfa")),
    Largest("people of marks", _SEARCHED, _people),
    Largest("a member's conversations", 1000, partial(_crowd, path="/api/v1/conversations?limit=100")),
    Largest("a member's state", 1000, partial(_crowd, path="/api/v1/sync")),
]
