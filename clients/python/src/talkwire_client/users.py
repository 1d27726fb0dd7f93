"""The calls about users, notifications and files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from talkwire_client.api import FOR_EVER_S, Api, Request, path
from talkwire_client.payloads import File, Notification, NotificationList, Preferences, UnreadTotal, User, UserList

PAGE = 100
"""Number of users, or notifications, that are fetched at once."""


class UserCalls:
    """The client's methods for users' profiles, notifications and files."""

    _api: Api
    _url: str

    async def me(self) -> User:
        """Returns the profile of the caller."""
        found: User = await self._api.get(path("users", "me"))
        return found

    async def user(self, user_id: str) -> User:
        """Returns a user's profile."""
        found: User = await self._api.get(path("users", user_id))
        return found

    async def users(self, query: str = "") -> AsyncIterator[User]:
        """Yields the users whose names match a query."""
        cursor = None
        while True:  # Suspends: each round sends a request.
            page: UserList = await self._api.get(path("users"), query=query, cursor=cursor, limit=PAGE)
            for user in page["items"]:
                yield user
            cursor = page["next"]
            if cursor is None:
                return

    async def put_user(self, /, user_id: str, **profile: Any) -> User:  # noqa: ANN401 (JSON)
        """Creates or updates a user, as the application's back end, and returns the user.

        `profile` may have `name`, `avatar`, `email`, `text`, `metadata`, `handle`, `hold`, `kind` or `ownerId`; fields
        that are omitted stay unchanged.
        """
        stored: User = await self._api.call("PUT", path("users", user_id), profile)
        return stored

    async def unread(self) -> UnreadTotal:
        """Returns the user's unread messages in all conversations. Muted and archived conversations count only messages
        that mention the user."""
        total: UnreadTotal = await self._api.get(path("users", "me", "unread"))
        return total

    async def preferences(self, user_id: str = "me") -> Preferences:
        """Returns the user's general preferences for notifications; those of another user for the application's back
        end.
        """
        found: Preferences = await self._api.get(path("users", user_id, "preferences"))
        return found

    async def set_preferences(self, /, user_id: str = "me", **preferences: Any) -> Preferences:  # noqa: ANN401 (JSON)
        """Sets the user's general preferences for notifications and returns them; those of another user for the
        application's back end. `preferences` are fields of `Preferences`; those that are omitted get their defaults,
        except `readReceipts`.
        """
        stored: Preferences = await self._api.call("PUT", path("users", user_id, "preferences"), preferences)
        return stored

    async def notifications(self, *, unread: bool = False) -> AsyncIterator[Notification]:
        """Yields the user's notifications, the newest first. If `unread` is true, yields only unread ones."""
        cursor = None
        while True:  # Suspends: each round sends a request.
            page: NotificationList = await self._api.get(
                path("notifications"), unread="true" if unread else None, cursor=cursor, limit=PAGE
            )
            for notification in page["items"]:
                yield notification
            cursor = page["next"]
            if cursor is None:
                return

    async def mark_notifications_read(self, ids: Sequence[str] | None = None) -> None:
        """Marks the notifications with these ids as read, or all of the user's notifications without ids."""
        body = {"all": True} if ids is None else {"ids": list(ids)}
        await self._api.call("POST", path("notifications", "read"), body)

    async def upload(self, file: Path | bytes, *, name: str | None = None, content_type: str | None = None) -> File:
        """Uploads a file and returns its description, which can be passed to `send` in `attachments`.

        If the file is passed as `bytes`, it needs a `name`. An interrupted upload is repeated from the start. The
        server determines the type from the content; it uses `content_type` where the content does not reveal the type.
        """
        content = file if isinstance(file, bytes) else await asyncio.to_thread(file.read_bytes)
        shown = name or (file.name if isinstance(file, Path) else None)
        if shown is None:
            raise ValueError("bytes need a name")
        part = (shown, content, content_type or "application/octet-stream")
        request = Request("POST", path("files"), files={"file": part}, read_s=120.0)
        stored: File = (await self._api.send(request, FOR_EVER_S)).json()
        return stored

    async def download(self, url: str) -> bytes:
        """Returns the content of an uploaded file, given its `url` or `thumbnailUrl`."""
        relative = url.removeprefix(self._url)
        if not relative.startswith("/"):
            raise ValueError(f"{url} is not an address of this server, so it must not receive the token")
        return (await self._api.send(Request("GET", relative, read_s=120.0, has_json=False))).content
