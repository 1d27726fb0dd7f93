"""Sends messages, and imports messages from other systems. A retry with the same client message id (an id that the
client chose) returns the first message and sends nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.commands.messages import (
    CHANGED_MAX,
    MODEL_MAX_LENGTH,
    AttachmentRef,
    ConversationChanged,
    SendMessage,
    SendMessages,
)
from talkwire.core.domain.access import (
    acting_as,
    history_of,
    may_post,
    may_take_part,
    messages_for_reader,
    must_be_trusted,
    must_be_visible,
    require,
)
from talkwire.core.domain.access_policy import may_stream
from talkwire.core.domain.agents.turns import Turn, token_of
from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.cards.card_checks import check_card
from talkwire.core.domain.cards.deciding import named_ids
from talkwire.core.domain.errors import ChatError, forbidden, invalid, refusals_at
from talkwire.core.domain.events import MessageSent, UserCreated
from talkwire.core.domain.log.positions import id_at, is_own_id
from talkwire.core.domain.mentions import Mentions, mention_marks, resolve, spellings
from talkwire.core.domain.model import (
    EXCERPT_LENGTH,
    SEQ_MAX,
    WHOLE,
    Actor,
    Attachment,
    Conversation,
    File,
    Generated,
    HistoryStart,
    Message,
    Quote,
    User,
    message_number,
)
from talkwire.core.domain.moderation.audit import Act
from talkwire.core.domain.pages import within_bytes
from talkwire.core.domain.parts.checks import check_parts
from talkwire.core.domain.parts.message_parts import MessagePart, need_right, simplified
from talkwire.core.domain.places import check_place, label_of_place, map_url
from talkwire.core.domain.texts import (
    NAME_MAX_LENGTH,
    check_content,
    check_id,
    check_metadata,
    check_short_text,
    check_url,
)
from talkwire.core.domain.times import check_time, iso
from talkwire.core.features.agents.loops import cause_of, used_until_ms
from talkwire.core.features.agents.turns import answered, askers_of, must_not_stream, turn_to_answer
from talkwire.core.features.agents.work import add_work
from talkwire.core.features.cards.asking import expect_end, new_card
from talkwire.core.features.handling.handling import message_sent
from talkwire.core.features.messages.files import attachment_of, file_name
from talkwire.core.features.messages.imported_parts import check_imported_parts, imported_parts
from talkwire.core.features.messages.messages import must_not_be_deleted, need_message, size_of
from talkwire.core.features.notifying.listing import list_writers
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Prefetch, Transaction

ATTACHMENTS_MAX = 20
"""Most attachments of a message."""

DURATION_MAX_MS = 24 * 60 * 60 * 1000
"""Longest duration of an attached sound or film, in milliseconds."""

WAVEFORM_MAX = 100
"""Most values of a waveform."""

LOUDEST = 100
"""Largest value of a waveform."""

FILM_SIDE_MAX = 65_535
"""Largest width or height of a film, in pixels."""

IMPORT_SKEW_MS = 10_000
"""Milliseconds that an imported message's time may be in the future, to allow for clock differences."""

_first_bytes = Struct("<q")

_encoder = msgspec.json.Encoder(order="deterministic")


def check_send(command: SendMessage, *, may_be_empty: bool = False) -> None:
    """Raises ChatError for a message with invalid fields; also for one without a text, unless it `may_be_empty` or has
    attachments."""
    check_id("conversationId", command.conversation_id)
    if command.card is not None:
        _check_card(command, command.card)
    elif command.parts:
        _check_parts(command)
    else:
        check_content("content", command.content, may_be_empty=may_be_empty or bool(command.attachments))
    if command.client_message_id is not None:
        check_short_text("clientMessageId", command.client_message_id, 128)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)
    if command.metadata is not None:
        check_metadata("metadata", command.metadata)
    if command.created_ms is not None or command.imported is not None:
        _check_import(command)
    if command.if_last_seq is not None or command.if_handler is not UNSET:
        _check_conditions(command)
    if command.attachments:
        check_attachments(command.attachments)
    if command.generated is not None or command.on_behalf_of is not None or command.turn is not None:
        _check_agents(command)


def _check_import(command: SendMessage) -> None:
    if command.created_ms is not None:
        check_time("createdAt", command.created_ms)
    check_imported_parts(command)


def _check_agents(command: SendMessage) -> None:
    if command.generated is not None and command.generated.model is not None:
        check_short_text("generated.model", command.generated.model, MODEL_MAX_LENGTH)
    if command.on_behalf_of is not None:
        check_id("onBehalfOf", command.on_behalf_of)
    if command.turn is not None:
        token_of("turn", command.turn)
        if command.created_ms is not None or command.system:
            raise invalid("turn", "is not possible for imported and system messages")


def _check_parts(command: SendMessage) -> None:
    if command.content:
        raise invalid("parts", "cannot be set together with content, which follows from them")
    check_parts(command.parts, may_be_empty=bool(command.attachments))
    check_attachment_count(len(command.attached))


def _check_card(command: SendMessage, card: AskedCard) -> None:
    if command.content or command.parts:
        raise invalid("card", "cannot be set together with content or parts, which follow from it")
    if command.created_ms is not None or command.system:
        raise invalid("card", "is not possible for imported and system messages")
    check_card(card)


def _check_conditions(command: SendMessage) -> None:
    if command.if_last_seq is not None and not 0 <= command.if_last_seq <= SEQ_MAX:
        raise invalid("ifLastSeq", f"must be between 0 and {SEQ_MAX}")
    if isinstance(command.if_handler, str):
        check_id("ifHandler", command.if_handler)
    if command.created_ms is not None or command.system:
        path = "ifHandler" if command.if_last_seq is None else "ifLastSeq"
        raise invalid(path, "is not possible for imported and system messages")


def check_attachment_count(count: int) -> None:
    """Raises `invalid_request` for more than `ATTACHMENTS_MAX` attachments of one message. Callers check this before
    they process the attachments."""
    if count > ATTACHMENTS_MAX:
        raise invalid("attachments", f"must have at most {ATTACHMENTS_MAX} items")


def check_attachments(refs: Sequence[AttachmentRef]) -> None:
    """Raises `invalid_request` for too many or invalid attachments."""
    check_attachment_count(len(refs))
    for index, ref in enumerate(refs):
        path = f"attachments[{index}]"
        if ref.id is not None:
            check_short_text(f"{path}.id", ref.id, 128)
            _check_sound(path, ref)
            _check_frame(path, ref)
        elif ref.place is not None:
            check_place(f"{path}.place", ref.place)
        elif ref.url is None:
            raise invalid(path, "must have the id of an uploaded file, a place or a url")
        else:
            check_url(f"{path}.url", ref.url)
            if ref.name is not None:
                check_short_text(f"{path}.name", ref.name, NAME_MAX_LENGTH)


def _check_sound(path: str, ref: AttachmentRef) -> None:
    if ref.duration_ms is not None and not 0 <= ref.duration_ms <= DURATION_MAX_MS:
        raise invalid(f"{path}.durationMs", f"must be between 0 and {DURATION_MAX_MS}")
    if len(ref.waveform) > WAVEFORM_MAX:
        raise invalid(f"{path}.waveform", f"must have at most {WAVEFORM_MAX} items")
    if any(not 0 <= loudness <= LOUDEST for loudness in ref.waveform):
        raise invalid(f"{path}.waveform", f"must have items between 0 and {LOUDEST}")


def _check_frame(path: str, ref: AttachmentRef) -> None:
    for name, side in (("width", ref.width), ("height", ref.height)):
        if side is not None and not 1 <= side <= FILM_SIDE_MAX:
            raise invalid(f"{path}.{name}", f"must be between 1 and {FILM_SIDE_MAX}")
    if (ref.width is None) != (ref.height is None):
        raise invalid(path, "must have both width and height, or neither")


def needs_of_send(actor: Actor, command: SendMessage, needs: Prefetch) -> None:
    """Adds to `needs` the keys of the rows that `send_message` will look up; the writer fetches them for a whole batch
    of commands at once."""
    sender_id = command.sender_id or actor.user_id
    needs.members.add((command.conversation_id, sender_id))
    if command.client_message_id is not None:
        needs.sent_messages.add((command.conversation_id, sender_id, command.client_message_id))
    if not command.is_plain:
        need_message(needs, command.reply_to_id)
        need_message(needs, command.thread_id)
        needs.files.update(_file_ids(command.attached))
        need_names(needs, command.conversation_id, command.text)


def need_names(needs: Prefetch, conversation_id: str, content: str) -> None:
    needs.names.update((conversation_id, spelling) for spelling in spellings(mention_marks(content)))


def send_message(tx: Transaction, actor: Actor, command: SendMessage, further: dict[str, Any] | None = None) -> Message:
    """Stores a message and returns it. A retry, recognised by its client message id, returns the message that was
    stored first, or raises `conflict` if that had other content. Raises ChatError if the sender may not write in the
    conversation.

    Retries are recognised before slow mode, mutes and conditions are checked, because these may have changed since.
    Raises `forbidden` if the sender may no longer see the first message. `further` are fields of the message that do
    not follow from the command.
    """
    if command.created_ms is not None or command.system:
        return _send_from_outside(tx, actor, command)
    sender_id = acting_as(actor, command.sender_id)
    sender, member = tx.user(sender_id), tx.member(command.conversation_id, sender_id)
    refusal = may_take_part(sender, member)
    conversation = tx.conversation(command.conversation_id)
    if refusal is not None or conversation is None or sender is None or member is None:
        raise refusal or forbidden("not_found")
    if command.client_message_id is not None:
        first = tx.sent_message(conversation.id, sender_id, command.client_message_id)
        if first is not None:
            repeated = first if _continues(first, command) else same_message(first, command)
            return must_be_visible(repeated, history_of(actor, member))
    require(may_post(conversation, member, tx.now_ms))
    if command.if_last_seq is not None or command.if_handler is not UNSET:
        _must_be_unchanged(tx, conversation, history_of(actor, member), command)
    fields = None if command.is_plain else _fields(tx, actor, sender, member.history, command)
    turn = sent_until_ms = None
    if sender.kind == "agent" or command.turn is not None or command.generated or command.on_behalf_of is not None:
        turn = _turn_of(tx, sender, conversation, command, further)
        fields = (fields or {}) | _agent_fields(tx, sender, command, turn)
        fields |= _cause_fields(tx, sender, command, turn)
        sent_until_ms = used_until_ms(tx, conversation.id, sender_id)
    if further is not None:
        fields = (fields or {}) | further
    message = _record(tx, actor, command, (sender, conversation), fields)
    if sent_until_ms is not None:
        tx.turns.put_sent_until_ms(conversation.id, sender_id, sent_until_ms)
    if turn is not None:
        answered(tx, turn, message, more=command.more)
    return message


def _turn_of(
    tx: Transaction, sender: User, conversation: Conversation, command: SendMessage, further: dict[str, Any] | None
) -> Turn | None:
    """Returns the turn in which a message is written, if it names one. Raises what `turn_to_answer` raises, and
    `conflict` if the message would end the turn, or open a stream, while another message is being written in it."""
    if command.turn is None:
        return None
    turn = turn_to_answer(tx, sender.id, command.turn, conversation)
    if further is not None or (command.card is None and not command.more):
        must_not_stream(tx, turn)
    return turn


def _continues(first: Message, command: SendMessage) -> bool:
    """Returns whether a command takes up a message that an earlier attempt of its turn has begun. It may differ, as
    the agent's processes may be of different versions."""
    is_open = first.state in {"streaming", "interrupted"} and first.cause is not None
    return is_open and command.turn is not None and _turn_id_of(first) == token_of("turn", command.turn).turn_id


def _turn_id_of(message: Message) -> int | None:
    return None if message.cause is None else message.cause.turn_id


def _must_be_unchanged(
    tx: Transaction, conversation: Conversation, history: HistoryStart, command: SendMessage
) -> None:
    """Raises `conflict` with `ConversationChanged` if the sender expected another newest message, or another handler,
    than the conversation has. `history` is where the part of the conversation that the sender may see begins."""
    last_seq, if_last_seq = conversation.last_seq, command.if_last_seq
    if if_last_seq is not None and if_last_seq > last_seq:
        raise invalid("ifLastSeq", f"must be at most the seq of the conversation's newest message, {last_seq}")
    if if_last_seq not in {None, last_seq}:
        message = f"The conversation has newer messages: its last seq is {last_seq}."
    elif command.if_handler not in {UNSET, conversation.handler_id}:
        message = "The conversation has another handler."
    else:
        return
    handler_id = conversation.handler_id if conversation.team_ids else UNSET
    newest = _newest(tx, conversation, history, if_last_seq or 0)
    raise ChatError("conflict", message, ConversationChanged(last_seq, newest, handler_id), cause="state_changed")


def _newest(tx: Transaction, conversation: Conversation, history: HistoryStart, after_seq: int) -> tuple[Message, ...]:
    """Returns the newest messages after a number, at most `CHANGED_MAX`, in ascending order."""
    found = tx.newest_messages(conversation.id, after_seq=after_seq, history_seq=history.seq, limit=CHANGED_MAX)
    newest = within_bytes(messages_for_reader(found, history)[::-1], size_of)
    return tuple(newest[::-1])


def check_first(tx: Transaction, actor: Actor, command: SendMessage) -> None:
    """Raises what `send_message` would raise for the first message of a conversation that does not exist yet, by a user
    who may write there, as to what the message refers to."""
    if command.reply_to_id is not None or command.thread_id is not None:
        raise forbidden("not_found")
    sender_id = acting_as(actor, command.sender_id)
    attachments_of(tx, {sender_id, actor.user_id}, command.attached)
    sender = tx.user(sender_id)
    assert sender is not None, "the sender is a member"
    must_write_parts(tx, actor, sender, command.parts)
    _agent_fields_of(tx, sender, command)


def check_send_all(command: SendMessages) -> None:
    for index, message in enumerate(command.messages):
        with refusals_at(f"messages[{index}]"):
            check_send(message)


def needs_of_send_all(actor: Actor, command: SendMessages, needs: Prefetch) -> None:
    for message in command.messages:
        needs_of_send(actor, message, needs)


def send_messages(tx: Transaction, actor: Actor, command: SendMessages) -> tuple[Message | ChatError, ...]:
    """Stores messages one after the other, and returns for each the stored message or its refusal. Stops after the
    first refusal, unless the command says `skip_refused`. Only for the backend and admins."""
    must_be_trusted(actor)
    outcomes: list[Message | ChatError] = []
    for message in command.messages:
        try:
            outcomes.append(send_message(tx, actor, message))
        except ChatError as refusal:
            outcomes.append(refusal)
            if not command.skip_refused:
                break
    return tuple(outcomes)


def _send_from_outside(tx: Transaction, actor: Actor, command: SendMessage) -> Message:
    """Stores a system message, or a message that was sent in another system, with its original time. A retry,
    recognised by its client message id, returns the message that was stored first.

    The backend does so for any user who was not erased, an admin only for themselves. The sender need not be a member;
    mutes and slow mode do not apply. The backend's own user is created when it first sends a system message.
    """
    must_be_trusted(actor)
    sender_id = acting_as(actor, command.sender_id)
    sender, conversation = tx.user(sender_id), tx.conversation(command.conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        raise forbidden("not_found")
    if sender is None:
        if not command.system or sender_id != actor.user_id or is_own_id(sender_id):
            raise invalid("senderId", "must be the id of a user")
        sender = User(actor.user_id, actor.name, tx.now_ms, backend=True)
    if command.client_message_id is not None:
        first = tx.sent_message(conversation.id, sender_id, command.client_message_id)
        if first is not None:
            return same_message(first, command)
    if sender.erased:
        raise ChatError(
            "conflict", "This user was erased. Nothing is sent in their name.", {"userId": sender.id}, cause="erased"
        )
    fields = {} if command.is_plain else _fields(tx, actor, sender, WHOLE, command)
    if command.created_ms is not None:
        _check_order(tx, conversation, command.created_ms)
        fields |= {"created_ms": command.created_ms, "imported": True, **imported_parts(tx, command)}
    fields |= _agent_fields_of(tx, sender, command)
    if tx.user(sender_id) is None:
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, sender))
    return _record(tx, actor, command, (sender, conversation), fields | {"system": command.system})


def _check_order(tx: Transaction, conversation: Conversation, created_ms: int) -> None:
    """Raises `invalid_request` for an imported message whose time is before that of the conversation's newest message
    or in the future, because times ascend in a conversation."""
    newest_ms = tx.newest_message_ms(conversation)
    latest_ms = tx.now_ms + IMPORT_SKEW_MS
    if newest_ms is not None and created_ms < newest_ms:
        raise invalid("createdAt", f"must not be before the newest message of the conversation, {iso(newest_ms)}")
    if created_ms > latest_ms:
        raise invalid("createdAt", f"must not be in the future: at most {iso(latest_ms)}")


def _record(
    tx: Transaction,
    actor: Actor,
    command: SendMessage,
    place: tuple[User, Conversation],
    fields: Mapping[str, Any] | None,
) -> Message:
    """Records a sent message and returns it. `place` has the sender and the conversation. `fields` maps the names of
    optional fields of `Message` to values; None for a message with text only."""
    sender, conversation = place
    card = None if command.card is None else new_card(tx, sender, conversation, command.card)
    pos = tx.next_pos()
    message = Message(
        id=id_at(pos),
        conversation_id=conversation.id,
        seq=conversation.last_seq + 1,
        sender_id=sender.id,
        sender_name=sender.name,
        sender_avatar=sender.avatar,
        content=command.content,
        created_ms=tx.now_ms,
        client_message_id=command.client_message_id,
        metadata=command.metadata,
        command_hash=None if command.client_message_id is None else hash_of(command),
        notes_of=conversation.notes_of,
    )
    if fields:
        message = replace(message, **fields)
    if card is not None:
        message = replace(message, card=card)
        expect_end(tx, message, card)
    tx.record(MessageSent(pos, tx.now_ms, message))
    if conversation.team_ids:
        if not message.imported:
            asked_ids = () if card is None else named_ids(card.asked)
            list_writers(tx, conversation, sender.id, (*message.mentions, *asked_ids))
        message_sent(tx, conversation, sender, message)
    if conversation.has_agents and message.state is None:
        add_work(tx, conversation, message)
    if message.on_behalf_of is not None:  # a rule of the audit log would cost each ordinary message
        tx.audit.add(actor, (Act("message-on-behalf", str(message.id), conversation.id),), tx.now_ms)
    return message


def _agent_fields_of(tx: Transaction, sender: User, command: SendMessage) -> dict[str, Any]:
    """Returns what `_agent_fields` returns, for a message that is no answer in a turn; nothing for a person's."""
    is_plain = sender.kind == "person" and command.generated is None and command.on_behalf_of is None
    return {} if is_plain else _agent_fields(tx, sender, command, None)


def _agent_fields(tx: Transaction, sender: User, command: SendMessage, turn: Turn | None) -> dict[str, Any]:
    """Returns name -> value for the fields that say that an agent wrote a message, and in whose name. Raises
    `forbidden` if the sender is no agent, or writes on behalf of anybody but its owner and those whom the turn answers,
    or of a user who was erased."""
    if sender.kind != "agent":
        message = "Only agents send messages with generated or onBehalfOf."
        raise ChatError("forbidden", message, {"senderId": sender.id}, cause="not_agent")
    behalf_of = command.on_behalf_of
    if behalf_of is not None:
        may_be_named = behalf_of == sender.owner_id or (turn is not None and behalf_of in askers_of(tx, turn.id))
        user = tx.user(behalf_of) if may_be_named else None
        if user is None or user.erased:
            message = "An agent writes on behalf of its owner, or of a user whom its turn answers."
            raise ChatError("forbidden", message, {"senderId": sender.id}, cause="not_agents_owner")
    model = None if command.generated is None else command.generated.model
    return {"generated": Generated(sender.id, model), "on_behalf_of": behalf_of}


def _cause_fields(tx: Transaction, sender: User, command: SendMessage, turn: Turn | None) -> dict[str, Any]:
    """Returns the field of an agent's message that says what it answers."""
    answered_id = None if command.reply_to_id is None else message_number(command.reply_to_id)
    return {"cause": cause_of(tx, command.conversation_id, sender.id, turn, answered_id)}


def _fields(tx: Transaction, actor: Actor, sender: User, history: HistoryStart, command: SendMessage) -> dict[str, Any]:
    """Returns name -> value for the optional fields of a message: quote, thread, attachments, mentions and parts, with
    the text that follows from these.

    Raises ChatError if the sender may not quote, reply to or attach what the command names, or may not write its parts.
    `history` is where the part of the conversation that the sender may see begins.
    """
    conversation_id, text = command.conversation_id, command.text
    must_write_parts(tx, actor, sender, command.parts)
    mentions = mentioned(tx, conversation_id, text)
    return {
        "content": text,
        "parts": simplified(command.parts),
        "reply_to": None if command.reply_to_id is None else _quote(tx, conversation_id, history, command.reply_to_id),
        "thread_id": None if command.thread_id is None else _root_id(tx, conversation_id, history, command.thread_id),
        "attachments": attachments_of(tx, {sender.id, actor.user_id}, command.attached),
        "mentions": mentions.user_ids,
        "mentions_all": mentions.everyone,
    }


def must_write_parts(tx: Transaction, actor: Actor, sender: User, parts: Sequence[MessagePart]) -> None:
    """Raises `forbidden` if the parts are not only texts and sources, and the server's setting `streams` does not let
    the sender write others."""
    if parts and need_right(parts) and not may_stream(actor, sender, tx.policy):
        who = "Nobody sends" if tx.policy.streams == "off" else "Only agents and the application's backend send"
        message = f"{who} other parts than text and source here (setting streams)."
        raise ChatError("forbidden", message, {"senderId": sender.id}, cause="server_policy")


def mentioned(tx: Transaction, conversation_id: str, content: str) -> Mentions:
    """Returns which members of the conversation a text mentions by `@` and their name, handle or id, and whether it
    mentions everyone."""
    marks = mention_marks(content)
    if not marks:
        return Mentions()
    return resolve(marks, tx.members_named(conversation_id, spellings(marks)))


def _message_in(tx: Transaction, conversation_id: str, history: HistoryStart, message_id: str) -> Message:
    """Returns a message of the conversation by its id. Raises `forbidden` for a message of another conversation, and
    for one outside of the visible part of the conversation (`history`)."""
    number = message_number(message_id)
    message = None if number is None else tx.message(number)
    if message is None or message.conversation_id != conversation_id:
        raise forbidden("not_found")
    must_be_visible(message, history)
    return message


def _quote(tx: Transaction, conversation_id: str, history: HistoryStart, message_id: str) -> Quote:
    message = _message_in(tx, conversation_id, history, message_id)
    must_not_be_deleted(message, "replyToId")
    return Quote(message.id, message.sender_id, message.content[:EXCERPT_LENGTH], message.seq)


def _root_id(tx: Transaction, conversation_id: str, history: HistoryStart, message_id: str) -> int:
    """Returns the id of the message that starts a thread (its root). Raises `invalid_request` for a message that is
    itself a reply in a thread, because threads have one level."""
    root = _message_in(tx, conversation_id, history, message_id)
    must_not_be_deleted(root, "threadId")
    if root.thread_id is not None:
        raise invalid("threadId", "must be the first message of a thread, not a reply")
    return root.id


def attachments_of(
    tx: Transaction, owner_ids: Collection[str], refs: Sequence[AttachmentRef]
) -> tuple[Attachment, ...]:
    """Returns a message's attachments without duplicates, of files of the users `owner_ids`. Raises `forbidden` for a
    file of another user and for a file that does not exist."""
    files = tx.files.of_ids(_file_ids(refs)) if refs else {}
    distinct: dict[object, AttachmentRef] = {}
    for ref in refs:
        distinct.setdefault((ref.id, ref.url, ref.name, ref.place), ref)
    return tuple(_attachment(files.get(ref.id or ""), owner_ids, ref) for ref in distinct.values())


def _file_ids(refs: Sequence[AttachmentRef]) -> set[str]:
    return {ref.id for ref in refs if ref.id is not None}


def _attachment(file: File | None, owner_ids: Collection[str], ref: AttachmentRef) -> Attachment:
    if ref.place is not None and ref.id is None:
        return Attachment(url=map_url(ref.place), name=label_of_place(ref.place), place=ref.place)
    if ref.id is None:
        assert ref.url is not None, "the command was validated"
        name = file_name(ref.name or unquote(urlsplit(ref.url).path))
        return Attachment(url=ref.url, name=name, kind=ref.kind)
    if file is None or file.owner_id not in owner_ids:
        raise forbidden("not_found")
    attached = attachment_of(file)
    if ref.kind is not None:
        attached = replace(attached, kind=ref.kind)
    if ref.duration_ms is not None or ref.waveform:
        attached = replace(attached, duration_ms=ref.duration_ms, waveform=ref.waveform)
    if file.content_type.startswith("video/"):  # the server does not decode films
        attached = replace(attached, width=ref.width, height=ref.height)
    return attached


def hash_of(command: SendMessage) -> int:
    """Returns a 64-bit hash of a message's content. It distinguishes a retry from a different message with the same
    client message id."""
    if command.sent_hash is not None:
        return command.sent_hash
    what: tuple[object, ...] = (command.content, command.metadata)
    if command.attachments or command.reply_to_id is not None or command.thread_id is not None:
        what = (*what, command.attachments, command.reply_to_id, command.thread_id)
    if command.created_ms is not None:
        what = (*what, command.created_ms)
    if command.parts:
        what = (*what, command.parts)
    if command.card is not None:
        what = (*what, command.card)
    if command.system:
        what = (*what, "system")
    if command.generated is not None or command.on_behalf_of is not None:
        what = (*what, command.generated, command.on_behalf_of)
    (number,) = _first_bytes.unpack_from(blake2b(_encoder.encode(what)).digest())
    return int(number)


def same_message(first: Message, command: SendMessage) -> Message:
    """Returns the message `first`, which has the command's client message id, if the command repeats it. Raises
    `conflict` if that message had other content."""
    if first.command_hash != hash_of(command):
        raise ChatError("conflict", "This clientMessageId was used for another message.", cause="retry_differs")
    return first


CHANGES: Changes = MappingProxyType(
    {
        SendMessage: ChangeHandler(send_message, check_send, needs_of_send),
        SendMessages: ChangeHandler(send_messages, check_send_all, needs_of_send_all),
    }
)
