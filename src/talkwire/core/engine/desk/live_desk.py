"""Sends connected members of teams how many conversations of their team are open and have no handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from talkwire.core.commands.desk.numbers import CountDesk
from talkwire.core.connected.directory import Directory
from talkwire.core.domain.actors import DESK_COUNTER
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationHandled,
    DeskConversationChanged,
    DeskUpdated,
    MessageSent,
    News,
    TeamUpdated,
)
from talkwire.core.engine.recount import Recount
from talkwire.core.ports.chat import CommandExecutor

DESK_COUNTS_PAUSE_S = 1.0
"""Shortest time between two counts of a team's desk, in seconds, so that each team's members receive at most one event
a second."""


class LiveDesk:
    """Counts the conversations of teams after events that may have changed the numbers, and passes them to `notify`,
    which sends them to the teams' members on this node. Teams without a connected member are not counted."""

    def __init__(
        self,
        chat: CommandExecutor,
        directory: Directory,
        notify: Callable[[Sequence[DeskUpdated]], None],
        pause_s: float = DESK_COUNTS_PAUSE_S,
    ) -> None:
        self._chat = chat
        self._directory = directory
        self._notify = notify
        self._pause_s = pause_s
        self._members: dict[str, Collection[str]] = {}
        """Members of the teams that were counted, by the team's id."""
        self._recount: Recount[str] = Recount(self._count)

    def follow(self, events: Sequence[News]) -> None:
        """Schedules counting for the teams whose numbers a batch of events may have changed."""
        for event in events:
            if type(event) is MessageSent:  # nearly every event is a message
                continue
            match event:
                case TeamUpdated(team=team):
                    self._members[team.id] = team.member_ids
                    if event.deleted:
                        del self._members[team.id]
                case ConversationCreated(conversation=conversation) if conversation.team_ids:
                    self._note(conversation.id, conversation.team_ids)
                case ConversationHandled() | ConversationDeleted() if event.team_ids:
                    self._note(event.conversation_id, event.team_ids)
                case DeskConversationChanged(team_ids=team_ids, former_team_ids=former_ids):
                    self._note(event.conversation_id, (*team_ids, *former_ids))
        self._recount.start()

    async def close(self) -> None:
        """Ends the counting."""
        await self._recount.cancel()

    def _note(self, conversation_id: str, team_ids: Collection[str]) -> None:
        for team_id in team_ids:
            # The members of a team that was not counted yet are among those of the conversation.
            member_ids = self._members.get(team_id)
            if member_ids is None:
                member_ids = self._directory.staff_ids_in(conversation_id)
            if self._connected(member_ids):
                self._recount.add((team_id,))

    def _connected(self, user_ids: Collection[str]) -> tuple[str, ...]:
        return tuple(user_id for user_id in user_ids if self._directory.connected(user_id) is not None)

    async def _count(self, team_ids: tuple[str, ...]) -> None:
        counted = await self._chat.execute(DESK_COUNTER, CountDesk(team_ids))
        self._members |= {each.team_id: each.member_ids for each in counted}
        self._notify(
            [
                DeskUpdated(each.team_id, each.open, each.unhandled, each.waiting, each.oldest_waiting_ms, connected)
                for each in counted
                if (connected := self._connected(each.member_ids))
            ]
        )
        await asyncio.sleep(self._pause_s)
