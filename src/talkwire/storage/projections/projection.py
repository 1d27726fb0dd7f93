"""What a projection is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from talkwire.core.domain.events import Durable
from talkwire.storage.workspace import Workspace

Projections = Mapping[type[Durable], Callable[[Workspace, Any], None]]


def nothing(workspace: Workspace, event: Durable) -> None:
    """For events whose rows hold what no event does, such as a token's hash: `put_login`, `drop_login`."""
