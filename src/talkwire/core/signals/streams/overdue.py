"""Ends streams that their authors do not end, where the application is asked before that.

Elsewhere the writer ends them alone (`core/features/streams/leases.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from msgspec import UnsetType

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.commands.streams.storing import EndLostStreams, EndOverdue, EndStream, FindStream
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.signals.streams.approvals import StreamApprovals

_logger = structlog.get_logger(__name__)


class OverdueStreams:
    """Asks the application about streams and ends them."""

    def __init__(self, chat: ChatAccess, approvals: StreamApprovals) -> None:
        self._chat = chat
        self._approvals = approvals
        self._tasks = BackgroundTasks()

    @property
    def are_asked_about(self) -> bool:
        return self._approvals.are_needed

    def end_lost(self, message_ids: Sequence[int]) -> None:
        """Ends those of the streams whose authors may not write any more."""
        self._tasks.start(self._end_lost(EndLostStreams(tuple(message_ids), self.are_asked_about)))

    async def _end_lost(self, command: EndLostStreams) -> None:
        self.end(await self._chat.execute(NODE, command))

    def end(self, message_ids: Sequence[int]) -> None:
        """Ends streams whose time is over. What cannot be ended now is ended when its timer fires again."""
        for message_id in message_ids:
            self._tasks.start(self._end(message_id))

    async def _end(self, message_id: int) -> None:
        message, stream = await self._chat.execute(NODE, FindStream(message_id))
        if message is None or stream is None:
            return
        author = Actor(message.sender_id, message.sender_name)
        end = EndStream(
            message_id=message_id,
            attempt=stream.attempt,
            node_id=stream.node_id,
            state="done",
            parts=message.parts,
            metadata=message.metadata,
        )
        try:
            approved, refusal = await self._approvals.of_end(author, message, end)
        except ChatError as error:
            _logger.warning("stream_not_approved", message_id=str(message_id), error=str(error))
            return
        overdue = EndOverdue(
            message_id=message_id,
            attempt=stream.attempt,
            parts=approved.parts,
            metadata=message.metadata if isinstance(approved.metadata, UnsetType) else approved.metadata,
            is_blocked=refusal is not None,
        )
        await self._chat.execute(NODE, overdue)
