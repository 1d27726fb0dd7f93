"""A client that resumes by `sync` from its last cursor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rigs.torture.clients.client_socket import Json, Unanswered
from rigs.torture.history import History, Resumer, Synced
from rigs.torture.words import position_of
from rigs.torture.world import Role


class Resuming:
    """`ask` sends `sync` with a cursor; it raises Unanswered, and RuntimeError where it was refused."""

    def __init__(self, role: Role, history: History, ask: Callable[[str | None], Awaitable[Json]]) -> None:
        self.resumer = Resumer(role.name, role.user)
        history.resumers.append(self.resumer)
        self.last_turn: list[Synced] = []
        self._history = history
        self._ask = ask
        self._cursor: str | None = None

    async def go_on(self) -> bool:
        """Fetches all new events. Returns False without an answer; the next call then starts from the same cursor."""
        self.last_turn = []
        try:
            if self._cursor is None:
                self._cursor = (await self._ask(None))["cursor"]
                self.resumer.first_pos = self.resumer.last_pos = position_of(self._cursor)[0]
            while True:
                page = await self._ask(self._cursor)
                self._take(page)
                if not page["more"]:
                    return True
        except Unanswered:
            return False
        except RuntimeError as refusal:
            self.resumer.refusals.append(str(refusal))
            return False

    def _take(self, page: Json) -> None:
        now = self._history.now()
        for event in page["events"]:
            data: dict[str, Any] = event["data"]
            synced = Synced(now, event["pos"], event["event"], _message_of(event["event"], data), payload=data)
            self.last_turn.append(synced)
            self.resumer.synced.append(synced)
        self.resumer.pages += 1
        self._cursor = page["cursor"]
        self.resumer.last_pos = position_of(page["cursor"])[0]


def _message_of(event: str, data: dict[str, Any]) -> int | None:
    found = data.get("id") if event in {"message:new", "message:updated"} else data.get("messageId")
    return None if found is None else int(found)
