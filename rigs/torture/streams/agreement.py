"""What everybody has of a stream after its end: REST, `sync`, the event stream, search and a webhook's receiver."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.place import BackEnd, Place
from rigs.torture.cluster.processes import wait_until
from rigs.torture.streams.draft import Draft

INDEXED_WITHIN_S = 60.0

TYPES = ("message:new", "message:updated")
"""The events of a stream."""


class Follower:
    """A user and a back end that have a cursor from before the stream, and ask for everything else too."""

    def __init__(self, place: Place, back_end: BackEnd, user: str) -> None:
        self._place = place
        self._back_end = back_end
        self._user = user
        self._sync_cursor = ""
        self._event_cursor = ""

    async def begin(self) -> None:
        self._sync_cursor = (await self._back_end.request("GET", "/sync", by=self._user))["cursor"]
        self._event_cursor = (await self._back_end.request("GET", "/events"))["cursor"]

    async def events(self, message_id: str) -> list[Json]:
        """Returns the events of a message in the event stream since `begin`."""
        found, after, more = [], self._event_cursor, True
        while more:
            page = await self._back_end.request("GET", f"/events?after={after}")
            found += [each for each in page["items"] if each["type"] in TYPES and each["data"]["id"] == message_id]
            after, more = page["cursor"], page["more"]
        return found

    async def _synced(self, message_id: str) -> str | None:
        """Returns the text that a client has after `sync` since `begin`."""
        text, after, more = None, self._sync_cursor, True
        while more:
            page = await self._back_end.request("GET", f"/sync?after={after}", by=self._user)
            for event in page["events"]:
                if event["data"].get("id") == message_id:
                    text = event["data"]["content"]
            after, more = page["cursor"], page["more"]
        return text

    async def disagreements(self, message: Json, draft: Draft) -> list[str]:
        """Returns who has another text than the author has written, as sentences."""
        message_id, page = message["id"], f"/conversations/{message['conversationId']}/messages"
        found: dict[str, str | None] = {"the answer to the author": message["content"]}
        for node in self._place.nodes:
            one = await self._back_end.request("GET", f"/messages/{message_id}", by=self._user, node=node)
            found[f"a message at {node.name}"] = one["content"]
            listed = await self._back_end.request("GET", page, by=self._user, node=node)
            found[f"history at {node.name}"] = _of(listed["items"], message_id)
        found["search"] = await self._searched(message_id, draft.last_word)
        found["sync"] = await self._synced(message_id)
        events = await self.events(message_id)
        found["the event stream"] = events[-1]["data"]["content"] if events else None
        return [f"{who} has {text!r}" for who, text in found.items() if text != draft.text]

    async def _searched(self, message_id: str, word: str) -> str | None:
        """Searches for a word of the message until it is indexed, for a while."""
        texts: list[str | None] = []

        async def is_found() -> bool:
            found = await self._back_end.request("GET", f"/search?q={word}", by=self._user)
            texts.append(_of(found["items"], message_id))
            return texts[-1] is not None

        with suppress(TimeoutError):
            await wait_until(is_found, "the message is found", INDEXED_WITHIN_S)
        return texts[-1]


def _of(messages: Sequence[Json], message_id: str) -> str | None:
    return next((each["content"] for each in messages if each["id"] == message_id), None)
