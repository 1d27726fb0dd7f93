"""Holds the users of an export, assigns their ids on the receiving server, and writes mentions of them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator

from talkwire.cli.history_import.source import SourceUser, UserIds
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.log.positions import is_own_id
from talkwire.core.domain.model import ID_MAX_LENGTH, is_valid_id
from talkwire.core.domain.names import direction_mark_in, display_name
from talkwire.core.domain.texts import NAME_MAX_LENGTH
from talkwire.core.features.users.handles import normal_handle

_UNUSABLE = re.compile(r"[\s/\x00-\x1f\x7f-\x9f]+")


class People:
    """The users of an export, by their keys (ids in the source system) and by their handles (unique names), all in
    memory. It also assigns each user's id on the receiving server: the id in the source system, the handle or the
    e-mail address, as `user_ids` says, or another one if that is invalid or taken. `source` is the source system."""

    def __init__(self, source: str, user_ids: UserIds) -> None:
        self._source = source
        self._user_ids = user_ids
        self._users: dict[str, SourceUser] = {}
        self._ids: dict[str, str] = {}
        self._taken: set[str] = set()
        self._keys_by_handle: dict[str, str] = {}
        self._names: Counter[str] = Counter()
        self.mended_names = 0
        """Number of names that showed nothing, and are replaced by the key, or had characters that change the writing
        direction, and are imported without these."""

    def add(self, user: SourceUser) -> None:
        """Adds a user and assigns the id on the receiving server. Does nothing if the user's key (id in the source
        system) is known.

        A later user gets neither the handle nor the server id of an earlier one.
        """
        if user.key in self._users:
            return
        shown = display_name(user.name, NAME_MAX_LENGTH)
        self.mended_names += shown is None or direction_mark_in(user.name) is not None
        user.name = shown or user.key
        user.handle = _handle(user.handle)
        if user.handle is not None and user.handle in self._keys_by_handle:
            user.handle = None
        if user.handle is not None:
            self._keys_by_handle[user.handle] = user.key
        self._users[user.key] = user
        self._ids[user.key] = self._id_for(user)
        self._taken.add(self._ids[user.key])
        self._names[user.name.casefold()] += 1

    def _id_for(self, user: SourceUser) -> str:
        wanted = {"handle": user.handle, "email": user.email, "source": None}[self._user_ids]
        keys = (_UNUSABLE.sub("-", key)[:ID_MAX_LENGTH] for key in (user.key, f"{self._source}-{user.key}"))
        # A user of the server may have the wanted id, so it is used unchanged or not at all.
        for found in (wanted or "", *keys):
            if is_valid_id(found) and not is_own_id(found) and found not in self._taken:
                return found
        return f"{self._source}-user-{len(self._users)}"

    def __contains__(self, key: str) -> bool:
        return key in self._users

    def __len__(self) -> int:
        return len(self._users)

    def __iter__(self) -> Iterator[tuple[str, SourceUser]]:
        """Yields pairs of a user's id on the receiving server and the user."""
        return ((self._ids[key], user) for key, user in self._users.items())

    def get(self, key: str) -> SourceUser | None:
        return self._users.get(key)

    def id_of(self, key: str) -> str:
        """Returns the id on the receiving server of the user with this key (id in the source system). Raises KeyError
        if no such user was added."""
        return self._ids[key]

    def key_of_handle(self, handle: str) -> str | None:
        """Returns the key (id in the source system) of the user with a handle, ignoring case; None if there is none."""
        return self._keys_by_handle.get(handle.lower())

    def mention(self, key: str) -> str:
        """Returns the text that mentions the user with this key: `@` and the name, or the handle or id if several users
        have this name; for an unknown user, `@` and the key.
        """
        user = self._users.get(key)
        if user is None:
            return f"@{key}"
        if self._names[user.name.casefold()] == 1 and user.name.casefold() != "all":
            return f"@{user.name}"
        return f"@{user.handle or self._ids[key]}"


def shown_as(key: str, name: str, picture: str | None = None) -> SourceUser:
    """Returns the user that stands for the messages that the account `key` sent under another name, such as those of a
    web hook. The user's key follows from both, so it is the same in each export."""
    shown = display_name(name, NAME_MAX_LENGTH) or key
    return SourceUser(f"{key}-{hashlib.sha256(shown.encode()).hexdigest()[:12]}", name, picture=picture)


def _handle(handle: str | None) -> str | None:
    """Returns a handle in the form that the server accepts; None if it is missing or cannot be accepted."""
    try:
        return None if handle is None else normal_handle(handle)
    except ChatError:
        return None
