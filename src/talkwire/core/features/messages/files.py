"""Uploads and the files that come of them: who may begin one, who may see one, and when one goes.

No byte is without a row: an upload is announced before the first one is kept, and forgotten after the last is removed.
So whatever a crash leaves behind is found again, by the upload's end (`expires_ms`).

A file is *due* a day after it was uploaded, and whenever a message, profile or conversation stops referring to it. What
is due is looked at: if nothing refers to it any more it becomes an expired upload, whose bytes are then removed.
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
from talkwire.core.domain.access import may_act, must_operate
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.model import Actor, Attachment, File, Upload
from talkwire.core.domain.texts import check_name, check_text
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.stores import ExpiredUploads
from talkwire.core.ports.transaction import Snapshot, Transaction

FILE_NAME_MAX = 200
UPLOADS_AT_ONCE = 100
"""Unfinished uploads a user: each may take as much room as the largest file."""

UNUSED_LIFETIME_MS = 24 * 60 * 60 * 1000
"""How long a file may wait for something to refer to it."""

COUNTED_MS = 24 * 60 * 60 * 1000
"""How long an expired upload counts for its owner. Its bytes are usually removed within a minute."""

LOST_AFTER_MS = 30 * 24 * 60 * 60 * 1000
"""How long the removal of an upload's bytes waits for a node that has their folder."""

_ROOT = "/api/v1/files"
_THUMBNAIL = "thumbnail"
_FOLDERS = re.compile(r".*[/\\]", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, and those that turn the direction of writing: `gpj.exe` must not be read as `exe.jpg`."""


def file_name(text: str) -> str:
    """What a file is called, from what a client calls it: without folders, on one line, never empty."""
    name = _UNPRINTABLE.sub("", _FOLDERS.sub("", text)).strip()
    if len(name) > FILE_NAME_MAX:
        stem, dot, extension = name.rpartition(".")
        kept = f"{dot}{extension}" if stem and len(extension) <= 16 else ""
        name = name[: FILE_NAME_MAX - len(kept)] + kept
    return name if name.strip(". ") else "file"


def file_url(file: File) -> str:
    """Where a file is downloaded, relative to the server. The name is for whoever reads it; the id decides."""
    return f"{_ROOT}/{file.id}/{quote('file' if file.name == _THUMBNAIL else file.name, safe='')}"


def file_id_in(url: str) -> str | None:
    """The file that an address of ours, as `file_url` makes them, is of; None: it is somebody else's."""
    folder, _, rest = url.partition(f"{_ROOT}/")
    return rest.partition("/")[0] if rest and not folder else None


def thumbnail_url(file: File) -> str | None:
    """Where a picture's thumbnail is; None for what is no picture."""
    return None if file.width is None else f"{_ROOT}/{file.id}/{_THUMBNAIL}"


def attachment_of(file: File) -> Attachment:
    """A file as a message has it attached."""
    return Attachment(
        id=file.id,
        url=file_url(file),
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        width=file.width,
        height=file.height,
        thumbnail_url=thumbnail_url(file),
    )


def check_create(command: CreateUpload) -> None:
    check_name("name", command.name, FILE_NAME_MAX)
    if command.content_type is not None:
        check_text("contentType", command.content_type)
    if command.length < 0:
        raise invalid("length", "must not be negative")


def create_upload(tx: Transaction, actor: Actor, command: CreateUpload) -> Upload:
    """An upload of the actor's; there may be `UPLOADS_AT_ONCE` of them."""
    refusal = may_act(tx.user(actor.user_id))
    if refusal is not None:
        raise refusal
    if tx.files.count_uploads(actor.user_id, tx.now_ms) >= UPLOADS_AT_ONCE:
        raise ChatError("rate_limited", f"At most {UPLOADS_AT_ONCE} uploads at once; finish or end some first.")
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
    """Raises `payload_too_large` when the upload would take the user's files beyond what they may have together."""
    if command.storage is None or actor.role != "user":
        return
    stored = tx.files.stored_bytes(actor.user_id, tx.now_ms - COUNTED_MS)
    if stored + command.length > command.storage:
        message = f"Your files may have {command.storage} bytes together, and have {stored}; delete some first."
        raise ChatError("payload_too_large", message, {"storage": command.storage, "stored": stored})


def finish_upload(tx: Transaction, actor: Actor, command: FinishUpload) -> File:
    """Makes the actor's upload a file."""
    finished = tx.files.of_ids((command.id,)).get(command.id)
    if finished is not None and finished.owner_id == actor.user_id:
        return finished
    upload = tx.files.upload(command.id)
    if upload is None or upload.owner_id != actor.user_id or upload.expires_ms <= tx.now_ms:
        raise forbidden()
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
    )
    tx.files.put(file, tx.now_ms + UNUSED_LIFETIME_MS)
    tx.files.drop_uploads((upload.id,))
    return file


def drop_file(tx: Transaction, actor: Actor, command: DropFile) -> None:
    """A file that a message has attached stays until the message is deleted."""
    file = tx.files.of_ids((command.id,)).get(command.id)
    owned = file or tx.files.upload(command.id)
    if owned is None or owned.owner_id != actor.user_id:
        raise forbidden()
    if file is None:
        tx.files.expire_upload(command.id, tx.now_ms)
        return
    if tx.files.is_attached(file.id):
        raise ChatError("conflict", "A message has this file attached; delete the message first.")
    _end(tx, file)


def _end(tx: Transaction, file: File) -> None:
    """The file is nobody's from now on, and waits for its bytes to be removed. Until then they count."""
    tx.files.drop(file.id)
    ended = Upload(file.id, file.owner_id, file.name, None, file.size, tx.now_ms, tx.now_ms, file.folder_id)
    tx.files.put_upload(ended)


def release_files(tx: Transaction, actor: Actor, command: ReleaseFiles) -> int:
    """Nothing can refer to a file between the look at it and its end: both are in one transaction."""
    must_operate(actor)
    due = tx.files.of_ids(tx.files.due_files(tx.now_ms, command.limit)).values()
    attached = tx.files.attached_among([file.id for file in due])
    pictures = tx.files.pictures_among([(file.owner_id, url) for file in due for url in _urls(file)])
    kept = [file.id for file in due if file.id in attached or not pictures.isdisjoint(_urls(file))]
    tx.files.keep(kept)
    for file in due:
        if file.id not in kept:
            _end(tx, file)
    return len(due)


def _urls(file: File) -> set[str]:
    """The addresses by which a profile or a conversation refers to a file."""
    thumbnail = thumbnail_url(file)
    return {file_url(file)} if thumbnail is None else {file_url(file), thumbnail}


def claim_uploads(tx: Transaction, actor: Actor, command: ClaimUploads) -> tuple[str, ...]:
    must_operate(actor)
    reachable = ExpiredUploads(tx.now_ms, tx.now_ms - LOST_AFTER_MS, command.folder_ids)
    expired = tuple(tx.files.expired_uploads(reachable, command.limit))
    tx.files.claim_uploads(expired, tx.now_ms + command.claim_ms)
    return expired


def forget_uploads(tx: Transaction, actor: Actor, command: ForgetUploads) -> None:
    must_operate(actor)
    tx.files.drop_uploads(command.ids)


def place_files(tx: Transaction, actor: Actor, command: PlaceFiles) -> None:
    must_operate(actor)
    tx.files.place(command.ids, command.folder_id)


def get_upload(snapshot: Snapshot, actor: Actor, query: GetUpload) -> Upload | File:
    found = snapshot.files.upload(query.id)
    if found is not None and found.expires_ms <= snapshot.now_ms:
        raise forbidden()
    owned = found or snapshot.files.of_ids((query.id,)).get(query.id)
    if owned is None or owned.owner_id != actor.user_id:
        raise forbidden()
    return owned


def get_file(snapshot: Snapshot, actor: Actor, query: GetFile) -> File:
    refusal = may_act(snapshot.user(actor.user_id))
    if refusal is not None:
        raise refusal
    file = snapshot.files.of_ids((query.id,)).get(query.id)
    if file is None:
        raise forbidden()
    is_seen = _is_own(snapshot, actor, file) or _is_portrait(snapshot, file)
    if not is_seen and not snapshot.files.is_shown_to(file.id, actor.user_id):
        raise forbidden()
    return file


def _is_own(snapshot: Snapshot, actor: Actor, file: File) -> bool:
    """Whether the actor has uploaded it, and it is not of a message that was deleted."""
    if file.owner_id != actor.user_id:
        return False
    return not snapshot.files.is_due(file.id, snapshot.now_ms) or snapshot.files.is_attached(file.id)


def _is_portrait(snapshot: Snapshot, file: File) -> bool:
    """Whether its uploader has made it their own picture: then it is for everybody who sees their name."""
    owner = snapshot.user(file.owner_id)
    return owner is not None and owner.avatar in _urls(file)


def find_uploads(snapshot: Snapshot, actor: Actor, query: FindUploads) -> frozenset[str]:
    must_operate(actor)
    return snapshot.files.uploads_among(query.ids)


def find_files(snapshot: Snapshot, actor: Actor, query: FindFiles) -> frozenset[str]:
    must_operate(actor)
    return frozenset(snapshot.files.of_ids(query.ids))


def find_unplaced_files(snapshot: Snapshot, actor: Actor, query: FindUnplacedFiles) -> tuple[str, ...]:
    must_operate(actor)
    return tuple(snapshot.files.unplaced(query.after_id, query.limit))


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
