"""After an attack, ordinary members load everything page by page, as strictly as any client.

This finds a record that cannot be shown: a page that fails, or JSON that a strict parser refuses.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from rigs.hostile.scene import CALLERS, ORDINARY, Scene
from tests.http_client import HttpClient

LARGEST = 2**53 - 1
"""The largest integer that JavaScript, and everything else that reads numbers as doubles, reads as it was written."""

_PROBLEMS_KEPT = 30
_MESSAGES_LOOKED_AT = 40
_PAGES_MAX = 3000


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) > LARGEST:
        raise ValueError(f"the integer {digits[:40]} of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:40]}")
    return number


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a name twice in an object")
    return found


def read_strictly(body: bytes) -> Any:  # noqa: ANN401 (JSON)
    """Returns JSON as the strictest parser accepts it. Raises ValueError, also for texts that are not valid Unicode."""
    value = json.loads(
        body.decode("utf-8"),
        parse_int=_integer,
        parse_float=_float,
        parse_constant=_constant,
        object_pairs_hook=_object,
    )
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


class Reader:
    """A member who loads everything. `problems` lists failed requests and their errors."""

    def __init__(self, scene: Scene, user: str, http: httpx.Client) -> None:
        self.problems: list[str] = []
        self.items = 0
        self._scene = scene
        self._user = user
        self._http = http

    def get(self, path: str, *, may_be: tuple[int, ...] = (200,)) -> Any:  # noqa: ANN401 (JSON)
        """Returns a response; None if it is refused with a status of `may_be`, or failed."""
        headers = {"authorization": f"Bearer {self._scene.tokens[self._user]}"}
        answer = self._http.get(path, headers=headers)
        problem = None
        value = None
        if answer.status_code not in may_be:
            problem = f"{answer.status_code} {answer.text[:300]}"
        else:
            try:
                value = read_strictly(answer.content)
            except ValueError as error:
                problem = f"no strict JSON: {error}"
        if problem is not None and len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(f"{self._user} GET {path}: {problem}")
        return value if answer.status_code == 200 else None

    def items_of(self, path: str, parameter: str = "cursor", **query: str) -> Iterator[dict[str, Any]]:
        """Yields all items of a list; for messages, the newest page first."""
        for _ in range(_PAGES_MAX):
            page = self.get(f"{path}?{urlencode({'limit': '100', **query})}")
            if page is None:
                return
            self.items += len(page["items"])
            yield from page["items"]
            if page.get("next") is None:
                return
            query[parameter] = page["next"]
        raise AssertionError(f"{path} has no end")

    def read_log(self) -> None:
        """Loads `sync` from before the attack to the end, and again from the start."""
        cursor = self._scene.starts[self._user]
        for _ in range(_PAGES_MAX):
            page = self.get(f"/api/v1/sync?{urlencode({'after': cursor, 'limit': '100'})}")
            if page is None:
                break
            self.items += len(page["events"])
            cursor = page["cursor"]
            if not page["more"]:
                break
        self.get("/api/v1/sync")

    def read_own(self) -> None:
        """Loads the member's own data, and data that is public."""
        for path in ("users/me", "users/me/preferences", "users/me/presence", "users/me/sessions"):
            self.get(f"/api/v1/{path}")
        for path in ("notifications", "users/me/blocks", "users", "talks"):
            for _ in self.items_of(f"/api/v1/{path}"):
                pass
        for term in ("word", "still", "a", "x"):
            for _ in self.items_of("/api/v1/search", q=term):
                pass
        for user in (*ORDINARY, *CALLERS):
            self.get(f"/api/v1/users/{user}")
            # Only users who share a conversation may see it, and no blocked user.
            self.get(f"/api/v1/users/{user}/presence", may_be=(200, 403))

    def read_conversation(self, id_: str) -> None:
        """All that is in it, in the messenger's REST API and in that of the dialects that have one."""
        there = f"/api/v1/conversations/{quote(id_, safe='')}"
        self.get(there)
        self.get(f"{there}/preferences")
        messages = list(self.items_of(f"{there}/messages", "before"))
        for path, parameter in (("pins", "before"), ("offers", "cursor"), ("notices", "cursor")):
            for item in self.items_of(f"{there}/{path}", parameter):
                if path == "offers":
                    self.get(f"/api/v1/offers/{item['id']}")
        # Only moderators may see these; the attack may have made this member one.
        for path in ("mutes", "bans"):
            self.get(f"{there}/{path}?limit=100", may_be=(200, 403))
        self.get(f"/api/v1/talks/{quote(id_, safe='')}")
        for _ in self.items_of(f"/api/v1/talks/{quote(id_, safe='')}/messages", "before"):
            pass
        for _ in self.items_of("/chat-messages", "before", chatId=id_):
            pass
        for message in messages[:_MESSAGES_LOOKED_AT]:
            self.get(f"/api/v1/messages/{message['id']}")
            for path in ("history", "thread", "receipts"):
                self.get(f"/api/v1/messages/{message['id']}/{path}")

    def read_everything(self) -> None:
        self.read_own()
        for conversation in list(self.items_of("/api/v1/conversations")):
            self.read_conversation(conversation["id"])
        self.read_log()


@contextmanager
def reading(scene: Scene, user: str) -> Iterator[Reader]:
    with HttpClient(base_url=scene.server.url, timeout=60) as http:
        yield Reader(scene, user, http)


def read_all(scene: Scene) -> tuple[int, list[str]]:
    """Returns how much ordinary members and the backend could read, and what failed. Lifts bans first, since banned
    users can read nothing.
    """
    problems: list[str] = []
    items = 0
    _lift_bans(scene)
    with reading(scene, "backend") as back_end:
        for path in ("gateway/connected", "gateway/stats", f"gateway/status/{ORDINARY[0]}"):
            back_end.get(f"/api/{path}")
        problems += back_end.problems
    for user in ORDINARY:
        with reading(scene, user) as reader:
            reader.read_everything()
            problems += reader.problems
            items += reader.items
    return items, problems


def _lift_bans(scene: Scene) -> None:
    """Lifts all bans, as an admin whom no input names: the others may have banned each other."""
    headers = {"authorization": f"Bearer {scene.server.token('warden', role='admin')}"}
    with HttpClient(base_url=scene.server.url, timeout=60, headers=headers) as http:
        for user in ("operator", "backend", *ORDINARY):
            http.delete(f"/api/v1/users/{user}/ban")
