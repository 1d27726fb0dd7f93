"""One trial: many users press the buttons of cards at once while nodes are broken, and then each node is asked."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import jwt

from rigs.torture.cards.facts import acted_and_decided, report_violations, stored_choices
from rigs.torture.cards.outages import Outage, cause, schedule
from rigs.torture.cards.presses import Crowd, Press
from rigs.torture.cards.sockets import CardSocket, opened_sockets
from rigs.torture.cards.story import CardStory, violations_of
from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.node import Node
from rigs.torture.cluster.place import BackEnd, Place, back_end_of, url_of
from rigs.torture.cluster.processes import wait_until
from tests.http_client import AsyncHttpClient

ASKER, CONVERSATION = "asker", "cards"
ACTIONS = ("approve", "decline")
PRESSES_WITHIN_S = (0.05, 0.5, 3.0)
"""In how many seconds all users press, of which a seed chooses one."""

ENDS_WITHIN_S = 60.0
_ANSWERS_WITHIN_S = 3.0


@dataclass(frozen=True)
class PressPlan:
    """What happens in a trial follows from its seed."""

    seed: int
    users: int = 50
    outages: int = 4
    longest_s: float = 2.0


@dataclass
class PressOutcome:
    """What a trial has found: `violations` are sentences, `counts` what was looked at."""

    plan: PressPlan
    outages: Sequence[Outage]
    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class PressTrial:
    """Three cards that all users press: one is decided by the first, one by numbers, and one expires meanwhile."""

    def __init__(
        self, place: Place, back_end: BackEnd, crowd: Crowd, sockets: Sequence[CardSocket], plan: PressPlan
    ) -> None:
        self._place = place
        self._back_end = back_end
        self._crowd = crowd
        self._sockets = sockets
        self._plan = plan
        self._chance = random.Random(plan.seed)
        self._within_s = self._chance.choice(PRESSES_WITHIN_S)
        number = self._chance.randint(min(1, plan.outages), plan.outages)
        outages = schedule(place, self._chance, number, self._within_s, plan.longest_s)
        self._outcome = PressOutcome(plan, outages)

    async def run(self) -> PressOutcome:
        cursor = (await self._back_end.request("GET", "/events"))["cursor"]
        messages = [await self._ask(name, card) for name, card in self._cards().items()]
        # Users do not share random numbers, since the order of their requests is not that of the last run.
        presses = [
            self._crowd.press(
                user,
                message["id"],
                self._chance.choice(ACTIONS),
                self._chance.uniform(0, self._within_s),
                random.Random(self._chance.random()),
            )
            for message in messages
            for user in users(self._plan.users)
        ]
        final, _ = await asyncio.gather(asyncio.gather(*presses), cause(self._place, self._outcome.outages))
        for message, number in zip(messages, range(0, len(final), self._plan.users), strict=True):
            try:
                await self._check(message, final[number : number + self._plan.users], cursor)
            except (TimeoutError, RuntimeError) as error:  # it does not end, or is gone
                self._outcome.violations.append(str(error))
        return self._outcome

    def _cards(self) -> Mapping[str, Json]:
        most = 1 + self._plan.users // 2
        ends_s = time.time() + 0.2 + self._chance.uniform(0.1, 1.5) * (self._within_s + 0.5)
        return {
            "first": {"decide": "first"},
            "numbers": {"decide": {"approve": 3, "decline": 2}},
            "expiring": {
                "decide": {"approve": most, "decline": most},
                "expiresAt": datetime.fromtimestamp(ends_s, UTC).isoformat(),
            },
        }

    async def _ask(self, name: str, card: Json) -> Json:
        actions = [{"id": action, "label": action.title()} for action in ACTIONS]
        body = {
            "conversationId": CONVERSATION,
            "senderId": ASKER,
            "clientMessageId": f"{self._plan.seed}-{name}",
            "card": {"title": name.title(), "actions": actions, **card},
        }
        message: Json = await self._back_end.request("POST", "/messages", body)
        return message

    # --- what is known afterwards -------------------------------------------------------------------------------------

    async def _check(self, message: Json, presses: Sequence[Press], cursor: str) -> None:
        id_, nodes, counts = message["id"], self._place.nodes, self._outcome.counts
        story = CardStory(
            digest=message["card"]["digest"],
            presses=presses,
            cards={node.name: await self._ended(id_, node) for node in nodes},
            receipts={node.name: await self._receipt(id_, node) for node in nodes},
            events=await acted_and_decided(self._back_end, id_, cursor),
            audit=await self._audit(id_),
            rows=await asyncio.to_thread(stored_choices, self._place, id_),
            received=[[each.data for each in one.events("card:decided", id_)] for one in self._sockets],
        )
        self._outcome.violations += [f"{message['card']['title']}: {each}" for each in violations_of(story)]
        counts["presses"] += len(presses)
        counts["attempts"] += sum(press.attempts for press in presses)
        counts["accepted"] += sum(press.card is not None for press in presses)
        counts["received decisions"] += sum(map(len, story.received))
        counts["receipts"] += len(story.receipts)
        counts[story.card["state"]] += 1

    async def _ended(self, message_id: str, node: Node) -> Json:
        """Returns the card that a node shows once its decision has ended."""
        card: Json = {}

        async def has_ended() -> bool:
            card.update(await self._back_end.request("GET", f"/messages/{message_id}/card", node=node))
            return bool(card["state"] != "open")

        await wait_until(has_ended, f"card {message_id} has ended at {node.name}", ENDS_WITHIN_S)
        return card

    async def _receipt(self, message_id: str, node: Node) -> Json:
        """Returns what a node has signed, verified with the keys of each node."""
        receipt = (await self._back_end.request("GET", f"/messages/{message_id}/card/receipt", node=node))["receipt"]
        claims: Json = {}
        for other in self._place.nodes:
            keys = await self._keys(other)
            key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(receipt)["kid"]]
            claims = jwt.decode(receipt, key, algorithms=["ES256"], issuer=url_of(node), subject=message_id)
        return claims

    async def _keys(self, node: Node) -> Json:
        async with AsyncHttpClient() as http:
            keys: Json = (await http.get(f"{url_of(node)}/.well-known/talkwire-receipts.json")).json()
        return keys

    async def _audit(self, message_id: str) -> list[Json]:
        path = f"/audit?action=card-decide&targetId={message_id}"
        entries: list[Json] = (await self._back_end.request("GET", path, by="operator", role="admin"))["items"]
        return entries


def users(number: int) -> list[str]:
    return [f"user-{each}" for each in range(number)]


@asynccontextmanager
async def _opened_crowd(
    place: Place, plan: PressPlan, chance: random.Random
) -> AsyncIterator[tuple[Crowd, list[CardSocket]]]:
    """Yields what presses, with sockets of a tenth of the users."""
    pressing = users(plan.users)
    urls = {user: chance.choice(place.urls) for user in pressing[: len(pressing) // 10]}
    limits = httpx.Limits(max_connections=4 * plan.users)
    async with AsyncHttpClient(timeout=_ANSWERS_WITHIN_S, limits=limits) as http, opened_sockets(urls) as sockets:
        yield Crowd(place, http, sockets), [*sockets.values()]


async def run_press_trials(
    place: Place, plans: Sequence[PressPlan], report: Callable[[str], None]
) -> list[PressOutcome]:
    """Runs one trial after the other in one place. All have as many users as the first."""
    outcomes = []
    async with back_end_of(place, plans[0].seed) as back_end:
        members = [ASKER, *users(plans[0].users)]
        for user in members:
            await back_end.request("PUT", f"/users/{user}", {"name": user})
        await back_end.request("POST", "/conversations", {"kind": "group", "id": CONVERSATION, "memberIds": members})
        async with _opened_crowd(place, plans[0], random.Random(plans[0].seed)) as (crowd, sockets):
            for plan in plans:
                outcome = await PressTrial(place, back_end, crowd, sockets, plan).run()
                outcomes.append(outcome)
                report(f"seed {plan.seed}: {', '.join(map(str, outcome.outages)) or 'nothing'}")
                report("  " + ", ".join(f"{what}: {number}" for what, number in outcome.counts.items()))
                report_violations(outcome.violations, report)
    return outcomes
