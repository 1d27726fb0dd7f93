"""The calls about conversations and their members."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from talkwire_client.api import Api, Request, path, without_none
from talkwire_client.payloads import Conversation, ConversationList, Json, Member, MemberPreferences

PAGE = 100
"""Number of conversations that are fetched at once."""

ConversationKind = Literal["direct", "group", "channel"]
MemberRole = Literal["owner", "admin", "member"]
Notify = Literal["all", "mentions", "none"]


class ConversationCalls:
    """The client's methods for conversations and their members."""

    _api: Api

    async def conversations(
        self,
        *,
        query: str | None = None,
        member_id: str | None = None,
        team_id: str | None = None,
        handler: str | None = None,
        state: Literal["open", "closed"] | None = None,
        order: Literal["waitingSince", "updatedAt"] | None = None,
        metadata: Mapping[str, str | float] | None = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Conversation]:
        """Yields conversations, those with the newest messages first: the user's own, or for the application's back end
        all.

        With `query`, yields the public groups and channels that match it instead. `member_id` selects the conversations
        of one user, for the application's back end only. `cursor` continues an earlier list.

        `team_id`, `handler` (`me`, `none` or an id), `state` and `metadata` (one key of the setting
        `conversation_keys`, with its value) select conversations. `order` sorts them: `waitingSince` begins with those
        in which a customer has waited for the longest time.
        """
        selected = {f"metadata.{key}": _text(value) for key, value in (metadata or {}).items()}
        while True:  # Suspends: each round sends a request.
            page: ConversationList = await self._api.get(
                path("conversations"),
                query=query,
                memberId=member_id,
                teamId=team_id,
                handler=handler,
                state=state,
                order=order,
                cursor=cursor,
                limit=PAGE,
                **selected,
            )
            for conversation in page["items"]:
                yield conversation
            cursor = page["next"]
            if cursor is None:
                return

    async def conversation(self, conversation_id: str) -> Conversation:
        """Returns a conversation with its members."""
        found: Conversation = await self._api.get(path("conversations", conversation_id))
        return found

    async def create_conversation(
        self,
        /,
        kind: ConversationKind,
        member_ids: Sequence[str],
        *,
        id: str | None = None,  # noqa: A002 (the API's name)
        name: str | None = None,
        public: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        team_ids: Sequence[str] | None = None,
        notify: Notify | None = None,
        owner_id: str | None = None,
        roles: Mapping[str, MemberRole] | None = None,
        **more: Any,  # noqa: ANN401 (JSON)
    ) -> Conversation:
        """Creates a conversation and returns it. A direct conversation of two users exists only once: if it exists
        already, it is returned.

        The members of the teams `team_ids` are members too. `notify` is what members are notified of who have chosen
        nothing. `id`, `owner_id` and `roles` are for the application's back end. `more` are other fields of
        `CreateConversationBody` in the REST API.
        """
        body = {
            "kind": kind,
            "memberIds": list(member_ids),
            "id": id,
            "name": name,
            "public": public,
            "metadata": metadata,
            "teamIds": None if team_ids is None else list(team_ids),
            "notify": notify,
            "ownerId": owner_id,
            "roles": roles,
            **more,
        }
        made: Conversation = await self._api.call("POST", path("conversations"), without_none(body))
        return made

    async def update_conversation(self, /, conversation_id: str, **changes: Any) -> Conversation:  # noqa: ANN401 (JSON)
        """Changes a conversation and returns it. `changes` are fields of `UpdateConversationBody` in the REST API, such
        as `name` and `metadata`.
        """
        changed: Conversation = await self._api.call("PATCH", path("conversations", conversation_id), changes)
        return changed

    async def delete_conversation(self, conversation_id: str) -> None:
        """Deletes a conversation for all members."""
        await self._api.call("DELETE", path("conversations", conversation_id))

    async def members(self, conversation_id: str) -> list[Member]:
        """Returns the members of a conversation."""
        return (await self.conversation(conversation_id)).get("members", [])

    async def add_members(
        self, conversation_id: str, user_ids: Sequence[str] = (), *, team_ids: Sequence[str] = ()
    ) -> Conversation:
        """Adds members and teams to a conversation and returns it. A user can also join a public conversation by adding
        their own id.
        """
        body = {"userIds": list(user_ids) or None, "teamIds": list(team_ids) or None}
        changed: Conversation = await self._api.call(
            "POST", path("conversations", conversation_id, "members"), without_none(body)
        )
        return changed

    async def remove_member(self, conversation_id: str, user_id: str) -> None:
        """Removes a member from a conversation. With the caller's own id, the caller leaves the conversation."""
        await self._api.call("DELETE", path("conversations", conversation_id, "members", user_id))

    async def remove_team(self, conversation_id: str, team_id: str) -> None:
        """Removes a team from a conversation. Its members leave if they are there only through it."""
        await self._api.call("DELETE", path("conversations", conversation_id, "teams", team_id))

    async def update_member(self, conversation_id: str, user_id: str, role: MemberRole) -> Member:
        """Changes a member's role in a conversation and returns the member."""
        changed: Member = await self._api.call(
            "PATCH", path("conversations", conversation_id, "members", user_id), {"role": role}
        )
        return changed

    async def conversation_preferences(self, conversation_id: str, *, user_id: str | None = None) -> MemberPreferences:
        """Returns the user's preferences for a conversation; those of the member `user_id` for the application's back
        end.
        """
        found: MemberPreferences = await self._api.get(
            path("conversations", conversation_id, "preferences"), userId=user_id
        )
        return found

    async def set_conversation_preferences(
        self,
        /,
        conversation_id: str,
        *,
        user_id: str | None = None,
        **changes: Any,  # noqa: ANN401 (JSON)
    ) -> MemberPreferences:
        """Changes the user's preferences for a conversation and returns them; those of the member `user_id` for the
        application's back end. `changes` are fields of `MemberPreferences`, such as `notify` and `muted`.
        """
        where = path("conversations", conversation_id, "preferences")
        request = Request("PATCH", where, params=without_none({"userId": user_id}), json=changes)
        changed: MemberPreferences = (await self._api.send(request)).json()
        return changed

    async def signal(self, conversation_id: str, name: str, data: Json = None, *, sender_id: str | None = None) -> None:
        """Sends a signal of the application's own to the members who are connected. It is not stored, and may be lost.

        `name` has 1 to 64 of the characters a-z, A-Z, 0-9, `.`, `_`, `:` and `-`, and `data` is JSON of at most 4 KiB.
        `sender_id` is the member in whose name the service sends.
        """
        signal = without_none({"name": name, "data": data, "senderId": sender_id})
        await self._api.call("POST", path("conversations", conversation_id, "signals"), signal)

    async def typing(self, conversation_id: str, *, is_typing: bool = True) -> None:
        """Shows the other members that the user is typing, or has stopped typing. Repeat the call every few seconds."""
        await self._api.call("POST", path("conversations", conversation_id, "typing"), {"isTyping": is_typing})


def _text(value: str | float) -> str:
    """Returns a value of metadata as the text of a query parameter: that of JSON, without quotes."""
    return value if isinstance(value, str) else json.dumps(value)
