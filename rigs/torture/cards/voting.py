"""A poll in which thousands vote, change their votes and take them back, while a node is killed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import httpx

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.cluster import token
from rigs.torture.cluster.place import WITHIN_S, BackEnd, Place, url_of
from rigs.torture.cluster.processes import wait_until

CONVERSATION, WATCHER = "poll", "watcher"
ACTIONS = ("red", "green", "blue", "none")

_USERS_A_REQUEST = 100
_KILLED_WITHIN_S = 900.0
_PAUSE_S = 0.05


@dataclass(frozen=True)
class VotingPlan:
    """`changes` is the share of choices that are followed by another one of the user, `at_once` how many requests there
    are at once, and `kills` how often the last node is killed.
    """

    seed: int
    voters: int = 10_000
    changes: float = 0.25
    at_once: int = 48
    kills: int = 2


class Voting:
    """Votes in a poll. `last` has the last acknowledged choice of each user.

    The back end sends each choice to a random node, again and again until it is acknowledged, and a user's next choice
    only then.
    """

    def __init__(self, place: Place, back_end: BackEnd, http: httpx.AsyncClient, plan: VotingPlan) -> None:
        self._place = place
        self._back_end = back_end
        self._http = http
        self._plan = plan
        self._chance = random.Random(plan.seed)
        self._bearer = token("backend", "service")
        self._voters = [f"voter-{number}" for number in range(plan.voters)]
        self.last: dict[str, list[str]] = {}
        self.answers = 0
        self.attempts = 0

    async def ask(self) -> str:
        """Creates the voters and the poll. Returns the message's id."""
        request = self._back_end.request
        for start in range(0, len(self._voters), _USERS_A_REQUEST):
            some = [{"id": user, "name": user} for user in self._voters[start : start + _USERS_A_REQUEST]]
            await request("POST", "/users/batch", {"users": some})
        await request("PUT", f"/users/{WATCHER}", {"name": WATCHER})
        await request("POST", "/conversations", {"kind": "group", "id": CONVERSATION, "memberIds": [WATCHER]})
        await request("POST", f"/conversations/{CONVERSATION}/members", {"userIds": self._voters})
        actions = [{"id": action, "label": action.title()} for action in ACTIONS]
        card = {"title": "Which?", "actions": actions, "decide": "poll", "max": 2}
        body = {"conversationId": CONVERSATION, "senderId": WATCHER, "clientMessageId": "poll", "card": card}
        message: Json = await request("POST", "/messages", body)
        return str(message["id"])

    async def vote(self, message_id: str) -> None:
        """Returns once all choices are acknowledged, and the node that was killed is back."""
        left, changes = iter(self._voters), self._plan.changes

        async def vote_for_some() -> None:
            for user in left:
                await self._choose(message_id, user, self._chance.choice((1, 1, 2)))
                while self._chance.random() < changes:
                    await self._choose(message_id, user, self._chance.choice((0, 1, 2)))

        await asyncio.gather(self._kill(), *(vote_for_some() for _ in range(self._plan.at_once)))

    async def take_one_back(self, message_id: str) -> None:
        """Takes one choice back, so that a member who has connected again receives the counts."""
        await self._choose(message_id, next(user for user, action_ids in self.last.items() if action_ids), 0)

    async def _choose(self, message_id: str, user: str, number: int) -> None:
        """Chooses so many random actions, and returns once the choice is acknowledged."""
        action_ids = self._chance.sample(ACTIONS, number)
        accepted = partial(self._is_accepted, message_id, user, action_ids)
        await wait_until(accepted, f"{user} has chosen", WITHIN_S, _PAUSE_S)
        self.last[user] = [action for action in ACTIONS if action in action_ids]
        self.answers += 1

    async def _is_accepted(self, message_id: str, user: str, action_ids: Sequence[str]) -> bool:
        self.attempts += 1
        try:
            answer = await self._http.post(
                f"{url_of(self._chance.choice(self._place.nodes))}/api/v1/messages/{message_id}/card",
                json={"senderId": user, "actionIds": action_ids},
                headers={"authorization": f"Bearer {self._bearer}"},
            )
        except httpx.TransportError:
            return False
        if 400 <= answer.status_code < 500:
            raise RuntimeError(f"{user} chose {action_ids}: {answer.status_code} {answer.text}")
        return answer.is_success

    async def _kill(self) -> None:
        """Kills the last node and starts it again, after random numbers of choices."""
        node = self._place.nodes[-1]
        for number in range(self._plan.kills):
            after = self._plan.voters * (number + self._chance.random()) / self._plan.kills

            async def has_come(after: float = after) -> bool:
                return self.answers >= after

            await wait_until(has_come, f"{node.name} is killed", _KILLED_WITHIN_S)
            await node.kill()
            await asyncio.sleep(self._chance.random())
            await node.start()

    def counted(self) -> dict[str, int]:
        """Returns the counts of the last acknowledged choices."""
        counts = Counter(action for action_ids in self.last.values() for action in action_ids)
        return {action: counts[action] for action in ACTIONS}
