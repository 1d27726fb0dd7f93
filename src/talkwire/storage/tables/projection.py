"""The type of projections: what an event of the log does to the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from talkwire.core.domain.events import Durable
from talkwire.storage.workspace import Workspace

Projections = Mapping[type[Durable], Callable[[Workspace, Any], None]]


def nothing(workspace: Workspace, event: Durable) -> None:
    """The projection of events whose rows are written otherwise: logins hold a token's hash, which no event does
    (`put_login`, `drop_login`), and notifications are stored by `PendingNotifications`."""
