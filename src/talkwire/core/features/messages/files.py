"""Uploads and files: which users may upload, which may see a file, and when a file is deleted.

All stored bytes have a row in the database: an upload's row is created before its first byte is stored and deleted
after its bytes are removed. So bytes that a crash leaves behind are found when the upload expires (`expires_ms`).

A file becomes *due* one day after it was uploaded, and whenever a message, profile or conversation stops using it. A
due file is checked: if nothing uses it, it becomes an expired upload, whose bytes are then removed.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import quote

from talkwire.core.commands.files import (
    ClaimUploads,
    CreateUpload,
    DropFile,
    FindFiles,
    FindUnplacedFiles,
    FindUploads,
    FinishUpload,
    ForgetUploads,
    GetFile,
    GetUpload,
    PlaceFiles,
    ReleaseFiles,
)
from talkwire.core.domain.access import may_act, must_be_operator, must_not_be_held, require
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.model import FILES_PATH, Actor, Attachment, File, Upload, file_id_in
from talkwire.core.domain.names import is_visible
from talkwire.core.domain.printable import DIRECTION_MARKS
from talkwire.core.domain.texts import check_name, check_text
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.stores import ExpiredUploads
from talkwire.core.ports.transaction import Snapshot, Transaction

FILE_NAME_MAX = 200
"""Longest name of a file, in characters."""

UPLOADS_AT_ONCE = 100
"""Most unfinished uploads of one user, because each may use as much space as the largest file."""

UNUSED_LIFETIME_MS = 24 * 60 * 60 * 1000
"""Milliseconds for which a new file may stay without a reference."""

EXPIRED_COUNTED_MS = 24 * 60 * 60 * 1000
"""Milliseconds for which an expired upload counts towards its owner's storage. Its bytes are usually removed within a
minute."""

BYTES_LOST_AFTER_MS = 30 * 24 * 60 * 60 * 1000
"""Milliseconds for which the bytes of an expired upload wait for a node that has their folder."""

_THUMBNAIL = "thumbnail"
_UNPRINTABLE = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{DIRECTION_MARKS}\ud800-\udfff]")
"""Control characters, and characters that change the writing direction, with which `gpj.exe` would be read as
`exe.jpg`."""


def file_name(text: str) -> str:
    """Returns a client's file name without folders, on one line, at most `FILE_NAME_MAX` characters long and never
    empty."""
    name = _UNPRINTABLE.sub("", text[max(text.rfind("/"), text.rfind("\\")) + 1 :]).strip()
    if len(name) > FILE_NAME_MAX:
        stem, dot, extension = name.rpartition(".")
        kept = f"{dot}{extension}" if stem and len(extension) <= 16 else ""
        name = name[: FILE_NAME_MAX - len(kept)] + kept
    return name if is_visible(name.strip(". ")) else "file"


def file_url(file: File) -> str:
    """Returns a file's download path on this server. Only the id in it matters; the name is for people who read the
    URL."""
    return f"{FILES_PATH}/{file.id}/{quote('file' if file.name == _THUMBNAIL else file.name, safe='')}"


def thumbnail_url(file: File) -> str | None:
    """Returns the path of a picture's thumbnail, or None for a file that is not a picture."""
    return None if file.width is None else f"{FILES_PATH}/{file.id}/{_THUMBNAIL}"


def attachment_of(file: File) -> Attachment:
    """Returns a message attachment that describes a file: URL, name, type, size and, for pictures, dimensions and
    thumbnail."""
    return Attachment(
        id=file.id,
        url=file_url(file),
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        width=file.width,
        height=file.height,
        thumbnail_url=thumbnail_url(file),
        animated=file.animated,
    )


def check_create(command: CreateUpload) -> None:
    check_name("name", command.name, FILE_NAME_MAX)
    if command.content_type is not None:
        check_text("contentType", command.content_type)
    if command.length < 0:
        raise invalid("length", "must not be negative")


def create_upload(tx: Transaction, actor: Actor, command: CreateUpload) -> Upload:
    """Creates an upload (a file whose bytes will follow) of the actor. Raises `rate_limited` if the actor has
    `UPLOADS_AT_ONCE` unfinished uploads, and `payload_too_large` if it would exceed the storage that the user may
    use."""
    require(may_act(tx.user(actor.user_id)))
    if tx.files.count_uploads(actor.user_id, tx.now_ms) >= UPLOADS_AT_ONCE:
        raise ChatError(
            "rate_limited",
            f"You can have at most {UPLOADS_AT_ONCE} unfinished uploads; finish or delete some first.",
            cause="too_many",
        )
    _must_have_room(tx, actor, command)
    upload = Upload(
        id=command.id,
        owner_id=actor.user_id,
        name=command.name,
        content_type=command.content_type,
        length=command.length,
        created_ms=tx.now_ms,
        expires_ms=tx.now_ms + command.lifetime_ms,
        folder_id=command.folder_id,
    )
    tx.files.put_upload(upload)
    return upload


def _must_have_room(tx: Transaction, actor: Actor, command: CreateUpload) -> None:
    """Raises `payload_too_large` if the upload would exceed the total storage that the user may use."""
    if command.storage is None or actor.role != "user":
        return
    stored = tx.files.stored_bytes(actor.user_id, tx.now_ms - EXPIRED_COUNTED_MS)
    if stored + command.length > command.storage:
        message = f"Your files can use at most {command.storage} bytes in total and use {stored}; delete some first."
        raise ChatError("payload_too_large", message, {"storage": command.storage, "stored": stored})


def finish_upload(tx: Transaction, actor: Actor, command: FinishUpload) -> File:
    """Turns the actor's upload, whose bytes have all arrived, into a file and returns the file. Returns the same file
    if that was done before. Raises `forbidden` for an unknown or expired upload, and for another user's."""
    finished = tx.files.of_ids((command.id,)).get(command.id)
    if finished is not None and finished.owner_id == actor.user_id:
        return finished
    upload = tx.files.upload(command.id)
    if upload is None or upload.owner_id != actor.user_id or upload.expires_ms <= tx.now_ms:
        raise forbidden("not_found")
    file = File(
        id=upload.id,
        owner_id=upload.owner_id,
        name=upload.name,
        content_type=command.content_type,
        size=command.size,
        digest=command.digest,
        created_ms=tx.now_ms,
        width=command.width,
        height=command.height,
        upload_length=upload.length,
        folder_id=command.folder_id,
        animated=command.animated,
    )
    tx.files.put(file, tx.now_ms + UNUSED_LIFETIME_MS)
    tx.files.drop_uploads((upload.id,))
    return file


def drop_file(tx: Transaction, actor: Actor, command: DropFile) -> None:
    """Deletes an upload or a file of the actor. Raises `forbidden` if it is not the actor's, and `conflict` if a
    message has the file as an attachment, or if the actor is on hold."""
    file = tx.files.of_ids((command.id,)).get(command.id)
    owned = file or tx.files.upload(command.id)
    if owned is None or owned.owner_id != actor.user_id:
        raise forbidden("not_found")
    must_not_be_held(tx.user(actor.user_id))
    if file is None:
        tx.files.expire_upload(command.id, tx.now_ms)
        return
    if tx.files.is_attached(file.id):
        raise ChatError(
            "conflict", "A message has this file attached; delete the message first.", cause="state_changed"
        )
    _expire(tx, file)


def _expire(tx: Transaction, file: File) -> None:
    """Replaces a file by an expired upload, so that its bytes are removed later. They count towards the owner's storage
    until then."""
    tx.files.drop(file.id)
    ended = Upload(file.id, file.owner_id, file.name, None, file.size, tx.now_ms, tx.now_ms, file.folder_id)
    tx.files.put_upload(ended)


def release_files(tx: Transaction, actor: Actor, command: ReleaseFiles) -> int:
    """Checks at most `limit` files that may be unused, deletes those that nothing uses, and returns how many it
    checked.

    Checking and deleting is done in one transaction, so that nothing can start to use a file in between.
    """
    must_be_operator(actor)
    due = tx.files.of_ids(tx.files.due_files(tx.now_ms, command.limit)).values()
    attached = tx.files.attached_among([file.id for file in due])
    pictures = tx.files.pictures_among([(file.owner_id, url) for file in due for url in _urls(file)])
    kept = [file.id for file in due if file.id in attached or not pictures.isdisjoint(_urls(file))]
    tx.files.keep(kept)
    for file in due:
        if file.id not in kept:
            _expire(tx, file)
    return len(due)


def _urls(file: File) -> set[str]:
    """Returns the paths by which profiles and conversations can refer to a file: the file and, for a picture, its
    thumbnail."""
    thumbnail = thumbnail_url(file)
    return {file_url(file)} if thumbnail is None else {file_url(file), thumbnail}


def claim_uploads(tx: Transaction, actor: Actor, command: ClaimUploads) -> tuple[str, ...]:
    must_be_operator(actor)
    reachable = ExpiredUploads(tx.now_ms, tx.now_ms - BYTES_LOST_AFTER_MS, command.folder_ids)
    expired = tuple(tx.files.expired_uploads(reachable, command.limit))
    tx.files.claim_uploads(expired, tx.now_ms + command.claim_ms)
    return expired


def forget_uploads(tx: Transaction, actor: Actor, command: ForgetUploads) -> None:
    must_be_operator(actor)
    tx.files.drop_uploads(command.ids)


def place_files(tx: Transaction, actor: Actor, command: PlaceFiles) -> None:
    must_be_operator(actor)
    tx.files.set_folder(command.ids, command.folder_id)


def get_upload(snapshot: Snapshot, actor: Actor, query: GetUpload) -> Upload | File:
    found = snapshot.files.upload(query.id)
    if found is not None and found.expires_ms <= snapshot.now_ms:
        raise forbidden("not_found")
    owned = found or snapshot.files.of_ids((query.id,)).get(query.id)
    if owned is None or owned.owner_id != actor.user_id:
        raise forbidden("not_found")
    return owned


def get_file(snapshot: Snapshot, actor: Actor, query: GetFile) -> File:
    require(may_act(snapshot.user(actor.user_id)))
    file = snapshot.files.of_ids((query.id,)).get(query.id)
    if file is None or _is_of_redacted(snapshot, file):
        raise forbidden("not_found")
    is_seen = _is_own(snapshot, actor, file) or _is_profile_picture(snapshot, file)
    if not is_seen and not _is_seen_in_conversations(snapshot, actor, file):
        raise forbidden("not_found")
    return file


def _is_seen_in_conversations(snapshot: Snapshot, actor: Actor, file: File) -> bool:
    """Returns whether the actor sees the file in a message, or as the picture of a conversation: of any conversation
    for the backend and admins, otherwise of the actor's own conversations."""
    files = snapshot.files
    if actor.is_trusted:
        pictures = files.pictures_among([(file.owner_id, url) for url in _urls(file)])
        return bool(pictures) or files.is_visible(file.id)
    return files.is_visible_to(file.id, actor.user_id) or files.is_picture_for(_urls(file), actor.user_id)


def must_be_own_picture(tx: Transaction, actor: Actor, avatar: str) -> None:
    """Raises `invalid_request` if a picture's URL is a file of this server that another user has uploaded. The backend
    and admins may use any file.

    Members may see the picture of their conversation. So without this check, anyone who knows the id of another user's
    file could read it, also after the message with it was deleted.
    """
    file_id = file_id_in(avatar)
    file = None if file_id is None else tx.files.of_ids((file_id,)).get(file_id)
    if file is not None and file.owner_id != actor.user_id and not actor.is_trusted:
        raise invalid("avatar", "must not be a file of another user: upload the picture yourself")


def _is_of_redacted(snapshot: Snapshot, file: File) -> bool:
    """Returns whether the file's owner was erased together with all messages. Some of the messages may not have been
    deleted yet, but the file must not be visible any more."""
    owner = snapshot.user(file.owner_id)
    return owner is not None and owner.erased == "redact"


def _is_own(snapshot: Snapshot, actor: Actor, file: File) -> bool:
    """Returns whether the actor uploaded the file and still sees it for that reason alone: not if its message was
    deleted and no other message has it."""
    if file.owner_id != actor.user_id:
        return False
    return not snapshot.files.is_due(file.id, snapshot.now_ms) or snapshot.files.is_attached(file.id)


def _is_profile_picture(snapshot: Snapshot, file: File) -> bool:
    """Returns whether the file is its uploader's profile picture, which everyone may see."""
    owner = snapshot.user(file.owner_id)
    return owner is not None and owner.avatar in _urls(file)


def find_uploads(snapshot: Snapshot, actor: Actor, query: FindUploads) -> frozenset[str]:
    must_be_operator(actor)
    return snapshot.files.uploads_among(query.ids)


def find_files(snapshot: Snapshot, actor: Actor, query: FindFiles) -> frozenset[str]:
    must_be_operator(actor)
    return frozenset(snapshot.files.of_ids(query.ids))


def find_unplaced_files(snapshot: Snapshot, actor: Actor, query: FindUnplacedFiles) -> tuple[str, ...]:
    must_be_operator(actor)
    return tuple(snapshot.files.without_folder(query.after_id, query.limit))


def check_file_id(command: FinishUpload | DropFile) -> None:
    check_text("id", command.id)


CHANGES: Changes = MappingProxyType(
    {
        CreateUpload: ChangeHandler(create_upload, check_create),
        FinishUpload: ChangeHandler(finish_upload, check_file_id),
        DropFile: ChangeHandler(drop_file, check_file_id),
        ForgetUploads: ChangeHandler(forget_uploads),
        ReleaseFiles: ChangeHandler(release_files),
        ClaimUploads: ChangeHandler(claim_uploads),
        PlaceFiles: ChangeHandler(place_files),
    }
)


QUERIES: Queries = MappingProxyType(
    {
        GetUpload: get_upload,
        GetFile: get_file,
        FindUploads: find_uploads,
        FindFiles: find_files,
        FindUnplacedFiles: find_unplaced_files,
    }
)
