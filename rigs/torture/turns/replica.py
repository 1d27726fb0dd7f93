"""A replica of the agents in a process of its own, which can be killed and stopped:
`python -m rigs.torture.turns.replica JOB NUMBER`.

It claims turns over REST, and answers, streams, asks by a card, ends, fails or gives back each of them. A request that
was not answered is sent to the next node. What it did is one line of JSON each on its standard output, after the
server has acknowledged it.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from rigs.torture.clients.client_socket import Json
from rigs.torture.turns.work import LEASE_S, pieces_of, wish_in
from tests.http_client import AsyncHttpClient

_ANSWERS_WITHIN_S = 3.0
_WAIT_MAX_S = 6
_PAUSE_S = 0.1
_FAILS, _GIVES_BACK, _WORKS_LONG, _RENEWS_EVERY_S = 0.05, 0.03, 0.04, 1.5
_THINKS_S, _THINKS_LATER_S = 0.4, 2.0
"""For how long at most the first attempt thinks, and a later one."""

_IS_LATE, _LATE_S = 0.06, (LEASE_S + 1.1, LEASE_S + 2.0)
"""How often a first attempt answers after its lease, and after how many seconds: then the next one works."""

_SENDS_INSTEAD = 0.3
"""How often a later attempt sends a message although a former one may have begun to stream."""

_REWINDS = 0.4
_WRITES_SLOWLY, _SLOWLY_S = 0.25, 1.5


class Refused(Exception):
    """The server refuses what it was asked for. `error` is its answer."""

    def __init__(self, error: Json) -> None:
        super().__init__(str(error))
        self.error = error

    @property
    def details(self) -> Json:
        return self.error.get("details") or {}


@dataclass(frozen=True)
class Job:
    """What a replica does. `tokens` are those of its agents, `mentions` says whom an agent mentions in each answer, and
    `claims` how many claims of each agent wait at once."""

    urls: Sequence[str]
    tokens: Mapping[str, str]
    mentions: Mapping[str, str]
    claims: Mapping[str, int]
    seed: int


class Api:
    """Requests as one agent, to whichever node answers."""

    def __init__(self, http: httpx.AsyncClient, urls: Sequence[str], token: str, chance: random.Random) -> None:
        self._http = http
        self._urls = urls
        self._headers = {"authorization": f"Bearer {token}"}
        self._chance = chance

    async def once(self, method: str, path: str, body: Json, within_s: float = _ANSWERS_WITHIN_S) -> Json | None:
        """Returns the answer of a random node, or None if there is none. Raises Refused."""
        url = f"{self._chance.choice(self._urls)}/api/v1{path}"
        try:
            answer = await self._http.request(method, url, json=body, headers=self._headers, timeout=within_s)
        except httpx.TransportError:
            return None
        if answer.status_code == 429 or answer.status_code >= 500:
            return None
        found: Json = answer.json() if answer.content else {}
        if answer.is_success:
            return found
        raise Refused(found.get("error", found))

    async def request(self, method: str, path: str, body: Json) -> Json:
        """Returns the answer of the first node that answers. Raises Refused."""
        while True:
            answer = await self.once(method, path, body)
            if answer is not None:
                return answer
            await asyncio.sleep(_PAUSE_S)


class Attempt:
    """One claimed turn, from its claim to its end."""

    def __init__(self, api: Api, turn: Json, other: str | None, chance: random.Random) -> None:
        self._api = api
        self._turn = turn
        self._id, self._number, self._token = str(turn["id"]), int(turn["attempt"]), str(turn["token"])
        self._other = other
        self._chance = chance

    async def work(self) -> None:
        """Does what the turn's messages ask for, and prints what was acknowledged."""
        self._print("claimed", messages=[message["id"] for message in self._turn["messages"]])
        try:
            await self._work()
        except Refused as refused:
            self._print("refused", error=refused.error)

    async def _work(self) -> None:
        if self._other is not None:
            first = {"content": f"@{self._other} wait", "clientMessageId": f"first:{self._token}", "more": True}
            await self._send(first, {"more": True})
            await self._answer(f"@{self._other} and you?")
            return
        chance, attempt_is_later = self._chance.random(), self._number > 1
        wishes = {wish_in(message["content"]) for message in self._turn["messages"]}
        card = self._turn.get("card")
        if chance < _FAILS and not self._turn.get("tries"):
            await self._end("fail", {"error": {"code": "tired", "message": "This attempt has failed."}})
        elif chance < _FAILS + _GIVES_BACK:
            await self._end("release", {})
        elif card is not None:
            await self._answer_decided(card["card"])
        elif wishes & {"card", "expiring"}:
            await self._ask(expires="card" not in wishes)
        elif wishes == {"nothing"}:
            await self._think()
            await self._end("done", {})
        elif "stream" in wishes and not (attempt_is_later and self._chance.random() < _SENDS_INSTEAD):
            await self._stream()
        else:
            await self._answer("Here you are.")

    async def _think(self) -> None:
        """Waits a moment, or for longer than the lease, which it mostly renews."""
        chance = self._chance.random()
        if chance < _IS_LATE and self._number == 1:
            await asyncio.sleep(self._chance.uniform(*_LATE_S))
            return
        if chance >= _IS_LATE + _WORKS_LONG:
            await asyncio.sleep(self._chance.uniform(0, _THINKS_S if self._number == 1 else _THINKS_LATER_S))
            return
        for number in range(1 + round(LEASE_S / _RENEWS_EVERY_S)):
            await asyncio.sleep(_RENEWS_EVERY_S)
            await self._api.request("PATCH", f"/turns/{self._id}", {"turn": self._token, "label": f"step {number}"})

    async def _end(self, how: str, more: Json) -> None:
        await self._api.request("POST", f"/turns/{self._id}/{how}", {"turn": self._token, **more})
        self._print(how)

    async def _answer_decided(self, card: Json) -> None:
        if card["state"] == "open":
            self._print("wrong", text=f"turn {self._token} was claimed, and its card is open")
        await self._answer(f"The card is {card['state']} {card.get('actionId', '')}".strip())

    async def _answer(self, text: str) -> None:
        await self._think()
        message = await self._send({"content": text, "clientMessageId": f"answer:{self._token}"}, {})
        self._print("answered", messageId=message["id"])

    async def _ask(self, *, expires: bool) -> None:
        await self._think()
        ends = datetime.now(UTC) + timedelta(seconds=self._chance.uniform(2, 4))
        card = {
            "title": "May I?",
            "actions": [{"id": action, "label": action.title()} for action in ("approve", "decline")],
            "decide": "first",
            **({"expiresAt": ends.isoformat()} if expires else {}),
        }
        try:
            message = await self._send({"card": card, "clientMessageId": f"ask:{self._token}"}, {"asks": True})
        except Refused as refused:
            if expires and refused.error["code"] == "invalid_request":  # it was too late, so the next attempt asks
                return
            raise
        self._print("asked", messageId=message["id"])

    async def _send(self, what: Json, metadata: Json) -> Json:
        body = {**self._of_turn(metadata), **what}
        return await self._api.request("POST", "/messages", body)

    def _of_turn(self, metadata: Json) -> Json:
        answers = [message["id"] for message in self._turn["messages"]]
        return {
            "conversationId": self._turn["conversationId"],
            "turn": self._token,
            "metadata": {"answers": answers, "attempt": self._number, **metadata},
        }

    # --- streams ------------------------------------------------------------------------------------------------------

    async def _stream(self) -> None:
        """Writes a message, or continues the one of a former attempt, as often as a node forgets how far it was."""
        draft = "".join(pieces_of(self._id, self._number))
        is_written = False
        while not is_written:
            opened = await self._api.request("POST", "/messages/stream", {**self._of_turn({}), "leaseS": LEASE_S})
            if "attempt" not in opened:  # it has ended for good, and so has the turn
                return
            is_written = await self._write(opened, draft)

    async def _write(self, opened: Json, draft: str) -> bool:
        """Returns whether the stream was finished or given back. Otherwise it has to be opened again, because it was
        moved to a node that has less of it."""
        message_id, stream = opened["message"]["id"], {"attempt": opened["attempt"]}
        route = f"/messages/{message_id}"
        base = opened["parts"][0]["length"] if opened["parts"] else 0
        self._print("opened", messageId=message_id, length=base)
        try:
            if base and self._chance.random() < _REWINDS:
                await self._api.request("POST", f"{route}/rewind", {**stream, "part": 0, "at": 0})
                base = 0
            await self._append(route, stream, base, draft)
            if self._chance.random() < _GIVES_BACK:
                await self._end("release", {})
                return True
            await self._api.request("POST", f"{route}/finish", stream)
        except Refused as refused:
            if refused.details.keys() & {"length", "parts"}:
                return False
            if refused.details.get("state") != "done":
                raise
            return True  # an answer to an earlier request was lost, or another attempt has finished it
        self._print("finished", messageId=message_id)
        return True

    async def _append(self, route: str, stream: Json, base: int, draft: str) -> None:
        """Appends the draft to the first `base` units of the message, piece by piece, sometimes slowly."""
        pause_s = _SLOWLY_S if self._chance.random() < _WRITES_SLOWLY else _PAUSE_S
        at = 0
        while at < len(draft):
            piece = {"part": 0, "text": draft[at : draft.index("]", at) + 1], "at": base + at}
            try:
                answer = await self._api.request("POST", f"{route}/append", {**stream, **piece})
            except Refused as refused:
                if refused.details.get("length", -1) < base:
                    raise
                answer = refused.details
            at = answer["length"] - base
            await asyncio.sleep(self._chance.uniform(0, pause_s))

    def _print(self, what: str, **more: object) -> None:
        line = {"did": what, "turn": self._id, "attempt": self._number, **more}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def _claim(job: Job, agent: str, http: httpx.AsyncClient, chance: random.Random) -> None:
    """Claims turns of an agent and works on them, for good."""
    api = Api(http, job.urls, job.tokens[agent], chance)
    while True:
        wait = chance.randint(0, _WAIT_MAX_S)
        body = {"max": chance.choice((1, 1, 2, 3)), "leaseS": LEASE_S, "wait": wait}
        claimed = await api.once("POST", "/turns/claim", body, wait + _ANSWERS_WITHIN_S)
        if claimed is None:
            await asyncio.sleep(_PAUSE_S)
            continue
        other = job.mentions.get(agent)
        await asyncio.gather(*(Attempt(api, turn, other, chance).work() for turn in claimed["turns"]))
        if not wait:
            await asyncio.sleep(_PAUSE_S)


async def _run(job: Job, process: int) -> None:
    async with AsyncHttpClient(limits=httpx.Limits(max_connections=200)) as http:
        await asyncio.gather(
            *(
                _claim(job, agent, http, random.Random(f"{job.seed} {process} {agent} {number}"))
                for agent, claims in job.claims.items()
                for number in range(claims)
            )
        )


if __name__ == "__main__":
    asyncio.run(_run(Job(**json.loads(sys.argv[1])), int(sys.argv[2])))
