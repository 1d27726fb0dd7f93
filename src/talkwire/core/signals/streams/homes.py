"""Executes the commands of authors who write a message while others read it.

A stream has one home, the node through which it was opened last. The home has the newest text in memory: it answers
each append at once, sends readers what is new at most 20 times a second, and stores the parts at most once a second.
What an answer says is stored survives the home; the author repeats the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import get_args

from msgspec.structs import asdict

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.cluster.peers import ASK_S, Peers
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.streams.storing import (
    AdoptStream,
    BeginStream,
    BegunStream,
    EndStream,
    FindStream,
    FoundStream,
    MarkStopped,
)
from talkwire.core.commands.streams.writing import (
    Appended,
    AppendToMessage,
    FinishMessage,
    KeepStream,
    Kept,
    OpenedStream,
    RewindMessage,
    Rewound,
    StopMessage,
    StreamMessage,
)
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.access import may_act, require
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import (
    ConversationDeleted,
    Durable,
    MessageDeleted,
    StreamAdvanced,
    StreamsOpen,
    StreamsRead,
    StreamStateChanged,
    StreamStopped,
)
from talkwire.core.domain.model import Actor, Message, message_number
from talkwire.core.domain.parts.growing_parts import GapError, GrowingParts, PartChange, PartsError
from talkwire.core.domain.parts.message_parts import without_blanks
from talkwire.core.domain.parts.streams import LEASE_BY_REST_MS, LEASE_BY_SOCKET_MS, StopRequest, Stream
from talkwire.core.features.streams.streams import ended, superseded
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.signals.streams.approvals import StreamApprovals
from talkwire.core.signals.streams.forwarding import StreamForwarding, Write, Written
from talkwire.core.signals.streams.lost_rights import may_have_lost
from talkwire.core.signals.streams.mirrors import StreamMirrors
from talkwire.core.signals.streams.open_stream import OpenStream
from talkwire.core.signals.streams.open_streams import OpenStreams
from talkwire.core.signals.streams.overdue import OverdueStreams
from talkwire.core.single_flight import SingleFlight

APPROVED_S = 35.0
"""Seconds that a node waits for the home to end a stream if the application is asked first: longer than for a hook."""

HOME_CHECK_EVERY_S = 1.0
"""Shortest time between two questions to the database whether another node is the home of a stream, in seconds."""

STREAM_HOMES_MAX = 10_000
"""Most streams of other nodes whose home is cached."""

_MOVING = {"reason": "moving"}
"""Details of a refusal by a node that is not the home of a stream."""


class StreamHomes:
    """Keeps the streams whose home is this node."""

    def __init__(self, chat: ChatAccess, publisher: Publisher, peers: Peers) -> None:
        self._chat = chat
        self._publisher = publisher
        self._peers = peers
        self._node_id = peers.node_id
        self._tasks = BackgroundTasks()
        self._approvals = StreamApprovals(chat)
        self.overdue = OverdueStreams(chat, self._approvals)
        self.readers: list[Callable[[int, str], bool]] = []
        """Functions of which each returns whether anybody reads a message on this node, by the ids of the message and
        its conversation."""
        self._streams = OpenStreams(chat, publisher, peers, self._give_up, self.give_up_all)
        self._mirrors = StreamMirrors(self._report_loss, self._has_readers)
        self._forwarding = StreamForwarding(peers, self._write_for_peer, self._streams.reading_nodes.asked)
        self._reports: SingleFlight[tuple[int, str], None] = SingleFlight()
        """The notices to homes that this node has lost something, by message id and home."""
        self._homes: dict[int, str] = {}
        """The homes of streams of other nodes, by message id."""
        self.handlers: SignalHandlers = MappingProxyType(
            {StreamMessage: self._open, StopMessage: self._stop, **dict.fromkeys(get_args(Write), self._write)}
        )

    def parts_of(self, message_id: int) -> GrowingParts | None:
        """Returns the parts of a message that is being written; None if this node does not have them."""
        stream = self._streams.get(message_id)
        return self._mirrors.parts_of(message_id) if stream is None else stream.parts

    @property
    def count(self) -> int:
        """Of how many streams this node is the home."""
        return len(self._streams)

    def whole(self, message_id: int) -> Sequence[PartChange]:
        """Returns changes that give a reader everything of a message that is written through this node; none for other
        messages."""
        stream = self._streams.get(message_id)
        return self._mirrors.whole(message_id) if stream is None else stream.parts.whole()

    def receive(self, event: StreamAdvanced | StreamsOpen | StreamsRead) -> StreamAdvanced | None:
        """Takes over what another node has sent of streams. Returns what readers here receive, None for nothing."""
        match event:
            case StreamsOpen():
                self._receive_list(event)
                return None
            case StreamsRead():
                self._streams.reading_nodes.receive(event)
                return None
        return self._mirrors.receive(event) if self._gives_way(event.message_id, event.attempt) else None

    def _gives_way(self, message_id: int, attempt: int) -> bool:
        """Returns whether this node is not the home of a stream, now that another node says that it is the home of this
        attempt."""
        own = self._streams.get(message_id)
        if own is None:
            return True
        if attempt > own.stream.attempt:
            self._give_up(own)
            return True
        if attempt == own.stream.attempt and not own.is_doubted:
            own.is_doubted = True
            self._tasks.start(self._check(own))
        return False

    def _receive_list(self, event: StreamsOpen) -> None:
        streams = [
            each
            for each in event.streams
            if each.message_id not in self._streams or self._gives_way(each.message_id, each.attempt)
        ]
        read, lacking = self._mirrors.receive_list(event.home_id, streams)
        if read:
            answer = StreamsRead(self._node_id, tuple(read), tuple(lacking))
            self._publisher.publish_to([answer], (event.home_id,))

    async def copied(self, message_id: int) -> None:
        """Returns when this node has the newest text of a message that somebody here reads, if another node has sent it
        within `ASK_S` seconds."""
        is_known = message_id in self._streams or self._mirrors.parts_of(message_id) is not None
        if is_known or not self._peers.address_streams:
            return
        with contextlib.suppress(ChatError):
            _, stored = await self._chat.execute(NODE, FindStream(message_id))
            if stored is not None and self._peers.is_peer(stored.node_id):
                await self._mirrors.wait_for(message_id, stored.node_id, ASK_S)

    def _has_readers(self, message_id: int, conversation_id: str) -> bool:
        return any(has_readers(message_id, conversation_id) for has_readers in self.readers)

    def _report_loss(self, message_id: int, home_id: str) -> None:
        notice = (message_id, home_id)
        if notice not in self._reports:
            report = partial(self._forwarding.report_loss, home_id, message_id)
            self._tasks.start(self._reports.run(notice, report))

    async def _check(self, stream: OpenStream) -> None:
        """Gives up a stream of which another node also takes itself for the home, unless the database says that it is
        this one. Asks at most every `HOME_CHECK_EVERY_S` seconds."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(stream.check_at - loop.time())
        stream.is_doubted, stream.check_at = False, loop.time() + HOME_CHECK_EVERY_S
        try:
            await self._ask_database(stream)
        except ChatError:
            if self._streams.holds(stream):
                self._give_up(stream)
        if self._streams.holds(stream):
            stream.nodes_in_step = ()  # they may have taken over what the other node has sent
            self._streams.send_again(stream)

    async def _ask_database(self, stream: OpenStream) -> None:
        """Gives up a stream that another node has taken over. Raises ChatError if the database does not answer."""
        _, stored = await self._chat.execute(NODE, FindStream(stream.message.id))
        mine = (stream.stream.attempt, self._node_id)
        if self._streams.holds(stream) and (stored is None or (stored.attempt, stored.node_id) != mine):
            self._give_up(stream)

    def _give_up(self, stream: OpenStream) -> None:
        """Is the home of a stream no longer. What readers here have is kept, until another home sends what is
        different."""
        self._drop(stream.message.id)
        if self._has_readers(stream.message.id, stream.stream.conversation_id):
            self._mirrors.keep(stream.stream, stream.parts)

    def follow(self, event: Durable) -> None:
        """Removes a stream that has ended or whose message was deleted, by whichever node. Ends those whose author has
        lost the right to write."""
        if not self._streams and not isinstance(event, MessageDeleted | StreamStateChanged | ConversationDeleted):
            return
        match event:
            case MessageDeleted():
                self._drop(event.message.id)
            case ConversationDeleted():
                self._mirrors.drop_of(event.conversation_id)
                for stream in self._streams.values():
                    if stream.stream.conversation_id == event.conversation_id:
                        self._drop(stream.message.id)
            case StreamStateChanged(message=message) if message.state != "streaming":
                self._drop(message.id)
            case _:
                self._end_lost(may_have_lost(event))

    def _end_lost(self, user_ids: Sequence[str]) -> None:
        """Ends those streams of users that they may no longer write. What this node does not end is interrupted when
        the lease ends."""
        message_ids = self._streams.of_authors(user_ids)
        if message_ids:
            self.overdue.end_lost(message_ids)

    def close(self) -> None:
        """Stores what is not stored yet. Authors continue on other nodes, or here after the restart."""
        self._streams.close()
        self.give_up_all()
        self._tasks.cancel()

    def give_up_all(self) -> None:
        """Gives up all streams, because other nodes have declared this node dead, or the database does not answer."""
        for stream in self._streams.values():
            self._give_up(stream)

    # --- commands of authors ------------------------------------------------------------------------------------------

    async def _open(self, actor: Actor, command: StreamMessage) -> OpenedStream:
        send = SendMessage(
            command.conversation_id,
            client_message_id=command.client_message_id,
            metadata=command.metadata,
            sender_id=command.sender_id,
            reply_to_id=command.reply_to_id,
            thread_id=command.thread_id,
            if_last_seq=command.if_last_seq,
            if_handler=command.if_handler,
            generated=command.generated,
            on_behalf_of=command.on_behalf_of,
            turn=command.turn,
            more=command.more,
        )
        send = await self._approvals.of_opening(actor, send)
        default_ms = LEASE_BY_REST_MS if command.source is None else LEASE_BY_SOCKET_MS
        lease_ms = default_ms if command.lease_s is None else command.lease_s * 1000
        begun = await self._chat.execute(actor, BeginStream(send, self._node_id, lease_ms))
        if begun.stream is None:
            return OpenedStream(begun.message)
        opened = self._add(begun, has_readers=begun.stream.attempt > 1)
        opened.source = command.source
        self._streams.send_changes([opened])  # so that a former home refuses the former attempt from now on
        return OpenedStream(begun.message, begun.stream.attempt, opened.progress(), opened.stop)

    async def _stop(self, actor: Actor, command: StopMessage) -> None:
        mark = MarkStopped(message_id=command.message_id, reply_to_id=command.reply_to_id)
        for stream in await self._chat.execute(actor, mark):
            stopped = _stopped(stream)
            self.receive_stop(stopped)
            self._publisher.publish([stopped])

    def receive_stop(self, event: StreamStopped) -> None:
        """Takes over that a stream is to stop: the next answer to its author says so."""
        stream = self._streams.get(event.message_id)
        if stream is not None:
            stream.stop = StopRequest(event.by, event.at_ms)

    def _add(self, begun: BegunStream, *, has_readers: bool) -> OpenStream:
        """Makes this node the home of a stream, unless it is already that of a later attempt. With `has_readers`,
        readers may have more than is stored."""
        assert begun.stream is not None, "it is open"
        now = asyncio.get_running_loop().time()
        stream = OpenStream(begun.message, begun.stream, begun.member_count, now, has_readers=has_readers)
        held = self._streams.get(begun.message.id)
        if held is not None and held.stream.attempt >= begun.stream.attempt:
            return stream
        self._homes.pop(begun.message.id, None)
        self._mirrors.forget(begun.message.id)
        self._streams.add(stream)
        return stream

    def _write(self, actor: Actor, command: Write) -> Awaitable[Written]:
        """Executes a command at the home of its stream: here, or at another node. If that does not answer, this node
        becomes the home."""
        if isinstance(command, AppendToMessage) and not self._streams.pauses.is_confirming:
            stream = self._stream_of(command.message_id)
            author = None if stream is None else self._chat.directory.peek(stream.stream.author_id)
            if stream is not None and author is not None and command.attempt <= stream.stream.attempt:
                # Nearly all commands take this way. A task would cost as much as the command itself.
                done: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
                _require_writable(stream, actor, author, command.attempt)
                done.set_result(self._append(stream, command))
                return done
        return self._write_anywhere(actor, command)

    async def _write_anywhere(self, actor: Actor, command: Write) -> Written:
        await self._streams.pauses.confirmed()
        home_id = await self._home_of(command.message_id)
        try:
            return await self._write_at(home_id, actor, command)
        except ChatError as refusal:
            if refusal.details != _MOVING:
                raise
        self._homes.pop(int(command.message_id), None)  # it has changed since this node has looked
        home_id = await self._home_of(command.message_id)
        return await self._write_at(home_id, actor, command)

    async def _write_at(self, home_id: str, actor: Actor, command: Write) -> Written:
        """Executes a command at what was the home of its stream a moment ago."""
        if home_id != self._node_id:
            asks = isinstance(command, FinishMessage) and self._approvals.are_needed
            wait_s = APPROVED_S if asks else ASK_S
            result = await self._forwarding.forward(home_id, actor, command, wait_s)
            if result is not None:
                return result
            self._homes.pop(int(command.message_id), None)
            await self._adopt(int(command.message_id), home_id)
        return await self._write_here(actor, command)

    async def _write_for_peer(self, actor: Actor, command: Write) -> Written:
        await self._streams.pauses.confirmed()
        await self._home_of(command.message_id)  # a node that has given a stream up may still be its home
        return await self._write_here(actor, command)

    async def _write_here(self, actor: Actor, command: Write) -> Written:
        stream = await self._writable(actor, command.message_id, command.attempt)
        match command:
            case AppendToMessage():
                return self._append(stream, command)
            case RewindMessage():
                return await self._rewind(stream, actor, command)
            case KeepStream():
                stream.is_unstored = True
                self._streams.activate(stream)
                return Kept(stream.stop)
            case FinishMessage():
                return await self._finish(stream, actor, command)

    def _append(self, stream: OpenStream, command: AppendToMessage) -> Appended:
        if (command.text is None) == (command.set is None):
            raise invalid("text", "give either text or set")
        place = command.part
        is_unsure = stream.confirmed is not None and place not in stream.confirmed
        try:
            _put(stream, command, needs_at=is_unsure)
        except GapError as gap:
            details: dict[str, object] = {"length": gap.length, "stored": stream.stored_of(place)}
            if is_unsure:
                raise _conflict("The stream has moved to another node.", {"reason": "moved", **details}) from None
            raise _conflict("The text does not continue what is there.", details) from None
        except PartsError as parts:
            raise _conflict("The message has no such part.", {"parts": parts.count}) from None
        if stream.confirmed is not None:
            stream.confirmed.add(place)
        stream.source = command.source
        stream.is_unstored = True  # renews the lease, even if nothing is new
        self._streams.activate(stream)
        return stream.appended(place)

    async def _rewind(self, stream: OpenStream, actor: Actor, command: RewindMessage) -> Rewound:
        try:
            stream.parts.rewind(command.part, command.at)
        except GapError as gap:
            raise _conflict("The part is shorter.", {"length": gap.length}) from None
        except PartsError as parts:
            raise _conflict("The message has no such part.", {"parts": parts.count}) from None
        stream.rewound()
        self._streams.activate(stream)
        await self._streams.store(stream)
        if not self._streams.holds(stream):
            raise await self._refusal(actor, command.message_id, command.attempt)
        return Rewound(stream.progress(), stream.stop)

    async def _finish(self, stream: OpenStream, actor: Actor, command: FinishMessage) -> Message:
        if command.parts is None and stream.may_lack_text():
            lengths = [asdict(part) for part in stream.progress()]
            raise _conflict("The stream has moved to another node.", {"reason": "moved", "parts": lengths})
        stream.is_ending = True
        self._streams.send_changes([stream])
        parts = without_blanks(stream.parts.values()) if command.parts is None else command.parts
        end = EndStream(
            message_id=stream.message.id,
            attempt=command.attempt,
            node_id=self._node_id,
            state=command.state,
            parts=parts,
            attachments=command.attachments,
            error=command.error,
            more=command.more,
        )
        try:
            end, refusal = await self._approvals.of_end(actor, stream.message, end)
            message = await self._execute_end(stream, actor, end)
        except BaseException:
            stream.is_ending = False
            raise
        if self._streams.holds(stream):
            self._drop(message.id)
        if refusal is not None:
            raise refusal
        return message

    async def _execute_end(self, stream: OpenStream, actor: Actor, end: EndStream) -> Message:
        try:
            return await self._chat.execute(actor, end)
        except ChatError as refusal:
            if refusal.details != superseded().details:
                raise
            await self._ask_database(stream)  # the attempt may be the current one, and the home another node
            raise await self._refusal(actor, str(end.message_id), end.attempt) from None

    async def _writable(self, actor: Actor, message_id: str, attempt: int) -> OpenStream:
        """Returns a stream that the actor may write to in this attempt. Raises ChatError if the actor may not, or the
        stream is not open here."""
        stream = self._stream_of(message_id)
        if stream is None:
            raise await self._refusal(actor, message_id, attempt)
        author = await self._chat.directory.find(stream.stream.author_id)
        _require_author(stream, actor, author)
        if attempt > stream.stream.attempt:  # another node may have opened it, and this one does not know yet
            await self._ask_database(stream)
        if not self._streams.holds(stream):  # it was ended, deleted or taken over meanwhile
            raise await self._refusal(actor, message_id, attempt)
        _require_writable(stream, actor, author, attempt)
        return stream

    def _stream_of(self, message_id: str) -> OpenStream | None:
        """Returns the stream of a message whose home is this node."""
        number = message_number(message_id)
        return None if number is None else self._streams.get(number)

    async def _home_of(self, message_id: str) -> str:
        """Returns the home of a stream. Where that is gone, this node becomes the home."""
        number = message_number(message_id)
        if number in self._streams or number is None:
            return self._node_id
        home_id = self._homes.get(number)
        if home_id is None or not self._peers.is_peer(home_id):
            home_id = await self._find_home(number)
            if len(self._homes) >= STREAM_HOMES_MAX:
                self._homes.clear()
            self._homes[number] = home_id
        return home_id

    async def _find_home(self, message_id: int) -> str:
        message, stream = await self._chat.execute(NODE, FindStream(message_id))
        if stream is None or message is None or message.state != "streaming":
            return self._node_id  # which refuses to write
        if self._peers.is_peer(stream.node_id):
            return stream.node_id
        return await self._adopt(message_id, stream.node_id)

    async def _adopt(self, message_id: int, former_id: str) -> str:
        """Makes this node the home of a stream, unless another node has become it. Returns the home."""
        begun = await self._chat.execute(NODE, AdoptStream(message_id, self._node_id, former_id))
        assert begun.stream is not None, "it is open"
        if begun.stream.node_id == self._node_id and message_id not in self._streams:
            self._add(begun, has_readers=True).confirmed = set()
        return begun.stream.node_id

    async def _refusal(self, actor: Actor, message_id: str, attempt: int) -> ChatError:
        """Returns why nobody can write to a message through this node."""
        number = message_number(message_id)
        found = FoundStream(None, None)
        if number is not None:
            found = await self._chat.execute(NODE, FindStream(number))
        message, stream = found
        if message is None or not (actor.is_service or actor.user_id == message.sender_id):
            return forbidden("not_found" if message is None else "not_author")
        if stream is None or message.state != "streaming":
            return ended(message)
        try:
            _must_be_current(attempt, stream.attempt)
        except ChatError as refusal:
            return refusal
        return ChatError("unavailable", "This stream moves to another node. Try again.", _MOVING)

    def _drop(self, message_id: int) -> None:
        """Forgets a stream that has ended, here or at another node."""
        self._streams.drop(message_id)
        self._mirrors.forget(message_id)
        self._homes.pop(message_id, None)


def _stopped(stream: Stream) -> StreamStopped:
    assert stream.stop is not None, "it is to stop"
    return StreamStopped(stream.conversation_id, stream.message_id, stream.author_id, stream.stop.by, stream.stop.at_ms)


def _put(stream: OpenStream, command: AppendToMessage, *, needs_at: bool) -> None:
    """Adds to a part or sets it. Raises what `GrowingParts` raises, also for a text without `at` if that is needed."""
    if command.set is not None:
        if stream.parts.set(command.part, command.set):
            stream.wrote(replaced=command.part)
        return
    if needs_at and command.at is None:
        raise GapError(stream.length(command.part))
    assert command.text is not None, "the command has either"
    if stream.parts.append(command.part, command.text, command.type, command.at):
        stream.wrote()


def _require_writable(stream: OpenStream, actor: Actor, author: DirectoryEntry, attempt: int) -> None:
    """Raises ChatError unless the actor may write to a stream in this attempt. `author` is the entry of the stream's
    author."""
    _require_author(stream, actor, author)
    _must_be_current(attempt, stream.stream.attempt)
    if stream.is_ending:
        raise ChatError("unavailable", "The stream of this message is being ended.")


def _require_author(stream: OpenStream, actor: Actor, author: DirectoryEntry) -> None:
    """Raises ChatError unless the actor may write to a stream."""
    if not actor.is_service and actor.user_id != stream.stream.author_id:
        raise forbidden("not_author")
    require(may_act(author.user))
    if stream.stream.conversation_id not in author.conversation_ids:
        raise forbidden("not_member")


def _must_be_current(attempt: int, current: int) -> None:
    """Raises an error unless `attempt` is the one that writes now."""
    if attempt < current:
        raise superseded()
    if attempt > current:
        raise invalid("attempt", f"must be at most {current}, the number of the newest attempt")


def _conflict(message: str, details: Mapping[str, object]) -> ChatError:
    return ChatError("conflict", message, details, cause="state_changed")
