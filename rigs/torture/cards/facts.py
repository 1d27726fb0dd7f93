"""What the server has stored about cards: events and rows."""

from __future__ import annotations

import json

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.place import BackEnd, Place


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
