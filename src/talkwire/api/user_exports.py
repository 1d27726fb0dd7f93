"""Begins the exports of users' data that clients download, and limits them: each holds temporary files as large as the
user's history.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from functools import partial

from talkwire.api.export import ExportedUser, ExportedZip, Read
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, User
from talkwire.core.engine.limits import Kind, Limits, RateLimited
from talkwire.files.byte_store import ByteStore

AT_ONCE_MAX = 8
"""Most exports that a node sends at the same time."""

EXPORT_RETRY_S = 30.0
"""Seconds after which a user whose export is still being downloaded should try again."""


class UserExports:
    """Starts the exports that users and the backend download from this node. At most `AT_ONCE_MAX` run at once; the
    backend has no other limit. A user downloads one at a time, and their own data only as often as `limits` allow.

    `read` calls a function with a snapshot of the database on another thread; `store` has the bytes of uploaded files.
    """

    def __init__(self, read: Read, store: ByteStore, limits: Limits | None) -> None:
        self._read = read
        self._store = store
        self._limits = limits
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()

    def begin(self, user: User, actor: Actor) -> ExportedZip:
        """Returns the export of the data of `user`, which the caller must close. Raises `rate_limited` if `actor` is
        downloading an export already or has exported their own data too often, and `unavailable` if too many exports
        run on this node."""
        self._take(actor)
        try:
            if self._limits is not None and user.id == actor.user_id:
                wait_s = self._limits.take_for(actor, Kind.EXPORTS, time.monotonic())
                if wait_s:
                    raise RateLimited(wait_s, Kind.EXPORTS)
            export = ExportedZip(ExportedUser(user.id, actor), self._store, self._read)
        except ChatError:
            self._free(actor.user_id)
            raise
        export.on_close(partial(self._free, actor.user_id))
        return export

    def _take(self, actor: Actor) -> None:
        with self._lock:
            if self._running[actor.user_id] and not actor.is_service:
                raise RateLimited(EXPORT_RETRY_S, Kind.EXPORTS)
            if self._running.total() >= AT_ONCE_MAX:
                raise ChatError("unavailable", "Too many exports are being downloaded. Try again later.")
            self._running[actor.user_id] += 1

    def _free(self, user_id: str) -> None:
        """Removes an ended export of this user from the count of running exports, whether it was complete or not.
        Called on any thread."""
        with self._lock:
            self._running[user_id] -= 1
            self._running = +self._running
