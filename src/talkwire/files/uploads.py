"""From the first byte of an upload to the finished file.

The bytes of a request go to the disk as they come, and touch no database. When the last one is there, the file is
looked at, a picture is made safe, and the result is kept; then the chat is told, and only then the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from talkwire.core.commands.files import CreateUpload, DropFile, FinishUpload, ForgetUploads, GetFile, GetUpload
from talkwire.core.domain.actors import SWEEPER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import UploadProgressed
from talkwire.core.domain.model import Actor, File, Upload
from talkwire.core.engine.chat import Chat
from talkwire.core.features.messages.files import file_name
from talkwire.files.byte_store import ByteStore, FileKey
from talkwire.files.form import FormFile
from talkwire.files.holders import HeldElsewhere, Holders
from talkwire.files.images import ImageWorkers
from talkwire.files.partials import Partial, Partials
from talkwire.files.sniffing import HEAD_BYTES, UNKNOWN, content_type_of, may_be_picture
from talkwire.files.tus import TusRefusal, UploadChecksum

WRITE_BYTES = 256 * 1024
"""How much of an upload is in memory, and lost when the server is killed."""

PROGRESS_EVERY_S = 0.25


_logger = structlog.get_logger(__name__)


class Interrupted(Exception):
    """The request ended before its body did: what has come of it counts."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """`max_file_size` in bytes; an unfinished upload is given up after `lifetime_s`. All files of a user have
    `user_storage` bytes at most."""

    max_file_size: int
    lifetime_s: float
    user_storage: int


@dataclass(frozen=True, slots=True)
class State:
    """How far an upload is. `expires_ms` is None once it is a file."""

    length: int
    offset: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class _Content:
    """What will be kept of an upload."""

    path: Path
    content_type: str
    width: int | None = None
    height: int | None = None
    thumbnail: Path | None = None


class Uploads:
    """Everything that is done with files. Raises ChatError, and TusRefusal where the protocol has its own status."""

    def __init__(
        self, chat: Chat, partials: Partials, store: ByteStore, images: ImageWorkers, limits: UploadLimits
    ) -> None:
        self.store = store
        self.limits = limits
        self.holders: Holders | None = None
        """The other nodes; None where there can be none."""
        self._chat = chat
        self._partials = partials
        self._images = images
        self._patience: set[asyncio.Timeout] = set()
        self.stopping = False

    @contextlib.asynccontextmanager
    async def waiting(self, idle_s: float) -> AsyncIterator[None]:
        """While a client's next bytes are waited for. Raises TimeoutError after `idle_s`, and once the server stops:
        what has come counts, and the client goes on when there is a server again."""
        async with asyncio.timeout(0 if self.stopping else idle_s) as patience:
            self._patience.add(patience)
            try:
                yield
            finally:
                self._patience.discard(patience)

    def stop_waiting(self) -> None:
        """The server is about to stop."""
        self.stopping = True
        for patience in self._patience:
            if not patience.expired():
                patience.reschedule(0)

    async def create(self, actor: Actor, name: str, content_type: str | None, length: int) -> Upload:
        """Announces an upload of `length` bytes. `name` and `content_type` are the client's."""
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
        """Returns how far the actor's own upload is. An upload of which every byte is here becomes a file now, if it is
        none yet. Raises HeldElsewhere."""
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
        """Adds the bytes of one request, which begin at `offset`; with the last of all the upload becomes a file.

        When `body` raises Interrupted, what came before is kept, unless a checksum was to be made of the whole. Raises
        HeldElsewhere before it reads any of `body`.
        """
        await self._find_here(actor, upload_id)
        async with self._taken(upload_id) as partial:
            upload = await self._find(actor, upload_id)
            if isinstance(upload, File):
                await asyncio.to_thread(partial.remove)  # it was finished while we waited for it
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

    async def take(self, actor: Actor, form: FormFile, limit: int) -> File:
        """A whole file of at most `limit` bytes in one request. Nothing is kept unless all of it comes."""
        name, content_type, body = form.name, form.content_type, form.chunks
        upload = await self.create(actor, name, content_type, limit)
        try:
            async with self._taken(upload.id) as partial:
                await _fill(partial, body, limit, None)
                return await self._finish(actor, upload, partial)
        except (ChatError, Interrupted):
            with contextlib.suppress(ChatError):  # otherwise it expires
                await self.drop(actor, upload.id)
            raise

    async def file(self, actor: Actor, file_id: str) -> File:
        """A file that the actor may see."""
        return await self._chat.execute(actor, GetFile(file_id))

    async def drop(self, actor: Actor, file_id: str) -> None:
        """Ends an upload, or removes a file that no message has attached. The sweeper removes and forgets what cannot
        be removed now: a request may still be sending bytes, or another node has the bytes."""
        held = await self.held_elsewhere(actor, file_id)
        await self._chat.execute(actor, DropFile(file_id))
        if held is not None:
            return
        with contextlib.suppress(ChatError):
            async with self._taken(file_id) as partial:
                await self.store.remove(file_id)
                await asyncio.to_thread(partial.remove)
            await self._chat.execute(SWEEPER, ForgetUploads((file_id,)))

    async def held_elsewhere(self, actor: Actor, file_id: str) -> HeldElsewhere | None:
        """Returns where the bytes of the actor's own upload or file are, if another node has them."""
        if self.holders is None:
            return None
        folder = (await self._find(actor, file_id)).folder_id
        here = {None, self._partials.folder_id, self.store.folder_id}
        return None if folder is None or folder in here else HeldElsewhere(folder)

    async def _find_here(self, actor: Actor, upload_id: str) -> Upload | File:
        """Returns the actor's own upload, or the file that it has become. Raises HeldElsewhere."""
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
        """The upload's bytes, for one request. Raises `unavailable` when the disk fails: what is on it counts."""
        try:
            partial = await asyncio.to_thread(self._partials.open, upload_id)
            try:
                yield partial
            finally:
                # To let go of a large file that was removed takes the disk a while.
                await asyncio.to_thread(partial.close)
        except OSError as error:
            _logger.error("an upload could not be written", upload=upload_id, reason=error.strerror or str(error))  # noqa: TRY400
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
        if content.thumbnail is not None:
            await self.store.put(FileKey(upload.id, digest, "thumbnail"), content.thumbnail)
        command = FinishUpload(
            upload.id, content.content_type, size, digest, content.width, content.height, self.store.folder_id
        )
        try:
            file = await self._chat.execute(actor, command)
        except ChatError as error:
            if error.code == "forbidden":  # it was given up in the meantime
                await self.store.remove(upload.id)
                await asyncio.to_thread(partial.remove)
            raise
        await asyncio.to_thread(partial.remove)
        return file

    async def _content_of(self, upload: Upload, partial: Partial) -> _Content:
        head = partial.head(HEAD_BYTES)
        if not may_be_picture(head):
            return _Content(partial.path, content_type_of(head, upload.content_type))
        path, thumbnail = partial.beside("picture"), partial.beside("thumbnail")
        picture = await self._images.prepare(partial.path, path, thumbnail)
        if picture is None:
            return _Content(partial.path, UNKNOWN)
        return _Content(path, picture.content_type, picture.width, picture.height, thumbnail)


class _Progress:
    """Tells the uploader's sockets how far an upload is: now and then, and when all is here."""

    def __init__(self, chat: Chat, upload: Upload, offset: int) -> None:
        self._chat = chat
        self._upload = upload
        self._received = offset
        self._told_at = -PROGRESS_EVERY_S

    def add(self, count: int) -> None:
        self._received += count
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= PROGRESS_EVERY_S or self._received == self._upload.length:
            self._told_at = now
            upload = self._upload
            self._chat.tell(UploadProgressed(upload.owner_id, upload.id, self._received, upload.length))


async def _fill(partial: Partial, body: AsyncIterator[bytes], limit: int, progress: _Progress | None) -> None:
    """Writes a body as it comes. Of one that is longer than `limit` nothing is kept: its length was a lie."""
    start = partial.offset
    received = 0
    waiting = bytearray()
    try:
        async for chunk in body:
            received += len(chunk)
            if received > limit:
                waiting.clear()
                partial.cut(start)
                raise ChatError("payload_too_large", f"More bytes have come than there may be: {limit}")
            waiting += chunk
            if len(waiting) >= WRITE_BYTES:
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
    """Writes a body once all of it is known to be right."""
    with partial.aside() as aside:
        await _fill(aside, body, limit, progress)
        await asyncio.to_thread(checksum.check, aside.path)
        await asyncio.to_thread(partial.append_file, aside.path)


def _must_be_at(partial_offset: int, offset: int) -> None:
    """Raises 409: the client is wrong about how much is here, and has to ask."""
    if offset != partial_offset:
        raise TusRefusal(409, "conflict", f"Upload-Offset: {partial_offset} bytes are here, not {offset}")


def _measured(path: Path) -> tuple[int, str]:
    """(bytes, their SHA-256 in hexadecimal digits)."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
