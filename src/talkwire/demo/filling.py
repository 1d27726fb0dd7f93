"""Fills an empty database with the demo's story (people, conversations, messages) by executing ordinary chat commands.

Each command runs with a clock that shows the time at which the story says it happened.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import text
from sqlalchemy.engine import URL

from talkwire.core.clock import now_ms
from talkwire.core.commands.accounts import EnsureUser, FindAccount, PutUser, RegisterAccount, UpdateUser
from talkwire.core.commands.cards.deciding import ActOnCard
from talkwire.core.commands.command import Change
from talkwire.core.commands.conversations import CreateConversation, GetConversation, UpdateConversation
from talkwire.core.commands.files import CreateUpload, FinishUpload, GetUpload
from talkwire.core.commands.members import AddMembers, UpdateMember
from talkwire.core.commands.messages import AttachmentRef, MarkThreadRead, PinMessage, React, SendMessage
from talkwire.core.commands.offers import CreateOffer, ListOffers
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, File
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import NODE_COMMANDS
from talkwire.core.engine.decider import Decider
from talkwire.core.features.messages.files import file_url
from talkwire.demo.assistant import ASSISTANT
from talkwire.demo.attached_files import portrait, portrait_name
from talkwire.demo.company import PEOPLE, ROOMS
from talkwire.demo.script import Attached, Offered, Person, Room, ScriptedMessage, moment
from talkwire.demo.snippets import (
    ACCOUNT_EMAIL,
    ACCOUNT_ID,
    ACCOUNT_PASSWORD,
    MARKER,
    SNIPPET_CONVERSATIONS,
    SNIPPET_MEMBERS,
)
from talkwire.files.byte_store import ByteStore, FileKey
from talkwire.identity.passwords import Passwords
from talkwire.storage.engine import reading_engine, writing_engine
from talkwire.storage.leases import LeaseKeeper
from talkwire.storage.reader import ReaderPool
from talkwire.storage.writer import GroupWriter

_BACKEND = Actor("demo", "Demo", "service")
_OPERATOR = Actor("demo", "Demo", "admin")

_STATE = "demo"
"""Key in the metadata of the marker conversation that holds the state: the time when filling started, or `_FILLED`."""

_EMPTY = 0
_FILLED = -1
_FIRST_DAY = (6, "08:30")
_LOCK_KEY = 0x7461_6C6B_6465_6D6F
_DAY_MS = 24 * 3600 * 1000
_UPLOAD_MS = 3600 * 1000

_ACTORS = {person.id: Actor(person.id, person.name) for person in PEOPLE} | {ASSISTANT.user_id: ASSISTANT}

R = TypeVar("R")

_Step = tuple[int, Callable[[], Awaitable[None]]]
"""Step of the story: its time in milliseconds since 1970, and the function that carries it out."""

_logger = structlog.get_logger(__name__)


async def fill_empty(url: URL, store: ByteStore, passwords: Passwords) -> bool:
    """Fills the database with the demo if it is empty, or resumes an interrupted filling.

    Returns True if the database now contains the demo; False if it has other data, which stays unchanged. No node may
    use the database yet, since the writer's clock shows the story's times meanwhile.
    """
    unlock = await asyncio.to_thread(_locked, url)
    try:
        async with _opened(url) as (chat, clock):
            started_ms = await _state_of(chat)
            if started_ms is None:
                _logger.warning("demo_not_added")
            elif started_ms != _FILLED:
                await chat.lease.start(alone=True)
                await _Filling(chat, clock, store, started_ms or now_ms()).run(passwords)
            return started_ms is not None
    finally:
        await asyncio.to_thread(unlock)


class _StoryClock:
    """A clock that shows the time of the story's current step, in milliseconds since 1970."""

    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


@asynccontextmanager
async def _opened(url: URL) -> AsyncIterator[tuple[Chat, _StoryClock]]:
    """Yields a chat on the database, without a server, and the clock that its commands use. Closes the chat at the
    end."""
    clock = _StoryClock()
    engine = writing_engine(url)
    writer = GroupWriter(engine, Decider().decide, clock)
    reader = ReaderPool(reading_engine(url, 1), 1, clock)
    keeper = LeaseKeeper(engine.dialect, NODE_COMMANDS, writer.transact, clock)
    chat = Chat(writer, reader, keeper)
    await chat.start()
    try:
        yield chat, clock
    finally:
        chat.close()
        await keeper.close()
        await writer.close()
        await chat.stop_following()
        reader.close()


async def _state_of(chat: Chat) -> int | None:
    """Returns how far the demo has been filled into this database.

    The result is `_EMPTY`, `_FILLED`, or the time when the filling started (milliseconds since 1970); None if the
    database has other data.
    """
    if chat.pos == 0:
        return _EMPTY
    try:
        view = await chat.execute(_BACKEND, GetConversation(MARKER))
    except ChatError:
        return None
    state = (view.conversation.metadata or {}).get(_STATE)
    return state if isinstance(state, int) else None


def _locked(url: URL) -> Callable[[], None]:
    """Returns a function that releases the lock for filling a PostgreSQL database, after acquiring that lock. Blocks
    while another node fills the database.

    SQLite needs no such lock, since its data folder is locked already; the function then does nothing.
    """
    if url.get_backend_name() != "postgresql":
        return lambda: None  # the lock of the data folder is enough
    engine = writing_engine(url)
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.execute(text("SET lock_timeout = 0"))
    connection.execute(text("SET statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})

    def unlock() -> None:
        connection.close()
        engine.dispose()

    return unlock


class _Filling:
    """Executes the commands of the demo's story. Those that an interrupted filling has executed are skipped, or change
    nothing when they are repeated."""

    def __init__(self, chat: Chat, clock: _StoryClock, store: ByteStore, started_ms: int) -> None:
        self._chat = chat
        self._clock = clock
        self._store = store
        self._started_ms = started_ms
        self._start = datetime.fromtimestamp(started_ms / 1000, UTC).astimezone()
        self._message_ids: dict[str, list[str]] = {room.id: [] for room in ROOMS}
        self._named: dict[str, str] = {}

    async def run(self, passwords: Passwords) -> None:
        """Executes the whole story in the order of time."""
        self._clock.now_ms = moment(self._start, _FIRST_DAY)
        await self._prepare_snippets(passwords)
        await asyncio.gather(*map(self._introduce, PEOPLE))
        agent = PutUser(ASSISTANT.user_id, ASSISTANT.name, handle="assistant", kind="agent", owner_id=PEOPLE[0].id)
        await self._do(_BACKEND, agent)
        for at_ms, happen in sorted(self._steps(), key=lambda step: step[0]):
            self._clock.now_ms = at_ms
            await happen()
        self._clock.now_ms = self._started_ms
        await asyncio.gather(*map(self._read, ROOMS), *map(self._arrange, ROOMS))
        await self._mark(_FILLED)

    async def _do(self, actor: Actor, command: Change[R]) -> R:
        return await self._chat.execute(actor, command)

    async def _create(self, command: CreateConversation) -> None:
        """Creates a conversation, unless it exists. The first member becomes its owner, except in a direct
        conversation.
        """
        conversation_id = command.id or ""
        if not await _found(self._chat.execute(_BACKEND, GetConversation(conversation_id))):
            await self._do(_BACKEND, command)
        if command.kind != "direct":
            await self._do(_BACKEND, UpdateMember(conversation_id, command.member_ids[0], "owner"))

    # --- before the story -------------------------------------------------------------------------------------------

    async def _prepare_snippets(self, passwords: Passwords) -> None:
        await self._create(CreateConversation("group", SNIPPET_MEMBERS, MARKER, MARKER))
        await self._mark(self._started_ms)
        if await self._chat.execute(_BACKEND, FindAccount(ACCOUNT_EMAIL)) is None:
            password_hash = await passwords.hash(ACCOUNT_PASSWORD)
            account = RegisterAccount(ACCOUNT_EMAIL, "Demo user", password_hash, ACCOUNT_ID)
            await self._chat.execute(_OPERATOR, account)
        await self._do(_BACKEND, AddMembers(MARKER, (ACCOUNT_ID,)))
        for conversation_id, members in SNIPPET_CONVERSATIONS.items():
            await self._create(CreateConversation("group", members, conversation_id, conversation_id))

    async def _introduce(self, person: Person) -> None:
        actor = Actor(person.id, person.name)
        await self._do(actor, EnsureUser(person.id, person.name))
        picture = await asyncio.to_thread(portrait, person)
        url = file_url(await self._keep(actor, picture))
        await self._do(actor, UpdateUser(avatar=url, text=person.role, handle=person.id))

    # --- the story --------------------------------------------------------------------------------------------------

    def _steps(self) -> Iterator[_Step]:
        for room in ROOMS:
            yield moment(self._start, room.opened), partial(self._open, room)
            for number, part in enumerate(room.story):
                at_ms = moment(self._start, part.when)
                if isinstance(part, Offered):
                    yield at_ms, partial(self._offer, room, part)
                else:
                    yield at_ms, partial(self._say, room, number, part)

    async def _open(self, room: Room) -> None:
        await self._create(CreateConversation(room.kind, room.members, room.name, room.id, public=room.public))
        for user_id in room.admins:
            await self._do(_BACKEND, UpdateMember(room.id, user_id, "admin"))
        if room.agents is not None:
            await self._do(_BACKEND, UpdateConversation(room.id, agents=room.agents))

    async def _say(self, room: Room, number: int, message: ScriptedMessage) -> None:
        actor = _ACTORS[message.who]
        attachments = [AttachmentRef((await self._keep(actor, file)).id) for file in message.files]
        command = SendMessage(
            room.id,
            message.content,
            f"demo-{number}",
            attachments=tuple(attachments),
            reply_to_id=self._named.get(message.reply_to or ""),
            thread_id=self._named.get(message.thread or ""),
            card=message.card,
        )
        message_id = str((await self._do(actor, command)).id)
        if message.thread is not None:
            # The author of a reply has read those before it.
            await self._do(actor, MarkThreadRead(message_id, message_id))
        self._message_ids[room.id].append(message_id)
        if message.name is not None:
            self._named[message.name] = message_id
        reacting = (self._do(_ACTORS[who], React(message_id, emoji)) for who, emoji in message.reactions.items())
        await asyncio.gather(*reacting)
        for who, action_ids in message.choices.items():
            await self._do(_ACTORS[who], ActOnCard(message_id, tuple(action_ids)))
        if message.pinned_by is not None:
            await self._do(_ACTORS[message.pinned_by], PinMessage(message_id))

    async def _offer(self, room: Room, offered: Offered) -> None:
        if (await self._chat.execute(_BACKEND, ListOffers(room.id))).items:
            return
        expires_ms = self._started_ms + offered.days * _DAY_MS
        command = CreateOffer(room.id, offered.title, offered.amount, offered.currency, offered.description, expires_ms)
        await self._do(_ACTORS[offered.who], command)

    async def _read(self, room: Room) -> None:
        """Marks a conversation's messages as read by every member, except the newest ones that the story leaves
        unread.
        """
        marks = []
        for user_id in room.members:
            read = self._message_ids[room.id][: -room.unread.get(user_id, 0) or None]
            marks.append(self._do(_ACTORS[user_id], MarkRead(room.id, read[-1])))
        await asyncio.gather(*marks)

    async def _arrange(self, room: Room) -> None:
        """Puts a conversation among the favourites, or into a section, of those who have it there."""
        for user_id in room.favourite_of:
            await self._do(_ACTORS[user_id], SetMemberPreferences(room.id, favourite=True))
        for user_id, section in room.sections.items():
            await self._do(_ACTORS[user_id], SetMemberPreferences(room.id, section=section))

    async def _mark(self, state: int) -> None:
        await self._do(_BACKEND, UpdateConversation(MARKER, metadata={_STATE: state}))

    # --- files ------------------------------------------------------------------------------------------------------

    async def _keep(self, actor: Actor, attached: Attached) -> File:
        """Stores a file of the demo and returns its record. Skips the usual inspection, since the file is the
        demo's own.
        """
        file_id, size = _file_id(actor.user_id, attached.name), len(attached.content)
        if not await _found(self._chat.execute(actor, GetUpload(file_id))):
            await self._do(actor, CreateUpload(file_id, attached.name, attached.content_type, size, _UPLOAD_MS))
        digest = hashlib.sha256(attached.content).hexdigest()
        await self._put(FileKey(file_id, digest, "content"), attached.content)
        if attached.thumbnail is not None:
            await self._put(FileKey(file_id, digest, "thumbnail"), attached.thumbnail)
        finish = FinishUpload(file_id, attached.content_type, size, digest, attached.width, attached.height)
        return await self._do(actor, finish)

    async def _put(self, place: FileKey, content: bytes) -> None:
        with tempfile.NamedTemporaryFile() as source:
            await asyncio.to_thread(source.write, content)
            await asyncio.to_thread(source.flush)
            await self._store.put(place, Path(source.name))


async def _found(query: Awaitable[object]) -> bool:
    """Awaits a query, and returns True if it succeeds, False if it raises ChatError because its object is missing."""
    try:
        await query
    except ChatError:
        return False
    return True


def picture_path(person: Person) -> str:
    """Returns the URL path from which the picture of a demo person is downloaded."""
    name = portrait_name(person)
    return f"/api/v1/files/{_file_id(person.id, name)}/{name}"


def _file_id(user_id: str, name: str) -> str:
    """Returns a file id that depends only on the user and the file's name.

    An interrupted filling finds its files again by these ids.
    """
    return hashlib.blake2b(f"{user_id}/{name}".encode(), digest_size=16).hexdigest()
