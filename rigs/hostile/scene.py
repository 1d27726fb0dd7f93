"""Whom and what the inputs are about: users, conversations and one of each thing that has an id.

`ORDINARY` are members of conversations and do nothing; what the others do must not keep them from reading. Ids of users
and conversations are chosen here, so that the same seed makes the same inputs; those of messages and offers are
positions in the log, which are the same each time too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chat.chat_server import ChatAddress
from tests.http_client import HttpClient

ORDINARY = ("reader1", "reader2", "reader3")
ACTING = ("member", "author", "owner", "stranger")
ROLES = {"operator": "admin", "backend": "service"}
CALLERS = (*ACTING, *ROLES)

LEAVERS = ("victim", *(f"leaver{number}" for number in range(1, 24)))
"""The users that inputs may erase: an erased user can neither act nor read any more, and never returns."""

WITNESS = "witness"
"""The member of the first conversation that measures the server. No input names this user, since a ban would end it."""

COMMON = ("commons", "77", "channel", "talk-1")
"""Conversations owned by a reader, so that no attacker can delete them or remove members."""

OWN = ("playground", "workshop")
"""Conversations owned by an attacker."""

CLOSED_URL = "http://127.0.0.1:1024/hooks"
"""The only address that the server may send webhooks to. Nothing listens there."""

_MESSAGES_EACH = 12
_OFFERS_EACH = 4
_ACCOUNTS = 2
_WEBHOOKS = 3
_TOKEN_TTL_S = 24 * 3600
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)

Pools = dict[str, list[str]]


@dataclass
class Scene:
    """What there is. `pools` are ids by what they are ids of."""

    server: ChatAddress
    pools: Pools = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
    """A cursor of each ordinary member, from before anything happened."""
    openapi: dict[str, Any] = field(default_factory=dict)
    asyncapi: dict[str, Any] = field(default_factory=dict)


def set_up(server: ChatAddress) -> Scene:
    """Makes everything, through the REST API, as the application's back end and its users would."""
    with HttpClient(base_url=server.url, timeout=30) as http:
        return _SettingUp(server, http).scene


class _SettingUp:
    def __init__(self, server: ChatAddress, http: httpx.Client) -> None:
        self._http = http
        self.scene = scene = Scene(server)
        scene.openapi, scene.asyncapi = http.get("/openapi.json").json(), http.get("/asyncapi.json").json()
        for user in (*ORDINARY, *CALLERS, *LEAVERS, WITNESS):
            scene.tokens[user] = server.token(user, ttl_s=_TOKEN_TTL_S, role=ROLES.get(user))
            self._done(user, "GET", "/api/v1/users/me")
        scene.pools = {
            "user": [*ORDINARY, *CALLERS, LEAVERS[0]],
            "conversation": [*COMMON, *OWN],
            "message": [],
            "offer": [],
            "file": [],
            "upload": [],
            "session": [],
            "webhook": [],
            "refresh": [],
            "cursor": [],
            "token": [scene.tokens[user] for user in ACTING],
        }
        self._make_conversations()
        for conversation in (*COMMON, *OWN):
            self._fill(conversation)
        self._let_leavers_write()
        self._make_files()
        self._make_accounts()
        self._make_webhooks()
        self._take_cursors()

    def _done(self, by: str, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 (httpx's, and JSON)
        headers = {"authorization": f"Bearer {self.scene.tokens[by]}", **options.pop("headers", {})}
        answer = self._http.request(method, path, headers=headers, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else answer

    def _make_conversations(self) -> None:
        members = [*ORDINARY, *ACTING[:-1]]
        for id_ in (*COMMON, *OWN):
            owner = "owner" if id_ in OWN else ORDINARY[0]
            kind = "channel" if id_ == "channel" else "group"
            ids = [owner, *(member for member in members if member != owner)]
            if id_ == COMMON[0]:
                ids += [*LEAVERS, WITNESS]
            name = f"About {id_}"
            body: Mapping[str, object] = {"id": id_, "kind": kind, "memberIds": ids, "ownerId": owner, "name": name}
            self._done("backend", "POST", "/api/v1/conversations", json=body)
        for pair in (("reader2", "member"), ("author", "reader3")):
            created = self._done(
                "backend", "POST", "/api/v1/conversations", json={"kind": "direct", "memberIds": list(pair)}
            )
            self.scene.pools["conversation"].append(created["id"])

    def _fill(self, conversation: str) -> None:
        # In a channel only its owner writes.
        senders = ORDINARY[:1] * 5 if conversation == "channel" else ("author", "owner", *ORDINARY)
        for number in range(_MESSAGES_EACH):
            body = {"conversationId": conversation, "content": f"Word {number}", "senderId": senders[number % 5]}
            message = self._done("backend", "POST", "/api/v1/messages", json=body)
            self.scene.pools["message"].append(message["id"])
        for number in range(_OFFERS_EACH):
            sender = senders[number % 5]
            offered = {"title": f"Offer {number}", "amount": 100, "currency": "EUR", "senderId": sender}
            offer = self._done("backend", "POST", f"/api/v1/conversations/{conversation}/offers", json=offered)
            self.scene.pools["offer"].append(offer["id"])

    def _let_leavers_write(self) -> None:
        for user in LEAVERS:
            body = {"conversationId": COMMON[0], "content": f"{user} was here"}
            message = self._done(user, "POST", "/api/v1/messages", json=body)
            self._done(user, "PUT", f"/api/v1/messages/{message['id']}/reactions/%F0%9F%91%8D")

    def _make_files(self) -> None:
        for content, type_ in ((b"hello", "text/plain"), (_PIXEL, "image/png")):
            made = self._done("author", "POST", "/api/v1/files", files={"file": ("a", content, type_)})
            body = {"conversationId": COMMON[0], "attachments": [{"id": made["id"]}]}
            self._done("author", "POST", "/api/v1/messages", json=body)
            self.scene.pools["file"].append(made["id"])
        headers = {"tus-resumable": "1.0.0", "upload-length": "20"}
        for by in ("author", "member"):
            answer = self._done(by, "POST", "/api/v1/files", headers=headers)
            self.scene.pools["upload"].append(answer.headers["location"].rpartition("/")[2])

    def _make_accounts(self) -> None:
        for number in range(_ACCOUNTS):
            body = {"email": f"user{number}@example.com", "password": "correct horse", "name": "Account"}
            made = self._http.post("/api/v1/auth/register", json=body).json()
            self.scene.pools["refresh"].append(made["refreshToken"])
            self.scene.pools["session"].append(made["refreshToken"].partition(".")[0])

    def _make_webhooks(self) -> None:
        for _ in range(_WEBHOOKS):
            made = self._done("backend", "POST", "/api/v1/webhooks", json={"url": CLOSED_URL})
            self.scene.pools["webhook"].append(made["id"])

    def _take_cursors(self) -> None:
        for user in ORDINARY:
            self.scene.starts[user] = self._done(user, "GET", "/api/v1/sync")["cursor"]
        self.scene.pools["cursor"].append(self.scene.starts[ORDINARY[0]])
        page = self._done("member", "GET", "/api/v1/conversations?limit=1")
        self.scene.pools["cursor"].append(str(page["next"]))
