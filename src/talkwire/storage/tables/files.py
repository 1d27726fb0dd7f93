"""The tables of files and unfinished uploads. `messages/attachments.py` reads which messages have a file attached."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import asdict
from sqlalchemy import Connection, Exists, delete, exists, func, insert, or_, select, update

from talkwire.core.domain.model import File, Upload, file_id_in
from talkwire.core.ports.stores import ExpiredUploads
from talkwire.storage.schema import conversations, files, members, uploads, users
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow


def to_file(row: AnyRow) -> File:
    """Builds a `File` from a row of the table."""
    return File(
        id=row.id,
        owner_id=row.owner_id,
        name=row.name,
        content_type=row.content_type,
        size=row.size,
        digest=row.digest,
        created_ms=row.created_ms,
        width=row.width,
        height=row.height,
        upload_length=row.upload_length,
        folder_id=row.folder_id,
        animated=row.animated,
    )


def _to_upload(row: AnyRow) -> Upload:
    return Upload(
        row.id, row.owner_id, row.name, row.content_type, row.length, row.created_ms, row.expires_ms, row.folder_id
    )


def make_due(connection: Connection, file_ids: Collection[str], now_ms: int) -> None:
    """Schedules a check at `now_ms` (milliseconds since 1970) whether anything still refers to these files; unused
    files are then deleted (`core/features/messages/files.py`)."""
    if file_ids:
        connection.execute(update(files).where(files.c.id.in_(sorted(file_ids))).values(due_ms=now_ms))


def replace_picture(connection: Connection, avatar: str | None, now_ms: int, owner_id: str | None = None) -> None:
    """Schedules a check, at `now_ms` (milliseconds since 1970), whether a replaced picture is still used. Does nothing
    unless its URL `avatar` is that of an uploaded file. `owner_id` is the user whose picture it was; None if it was the
    picture of a conversation.

    If the file's check is scheduled already, since nothing has used the file yet, only the user who uploaded the file
    can make it earlier.
    """
    file_id = None if avatar is None else file_id_in(avatar)
    if file_id is not None:
        is_kept = files.c.due_ms.is_(None)
        may_end = is_kept if owner_id is None else or_(is_kept, files.c.owner_id == owner_id)
        connection.execute(update(files).where(files.c.id == file_id, may_end).values(due_ms=now_ms))


class FileRows(Reads):
    """Reads the tables of files and uploads. Implements `core.ports.stores.Files`, except for the methods about
    attachments."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._known: dict[str, File] = {}

    def prefetch(self, file_ids: Collection[str]) -> None:
        """Reads these files into a cache, from which `of_ids` takes them, since the commands of a batch will look them
        up."""
        rows = self._connection.execute(select(files).where(files.c.id.in_(file_ids)))
        self._known.update((row.id, to_file(row)) for row in rows)

    def of_ids(self, file_ids: Collection[str]) -> Mapping[str, File]:
        missing = [file_id for file_id in file_ids if file_id not in self._known]
        if missing:
            self.prefetch(missing)
        return {file_id: self._known[file_id] for file_id in file_ids if file_id in self._known}

    def upload(self, upload_id: str) -> Upload | None:
        row = self._connection.execute(select(uploads).where(uploads.c.id == upload_id)).one_or_none()
        return None if row is None else _to_upload(row)

    def uploads_among(self, upload_ids: Collection[str]) -> frozenset[str]:
        found = self._connection.execute(select(uploads.c.id).where(uploads.c.id.in_(upload_ids)))
        return frozenset(found.scalars())

    def count_uploads(self, owner_id: str, now_ms: int) -> int:
        open_ones = select(func.count()).where(uploads.c.owner_id == owner_id, uploads.c.expires_ms > now_ms)
        return self._connection.execute(open_ones).scalar_one()

    def expired_uploads(self, which: ExpiredUploads, limit: int) -> Sequence[str]:
        unclaimed = or_(uploads.c.claimed_ms.is_(None), uploads.c.claimed_ms <= which.now_ms)
        reachable = or_(
            uploads.c.folder_id.is_(None),
            uploads.c.folder_id.in_(which.folder_ids),
            uploads.c.expires_ms <= which.lost_ms,
        )
        expired = select(uploads.c.id).where(uploads.c.expires_ms <= which.now_ms, unclaimed, reachable)
        fairly = func.coalesce(uploads.c.claimed_ms, 0), uploads.c.expires_ms
        return self._connection.execute(expired.order_by(*fairly).limit(limit)).scalars().all()

    def without_folder(self, after_id: str, limit: int) -> Sequence[str]:
        found = select(files.c.id).where(files.c.folder_id.is_(None), files.c.id > after_id)
        return self._connection.execute(found.order_by(files.c.id).limit(limit)).scalars().all()

    def is_due(self, file_id: str, now_ms: int) -> bool:
        return self._any(exists().where(files.c.id == file_id, files.c.due_ms <= now_ms))

    def stored_bytes(self, owner_id: str, expired_since_ms: int) -> int:
        of_files = select(func.coalesce(func.sum(files.c.size), 0)).where(files.c.owner_id == owner_id)
        counted = uploads.c.owner_id == owner_id, uploads.c.expires_ms > expired_since_ms
        of_uploads = select(func.coalesce(func.sum(uploads.c.length), 0)).where(*counted)
        both = select(of_files.scalar_subquery() + of_uploads.scalar_subquery())
        return int(self._connection.execute(both).scalar_one())

    def pictures_among(self, urls: Collection[tuple[str, str]]) -> frozenset[str]:
        owner_ids, addresses = {owner_id for owner_id, _ in urls}, {address for _, address in urls}
        profiles = select(users.c.id, users.c.avatar).where(users.c.id.in_(owner_ids), users.c.avatar.in_(addresses))
        own = frozenset(
            address for owner_id, address in self._connection.execute(profiles) if (owner_id, address) in urls
        )
        shown = conversations.c.avatar.in_(addresses), conversations.c.deleted_ms.is_(None)
        return own | frozenset(self._connection.execute(select(conversations.c.avatar).where(*shown)).scalars())

    def is_picture_for(self, urls: Collection[str], user_id: str) -> bool:
        is_member = exists().where(members.c.conversation_id == conversations.c.id, members.c.user_id == user_id)
        shown = conversations.c.avatar.in_(sorted(urls)), conversations.c.deleted_ms.is_(None)
        return self._any(exists().where(*shown, or_(conversations.c.public, is_member)))

    def _any(self, condition: Exists) -> bool:
        return bool(self._connection.execute(select(condition)).scalar_one())


class WritableFileRows(FileRows):
    """Changes the tables of files and uploads."""

    def claim_uploads(self, upload_ids: Collection[str], until_ms: int) -> None:
        self._connection.execute(update(uploads).where(uploads.c.id.in_(upload_ids)).values(claimed_ms=until_ms))

    def set_folder(self, file_ids: Collection[str], folder_id: str) -> None:
        found = files.c.id.in_(sorted(file_ids)), files.c.folder_id.is_(None)
        self._connection.execute(update(files).where(*found).values(folder_id=folder_id))
        for file_id in file_ids:
            self._known.pop(file_id, None)

    def due_files(self, now_ms: int, limit: int) -> Sequence[str]:
        due = select(files.c.id).where(files.c.due_ms <= now_ms).order_by(files.c.due_ms).limit(limit)
        # A follower may make a file due again at the same time: `keep` must not undo that.
        return self._connection.execute(due.with_for_update(skip_locked=True)).scalars().all()

    def keep(self, file_ids: Collection[str]) -> None:
        if file_ids:
            self._connection.execute(update(files).where(files.c.id.in_(sorted(file_ids))).values(due_ms=None))

    def put(self, file: File, due_ms: int) -> None:
        self._connection.execute(insert(files), asdict(file) | {"due_ms": due_ms})
        self._known[file.id] = file

    def drop(self, file_id: str) -> None:
        self._connection.execute(delete(files).where(files.c.id == file_id))
        self._known.pop(file_id, None)

    def put_upload(self, upload: Upload) -> None:
        self.drop_uploads((upload.id,))
        self._connection.execute(insert(uploads), asdict(upload))

    def expire_upload(self, upload_id: str, now_ms: int) -> None:
        self._connection.execute(update(uploads).where(uploads.c.id == upload_id).values(expires_ms=now_ms))

    def drop_uploads(self, upload_ids: Collection[str]) -> None:
        self._connection.execute(delete(uploads).where(uploads.c.id.in_(upload_ids)))
