"""What the server has stored about cards, and how violations are reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.place import BackEnd, Place

VIOLATIONS_SHOWN = 10


async def acted_and_decided(back_end: BackEnd, message_id: str, cursor: str) -> list[Json]:
    """Returns the events of a card in the event stream after a cursor."""
    found, more = [], True
    while more:
        page = await back_end.request("GET", f"/events?after={cursor}&types=card:acted,card:decided")
        found += [event for event in page["items"] if event["data"]["messageId"] == message_id]
        cursor, more = page["cursor"], page["more"]
    return found


def stored_choices(place: Place, message_id: str) -> dict[str, list[str]]:
    """Returns the stored choices of a card by user."""
    rows = place.query(f"SELECT user_id, action_ids FROM card_choices WHERE message_id = {int(message_id)}")  # noqa: S608
    return {user: json.loads(action_ids) for user, action_ids in rows}


def report_violations(violations: Sequence[str], report: Callable[[str], None]) -> None:
    for violation in violations[:VIOLATIONS_SHOWN]:
        report(f"  VIOLATION: {violation}")
    if len(violations) > VIOLATIONS_SHOWN:
        report(f"  and {len(violations) - VIOLATIONS_SHOWN} more violations")
