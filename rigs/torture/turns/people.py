"""People who ask the agents, and decide about their cards, again and again until the server has taken it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.place import BackEnd
from rigs.torture.turns.work import AGENT, PAIR, PAIR_CONVERSATION, Wish, random_wish, request_text

PEOPLE = tuple(f"person-{number}" for number in range(8))
ACTIONS = ("approve", "decline")
_MEMBERS = 3
_DIRECT_ONE_IN = 4
_LOOKS_EVERY_S = 0.2
_DECIDES_WITHIN_S = 2.0
_CANCELS = 0.1


@dataclass(frozen=True)
class Mention:
    """A message with which somebody has asked the agent for something."""

    message_id: str
    conversation_id: str
    wish: Wish


@dataclass(frozen=True)
class Talk:
    """A conversation with the agent."""

    id: str
    people: Sequence[str]
    is_direct: bool


async def talks(back_end: BackEnd, number: int) -> list[Talk]:
    """Creates the users and conversations, of which a quarter are direct, as far as there are people."""
    for user, kind in (*((person, "person") for person in PEOPLE), *((agent, "agent") for agent in (AGENT, *PAIR))):
        await back_end.request("PUT", f"/users/{user}", {"name": user, "kind": kind})
    made = []
    for each in range(number):
        people = [PEOPLE[(each + other) % len(PEOPLE)] for other in range(_MEMBERS)]
        is_direct = each % _DIRECT_ONE_IN == 0 and each // _DIRECT_ONE_IN < len(PEOPLE)
        if is_direct:
            people = [PEOPLE[each // _DIRECT_ONE_IN]]
        body = {"kind": "direct" if is_direct else "group", "memberIds": [*people, AGENT]}
        if not is_direct:
            body["id"] = f"group-{each}"
        conversation = await back_end.request("POST", "/conversations", body)
        made.append(Talk(conversation["id"], people, is_direct))
    pair = {"kind": "group", "id": PAIR_CONVERSATION, "memberIds": [PEOPLE[0], *PAIR]}
    await back_end.request("POST", "/conversations", pair)
    return made


async def ask(
    back_end: BackEnd, conversations: Sequence[Talk], number: int, rate: float, chance: random.Random
) -> list[Mention]:
    """Sends requests to the agent at random times, `rate` a second on average, and returns the messages."""
    sending = []
    for each in range(number):
        talk, wish = chance.choice(conversations), random_wish(chance)
        text = request_text(wish, each, mention=not talk.is_direct)
        sending.append(asyncio.create_task(_send(back_end, talk, chance.choice(talk.people), wish, text)))
        await asyncio.sleep(chance.uniform(0, 2 / rate))
    return await asyncio.gather(*sending)


async def _send(back_end: BackEnd, talk: Talk, person: str, wish: Wish, text: str) -> Mention:
    body = {"conversationId": talk.id, "content": text, "clientMessageId": text}
    message = await back_end.request("POST", "/messages", body, by=person)
    return Mention(message["id"], talk.id, wish)


class Deciders:
    """People who decide about the cards that they see. Cards that expire are left to expire, and a few are cancelled.
    `decided` counts the cards."""

    def __init__(self, back_end: BackEnd, conversations: Sequence[Talk], chance: random.Random) -> None:
        self._back_end = back_end
        self._people = {talk.id: talk.people for talk in conversations}
        self._chance = chance
        self._deciding: set[asyncio.Task[None]] = set()
        self.decided = 0

    async def decide(self, cursor: str) -> None:
        """Decides about the cards that are asked after a cursor of the event stream, until it is cancelled."""
        try:
            while True:
                page = await self._back_end.request("GET", f"/events?after={cursor}&types=message:new")
                for event in page["items"]:
                    card = event["data"].get("card")
                    if card is not None and "expiresAt" not in card:
                        self._deciding.add(asyncio.create_task(self._decide(event["data"])))
                cursor = page["cursor"]
                if not page["more"]:
                    await asyncio.sleep(_LOOKS_EVERY_S)
        finally:
            for task in self._deciding:
                task.cancel()

    async def _decide(self, message: Json) -> None:
        route = f"/messages/{message['id']}/card"
        person, action = self._chance.choice(self._people[message["conversationId"]]), self._chance.choice(ACTIONS)
        is_cancelled = self._chance.random() < _CANCELS
        await asyncio.sleep(self._chance.uniform(0, _DECIDES_WITHIN_S))
        if is_cancelled:
            await self._back_end.request("POST", f"{route}/cancel")
        else:
            await self._back_end.request("POST", route, {"actionIds": [action]}, by=person)
        self.decided += 1

    def failures(self) -> list[str]:
        """Returns what the server has refused, as sentences."""
        done = [task for task in self._deciding if task.done() and not task.cancelled()]
        return [f"a decision was refused: {task.exception()}" for task in done if task.exception() is not None]


@dataclass(frozen=True)
class Chain:
    """A message that mentions both agents of the pair, or the first one only (`is_single`)."""

    root_id: str
    is_single: bool


async def begin_chains(
    back_end: BackEnd, number: int, within_s: float, has_ended: Callable[[Chain], Awaitable[None]]
) -> list[Chain]:
    """Lets the pair of agents talk, one time after the other. `has_ended` returns once the agents have stopped."""
    chains = []
    for each in range(number):
        is_single = each % 2 == 0
        mentions = " ".join(f"@{agent}" for agent in (PAIR[:1] if is_single else PAIR))
        body = {
            "conversationId": PAIR_CONVERSATION,
            "content": f"{mentions} hello",
            "clientMessageId": f"chain-{each}",
        }
        message = await back_end.request("POST", "/messages", body, by=PEOPLE[0])
        chain = Chain(message["id"], is_single)
        chains.append(chain)
        await has_ended(chain)
        await asyncio.sleep(within_s / number)
    return chains
