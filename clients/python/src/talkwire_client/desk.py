"""The calls about teams, and about who handles a conversation with a team."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from talkwire_client.api import FOR_EVER_S, Api, Request, attached, path, without_none
from talkwire_client.payloads import Attachment, DeskUpdated, File, Handling, Message, Team, TeamList

PAGE = 100
"""Number of teams that are fetched at once."""


class DeskCalls:
    """The client's methods for teams and their desks. `sender_id` names the member of a team for whom the application's
    back end acts.
    """

    _api: Api

    async def put_team(self, team_id: str, name: str, member_ids: Sequence[str]) -> Team:
        """Creates a team, or gives it this name and these members, as the application's back end. Returns the team."""
        body = {"name": name, "memberIds": list(member_ids)}
        stored: Team = await self._api.call("PUT", path("teams", team_id), body)
        return stored

    async def team(self, team_id: str) -> Team:
        """Returns a team."""
        found: Team = await self._api.get(path("teams", team_id))
        return found

    async def teams(self, *, member_id: str | None = None) -> AsyncIterator[Team]:
        """Yields the user's own teams, or for the application's back end all teams, or those of one member."""
        cursor = None
        while True:  # Suspends: each round sends a request.
            page: TeamList = await self._api.get(path("teams"), memberId=member_id, cursor=cursor, limit=PAGE)
            for team in page["items"]:
                yield team
            cursor = page["next"]
            if cursor is None:
                return

    async def delete_team(self, team_id: str) -> Team:
        """Deletes a team and returns it without members. They leave the conversations in which they are only through
        it.
        """
        deleted: Team = await self._api.call("DELETE", path("teams", team_id))
        return deleted

    async def add_team_members(self, team_id: str, user_ids: Sequence[str]) -> Team:
        """Adds users to a team, and so to its conversations. Returns the team."""
        changed: Team = await self._api.call("POST", path("teams", team_id, "members"), {"userIds": list(user_ids)})
        return changed

    async def remove_team_member(self, team_id: str, user_id: str) -> Team:
        """Removes a user from a team, and from the conversations in which they are only through it. Returns the
        team.
        """
        changed: Team = await self._api.call("DELETE", path("teams", team_id, "members", user_id))
        return changed

    async def team_numbers(self, team_id: str) -> DeskUpdated:
        """Returns how many conversations of a team are open, how many of these nobody handles, and since when the first
        customer waits.
        """
        numbers: DeskUpdated = await self._api.get(path("teams", team_id, "numbers"))
        return numbers

    async def claim(
        self, conversation_id: str, *, take_from: str | None = None, sender_id: str | None = None
    ) -> Handling:
        """Makes the user the handler of a conversation, and opens it.

        If another user handles it, this raises `TalkwireError` with the code `conflict` and that user in
        `details["handler"]`. `take_from` names the present handler, from whom the conversation is taken over.
        """
        return await self._handle(conversation_id, "claim", {"if": take_from, "senderId": sender_id})

    async def release(self, conversation_id: str, *, sender_id: str | None = None) -> Handling:
        """Makes nobody the handler of a conversation."""
        return await self._handle(conversation_id, "release", {"senderId": sender_id})

    async def hand_off(
        self, conversation_id: str, to: str, *, note: str | None = None, sender_id: str | None = None
    ) -> Handling:
        """Makes a member of the conversation's teams its handler, or adds a team to it. `note` is for the next handler;
        customers never see it.
        """
        return await self._handle(conversation_id, "handoff", {"to": to, "note": note, "senderId": sender_id})

    async def close_conversation(self, conversation_id: str, *, sender_id: str | None = None) -> Handling:
        """Closes a conversation: nobody handles it, and nobody waits. A customer's next message opens it again."""
        return await self._handle(conversation_id, "close", {"senderId": sender_id})

    async def send_note(
        self,
        conversation_id: str,
        content: str = "",
        *,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        metadata: Mapping[str, Any] | None = None,
        client_message_id: str | None = None,
        sender_id: str | None = None,
    ) -> Message:
        """Writes a note about a conversation, which its teams see and customers never do, and returns it.

        It is a message of the conversation that `notesId` of the conversation names. It is repeated and stored once as
        by `send`.
        """
        body = {
            "content": content,
            "clientMessageId": client_message_id or uuid4().hex,
            "attachments": [attached(each) for each in attachments] or None,
            "metadata": metadata,
            "senderId": sender_id,
        }
        request = Request("POST", path("conversations", conversation_id, "notes"), json=without_none(body))
        sent: Message = (await self._api.send(request, FOR_EVER_S)).json()
        return sent

    async def _handle(self, conversation_id: str, action: str, body: Mapping[str, object]) -> Handling:
        handling: Handling = await self._api.call(
            "POST", path("conversations", conversation_id, action), without_none(body)
        )
        return handling
