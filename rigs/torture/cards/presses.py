"""Users who press a button of a card, again and again until the server gives a final answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from rigs.torture.cards.sockets import CardSocket
from rigs.torture.clients.client_socket import Json, Unanswered
from rigs.torture.cluster.cluster import token
from rigs.torture.cluster.place import WITHIN_S, Place, url_of

SOCKET_WITHIN_S = 3.0
_PAUSE_MAX_S = 0.4

_token = cache(token)


@dataclass(frozen=True)
class Press:
    """A user's choice and its final answer: `card` after a success, else `error`."""

    user: str
    action: str
    attempts: int
    card: Json | None = None
    error: Json | None = None


class Crowd:
    """Presses for many users, each time at a random node. `sockets` are those of some users, whose first attempts use
    them."""

    def __init__(self, place: Place, http: httpx.AsyncClient, sockets: Mapping[str, CardSocket]) -> None:
        self._place = place
        self._http = http
        self._sockets = sockets

    async def press(self, user: str, message_id: str, action: str, after_s: float, chance: random.Random) -> Press:
        """Returns the final answer to a choice that is made after `after_s` seconds."""
        await asyncio.sleep(after_s)
        socket, attempts = self._sockets.get(user), 0
        async with asyncio.timeout(WITHIN_S):
            while True:
                attempts += 1
                answer = None
                if socket is not None and attempts == 1:
                    answer = await _over_socket(socket, message_id, action)
                else:
                    answer = await self._over_rest(user, message_id, action, chance)
                if answer is not None:
                    return Press(user, action, attempts, answer.get("card"), answer.get("error"))
                await asyncio.sleep(chance.uniform(0, _PAUSE_MAX_S))

    async def _over_rest(self, user: str, message_id: str, action: str, chance: random.Random) -> Json | None:
        """Returns the answer as an acknowledgement has it, or None if it is not final."""
        url = url_of(chance.choice(self._place.nodes))
        try:
            answer = await self._http.post(
                f"{url}/api/v1/messages/{message_id}/card",
                json={"actionIds": [action]},
                headers={"authorization": f"Bearer {_token(user)}"},
            )
        except httpx.TransportError:
            return None
        if answer.status_code >= 500:
            return None
        return {"card": answer.json()} if answer.is_success else answer.json()


async def _over_socket(socket: CardSocket, message_id: str, action: str) -> Json | None:
    payload = {"messageId": message_id, "actionIds": [action]}
    try:
        answer = await socket.call("card:act", payload, SOCKET_WITHIN_S)
    except Unanswered:
        return None
    is_final = answer["success"] or answer["error"]["code"] != "unavailable"
    return answer if is_final else None
