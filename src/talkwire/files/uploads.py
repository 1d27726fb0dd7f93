"""Turns uploads into files: receives their bytes in one or more requests, and stores and records the finished file.

The bytes of a request are written to disk as they arrive, without the database. After the last byte, the file's type is
detected, a picture is made safe, and the result is stored; then the chat's database records the file, and only then
does the client get its response.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from talkwire.core.commands.files import CreateUpload, DropFile, FinishUpload, ForgetUploads, GetFile, GetUpload
from talkwire.core.domain.actors import SWEEPER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import UploadProgressed
from talkwire.core.domain.model import Actor, File, Upload
from talkwire.core.engine.chat import Chat
from talkwire.core.features.messages.files import file_name
from talkwire.files.byte_store import ByteStore, FileKey, Part
from talkwire.files.form import FormFile
from talkwire.files.holders import HeldElsewhere, Holders
from talkwire.files.images import ImageWorkers
from talkwire.files.metadata.removal import kind_of
from talkwire.files.partials import Partial, Partials
from talkwire.files.reasons import reason_of
from talkwire.files.sniffing import SNIFFED_BYTES, UNKNOWN_TYPE, content_type_of
from talkwire.files.tus import TusRefusal, UploadChecksum

UNWRITTEN_MAX_BYTES = 256 * 1024
"""Most bytes of an upload that are in memory, and lost if the server is killed."""

UPLOAD_PROGRESS_EVERY_S = 0.25
"""Shortest time between two reports of an upload's progress, in seconds."""


_logger = structlog.get_logger(__name__)


class Interrupted(Exception):
    """Raised if a request ends before its whole body has arrived. The upload keeps the bytes that have arrived."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """The operator's limits of uploads.

    `max_file_size` is in bytes. An unfinished upload expires after `lifetime_s` seconds. All files and unfinished
    uploads of a user together have at most `user_storage` bytes.
    """

    max_file_size: int
    lifetime_s: float
    user_storage: int


@dataclass(frozen=True, slots=True)
class State:
    """The progress of an upload: the server has `offset` of its `length` bytes.

    `expires_ms` is when an unfinished upload is removed, in milliseconds since 1970; None once the upload is a file.
    """

    length: int
    offset: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of a finished upload before it is stored: the paths of the file and of its thumbnails, its media type
    and, for pictures, its size in pixels.
    """

    path: Path
    content_type: str
    width: int | None = None
    height: int | None = None
    thumbnails: Mapping[Part, Path] = field(default_factory=dict)
    animated: bool = False


class Uploads:
    """Creates, fills, finishes and drops uploads of users. Finished files are in `store`.

    Its methods raise ChatError, among them TusRefusal with an HTTP status that the tus protocol defines.
    """

    def __init__(
        self, chat: Chat, partials: Partials, store: ByteStore, images: ImageWorkers, limits: UploadLimits
    ) -> None:
        self.store = store
        self.limits = limits
        self.holders: Holders | None = None
        """The other nodes; None if there are none."""
        self._chat = chat
        self._partials = partials
        self._images = images
        self._waits: set[asyncio.Timeout] = set()
        self.stopping = False
        self.finished = 0
        """Number of uploads that ended on this node."""
        self.finished_bytes = 0
        """Bytes of the uploads that ended on this node."""

    @contextlib.asynccontextmanager
    async def idle_timeout(self, idle_s: float) -> AsyncIterator[None]:
        """A context manager around the wait for a client's next bytes: raises TimeoutError after `idle_s` seconds, or
        when the server shuts down.

        The upload keeps the bytes that have arrived, and the client resumes later.
        """
        async with asyncio.timeout(0 if self.stopping else idle_s) as patience:
            self._waits.add(patience)
            try:
                yield
            finally:
                self._waits.discard(patience)

    def stop_waiting(self) -> None:
        """Makes all present and later waits for bytes from clients (`idle_timeout`) raise TimeoutError, because the
        server shuts down."""
        self.stopping = True
        for patience in self._waits:
            if not patience.expired():
                patience.reschedule(0)

    async def create(self, actor: Actor, name: str, content_type: str | None, length: int) -> Upload:
        """Creates an upload of `length` bytes, to be filled by `receive`; one of 0 bytes becomes a file at once. `name`
        and `content_type` come from the client, and the type is not trusted.
        """
        lifetime_ms = round(self.limits.lifetime_s * 1000)
        upload_id = secrets.token_hex(16)
        content_type = content_type and content_type[:200]
        storage = self.limits.user_storage
        command = CreateUpload(
            upload_id, file_name(name), content_type, length, lifetime_ms, storage, self._partials.folder_id
        )
        upload = await self._chat.execute(actor, command)
        if not length:
            await self.receive(actor, upload.id, 0, _nothing())
        return upload

    async def state(self, actor: Actor, upload_id: str) -> State:
        """Returns the progress of the actor's own upload. If a crash has kept an upload that has all bytes from
        becoming a file, it becomes one now.

        Raises HeldElsewhere if the bytes are in another node's folder.
        """
        found = await self._find_here(actor, upload_id)
        if isinstance(found, File):
            return State(found.upload_length, found.upload_length, None)
        offset = await asyncio.to_thread(self._partials.offset, upload_id)
        if offset == found.length:
            return await self.receive(actor, upload_id, offset, _nothing())
        return State(found.length, offset, found.expires_ms)

    async def receive(
        self,
        actor: Actor,
        upload_id: str,
        offset: int,
        body: AsyncIterator[bytes],
        checksum: UploadChecksum | None = None,
    ) -> State:
        """Appends the bytes of one request to an upload, and returns its progress. The last byte turns the upload into
        a file.

        `offset` is where the request's bytes start: TusRefusal 409 unless the server has exactly as many. If `body`
        raises Interrupted, the bytes before it are kept, unless there is a checksum of the whole body. Raises
        HeldElsewhere before it reads `body` if another node has the upload.
        """
        await self._find_here(actor, upload_id)
        async with self._taken(upload_id) as partial:
            upload = await self._find(actor, upload_id)
            if isinstance(upload, File):
                await asyncio.to_thread(partial.remove)  # finished by another request while this one waited
                _must_be_at(upload.upload_length, offset)
                return State(upload.upload_length, offset, None)
            _must_be_at(partial.offset, offset)
            progress = _Progress(self._chat, upload, offset)
            if checksum is None:
                await _fill(partial, body, upload.length - offset, progress)
            else:
                await _fill_checked(partial, body, upload.length - offset, checksum, progress)
            if partial.offset < upload.length:
                return State(upload.length, partial.offset, upload.expires_ms)
            await self._finish(actor, upload, partial)
            return State(upload.length, upload.length, None)

    async def store_form_file(self, actor: Actor, form: FormFile, limit: int) -> File:
        """Stores a file of at most `limit` bytes that arrives whole in one form request, and returns its record.

        Raises Interrupted if the request ends early, and ChatError for a longer file (`payload_too_large`) or an
        invalid form; nothing is kept then.
        """
        name, content_type, body = form.name, form.content_type, form.chunks
        upload = await self.create(actor, name, content_type, limit)
        try:
            async with self._taken(upload.id) as partial:
                await _fill(partial, body, limit, None)
                return await self._finish(actor, upload, partial)
        except (ChatError, Interrupted):
            with contextlib.suppress(ChatError):  # if this fails, the upload expires
                await self.drop(actor, upload.id)
            raise

    async def file(self, actor: Actor, file_id: str) -> File:
        """Returns the record (name, type, size, owner) of a file that the actor may see. Raises ChatError for other
        files.
        """
        return await self._chat.execute(actor, GetFile(file_id))

    async def drop(self, actor: Actor, file_id: str) -> None:
        """Removes the actor's unfinished upload, or deletes the actor's file. Raises `forbidden` if it is not the
        actor's, and `conflict` if a message has the file attached or the actor is on hold.

        If the bytes cannot be removed now, because a request is still sending them or another node has them, the
        sweeper removes them later.
        """
        held = await self.find_other_holder(actor, file_id)
        await self._chat.execute(actor, DropFile(file_id))
        if held is not None:
            return
        with contextlib.suppress(ChatError):
            async with self._taken(file_id) as partial:
                await self.store.remove(file_id)
                await asyncio.to_thread(partial.remove)
            await self._chat.execute(SWEEPER, ForgetUploads((file_id,)))

    async def find_other_holder(self, actor: Actor, file_id: str) -> HeldElsewhere | None:
        """Returns a HeldElsewhere, to be raised or ignored, if another node has the bytes of the actor's own upload or
        file; else None.
        """
        if self.holders is None:
            return None
        folder = (await self._find(actor, file_id)).folder_id
        here = {None, self._partials.folder_id, self.store.folder_id}
        return None if folder is None or folder in here else HeldElsewhere(folder)

    async def _find_here(self, actor: Actor, upload_id: str) -> Upload | File:
        """Returns the actor's own upload, or the file that it has become. Raises HeldElsewhere if another node has its
        bytes.
        """
        found = await self._find(actor, upload_id)
        if isinstance(found, File) or found.folder_id in {None, self._partials.folder_id}:
            return found
        # Nodes may share the folder of uploads and nothing else.
        if await asyncio.to_thread(self._partials.has, upload_id):
            return found
        assert found.folder_id is not None
        raise HeldElsewhere(found.folder_id)

    async def _find(self, actor: Actor, upload_id: str) -> Upload | File:
        return await self._chat.execute(actor, GetUpload(upload_id))

    @contextlib.asynccontextmanager
    async def _taken(self, upload_id: str) -> AsyncIterator[Partial]:
        """A context manager that locks an upload for one request and provides its bytes on disk, to be read and
        extended.

        Raises TusRefusal 423 while another request has the lock, and `unavailable` if the disk fails; bytes that are
        already on disk are kept.
        """
        try:
            partial = await asyncio.to_thread(self._partials.open, upload_id)
            try:
                yield partial
            finally:
                # Closing a large file that was removed may block on the disk.
                await asyncio.to_thread(partial.close)
        except OSError as error:
            _logger.error("upload_not_written", upload=upload_id, reason=reason_of(error))  # noqa: TRY400
            raise ChatError("unavailable", "The server cannot store files at the moment. Try again later.") from error

    async def _finish(self, actor: Actor, upload: Upload, partial: Partial) -> File:
        try:
            content = await self._content_of(upload, partial)
        except ChatError as error:
            if error.code == "invalid_request":
                await self._chat.execute(actor, DropFile(upload.id))
                await asyncio.to_thread(partial.remove)
            raise
        size, digest = await asyncio.to_thread(_measured, content.path)
        await self.store.put(FileKey(upload.id, digest, "content"), content.path)
        for part, path in content.thumbnails.items():
            await self.store.put(FileKey(upload.id, digest, part), path)
        command = FinishUpload(
            id=upload.id,
            content_type=content.content_type,
            size=size,
            digest=digest,
            width=content.width,
            height=content.height,
            folder_id=self.store.folder_id,
            animated=content.animated,
        )
        try:
            file = await self._chat.execute(actor, command)
        except ChatError as error:
            if error.code == "forbidden":  # it was dropped in the meantime
                await self.store.remove(upload.id)
                await asyncio.to_thread(partial.remove)
            raise
        await asyncio.to_thread(partial.remove)
        self.finished += 1
        self.finished_bytes += size
        return file

    async def _content_of(self, upload: Upload, partial: Partial) -> _Content:
        head = partial.head(SNIFFED_BYTES)
        if kind_of(head) is None:
            return _Content(partial.path, content_type_of(head, upload.content_type))
        path, thumbnail, large = (partial.sibling(name) for name in ("picture", "thumbnail", "large"))
        picture = await self._images.prepare(partial.path, path, thumbnail, large)
        if picture is None:
            return _Content(path, UNKNOWN_TYPE)
        thumbnails: dict[Part, Path] = {"thumbnail": thumbnail}
        if await asyncio.to_thread(large.exists):
            thumbnails["large-thumbnail"] = large
        return _Content(path, picture.content_type, picture.width, picture.height, thumbnails, picture.animated)


class _Progress:
    """Publishes an upload's progress to its owner's sockets while bytes arrive: at most every UPLOAD_PROGRESS_EVERY_S
    (0.25) seconds, and when the last byte has arrived."""

    def __init__(self, chat: Chat, upload: Upload, offset: int) -> None:
        self._chat = chat
        self._upload = upload
        self._received = offset
        self._reported_at = -UPLOAD_PROGRESS_EVERY_S

    def add(self, count: int) -> None:
        self._received += count
        now = asyncio.get_running_loop().time()
        if now - self._reported_at >= UPLOAD_PROGRESS_EVERY_S or self._received == self._upload.length:
            self._reported_at = now
            upload = self._upload
            self._chat.publish_one(UploadProgressed(upload.owner_id, upload.id, self._received, upload.length))


async def _fill(partial: Partial, body: AsyncIterator[bytes], limit: int, progress: _Progress | None) -> None:
    """Appends a request's body to an upload as it arrives. Raises `payload_too_large`, and keeps nothing of the body,
    if it is longer than `limit` bytes. If `body` raises an error, keeps the bytes before it.
    """
    start = partial.offset
    received = 0
    waiting = bytearray()
    try:
        async for chunk in body:
            received += len(chunk)
            if received > limit:
                waiting.clear()
                partial.cut(start)
                raise ChatError("payload_too_large", f"The body must have at most {limit} bytes.")
            waiting += chunk
            if len(waiting) >= UNWRITTEN_MAX_BYTES:
                written, waiting = waiting, bytearray()
                await asyncio.to_thread(partial.append, written)
            if progress is not None:
                progress.add(len(chunk))
    finally:
        if waiting:
            await asyncio.to_thread(partial.append, waiting)


async def _fill_checked(
    partial: Partial, body: AsyncIterator[bytes], limit: int, checksum: UploadChecksum, progress: _Progress
) -> None:
    """Appends a request's body to an upload once all of it has arrived and has the expected checksum. Otherwise keeps
    nothing and raises the error of `body`, or TusRefusal 460."""
    with partial.temporary_file() as temporary:
        await _fill(temporary, body, limit, progress)
        await asyncio.to_thread(checksum.check, temporary.path)
        await asyncio.to_thread(partial.append_file, temporary.path)


def _must_be_at(partial_offset: int, offset: int) -> None:
    """Raises TusRefusal 409 unless the client's offset is the number of bytes that the server has."""
    if offset != partial_offset:
        raise TusRefusal(409, "conflict", f"Upload-Offset: must be {partial_offset}, not {offset}")


def _measured(path: Path) -> tuple[int, str]:
    """Returns (length, digest): a file's length in bytes and its SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
