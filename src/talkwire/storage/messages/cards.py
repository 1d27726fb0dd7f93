"""What users have chosen of cards, and which cards are open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, bindparam, delete, false, insert, or_, select, update

from talkwire.core.domain.cards.card import AskedCard, CardChoice, InputValue
from talkwire.core.domain.cards.deciding import without_user
from talkwire.core.domain.model import Message
from talkwire.core.ports.stores import OwnChoice, Question
from talkwire.storage.messages.messages import messages_by_id, to_extra
from talkwire.storage.schema import card_choices, members, messages, open_cards, users
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow, to_json
from talkwire.storage.workspace import Workspace

_ids: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])
_input: msgspec.json.Decoder[dict[str, InputValue]] = msgspec.json.Decoder(dict[str, InputValue])
_put = upsert(card_choices)
_put = _put.on_conflict_do_update(
    index_elements=["message_id", "user_id"],
    set_={column: _put.excluded[column] for column in ("action_ids", "input", "comment", "at_ms")},
)
_forget = [delete(table).where(table.c.message_id == bindparam("of_id")) for table in (card_choices, open_cards)]


class CardRows(Reads):
    """Reads the choices of cards. Implements `core.ports.stores.Cards`."""

    def choice(self, message_id: int, user_id: str) -> CardChoice | None:
        own = card_choices.c.message_id == message_id, card_choices.c.user_id == user_id
        row = self._connection.execute(select(card_choices).where(*own)).one_or_none()
        return None if row is None else _to_choice(row)

    def choices(self, message_id: int, limit: int | None = None) -> Sequence[CardChoice]:
        found = select(card_choices).where(card_choices.c.message_id == message_id)
        rows = self._connection.execute(found.order_by(card_choices.c.at_ms, card_choices.c.user_id).limit(limit))
        return [_to_choice(row) for row in rows]

    def open_for(self, user_id: str, limit: int) -> Sequence[Message]:
        has_chosen = select(card_choices.c.message_id).where(card_choices.c.user_id == user_id)
        found = (
            select(open_cards.c.message_id)
            .join(members, members.c.conversation_id == open_cards.c.conversation_id)
            .where(members.c.user_id == user_id, open_cards.c.message_id.not_in(has_chosen))
            .order_by(open_cards.c.message_id.desc())
            .limit(limit)
        )
        ids = self._connection.execute(found).scalars().all()
        messages_found = messages_by_id(self._connection, ids)
        return [messages_found[id_] for id_ in ids]

    def of_user(self, user_id: str, after_id: int, limit: int) -> Sequence[OwnChoice]:
        own = select(card_choices).where(card_choices.c.user_id == user_id, card_choices.c.message_id > after_id)
        rows = self._connection.execute(own.order_by(card_choices.c.message_id).limit(limit))
        return [OwnChoice(row.message_id, _to_choice(row)) for row in rows]

    def asked(self, question: Question, *, now_ms: int, limit: int, not_yet: int | None = None) -> Sequence[str]:
        found = (
            select(members.c.user_id)
            .join(users, users.c.id == members.c.user_id)
            .where(
                members.c.conversation_id == question.conversation_id,
                ~users.c.banned,
                or_(members.c.muted_until_ms <= now_ms, members.c.role == "owner"),
                _is_asked(question.asked, question.author_id),
            )
        )
        if not_yet is not None:
            has_chosen = select(card_choices.c.user_id).where(card_choices.c.message_id == not_yet)
            found = found.where(members.c.user_id.not_in(has_chosen))
        return self._connection.execute(found.limit(limit)).scalars().all()


class WritableCardRows(CardRows):
    """Implements `core.ports.stores.WritableCards`. `write_users` writes the users whom the transaction has created."""

    def __init__(self, connection: Connection, write_users: Callable[[], None]) -> None:
        super().__init__(connection)
        self._write_users = write_users

    def asked(self, question: Question, *, now_ms: int, limit: int, not_yet: int | None = None) -> Sequence[str]:
        self._write_users()
        return super().asked(question, now_ms=now_ms, limit=limit, not_yet=not_yet)

    def put_choice(self, message_id: int, choice: CardChoice) -> None:
        if not choice.action_ids:
            own = card_choices.c.message_id == message_id, card_choices.c.user_id == choice.user_id
            self._connection.execute(delete(card_choices).where(*own))
            return
        row = {
            "message_id": message_id,
            "user_id": choice.user_id,
            "action_ids": to_json(choice.action_ids),
            "input": to_json(choice.input),
            "comment": choice.comment,
            "at_ms": choice.at_ms,
        }
        self._connection.execute(_put, row)


def _to_choice(row: AnyRow) -> CardChoice:
    return CardChoice(
        row.user_id,
        _ids.decode(row.action_ids),
        row.at_ms,
        None if row.input is None else _input.decode(row.input),
        row.comment,
    )


def _is_asked(asked: AskedCard, author_id: str) -> ColumnElement[bool]:
    """Returns the SQL condition that a card asks a member: `core.domain.cards.deciding.is_asked` as SQL."""
    who, id_, is_person = asked.who, members.c.user_id, users.c.kind == "person"
    if who is UNSET:
        return is_person if asked.is_poll else is_person & (id_ != author_id)
    admitted = [id_ == author_id] if who.author is True else []
    if who.agents is not UNSET:
        admitted.append((users.c.kind == "agent") & id_.in_(who.agents))
    if who.users is not UNSET:
        admitted.append(is_person & id_.in_(who.users))
    if who.roles is not UNSET:
        admitted.append(is_person & members.c.role.in_(who.roles) & (id_ != author_id))
    return or_(false(), *admitted)


def put_open(connection: Connection, message: Message) -> None:
    """Stores that a message's card is open, or removes that once it has ended. Polls are left out."""
    card = message.card
    assert card is not None, "the caller has checked it"
    if card.asked.is_poll:
        return
    if card.is_open:
        connection.execute(insert(open_cards), {"message_id": message.id, "conversation_id": message.conversation_id})
    else:
        connection.execute(delete(open_cards).where(open_cards.c.message_id == message.id))


def forget_choices_of_user(workspace: Workspace, user_id: str, limit: int) -> int:
    """Removes at most `limit` choices of a user. Those of open cards count no more; those of others keep counting, but
    the cards name the user no more. Returns how many."""
    connection, own = workspace.connection, card_choices.c.user_id == user_id
    found = (
        select(card_choices.c.message_id, card_choices.c.action_ids, messages.c.extra)
        .join(messages, messages.c.id == card_choices.c.message_id)
        .where(own)
        .limit(limit)
    )
    rows = connection.execute(found).all()
    for row in rows:
        extra = to_extra(row.extra)
        if extra.card is not None:
            left = replace(extra, card=without_user(extra.card, user_id, _ids.decode(row.action_ids)))
            connection.execute(update(messages).where(messages.c.id == row.message_id).values(extra=to_json(left)))
        connection.execute(delete(card_choices).where(own, card_choices.c.message_id == row.message_id))
        workspace.forget_message(row.message_id)
    return len(rows)


def forget_cards(connection: Connection, message_ids: Collection[int]) -> None:
    """Removes the choices of the cards of deleted messages."""
    for statement in _forget:
        connection.execute(statement, [{"of_id": id_} for id_ in message_ids])
