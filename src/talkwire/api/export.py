"""Exports the data of one user, or of one conversation, as a zip file.

The rows of the database are first copied from one snapshot to temporary files. The zip is made from these files while
the client downloads it, so a slow client does not keep the snapshot open.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

import msgspec

from talkwire.core.commands.conversations import ConversationView
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, File, Message, ProviderIdentity, User
from talkwire.core.features.operation.export import (
    choices_of,
    conversations_of,
    exported_user,
    files_in,
    files_of,
    messages_in,
    messages_of,
    preferences_in,
    ratings_of,
    saved_by,
    with_notes,
)
from talkwire.core.features.users.preferences import DEFAULTS
from talkwire.core.ports.stores import OwnChoice, OwnRating
from talkwire.core.ports.transaction import Snapshot
from talkwire.files.byte_store import ByteStore, FileKey
from talkwire.payloads.cards.cards import ChoicePayload
from talkwire.payloads.conversations import conversation_payload
from talkwire.payloads.messages import message_payload
from talkwire.payloads.notifying.preferences import (
    MemberPreferencesPayload,
    PreferencesPayload,
    member_preferences_payload,
    preferences_payload,
)
from talkwire.payloads.payload import Payload, iso
from talkwire.payloads.users import SessionPayload, UserPayload, session_payload, user_payload_for

EXPORT_CHUNK_BYTES = 64 * 1024
"""Number of bytes of a file that are added to the archive at once."""

SPOOLED_BYTES = 1024 * 1024
"""Largest temporary file that stays in memory, in bytes; larger ones are written to disk."""

_ZIP_TIME_MIN_S = 315_532_800
"""Earliest time that a zip file can hold, in seconds since 1970: the beginning of 1980."""

_encode = msgspec.json.Encoder().encode
_file = msgspec.json.Decoder(File)


Read = Callable[[Callable[[Snapshot], None]], Awaitable[None]]


class ExportProgress(Protocol):
    """Receives the progress of an export, to display it: `begin` starts a step of `total` units, `advance` counts
    completed units."""

    def begin(self, subject: str, total: int, unit: str = "rows") -> None: ...
    def advance(self, count: int) -> None: ...


class _Unshown:
    """An `ExportProgress` that displays nothing, for exports that are downloaded over HTTP."""

    def begin(self, subject: str, total: int, unit: str = "rows") -> None:
        """Does nothing, since a download has no progress bar."""

    def advance(self, count: int) -> None:
        """Does nothing, since a download has no progress bar."""


class SavedReferencePayload(Payload, frozen=True):
    """A message that the user has saved for later, by its id; the export's file `messages.jsonl` has its text."""

    message_id: str
    conversation_id: str
    saved_at: str


class ExportedChoice(ChoicePayload, frozen=True, kw_only=True):
    """A line of the file `choices.jsonl`: what the user has chosen of the card of a message."""

    message_id: str


class ExportedRating(Payload, frozen=True):
    """A line of the file `ratings.jsonl`: a rating that the user has given to a message of an agent."""

    message_id: str
    rating: int
    rated_at: str
    comment: str | None = None


class ExportedIdentity(Payload, frozen=True):
    """A user's identity at an OpenID provider, and the profile that the server last copied from there."""

    issuer: str
    subject: str
    created_at: str
    name: str
    email: str | None = None
    avatar: str | None = None
    handle: str | None = None


class ExportedProfile(Payload, frozen=True):
    """The content of the file `profile.json` in a user's export: the user's profile, preferences, devices, blocked
    users and other data that the server has stored about the user."""

    user: UserPayload
    preferences: PreferencesPayload
    sessions: tuple[SessionPayload, ...]
    blocked_user_ids: tuple[str, ...]
    conversation_preferences: dict[str, MemberPreferencesPayload]
    saved_messages: tuple[SavedReferencePayload, ...]
    presence_text: str | None = None
    last_seen_at: str | None = None
    provider_identities: tuple[ExportedIdentity, ...] = ()


class _Parts:
    """The data of an export that comes from the database, in temporary files with one JSON object a line:
    conversations, messages, ratings, choices of cards, and records of files. `advance` is called with the number of
    messages just written."""

    def __init__(self, closing: ExitStack, advance: Callable[[int], None]) -> None:
        self.profile = b""
        self.conversations = _temporary(closing)
        self.messages = _temporary(closing)
        self.ratings = _temporary(closing)
        self.choices = _temporary(closing)
        self.files = _temporary(closing)
        self.file_bytes = 0
        self.is_cancelled = False
        self._advance = advance

    def add_conversation(self, view: ConversationView) -> None:
        self.conversations.write(_encode(conversation_payload(view)) + b"\n")

    def add_messages(self, pages: Iterable[Sequence[Message]]) -> None:
        for page in pages:
            if self.is_cancelled:
                return
            self.messages.write(b"".join(_encode(message_payload(message)) + b"\n" for message in page))
            self._advance(len(page))

    def add_choices(self, choices: Iterable[OwnChoice]) -> None:
        for message_id, each in choices:
            line = ExportedChoice(
                action_ids=each.action_ids,
                at=iso(each.at_ms),
                input=each.input,
                comment=each.comment,
                message_id=str(message_id),
            )
            self.choices.write(_encode(line) + b"\n")

    def add_ratings(self, ratings: Iterable[OwnRating]) -> None:
        for each in ratings:
            line = ExportedRating(str(each.message_id), each.rating, iso(each.rated_ms), each.comment)
            self.ratings.write(_encode(line) + b"\n")

    def add_files(self, files: Iterable[File]) -> None:
        for file in files:
            self.files.write(_encode(file) + b"\n")
            self.file_bytes += file.size


def _temporary(closing: ExitStack) -> IO[bytes]:
    return closing.enter_context(tempfile.SpooledTemporaryFile(SPOOLED_BYTES))


@dataclass(frozen=True, slots=True)
class ExportedUser:
    """The subject of an export: one user's profile, the conversations and messages that the user may see, the user's
    messages in conversations that they left, the ratings that they gave, what they chose of cards, and the files that
    they uploaded. `actor` is the caller who exports; the profile has only the members that this caller may see."""

    user_id: str
    actor: Actor

    def read(self, snapshot: Snapshot, parts: _Parts) -> None:
        user = exported_user(snapshot, self.user_id)
        parts.profile = _encode(_profile(snapshot, user, self.actor))
        for view in conversations_of(snapshot, user.id):
            parts.add_conversation(view)
        parts.add_messages(messages_of(snapshot, user.id))
        parts.add_ratings(ratings_of(snapshot, user.id))
        parts.add_choices(choices_of(snapshot, user.id))
        parts.add_files(files_of(snapshot, user.id))

    def count(self, snapshot: Snapshot) -> int:
        """Returns the approximate number of messages in the export, deleted ones included, for a display of
        progress."""
        return sum(view.conversation.last_seq for view in conversations_of(snapshot, self.user_id))


@dataclass(frozen=True, slots=True)
class ExportedConversation:
    """The subject of an export: one conversation with all its messages and files, and with the notes about it."""

    conversation_id: str

    def read(self, snapshot: Snapshot, parts: _Parts) -> None:
        for view in with_notes(snapshot, self.conversation_id):
            parts.add_conversation(view)
            parts.add_messages(messages_in(snapshot, view.conversation.id))
            parts.add_files(files_in(snapshot, view.conversation.id))

    def count(self, snapshot: Snapshot) -> int:
        """Returns the number of messages in the conversation and its notes, for a display of progress."""
        return sum(view.conversation.last_seq for view in with_notes(snapshot, self.conversation_id))


def _profile(snapshot: Snapshot, user: User, actor: Actor) -> ExportedProfile:
    presence = snapshot.presence.records((user.id,)).get(user.id)
    if presence is not None:
        presence = presence.at(snapshot.now_ms)
    preferences = snapshot.notifications.preferences((user.id,)).get(user.id)
    own = preferences_in(snapshot, user.id)
    sessions = snapshot.logins_of(user.id, snapshot.now_ms)
    return ExportedProfile(
        user_payload_for(user, actor),
        preferences_payload(preferences or DEFAULTS),
        tuple(session_payload(session, current=False) for session in sessions),
        tuple(sorted(snapshot.blocked_ids_of((user.id,)).get(user.id, ()))),
        {id_: member_preferences_payload(each) for id_, each in own.items()},
        tuple(
            SavedReferencePayload(str(each.message.id), each.message.conversation_id, iso(each.saved_ms))
            for each in saved_by(snapshot, user.id)
        ),
        None if presence is None else presence.text,
        None if presence is None or presence.last_seen_ms is None else iso(presence.last_seen_ms),
        tuple(map(_identity, snapshot.provider_identities_of(user.id))),
    )


def _identity(identity: ProviderIdentity) -> ExportedIdentity:
    profile = identity.profile
    return ExportedIdentity(
        identity.issuer,
        identity.subject,
        iso(identity.created_ms),
        profile.name,
        profile.email,
        profile.avatar,
        profile.handle,
    )


class ExportedZip:
    """An asynchronous iterator over the bytes of an export's zip file, which is made while it is read. Implements
    `files.holders.Reading`, so that a download can send it.

    `read` calls a function with a snapshot of the database, on another thread. `store` has the bytes of uploaded files.
    """

    def __init__(
        self,
        subject: ExportedUser | ExportedConversation,
        store: ByteStore,
        read: Read,
        progress: ExportProgress | None = None,
    ) -> None:
        self._subject = subject
        self._store = store
        self._read = read
        self._progress = progress or _Unshown()
        self._closing = ExitStack()
        self._parts = _Parts(self._closing, self._progress.advance)
        self._is_collecting = False
        self._chunks = self._made()

    def on_close(self, callback: Callable[[], object]) -> None:
        """Registers a function to call, on any thread, when the export's temporary files are removed."""
        self._closing.callback(callback)

    def __aiter__(self) -> ExportedZip:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """Stops the export, finished or not, and removes its temporary files."""
        self._parts.is_cancelled = True
        await self._chunks.aclose()
        if not self._is_collecting:
            self._closing.close()

    async def _made(self) -> AsyncGenerator[bytes, None]:
        await self._read(self._collect)
        self._progress.begin("files", self._parts.file_bytes, "bytes")
        sink = _Sink()
        with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED) as archive:
            for name, chunks in self._texts():
                with archive.open(_member(name, time.time(), zipfile.ZIP_DEFLATED), "w", force_zip64=True) as entry:
                    for chunk in chunks:
                        await asyncio.to_thread(entry.write, chunk)
                        yield sink.take()
            async with aclosing(self._files(archive, sink)) as files:
                async for chunk in files:
                    yield chunk
        yield sink.take()

    def _collect(self, snapshot: Snapshot) -> None:
        """Copies the export's rows from a snapshot of the database into the temporary files. Runs on another thread."""
        self._is_collecting = True
        try:
            self._subject.read(snapshot, self._parts)
        finally:
            self._is_collecting = False
            if self._parts.is_cancelled:
                self._closing.close()

    def _texts(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        if self._parts.profile:
            yield "profile.json", iter((self._parts.profile,))
        yield "conversations.jsonl", _chunks_of(self._parts.conversations)
        yield "messages.jsonl", _chunks_of(self._parts.messages)
        if self._parts.profile:
            yield "ratings.jsonl", _chunks_of(self._parts.ratings)
            yield "choices.jsonl", _chunks_of(self._parts.choices)

    async def _files(self, archive: zipfile.ZipFile, sink: _Sink) -> AsyncGenerator[bytes, None]:
        """Adds the uploaded files to the zip, and yields its bytes. Skips a file that another request has deleted
        meanwhile."""
        self._parts.files.seek(0)
        for line in self._parts.files:
            file = _file.decode(line)
            try:
                reading = await self._store.read(FileKey.of(file, "content"), 0, file.size) if file.size else None
            except ChatError as error:
                if error.code != "forbidden":
                    raise
                continue
            # Pictures and most other files are compressed already.
            member = _member(f"files/{file.id}/{file.name}", file.created_ms / 1000, zipfile.ZIP_STORED)
            with archive.open(member, "w", force_zip64=True) as entry:
                if reading is not None:
                    async with aclosing(reading):
                        async for chunk in reading:
                            entry.write(chunk)
                            self._progress.advance(len(chunk))
                            yield sink.take()
            yield sink.take()


def _member(name: str, time_s: float, compression: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, time.gmtime(max(time_s, _ZIP_TIME_MIN_S))[:6])
    member.compress_type = compression
    return member


def _chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(EXPORT_CHUNK_BYTES):
        yield chunk


class _Sink:
    """The output file of the zip library: a buffer in memory without seeking, which `take` returns and empties."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: Any) -> int:  # noqa: ANN401 (bytes, or a view of them)
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Does nothing, since `take` reads the buffer directly."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken
