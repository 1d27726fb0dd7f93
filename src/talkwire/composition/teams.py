"""Builds and starts the task that writes the memberships of changed teams."""

from __future__ import annotations

import asyncio

from talkwire.composition.foundation import Foundation
from talkwire.core.engine.desk.team_changer import TeamChanger


def finish_team_changes(foundation: Foundation) -> None:
    """Starts the task that finishes changes of teams, including those begun before a restart."""
    changer = TeamChanger(foundation.chat)
    foundation.chat.subscribe(changer.follow)
    changing = asyncio.create_task(changer.run())
    foundation.closing.callback(changing.cancel)
