"""A conversation with a user for each kind of caller, and with one object of each kind that has an id."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import httpx

from tests.chat.access.table import HEAD_STATUS, OK, Row
from tests.chat.chat_client import ChatClient, Refused
from tests.chat.conftest import World
from tests.files import pictures

IN_THE_GROUP = ("owner", "admin", "member", "former", "banned", "author")

IN_THE_TEAM = ("clerk", "former_clerk")

ROLES = {"service": "service", "operator": "admin"}
"""The token role of each caller that is not an ordinary user."""

TUS = {"tus-resumable": "1.0.0"}

GHOSTS: Mapping[str, str] = {
    "conversation": "there-is-none",
    "message": "1000900000000001",
    "reply": "1000900000000001",
    "pinned": "1000900000000001",
    "answer": "1000900000000001",
    "card": "1000900000000001",
    "agent": "nobody-has-this-id",
    "turn": "1000900000000003",
    "token": "1000900000000003.1",
    "own": "1000900000000001",
    "offer": "1000900000000002",
    "own_offer": "1000900000000002",
    "file": "0" * 32,
    "picture": "0" * 32,
    "own_file": "0" * 32,
    "upload": "0" * 32,
    "own_upload": "0" * 32,
    "others_session": "0" * 32,
    "call": "no-call",
    "invitation": "8000900000000001",
    "team": "no-team",
}
"""Ids of objects that do not exist."""

_numbers = itertools.count(1)


class Scene:
    """A group or a direct conversation that `author` is a member of. Its messages, offers and files are the author's;
    some more belong to the caller, from before the caller was removed, blocked or banned."""

    def __init__(self, world: World, people: Iterable[str]) -> None:
        number = next(_numbers)
        self.world = world
        self.things: dict[str, str] = {}
        self._names = {person: f"{person}{number}" for person in (*people, "agent")}
        self._sockets: dict[str, ChatClient] = {}

    @classmethod
    async def group(cls, world: World, callers: Collection[str], needs: AbstractSet[str], **rules: str) -> Scene:
        """Creates a group. `rules` are further members of the request that creates it."""
        scene = cls(world, (*IN_THE_GROUP, *IN_THE_TEAM, "stranger", "service", "operator"))
        ids = [scene.id_of(person) for person in IN_THE_GROUP]
        created = {"kind": "group", "memberIds": ids, "ownerId": ids[0], **rules}
        has_team = bool(needs & {"team", "clerk"}) or not {*IN_THE_TEAM}.isdisjoint(callers)
        if has_team:
            created["teamIds"] = [await scene.team(*IN_THE_TEAM)]
        await scene._make_all(created, [caller for caller in callers if caller in {*IN_THE_GROUP, *IN_THE_TEAM}], needs)
        if has_team:
            await scene.team("clerk")
        there = f"/api/v1/conversations/{scene.things['conversation']}/members"
        if "admin" in callers:
            await scene.service("PATCH", f"{there}/{scene.id_of('admin')}", {"role": "admin"})
        if "former" in callers:
            await scene.service("DELETE", f"{there}/{scene.id_of('former')}")
        if "banned" in callers:
            await scene.done("operator", "PUT", f"/api/v1/users/{scene.id_of('banned')}/ban")
        return scene

    @classmethod
    async def direct(cls, world: World, caller: str, needs: AbstractSet[str]) -> Scene:
        """Creates a direct conversation with `blocked`, whom the author has blocked, or with `blocker`, who has blocked
        the author."""
        scene = cls(world, (caller, "author", "service", "operator", "member"))
        if "team" in needs:
            await scene.team()
        created = {"kind": "direct", "memberIds": [scene.id_of(caller), scene.id_of("author")]}
        await scene._make_all(created, [caller], needs)
        by, whom = ("author", caller) if caller == "blocked" else (caller, "author")
        await scene.done(by, "PUT", f"/api/v1/users/me/blocks/{scene.id_of(whom)}")
        return scene

    async def team(self, *people: str) -> str:
        """Creates a team of the people, or gives it these members. Returns its id."""
        id_ = self.things["team"] = f"team-{next(iter(self._names.values()))}"
        member_ids = [self.id_of(person) for person in people]
        await self.service("PUT", f"/api/v1/teams/{id_}", {"name": "Team", "memberIds": member_ids})
        return id_

    # --- contents ---------------------------------------------------------------------------------------------------

    async def _make_all(self, conversation: dict[str, Any], callers: Collection[str], needs: AbstractSet[str]) -> None:
        self.things["conversation"] = (await self.service("POST", "/api/v1/conversations", conversation))["id"]
        await self.say_all_again(needs)
        if needs & {"offer", "own_offer"}:
            self.things["offer"] = await self.offer("author")
        if needs & {"file", "own_file"}:
            self.things["file"] = await self.attached_file("author", b"hello")
        if "picture" in needs:
            self.things["picture"] = await self.attached_file("author", pictures.png())
        if needs & {"upload", "own_upload"}:
            self.things["upload"] = await self.upload("author")
        if "others_token" in needs:
            await self.be_known("author")
        if "operator" in needs:
            await self.be_known("operator")
        if "others_session" in needs:
            self.things["others_session"] = await self.session("author")
        if "call" in needs:
            calls = await self.socket("author")
            self.things["call"] = (await calls.done("call:invite", self.fill({"conversationId": "{conversation}"})))[
                "callId"
            ]
        await self._invite(conversation["kind"], needs)
        for caller in callers:
            await self._make_own(caller, needs)

    async def _invite(self, kind: str, needs: AbstractSet[str]) -> None:
        """Creates an invitation: to the group, or to the server if the conversation is direct."""
        if not needs & {"invitation", "code"}:
            return
        conversation_ids = [] if kind == "direct" else [self.things["conversation"]]
        created = await self.service("POST", "/api/v1/invitations", {"conversationIds": conversation_ids})
        self.things["invitation"], self.things["code"] = created["id"], created["code"]

    async def say_all_again(self, needs: AbstractSet[str]) -> None:
        """Sends the author's messages again, so that newer ones exist."""
        if needs & {"message", "own", "reply"}:
            self.things["message"] = await self.message("author")
        if "reply" in needs:
            self.things["reply"] = await self.message("author", threadId=self.things["message"])
        if "answer" in needs:
            await self.service("PUT", f"/api/v1/users/{self.id_of('author')}", {"kind": "agent"})
            self.things["answer"] = await self.message("author")
        if "card" in needs:
            asked = {"title": "Lunch?", "actions": [{"id": "yes", "label": "Yes"}], "decide": "poll"}
            self.things["card"] = await self.message("author", content="", card=asked)
        if needs & {"agent", "turn", "token"}:
            await self._make_turn()
        if "pinned" in needs:
            self.things["pinned"] = await self.message("author")
            await self.service("PUT", f"/api/v1/messages/{self.things['pinned']}/pin")

    async def _make_turn(self) -> None:
        """Makes an agent that nobody owns, and a turn that one of its processes has."""
        agent, author = self.id_of("agent"), self.id_of("author")
        await self.service("PUT", f"/api/v1/users/{agent}", {"kind": "agent"})
        talk = await self.service("POST", "/api/v1/conversations", {"kind": "direct", "memberIds": [agent, author]})
        message = {"conversationId": talk["id"], "senderId": author, "content": "Hello"}
        await self.service("POST", "/api/v1/messages", message)
        claimed = await self.service("POST", "/api/v1/turns/claim", {"senderId": agent})
        (turn,) = claimed["turns"]
        self.things |= {"agent": agent, "turn": turn["id"], "token": turn["token"]}

    async def _make_own(self, caller: str, needs: AbstractSet[str]) -> None:
        if "own" in needs:
            self.things[f"own of {caller}"] = await self.message(caller)
        if "own_offer" in needs:
            self.things[f"own_offer of {caller}"] = await self.offer(caller)
        if "own_file" in needs:
            self.things[f"own_file of {caller}"] = await self.file(caller, b"hello")
        if "own_upload" in needs:
            self.things[f"own_upload of {caller}"] = await self.upload(caller)

    async def message(self, sender: str, **further: object) -> str:
        body = {"conversationId": self.things["conversation"], "content": "Hello", "senderId": self.id_of(sender)}
        return str((await self.service("POST", "/api/v1/messages", body | further))["id"])

    async def offer(self, author: str) -> str:
        body = {"title": "Bicycle", "amount": 5000, "currency": "EUR", "senderId": self.id_of(author)}
        there = f"/api/v1/conversations/{self.things['conversation']}/offers"
        return str((await self.service("POST", there, body))["id"])

    async def file(self, owner: str, content: bytes) -> str:
        form = {"file": ("a", content, "application/octet-stream")}
        return str((await self.done(owner, "POST", "/api/v1/files", files=form)).json()["id"])

    async def attached_file(self, owner: str, content: bytes) -> str:
        id_ = await self.file(owner, content)
        body = {"conversationId": self.things["conversation"], "attachments": [{"id": id_}]}
        await self.done(owner, "POST", "/api/v1/messages", json=body)
        return id_

    async def upload(self, owner: str) -> str:
        """Starts an upload of two bytes, and returns its id."""
        answer = await self.done(owner, "POST", "/api/v1/files", headers={**TUS, "upload-length": "2"})
        return answer.headers["location"].rpartition("/")[2]

    async def session(self, person: str) -> str:
        body = {"email": f"{self.id_of(person)}@example.com", "password": "correct horse", "name": person}
        answer = await self.world.request("POST", "/api/v1/auth/register", json=body)
        return str(answer.json()["refreshToken"].partition(".")[0])

    async def let_in(self, user_id: str, role: str = "member") -> None:
        there = f"/api/v1/conversations/{self.things['conversation']}/members"
        await self.service("POST", there, {"userIds": [user_id]})
        if role != "member":
            await self.service("PATCH", f"{there}/{user_id}", {"role": role})

    # --- callers ----------------------------------------------------------------------------------------------------

    def id_of(self, person: str) -> str:
        return self.world.id_of(self._names[person])

    def token_of(self, person: str) -> str:
        return self.world.server.token(self.id_of(person), role=ROLES.get(person))

    async def request(self, person: str | None, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (httpx's)
        if person is None or person == "anonymous":
            return await self.world.request(method, path, **options)
        return await self.world.request(method, path, by=self._names[person], role=ROLES.get(person), **options)

    async def done(self, person: str, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (httpx's)
        answer = await self.request(person, method, path, **options)
        assert answer.is_success, answer.text
        return answer

    async def service(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        answer = await self.done("service", method, path, json=body)
        return answer.json() if answer.content else None

    async def socket(self, person: str) -> ChatClient:
        """Returns the person's socket, which is opened once. Raises Refused."""
        if person not in self._sockets:
            client = await self.world.open()
            await client.sign_in(None if person == "anonymous" else {"token": self.token_of(person)})
            await client.next("connected")
            self._sockets[person] = client
        return self._sockets[person]

    async def cursor(self) -> str:
        """Returns a cursor for the current end of the log."""
        return str((await self.done("service", "GET", "/api/v1/events")).json()["cursor"])

    async def be_known(self, person: str) -> None:
        """Makes sure that a person's user exists and has a name, which the first request creates."""
        if person not in {"anonymous", "banned"}:
            await self.done(person, "GET", "/api/v1/users/me")

    # --- requests ---------------------------------------------------------------------------------------------------

    def values(self, caller: str, replaced: Mapping[str, str] | None = None) -> dict[str, str]:
        """Returns the values of a row's placeholders. A caller without own objects tries the author's."""
        things = self.things
        own = {
            name: things.get(f"{name} of {caller}") or things.get(name.removeprefix("own_") or "", "")
            for name in ("own_offer", "own_file", "own_upload")
        }
        own["own"] = things.get(f"own of {caller}") or things.get("message", "")
        people = {person: self.id_of(person) for person in self._names}
        me = people.get(caller, "nobody")
        tokens = {"my_token": "" if caller == "anonymous" else self.token_of(caller)}
        tokens["others_token"] = self.token_of("author")
        return {
            **people,
            "stranger": people.get("stranger", ""),
            **things,
            **own,
            **tokens,
            "me": me,
            **(replaced or {}),
        }

    def fill(self, template: Any, values: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 (JSON)
        """Returns JSON with ids in place of the placeholders."""
        values = self.things if values is None else values
        match template:
            case str():
                return template.format_map(values)
            case dict():
                return {key: self.fill(value, values) for key, value in template.items()}
            case list():
                return [self.fill(value, values) for value in template]
            case _:
                return template

    async def ask(self, caller: str, row: Row, replaced: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Returns the error that a caller receives, empty on success. `replaced` overrides ids."""
        values = self.values(caller, replaced)
        body = row.body_of(caller)
        filled = None if body is None else self.fill(body, values)
        if row.is_route:
            return await self._ask_route(caller, row, self.fill(row.path, values), filled)
        return await self._ask_event(caller, row, {} if filled is None else filled)

    async def _ask_route(self, caller: str, row: Row, path: str, body: object) -> Mapping[str, Any]:
        options = {**row.options, **({} if body is None else {"json": body})}
        answer = await self.request(caller, row.method, path, **options)
        if answer.is_success:
            return _first_refusal(answer) if path.endswith("/messages/batch") else {}
        if row.method == "HEAD":
            return {"code": HEAD_STATUS[answer.status_code]}
        error = answer.json()["error"]
        assert isinstance(error, dict)
        return error

    async def _ask_event(self, caller: str, row: Row, payload: object) -> Mapping[str, Any]:
        try:
            client = await self.socket(caller)
        except Refused as refused:
            data = refused.error["data"]
            assert isinstance(data, dict)
            return data
        answer = await client.call(row.name, payload)
        if answer["success"]:
            return {}
        error = answer["error"]
        assert isinstance(error, dict)
        return error


def outcome(error: Mapping[str, Any]) -> str:
    """Returns an error's code, or OK, as the table contains it."""
    return str(error.get("code", OK))


def _first_refusal(answer: httpx.Response) -> Mapping[str, Any]:
    """Returns the first error among the items of an answer to several commands, empty without one."""
    return next((item["error"] for item in answer.json()["items"] if "error" in item), {})
