"""The calls about turns, the pieces of agents' work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from talkwire_client.agents.turn import Holder
from talkwire_client.agents.turns import Turns
from talkwire_client.api import path
from talkwire_client.messages import MessageCalls
from talkwire_client.payloads import ListedTurn, TurnList

PAGE = 100
"""Number of turns that are fetched at once."""


class TurnCalls(MessageCalls):
    """The client's methods for messages, and for turns, the pieces of agents' work."""

    def turns(
        self,
        *,
        conversation_id: str | None = None,
        at_once: int = 4,
        lease_s: int | None = None,
        sender_id: str | None = None,
    ) -> Turns:
        """Returns the turns of the agent that the caller is, for `async with` and then `async for`.

        async with chat.turns() as turns:
            async for turn in turns:
                async with turn:
                    await turn.send("Hello!")

        With `conversation_id`, they are those of one conversation. The program has at most `at_once` turns at the same
        time. Another process can claim a turn when this one has been gone for `lease_s` seconds (5 to 300, by default
        60). `sender_id` is for the application's back end: the agent.
        """
        return Turns(Holder(self, self._api, lease_s, sender_id), conversation_id, at_once)

    async def list_turns(
        self,
        *,
        agent_id: str | None = None,
        state: Literal["waiting", "working", "done", "failed"] | None = None,
    ) -> AsyncIterator[ListedTurn]:
        """Yields turns, the newest first: the agent's own, those of the user's agents, or for the application's back
        end and admins all. `agent_id` and `state` select turns.
        """
        cursor = None
        while True:  # Suspends: each round sends a request.
            page: TurnList = await self._api.get(
                path("turns"), agentId=agent_id, state=state, cursor=cursor, limit=PAGE
            )
            for turn in page["items"]:
                yield turn
            cursor = page["next"]
            if cursor is None:
                return

    async def retry_turn(self, turn_id: str) -> None:
        """Lets a turn that has failed too often be claimed again, as the agent's owner, the application's back end or
        an admin.
        """
        await self._api.call("POST", path("turns", turn_id, "retry"))
