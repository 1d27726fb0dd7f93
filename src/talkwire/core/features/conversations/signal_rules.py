"""Who may send signals to the members of a conversation: those who may write there."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.typing import CheckSignal
from talkwire.core.domain.access import acting_as, may_post, may_take_part, require
from talkwire.core.domain.errors import forbidden
from talkwire.core.domain.model import Actor
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot


def check_signal(snapshot: Snapshot, actor: Actor, query: CheckSignal) -> str:
    """Returns the id of the user in whose name the actor sends a signal: a member who may write in the conversation, or
    the backend itself. Slow mode does not apply, since signals have a limit of their own."""
    sender_id = acting_as(actor, query.sender_id)
    conversation = snapshot.conversation(query.conversation_id)
    is_backend = actor.is_service and sender_id == actor.user_id
    if is_backend and conversation is not None and conversation.deleted_ms is None:
        return sender_id
    member = snapshot.member(query.conversation_id, sender_id)
    require(may_take_part(snapshot.user(sender_id), member))
    if conversation is None or member is None:
        raise forbidden("not_found")
    require(may_post(replace(conversation, slow_mode_s=0), member, snapshot.now_ms))
    return sender_id


QUERIES: Queries = MappingProxyType({CheckSignal: check_signal})
