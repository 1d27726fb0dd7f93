"""Custom signals: events of the application's own that members of a conversation send to each other."""

from __future__ import annotations

import re
from types import MappingProxyType

from talkwire.core.commands.typing import SIGNAL_DATA_MAX_BYTES, SIGNAL_NAME, CheckSignal, SendSignal
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import SignalSent
from talkwire.core.domain.model import Actor
from talkwire.core.domain.texts import check_id, json_fits
from talkwire.core.ports.chat import Publisher, SignalHandlers

_NAME = re.compile(SIGNAL_NAME)


class CustomSignals:
    """Handles the command that sends a custom signal, and publishes it on all nodes. Keeps nothing."""

    def __init__(self, chat: ChatAccess, publisher: Publisher) -> None:
        self._chat = chat
        self._publisher = publisher
        self.handlers: SignalHandlers = MappingProxyType({SendSignal: self._send})

    async def _send(self, actor: Actor, command: SendSignal) -> None:
        check_signal_content(command)
        query = CheckSignal(command.conversation_id, command.sender_id)
        sender_id = await self._chat.execute(actor, query)
        signal = SignalSent(command.conversation_id, sender_id, command.name, command.data, command.source)
        self._publisher.publish([signal])


def check_signal_content(command: SendSignal) -> None:
    """Raises `invalid_request` for an invalid id or name and for data that is not JSON or too deep, and
    `payload_too_large` for data with more than SIGNAL_DATA_MAX_BYTES bytes as JSON."""
    check_id("conversationId", command.conversation_id)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)
    if _NAME.fullmatch(command.name) is None:
        raise invalid("name", "must be 1 to 64 of the characters a-z, A-Z, 0-9, '.', '_', ':' and '-'")
    if not json_fits("data", command.data, SIGNAL_DATA_MAX_BYTES):
        raise ChatError("payload_too_large", f"data: at most {SIGNAL_DATA_MAX_BYTES} bytes of JSON")
