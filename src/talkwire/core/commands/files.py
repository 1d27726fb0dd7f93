"""What is asked about uploads and files. None of it is an event: what others learn of a file is the message with it."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import File, Upload


class CreateUpload(Change[Upload], frozen=True, tag="CreateUpload"):
    """Announces a file of the actor's, before any byte of it is kept. `id` is random and ours; `content_type` is what
    the client says. `storage`: how many bytes the actor's files may have together; None is any number. `folder_id`: the
    folder that will have the bytes."""

    id: str
    name: str
    content_type: str | None
    length: int
    lifetime_ms: int
    storage: int | None = None
    folder_id: str | None = None


class FinishUpload(Change[File], frozen=True, tag="FinishUpload"):
    """The bytes of the actor's upload are kept, and this is what they are. Doing so twice is no error. `folder_id`:
    the folder that has them; None: S3."""

    id: str
    content_type: str
    size: int
    digest: str
    width: int | None = None
    height: int | None = None
    folder_id: str | None = None


class DropFile(Change[None], frozen=True, tag="DropFile"):
    """The actor does not want an upload or a file of theirs any more: from now on it is nobody's, and waits for its
    bytes to be removed (`ForgetUploads`)."""

    id: str


class ForgetUploads(Change[None], frozen=True, tag="ForgetUploads"):
    """An operator's command: expired uploads whose bytes have been removed."""

    ids: tuple[str, ...]


class ReleaseFiles(Change[int], frozen=True, tag="ReleaseFiles"):
    """An operator's command: looks at files that are due and ends those that nothing refers to, as `DropFile` does.
    Returns how many it looked at, `limit` at most."""

    limit: int = 100


class ClaimUploads(Change[tuple[str, ...]], frozen=True, tag="ClaimUploads"):
    """An operator's command: the ids of expired uploads whose bytes the caller now removes. No other caller gets them
    for `claim_ms`. The oldest come first; those that were claimed before come behind all others.

    `folder_ids` are the caller's folders. Uploads in other folders are left to the nodes that have these, until
    `LOST_AFTER_MS` after the upload expired: then the folder has been lost, and any node may forget the upload."""

    claim_ms: int
    limit: int = 100
    folder_ids: tuple[str, ...] = ()


class FindUnplacedFiles(Query[tuple[str, ...]], frozen=True, tag="FindUnplacedFiles"):
    """An operator's: the ids of files whose folder nobody knows, in their order, behind `after_id`."""

    after_id: str = ""
    limit: int = 100


class PlaceFiles(Change[None], frozen=True, tag="PlaceFiles"):
    """An operator's command: the bytes of these files are in this folder."""

    ids: tuple[str, ...]
    folder_id: str


class GetUpload(Query["Upload | File"], frozen=True, tag="GetUpload"):
    """How far the actor's own upload is: finished when it is a file. `forbidden` once it has expired."""

    id: str


class GetFile(Query[File], frozen=True, tag="GetFile"):
    """A file of the actor's, or one that a message they may see has attached."""

    id: str


class FindUploads(Query[frozenset[str]], frozen=True, tag="FindUploads"):
    """An operator's: which of these uploads are still under way, or wait to be forgotten."""

    ids: frozenset[str]


class FindFiles(Query[frozenset[str]], frozen=True, tag="FindFiles"):
    """An operator's: which of these uploads have become files that are still there."""

    ids: frozenset[str]
