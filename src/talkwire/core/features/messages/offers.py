"""Offers: prices that members propose to others in a conversation. Their states are `pending → accepted | rejected |
withdrawn | expired | countered`.

An offer is closed once. The first decision is final; later decisions are refused with `conflict`, unless the same user
repeats the same one.
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from talkwire.core.commands.command import Page
from talkwire.core.commands.offers import (
    OFFER_AMOUNT_MAX,
    OFFER_DESCRIPTION_MAX_LENGTH,
    OFFER_TITLE_MAX_LENGTH,
    CounterOffer,
    CreateOffer,
    DeleteOffer,
    GetOffer,
    ListOffers,
    OfferDecision,
    UpdateOffer,
)
from talkwire.core.domain.access import (
    acting_as,
    blocked,
    history_for,
    history_of,
    is_muted,
    is_owner_or_admin,
    may_act,
    may_post,
    may_see_offer,
    may_take_part,
    must_not_be_held,
    muted,
    require,
)
from talkwire.core.domain.currencies import CURRENCIES
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import OfferCreated, OfferUpdated
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import (
    Actor,
    Conversation,
    HistoryStart,
    Member,
    Offer,
    OfferStatus,
    message_number,
)
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.domain.texts import check_id, check_metadata, check_name, check_text
from talkwire.core.domain.times import check_time
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

_encode = msgspec.json.Encoder().encode


def check_create(command: CreateOffer) -> None:
    """Raises `invalid_request` for an offer (a proposed price) with invalid fields."""
    check_id("conversationId", command.conversation_id)
    check_name("title", command.title, OFFER_TITLE_MAX_LENGTH)
    _check_currency(command.currency)
    _check_rest(command)


def check_counter(command: CounterOffer) -> None:
    if command.title is not None:
        check_name("title", command.title, OFFER_TITLE_MAX_LENGTH)
    if command.currency is not None:
        _check_currency(command.currency)
    _check_rest(command)


def check_update(command: UpdateOffer) -> None:
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def _check_rest(command: CreateOffer | CounterOffer) -> None:
    if isinstance(command.amount, bool) or not 0 <= command.amount <= OFFER_AMOUNT_MAX:
        raise invalid("amount", f"must be an integer from 0 to {OFFER_AMOUNT_MAX}, in the currency's smallest unit")
    if command.description is not None:
        check_text("description", command.description)
        if len(command.description) > OFFER_DESCRIPTION_MAX_LENGTH:
            raise invalid("description", f"must have at most {OFFER_DESCRIPTION_MAX_LENGTH} characters")
    if command.expires_ms is not None:
        check_time("expiresAt", command.expires_ms)
    if command.metadata is not None:
        check_metadata("metadata", command.metadata)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def _check_currency(currency: str) -> None:
    if currency not in CURRENCIES:
        raise invalid("currency", "must be an ISO 4217 currency code, such as EUR")


def may_close(offer: Offer, user_id: str, status: OfferDecision) -> ChatError | None:
    """Returns an error unless the user may make this decision about an offer (a proposed price), else None: authors
    withdraw, other members accept or reject."""
    own = offer.author_id == user_id
    if own and status != "withdrawn":
        return ChatError("forbidden", "Your own offer can only be withdrawn.", cause="own_offer")
    if not own and status == "withdrawn":
        return ChatError("forbidden", "Only the author can withdraw an offer.", cause="not_author")
    return None


def without_texts_of(offer: Offer, user_id: str) -> Offer:
    """Returns a copy of an offer (a proposed price) without the texts that a user wrote: all texts if the offer, or its
    title, is the user's; otherwise the description, if a counter-offer has it from the user."""
    if user_id in {offer.author_id, offer.title_by}:
        return offer.without_texts()
    if offer.description_by == user_id:
        return replace(offer, description=None, description_by=None)
    return offer


def redacted(offer: Offer, now_ms: int, user_id: str) -> Offer:
    """Returns what is left of an offer (a proposed price) when the user `user_id` is erased with all texts: the offer
    is deleted if its title was the user's, since nobody can decide about an offer without one."""
    left = without_texts_of(offer, user_id)
    return left if left.title == offer.title else deleted(offer, now_ms, user_id)


def deleted(offer: Offer, now_ms: int, deleted_by: str) -> Offer:
    """Returns what is left of an offer (a proposed price) that the user `deleted_by` deletes at `now_ms` (milliseconds
    since 1970): no texts, and `withdrawn` if it was pending."""
    left = replace(offer.without_texts(), deleted_ms=now_ms, deleted_by=deleted_by)
    if offer.status != "pending":
        return left
    return replace(left, status="withdrawn", updated_ms=now_ms, closed_by=deleted_by)


def is_open(offer: Offer, now_ms: int) -> bool:
    """Returns whether an offer (a proposed price) can still be decided at `now_ms`. An expired offer cannot, even if
    its stored status is still `pending`."""
    return offer.status == "pending" and (offer.expires_ms is None or offer.expires_ms > now_ms)


def create_offer(tx: Transaction, actor: Actor, command: CreateOffer) -> Offer:
    """Creates an offer (a proposed price) to the other members of a conversation and returns it. Raises `forbidden`
    unless its author is a member, and `muted`, `blocked` or `forbidden` if the author may not write in the
    conversation."""
    author_id = acting_as(actor, command.sender_id)
    _posting_member(tx, command.conversation_id, author_id)
    _check_time(tx, command.expires_ms)
    pos = tx.next_pos()
    offer = Offer(
        id=id_at(pos),
        conversation_id=command.conversation_id,
        author_id=author_id,
        title=command.title,
        amount=command.amount,
        currency=command.currency,
        status="pending",
        created_ms=tx.now_ms,
        updated_ms=tx.now_ms,
        description=command.description,
        expires_ms=command.expires_ms,
        metadata=command.metadata,
    )
    tx.record(OfferCreated(pos, tx.now_ms, offer))
    return offer


def update_offer(tx: Transaction, actor: Actor, command: UpdateOffer) -> Offer:
    """Accepts, rejects or withdraws an offer (a proposed price) and returns it. Raises `muted` if a moderator has muted
    the user, unless they withdraw their own offer; `conflict` if the offer is no longer pending or, to accept it, if
    its author is no longer in the conversation.

    Records nothing if the same user has made the same decision before: a client may retry, or announce over a socket
    what it decided over REST.
    """
    user_id = acting_as(actor, command.sender_id)
    offer = _find(tx, command.offer_id)
    if command.conversation_id not in {None, offer.conversation_id}:
        raise forbidden("not_found")
    conversation, member = _participation(tx, offer.conversation_id, user_id)
    _must_see(offer, history_of(actor, member))
    require(may_close(offer, user_id, command.status))
    if (offer.status, offer.closed_by) == (command.status, user_id):
        return offer
    if command.status != "withdrawn":
        if conversation.blocked:
            raise blocked()
        if is_muted(member, tx.now_ms):
            raise muted(member)
    if command.status == "accepted":
        _must_have_author(tx, offer)
    return _close(tx, offer, command.status, user_id)


def counter_offer(tx: Transaction, actor: Actor, command: CounterOffer) -> Offer:
    """Closes another member's offer (a proposed price) as `countered`, and returns the new offer that replaces it.
    Raises `conflict` if the other offer is no longer pending, or its author no longer in the conversation."""
    author_id = acting_as(actor, command.sender_id)
    first = _find(tx, command.offer_id)
    _must_see(first, history_of(actor, _posting_member(tx, first.conversation_id, author_id)))
    if first.author_id == author_id:
        raise ChatError("forbidden", "Your own offer can only be withdrawn.", cause="own_offer")
    _check_time(tx, command.expires_ms)
    _must_have_author(tx, first)
    _close(tx, first, "countered", author_id)
    title_by = None if command.title else first.title_by or first.author_id
    description_by = None
    if command.description is None and first.description is not None:
        description_by = first.description_by or first.author_id
    pos = tx.next_pos()
    offer = Offer(
        id=id_at(pos),
        conversation_id=first.conversation_id,
        author_id=author_id,
        title=command.title or first.title,
        amount=command.amount,
        currency=command.currency or first.currency,
        status="pending",
        created_ms=tx.now_ms,
        updated_ms=tx.now_ms,
        description=first.description if command.description is None else command.description,
        expires_ms=command.expires_ms,
        counter_of=first.id,
        metadata=command.metadata,
        title_by=None if title_by == author_id else title_by,
        description_by=None if description_by == author_id else description_by,
    )
    tx.record(OfferCreated(pos, tx.now_ms, offer))
    return offer


def delete_offer(tx: Transaction, actor: Actor, command: DeleteOffer) -> None:
    """Removes the texts of another member's offer (a proposed price), and withdraws it if it is pending. Deleting it
    again changes nothing. Raises `forbidden` for an actor who may not delete it, and `conflict` if its conversation or
    author is on hold."""
    offer = _find(tx, command.offer_id)
    deleted_by = _deleter_id(tx, actor, offer)
    if offer.deleted_ms is None:
        must_not_be_held(tx.conversation(offer.conversation_id), tx.user(offer.author_id))
        tx.record(OfferUpdated(tx.next_pos(), tx.now_ms, deleted(offer, tx.now_ms, deleted_by)))


def _deleter_id(tx: Transaction, actor: Actor, offer: Offer) -> str:
    """Returns the id of the user in whose name an offer is deleted: the actor's, or the author's for the application's
    backend. Raises `forbidden` for an offer of a deleted conversation, and for an actor who may not delete the offer,
    such as its author: others may rely on what they accepted."""
    conversation = tx.conversation(offer.conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        raise forbidden("not_found")
    if actor.is_service:
        return offer.author_id
    if actor.role == "admin":
        require(may_act(tx.user(actor.user_id)))
    else:
        _, member = _participation(tx, offer.conversation_id, actor.user_id)
        _must_see(offer, member.history)
        if conversation.kind == "direct" or not is_owner_or_admin(member):
            raise forbidden("not_manager")
    if offer.author_id == actor.user_id:
        raise ChatError("forbidden", "Your own offer can only be withdrawn.", cause="own_offer")
    return actor.user_id


def visible_offer(tx: Transaction, actor: Actor, offer_id: str) -> Offer:
    """Returns an offer (a proposed price) that the actor sees as a member of its conversation. Raises `forbidden`
    otherwise, also if there is none."""
    offer = _find(tx, offer_id)
    _, member = _participation(tx, offer.conversation_id, actor.user_id)
    _must_see(offer, member.history)
    return offer


def expire_offer(tx: Transaction, key: str) -> int | None:
    """Marks a pending offer (a proposed price) as expired if its time is over. Returns when it expires if that is
    later, in milliseconds since 1970, else None."""
    offer = tx.offers.find(int(key))
    if offer is None or offer.status != "pending" or offer.expires_ms is None:
        return None
    if offer.expires_ms > tx.now_ms:
        return offer.expires_ms
    _record(tx, offer, "expired", None)
    return None


def _close(tx: Transaction, offer: Offer, status: OfferStatus, user_id: str) -> Offer:
    if not is_open(offer, tx.now_ms):
        known = offer.status if offer.status != "pending" else "expired"
        raise ChatError("conflict", f"This offer is already {known}.", {"status": known}, cause="state_changed")
    return _record(tx, offer, status, user_id)


def _record(tx: Transaction, offer: Offer, status: OfferStatus, user_id: str | None) -> Offer:
    closed = replace(offer, status=status, updated_ms=tx.now_ms, closed_by=user_id)
    tx.record(OfferUpdated(tx.next_pos(), tx.now_ms, closed))
    return closed


def _find(tx: Transaction, offer_id: str) -> Offer:
    number = message_number(offer_id)
    offer = None if number is None else tx.offers.find(number)
    if offer is None:
        raise forbidden("not_found")
    return offer


def _participation(tx: Transaction, conversation_id: str, user_id: str) -> tuple[Conversation, Member]:
    member = tx.member(conversation_id, user_id)
    refusal = may_take_part(tx.user(user_id), member)
    conversation = tx.conversation(conversation_id)
    if refusal is not None or member is None or conversation is None:
        raise refusal or forbidden("not_found")
    return conversation, member


def _posting_member(tx: Transaction, conversation_id: str, user_id: str) -> Member:
    """Returns the user's membership in a conversation. Raises ChatError unless the user may write in it; slow mode (the
    waiting time between messages) does not apply to offers."""
    conversation, member = _participation(tx, conversation_id, user_id)
    require(may_post(replace(conversation, slow_mode_s=0), member, tx.now_ms))
    return member


def _must_have_author(tx: Transaction, offer: Offer) -> None:
    """Raises `conflict` if the author of a pending offer cannot take part in its conversation any more."""
    author = tx.user(offer.author_id)
    if is_open(offer, tx.now_ms) and may_take_part(author, tx.member(offer.conversation_id, offer.author_id)):
        raise ChatError("conflict", "The author of this offer is no longer in the conversation.", cause="not_member")


def _must_see(offer: Offer, history: HistoryStart) -> None:
    """Raises `forbidden` if the offer is older than the part of the conversation that the reader may see
    (`history`)."""
    if not may_see_offer(offer.id, history):
        raise forbidden("hidden_history")


def _check_time(tx: Transaction, expires_ms: int | None) -> None:
    if expires_ms is not None and expires_ms <= tx.now_ms:
        raise invalid("expiresAt", "must be in the future")


def get_offer(snapshot: Snapshot, actor: Actor, query: GetOffer) -> Offer:
    """Returns an offer (a proposed price) by its id. Raises `forbidden` unless the actor may see it."""
    number = message_number(query.offer_id)
    offer = None if number is None else snapshot.offers.find(number)
    if offer is None:
        raise forbidden("not_found")
    _must_see(offer, history_for(snapshot, actor, offer.conversation_id))
    return offer


def list_offers(snapshot: Snapshot, actor: Actor, query: ListOffers) -> Page[Offer]:
    """Returns a page of the offers (proposed prices) in a conversation that the actor may see, newest first. Raises
    `forbidden` unless the actor may read the conversation."""
    check_id("conversationId", query.conversation_id)
    before_id = None if query.cursor is None else message_number(query.cursor)
    if query.cursor is not None and before_id is None:
        raise invalid("cursor", "is not a cursor of this list")
    history = history_for(snapshot, actor, query.conversation_id)
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.offers.of_conversation(query.conversation_id, history.pos, before_id, limit + 1)
    items = within_bytes(found[:limit], lambda offer: len(_encode(offer)))
    return Page(tuple(items), str(items[-1].id) if len(items) < len(found) else None)


CHANGES: Changes = MappingProxyType(
    {
        CreateOffer: ChangeHandler(create_offer, check_create),
        UpdateOffer: ChangeHandler(update_offer, check_update),
        CounterOffer: ChangeHandler(counter_offer, check_counter),
        DeleteOffer: ChangeHandler(delete_offer),
    }
)

QUERIES: Queries = MappingProxyType({GetOffer: get_offer, ListOffers: list_offers})
