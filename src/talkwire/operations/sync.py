"""The operation with which a client loads its state, and catches up on events."""

from __future__ import annotations

from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.operations.operation import Operation

SYNC = Operation(
    GetSyncState,
    also=(ListEvents,),
    event="sync",
    route="GET /sync",
    tag="sync",
    summary="Get the caller's current state, or the events since a cursor",
    event_summary="Get the user's current state or, with a cursor, the events since then.",
    refuses=(410,),
)

OPERATIONS = (SYNC,)
