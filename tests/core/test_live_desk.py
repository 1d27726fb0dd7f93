"""Members of teams receive the numbers of their conversations: counted only for those who are connected, and at most
once in the pause."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from talkwire.core.commands.command import Command
from talkwire.core.commands.desk.numbers import CountDesk, DeskNumbers
from talkwire.core.domain.desk.teams import Team
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationDeleted,
    ConversationHandled,
    DeskConversationChanged,
    DeskUpdated,
    MessageSent,
    News,
    TeamUpdated,
)
from talkwire.core.domain.model import Actor
from talkwire.core.engine.desk.live_desk import LiveDesk
from tests.waiting import SteppedClock, turns

HANDLED = ConversationHandled(1, 1, "c", "bob", closed=False, former_id=None, team_ids=("support",))
PAUSE_S = 0.001
LONG_S = 1.0


class Desk:
    """The teams `support` (Bob and Carol) and `sales` (Dave) on a node where some of them are connected."""

    def __init__(self, *connected: str, pause_s: float = PAUSE_S) -> None:
        self.connected = {*connected}
        self.counts: list[tuple[str, ...]] = []
        self.sent: list[DeskUpdated] = []
        self.is_available = True
        directory = SimpleNamespace(
            connected=lambda user_id: self if user_id in self.connected else None,
            staff_ids_in=lambda conversation_id: ("bob", "carol"),
        )
        self.live = LiveDesk(self, cast("Any", directory), self.sent.extend, pause_s)

    async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (as any executor)
        assert isinstance(command, CountDesk)
        self.counts.append(command.team_ids)
        await turns(1)
        if not self.is_available:
            raise ChatError("unavailable", "The database is away.")
        members = {"support": ("bob", "carol"), "sales": ("dave",)}
        return [
            DeskNumbers(id_, members[id_], len(self.counts), 0, 0, None) for id_ in command.team_ids if id_ in members
        ]

    async def follow(self, *events: News) -> None:
        """Handles events, and returns once they are counted and the pause after that has passed."""
        self.live.follow(events)
        await self.live._recount.wait()


async def test_connected_members_receive_the_numbers() -> None:
    desk = Desk("carol", "dave")
    await desk.follow(HANDLED)
    assert desk.sent == [DeskUpdated("support", 1, 0, 0, None, ("carol",))]
    await desk.live.close()


async def test_events_within_the_pause_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteppedClock(monkeypatch)
    desk = Desk("bob", "carol", pause_s=LONG_S)
    desk.live.follow([HANDLED, HANDLED])
    for _ in range(5):
        await turns(1)
        desk.live.follow([HANDLED])
    assert len(desk.counts) == 1
    clock.advance(LONG_S / 2)
    await turns(5)
    assert len(desk.counts) == 1
    clock.advance(LONG_S / 2)
    await turns(5)
    assert len(desk.counts) == 2
    assert [(event.open, event.to) for event in desk.sent] == [(1, ("bob", "carol")), (2, ("bob", "carol"))]
    await desk.live.close()


async def test_nothing_is_counted_while_nobody_of_the_team_is_connected() -> None:
    desk = Desk("dave")
    await desk.follow(HANDLED)
    desk.connected = {"bob"}
    await desk.follow(HANDLED)
    desk.connected = set()
    await desk.follow(HANDLED)
    assert desk.counts == [("support",)]
    # A new member is known from the change of the team.
    desk.connected = {"eve"}
    await desk.follow(TeamUpdated(2, 2, Team("support", "Support", 0, ("eve",)), added=("eve",)))
    await desk.follow(HANDLED)
    assert len(desk.counts) == 2
    await desk.live.close()


async def test_which_events_are_counted() -> None:
    desk = Desk("bob", "dave")
    message = cast("Any", SimpleNamespace(conversation_id="c"))
    events: list[tuple[News, list[tuple[str, ...]]]] = [
        (MessageSent(2, 2, message), []),
        (ConversationDeleted(2, 2, "c", "alice"), []),
        (HANDLED, [("support",)]),
        (ConversationDeleted(2, 2, "c", "alice", ("support",)), [("support",)]),
        (DeskConversationChanged(2, 2, "c", 7, None, ("support",)), [("support",)]),
        (DeskConversationChanged(2, 2, "c", 7, None, (), former_team_ids=("support",)), [("support",)]),
    ]
    for event, counted in events:
        desk.counts.clear()
        await desk.follow(event)
        assert desk.counts == counted, event
    await desk.live.close()


async def test_while_the_database_is_away_the_next_event_counts_again() -> None:
    desk = Desk("bob")
    desk.is_available = False
    await desk.follow(HANDLED)
    desk.is_available = True
    await desk.follow(HANDLED)
    assert (len(desk.counts), [event.open for event in desk.sent]) == (2, [2])
    await desk.live.close()
