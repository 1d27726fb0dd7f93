"""Other dialects than the messenger's send what an agent wrote like any message."""

from __future__ import annotations

import msgspec
import pytest

from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Generated, Message
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.messenger import MESSENGER

PLAIN = Message(1, "c", 1, "helper", "Helper", "Hello", 1_700_000_000_000)
BY_AGENT = msgspec.structs.replace(PLAIN, generated=Generated("helper", "small-1"), on_behalf_of="alice")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_only_the_messenger_dialect_says_who_generated_a_message(name: str) -> None:
    sent, by_agent = (MessageSent(7, PLAIN.created_ms, message) for message in (PLAIN, BY_AGENT))
    for packet in DIALECTS[name].outbound[MessageSent]:
        assert isinstance(packet, Outbound)
        differs = msgspec.to_builtins(packet.payload(sent)) != msgspec.to_builtins(packet.payload(by_agent))
        assert differs == (name == MESSENGER.name)
