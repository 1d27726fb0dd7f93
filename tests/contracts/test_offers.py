"""Offers: who may create and close them, and that each is closed once."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, ListNotices
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.offers import (
    OFFER_AMOUNT_MAX,
    CounterOffer,
    CreateOffer,
    DeleteOffer,
    GetOffer,
    ListOffers,
    OfferDecision,
    UpdateOffer,
)
from talkwire.core.commands.search import SearchOffers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import OfferCreated, OfferUpdated
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Actor, Offer
from talkwire.core.features.messages import search
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

HOUR_MS = 3600 * 1000
SERVER = Actor("", "", role="service")


async def made(node: Node, by: Actor = ALICE, expires_ms: int | None = None, title: str = "A bicycle") -> Offer:
    offer = await node.do(by, CreateOffer("c", title, 12_000, "EUR", "Red", expires_ms, {"sku": 1}))
    assert isinstance(offer, Offer)
    return offer


@pytest.fixture(autouse=True)
async def _group(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)


async def test_an_offer_has_the_fields_of_its_creation(node: Node, clock: Clock) -> None:
    offer = await made(node, expires_ms=clock.now_ms + HOUR_MS)
    assert offer == Offer(
        id=id_at(node.chat.pos),
        conversation_id="c",
        author_id="alice",
        title="A bicycle",
        amount=12_000,
        currency="EUR",
        status="pending",
        created_ms=clock.now_ms,
        updated_ms=clock.now_ms,
        description="Red",
        expires_ms=clock.now_ms + HOUR_MS,
        metadata={"sku": 1},
    )
    assert await node.do(BOB, GetOffer(str(offer.id))) == offer
    assert node.log[-1] == OfferCreated(node.chat.pos, clock.now_ms, offer)


@pytest.mark.parametrize(
    ("by", "status", "expected"),
    [
        (ALICE, "withdrawn", None),
        (BOB, "accepted", None),
        (BOB, "rejected", None),
        (CAROL, "accepted", None),
        (ALICE, "accepted", "forbidden"),
        (ALICE, "rejected", "forbidden"),
        (BOB, "withdrawn", "forbidden"),
        (MALLORY, "accepted", "forbidden"),
        (MALLORY, "withdrawn", "forbidden"),
        (BACKEND, "accepted", "invalid_request"),
        (OPERATOR, "accepted", "forbidden"),
    ],
)
async def test_its_author_withdraws_an_offer_and_others_accept_or_reject_it(
    node: Node, clock: Clock, by: Actor, status: OfferDecision, expected: str | None
) -> None:
    offer = await made(node)
    clock.now_ms += 1000
    if expected is not None:
        assert await node.refusal(by, UpdateOffer(str(offer.id), status)) == expected
        assert (await node.do(BOB, GetOffer(str(offer.id)))).status == "pending"
        return
    closed = await node.do(by, UpdateOffer(str(offer.id), status))
    assert (closed.status, closed.closed_by, closed.updated_ms) == (status, by.user_id, clock.now_ms)
    assert node.log[-1] == OfferUpdated(node.chat.pos, clock.now_ms, closed)
    assert await node.do(CAROL, GetOffer(str(offer.id))) == closed


async def test_an_offer_is_closed_once_also_by_two_at_once(node: Node) -> None:
    offer = await made(node)
    first, second, third, fourth = await node.in_one_batch(
        (BOB, UpdateOffer(str(offer.id), "accepted")),
        (CAROL, UpdateOffer(str(offer.id), "accepted")),
        (ALICE, UpdateOffer(str(offer.id), "withdrawn")),
        (CAROL, CounterOffer(str(offer.id), 1)),
    )
    assert first.status == "accepted"
    for refused in (second, third, fourth):
        assert isinstance(refused, ChatError)
        assert (refused.code, refused.details) == ("conflict", {"status": "accepted"})


@pytest.mark.parametrize(("by", "status"), [(BOB, "accepted"), (BOB, "rejected"), (ALICE, "withdrawn")])
async def test_a_repeated_decision_succeeds_and_records_nothing(
    node: Node, clock: Clock, by: Actor, status: OfferDecision
) -> None:
    offer = await made(node, expires_ms=clock.now_ms + HOUR_MS)
    first, retry = await node.in_one_batch(
        (by, UpdateOffer(str(offer.id), status)), (by, UpdateOffer(str(offer.id), status))
    )
    assert first == retry
    pos = node.chat.pos
    clock.now_ms += 2 * HOUR_MS
    assert await node.do(by, UpdateOffer(str(offer.id), status)) == first
    assert await node.do(BACKEND, UpdateOffer(str(offer.id), status, by.user_id, "c")) == first
    assert node.chat.pos == pos
    assert [type(event) for event in node.log].count(OfferUpdated) == 1


async def test_another_decision_or_another_members_decision_is_still_a_conflict(node: Node) -> None:
    offer = await made(node)
    await node.do(BOB, UpdateOffer(str(offer.id), "rejected"))
    assert await node.refusal(BOB, UpdateOffer(str(offer.id), "accepted")) == "conflict"
    assert await node.refusal(CAROL, UpdateOffer(str(offer.id), "rejected")) == "conflict"
    assert await node.refusal(ALICE, UpdateOffer(str(offer.id), "withdrawn")) == "conflict"
    assert await node.refusal(MALLORY, UpdateOffer(str(offer.id), "rejected")) == "forbidden"


async def test_a_repeated_decision_succeeds_after_a_block_too(node: Node) -> None:
    direct = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    offer = await node.do(ALICE, CreateOffer(direct.conversation.id, "A bicycle", 12_000, "EUR"))
    accepted = await node.do(BOB, UpdateOffer(str(offer.id), "accepted"))
    await node.do(ALICE, BlockUser("bob"))
    assert await node.do(BOB, UpdateOffer(str(offer.id), "accepted")) == accepted


async def test_a_counter_offer_closes_one_and_opens_another(node: Node, clock: Clock) -> None:
    offer = await made(node, expires_ms=clock.now_ms + HOUR_MS)
    counter = await node.do(BOB, CounterOffer(str(offer.id), 9_000))
    assert (counter.author_id, counter.amount, counter.counter_of, counter.status) == (
        "bob",
        9_000,
        offer.id,
        "pending",
    )
    assert (counter.title, counter.currency, counter.description) == ("A bicycle", "EUR", "Red")
    assert (counter.expires_ms, counter.metadata) == (None, None)
    first = await node.do(ALICE, GetOffer(str(offer.id)))
    assert (first.status, first.closed_by) == ("countered", "bob")
    # The user who countered is the author of the open offer; the other side decides.
    assert await node.refusal(BOB, UpdateOffer(str(counter.id), "accepted")) == "forbidden"
    assert (await node.do(ALICE, UpdateOffer(str(counter.id), "accepted"))).status == "accepted"
    assert await node.refusal(ALICE, CounterOffer(str((await made(node)).id), 1)) == "forbidden"
    assert await node.refusal(MALLORY, CounterOffer(str((await made(node)).id), 1)) == "forbidden"


async def test_an_offer_whose_time_has_come_is_over_before_anybody_noticed(node: Node, clock: Clock) -> None:
    offer = await made(node, expires_ms=clock.now_ms + HOUR_MS)
    clock.now_ms += HOUR_MS
    for command in (UpdateOffer(str(offer.id), "accepted"), CounterOffer(str(offer.id), 1)):
        assert await node.refusal(BOB, command) == "conflict"
    await node.fire()
    expired = await node.do(BOB, GetOffer(str(offer.id)))
    assert (expired.status, expired.closed_by, expired.updated_ms) == ("expired", None, clock.now_ms)


async def test_due_offers_expire_each_at_its_time(node: Node, clock: Clock) -> None:
    later = await made(node, expires_ms=clock.now_ms + 2 * HOUR_MS)
    sooner = await made(node, expires_ms=clock.now_ms + HOUR_MS)
    accepted = await made(node, expires_ms=clock.now_ms + HOUR_MS)
    await node.do(BOB, UpdateOffer(str(accepted.id), "accepted"))
    await made(node)
    await node.fire()
    assert await node.next_timer_ms() == sooner.expires_ms
    clock.now_ms += HOUR_MS
    await node.fire()
    assert await node.next_timer_ms() == later.expires_ms
    clock.now_ms += HOUR_MS
    pos = node.chat.pos
    await node.fire()
    assert await node.next_timer_ms() is None
    assert node.chat.pos == pos + 1
    page = await node.do(ALICE, ListOffers("c"))
    assert [offer.status for offer in page.items] == ["pending", "accepted", "expired", "expired"]


async def test_offers_are_visible_to_members_only(node: Node) -> None:
    offer = await made(node)
    there, nowhere = str(offer.id), str(offer.id + 1)
    for id_ in (there, nowhere, "x", "1" * 30, "²"):
        for command in (GetOffer(id_), UpdateOffer(id_, "accepted"), CounterOffer(id_, 1)):
            assert await node.refusal(MALLORY, command) == "forbidden"
    assert await node.refusal(MALLORY, ListOffers("c")) == "forbidden"
    assert await node.refusal(MALLORY, CreateOffer("c", "x", 1, "EUR")) == "forbidden"
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await node.refusal(BOB, GetOffer(there)) == "forbidden"
    assert await node.refusal(BOB, UpdateOffer(there, "accepted")) == "forbidden"
    assert (await node.do(BACKEND, GetOffer(there))).id == offer.id


async def test_a_member_who_may_not_write_creates_no_offer(node: Node, clock: Clock) -> None:
    await node.do(BACKEND, CreateConversation("channel", ("alice",), "News", id="news", owner_id="alice"))
    await node.do(BACKEND, AddMembers("news", ("bob", "carol")))
    assert await node.refusal(BOB, CreateOffer("news", "x", 1, "EUR")) == "forbidden"
    offer = await node.do(ALICE, CreateOffer("news", "x", 1, "EUR"))
    assert (await node.do(BOB, UpdateOffer(str(offer.id), "accepted"))).closed_by == "bob"
    await node.do(ALICE, UpdateMember("news", "carol", "admin"))
    await node.do(CAROL, CreateOffer("news", "x", 1, "EUR"))


async def test_a_block_stops_offers_between_two_but_not_their_withdrawal(node: Node) -> None:
    view = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    direct = view.conversation.id
    offer = await node.do(ALICE, CreateOffer(direct, "x", 1, "EUR"))
    await node.do(ALICE, BlockUser("bob"))
    assert await node.refusal(ALICE, CreateOffer(direct, "x", 1, "EUR")) == "blocked"
    assert await node.refusal(BOB, CreateOffer(direct, "x", 1, "EUR")) == "blocked"
    assert await node.refusal(BOB, CounterOffer(str(offer.id), 1)) == "blocked"
    assert await node.refusal(BOB, UpdateOffer(str(offer.id), "accepted")) == "blocked"
    assert (await node.do(ALICE, UpdateOffer(str(offer.id), "withdrawn"))).status == "withdrawn"


async def test_the_backend_makes_and_closes_offers_for_anyone(node: Node) -> None:
    offer = await node.do(BACKEND, CreateOffer("c", "x", 1, "EUR", sender_id="alice"))
    assert offer.author_id == "alice"
    closed = await node.do(BACKEND, UpdateOffer(str(offer.id), "accepted", sender_id="bob"))
    assert closed.closed_by == "bob"
    assert await node.refusal(BOB, CreateOffer("c", "x", 1, "EUR", sender_id="alice")) == "forbidden"
    assert await node.refusal(BACKEND, CreateOffer("c", "x", 1, "EUR", sender_id="nobody")) == "forbidden"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "\x00"}, "title"),
        ({"amount": -1}, "amount"),
        ({"amount": OFFER_AMOUNT_MAX + 1}, "amount"),
        ({"amount": True}, "amount"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "XYZ"}, "currency"),
        ({"description": "x" * 4001}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"metadata": {"x": "y" * 5000}}, "metadata"),
        ({"expires_ms": 0}, "expiresAt"),
        ({"expires_ms": 1_700_000_000_000}, "expiresAt"),
        ({"sender_id": " "}, "senderId"),
    ],
)
async def test_invalid_offers_are_refused_with_the_field(node: Node, fields: dict[str, object], path: str) -> None:
    given = {"conversation_id": "c", "title": "x", "amount": 1, "currency": "EUR"} | fields
    with pytest.raises(ChatError) as refused:
        # The invalid type is what is tested.
        await node.do(ALICE, CreateOffer(**given))  # type: ignore[arg-type]
    assert refused.value.code == "invalid_request"
    assert refused.value.details == [{"path": path, "message": refused.value.message.removeprefix(f"{path}: ")}]
    assert (await node.do(ALICE, ListOffers("c"))).items == ()


@pytest.mark.parametrize("amount", [0, OFFER_AMOUNT_MAX])
async def test_the_smallest_and_the_largest_amount_are_kept_to_the_unit(node: Node, amount: int) -> None:
    offer = await node.do(ALICE, CreateOffer("c", "x", amount, "JPY"))
    assert (await node.do(BOB, GetOffer(str(offer.id)))).amount == amount


async def test_offers_are_listed_newest_first_a_page_at_a_time(node: Node) -> None:
    ids = [(await made(node)).id for _ in range(5)]
    page = await node.do(ALICE, ListOffers("c", limit=2))
    assert [offer.id for offer in page.items] == ids[:2:-1]
    page = await node.do(ALICE, ListOffers("c", page.next, 2))
    assert [offer.id for offer in page.items] == ids[2:0:-1]
    page = await node.do(ALICE, ListOffers("c", page.next, 2))
    assert [offer.id for offer in page.items] == ids[:1]
    assert page.next is None
    assert await node.refusal(ALICE, ListOffers("c", "x")) == "invalid_request"


async def test_a_page_of_long_offers_ends_sooner(node: Node) -> None:
    for _ in range(30):
        await node.do(ALICE, CreateOffer("c", "x", 1, "EUR", "\u2603" * 4000))
    page = await node.do(ALICE, ListOffers("c", limit=100))
    assert len(page.items) == 21
    rest = await node.do(ALICE, ListOffers("c", page.next, 100))
    assert len(rest.items) == 9


async def test_offers_are_found_by_the_words_of_their_title_and_description(node: Node, clock: Clock) -> None:
    old = await made(node)
    clock.now_ms += HOUR_MS
    new = await made(node, BOB, title="Ein Fahrrad für Größere")
    gone = await made(node, BOB, title="A red car")
    await node.do(ALICE, DeleteOffer(str(gone.id)))
    assert await found(node, ALICE, SearchOffers("red")) == [new.id, old.id]
    assert await found(node, ALICE, SearchOffers("GROSS")) == [new.id]
    assert await found(node, ALICE, SearchOffers("red bicycle")) == [old.id]
    assert await found(node, ALICE, SearchOffers("car")) == []
    assert await found(node, ALICE, SearchOffers("red", sender_id="bob")) == [new.id]
    assert await found(node, ALICE, SearchOffers("red", after_ms=new.created_ms)) == [new.id]
    assert await found(node, ALICE, SearchOffers("red", before_ms=new.created_ms)) == [old.id]
    assert await node.refusal(ALICE, SearchOffers("-")) == "invalid_request"
    assert await node.refusal(ALICE, SearchOffers("red", cursor="x")) == "invalid_request"


async def test_only_offers_of_the_readers_conversations_are_found(node: Node) -> None:
    await node.group("d", ALICE, MALLORY)
    here = await made(node)
    there = await node.do(ALICE, CreateOffer("d", "A bicycle", 1, "EUR"))
    assert await found(node, ALICE, SearchOffers("bicycle")) == [there.id, here.id]
    assert await found(node, ALICE, SearchOffers("bicycle", "c")) == [here.id]
    assert await found(node, MALLORY, SearchOffers("bicycle")) == [there.id]
    assert await node.refusal(MALLORY, SearchOffers("bicycle", "c")) == "forbidden"
    assert await found(node, OPERATOR, SearchOffers("bicycle")) == [there.id, here.id]
    await node.do(ALICE, RemoveMember("d", "mallory"))
    assert await found(node, MALLORY, SearchOffers("bicycle")) == []
    await node.do(ALICE, DeleteConversation("d"))
    assert await found(node, OPERATOR, SearchOffers("bicycle")) == [here.id]


async def test_a_search_examines_so_many_offers_at_a_time(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "OFFERS_MAX", 3)
    first = await made(node)
    cars = [(await made(node, title="A car")).id for _ in range(4)]
    page = await node.do(BOB, SearchOffers("car", limit=2))
    assert [offer.id for offer in page.items] == cars[:1:-1]
    page = await node.do(BOB, SearchOffers("car", cursor=page.next, limit=2))
    assert [offer.id for offer in page.items] == cars[1::-1]
    page = await node.do(BOB, SearchOffers("bicycle"))
    assert page.items == ()
    page = await node.do(BOB, SearchOffers("bicycle", cursor=page.next))
    assert [offer.id for offer in page.items] == [first.id]
    assert page.next is None


async def found(node: Node, by: Actor, query: SearchOffers) -> list[int]:
    page = await node.do(by, query)
    assert page.next is None
    return [offer.id for offer in page.items]


async def test_offers_outlast_a_restart(database: Database, clock: Clock, node: Node) -> None:
    offer = await made(node, expires_ms=clock.now_ms + HOUR_MS)
    async with running(database, clock) as again:
        assert await again.do(BOB, GetOffer(str(offer.id))) == offer
        assert await again.next_timer_ms() == offer.expires_ms


# --- deleted offers ---------------------------------------------------------------------------------------------------

GONE = ("Deleted offer", None, False)


def texts_of(offer: Offer) -> tuple[str, str | None, bool]:
    """Returns an offer's title and description, and whether it has metadata."""
    return offer.title, offer.description, offer.metadata is not None


async def logged_texts(node: Node) -> set[tuple[str, str | None, bool]]:
    """Returns the texts of offers in the stored log."""
    events = await node.replay()
    return {texts_of(event.offer) for event in events if isinstance(event, OfferCreated | OfferUpdated)}


async def test_a_moderator_deletes_an_open_offer_which_is_withdrawn_by_that(node: Node, clock: Clock) -> None:
    offer = await made(node, BOB)
    await node.do(ALICE, DeleteOffer(str(offer.id)))
    left = await node.do(CAROL, GetOffer(str(offer.id)))
    assert texts_of(left) == GONE
    assert (left.status, left.closed_by, left.deleted_by, left.deleted_ms) == (
        "withdrawn",
        "alice",
        "alice",
        clock.now_ms,
    )
    assert node.log[-1] == OfferUpdated(node.chat.pos, clock.now_ms, left)
    assert await logged_texts(node) == {GONE}
    pos = node.chat.pos
    await node.do(ALICE, DeleteOffer(str(offer.id)))
    assert node.chat.pos == pos, "deleting it again changes nothing"
    assert await node.refusal(CAROL, UpdateOffer(str(offer.id), "accepted")) == "conflict"


async def test_a_deleted_offer_keeps_its_decision_and_no_text_stays_in_the_log(node: Node, clock: Clock) -> None:
    other = await made(node, BOB, title="A car")
    offer = await made(node, BOB)
    accepted = await node.do(CAROL, UpdateOffer(str(offer.id), "accepted"))
    clock.now_ms += HOUR_MS
    await node.do(ALICE, DeleteOffer(str(offer.id)))
    left = await node.do(CAROL, GetOffer(str(offer.id)))
    assert texts_of(left) == GONE
    assert (left.status, left.closed_by, left.updated_ms) == ("accepted", "carol", accepted.updated_ms)
    assert await logged_texts(node) == {GONE, texts_of(other)}
    notices = (await node.do(CAROL, ListNotices("c"))).items
    assert [notice.offer_status for notice in notices] == ["accepted"], "the deletion is no second decision"


async def test_an_offer_that_is_decided_and_deleted_at_once_leaves_no_text_in_the_log(node: Node) -> None:
    offer = await made(node, BOB)
    await node.in_one_batch((CAROL, UpdateOffer(str(offer.id), "accepted")), (ALICE, DeleteOffer(str(offer.id))))
    assert await logged_texts(node) == {GONE}


async def test_only_moderators_of_a_group_delete_offers_of_others(node: Node) -> None:
    offer = await made(node, BOB)
    for actor in (BOB, CAROL, MALLORY):
        assert await node.refusal(actor, DeleteOffer(str(offer.id))) == "forbidden"
    own = await made(node, ALICE)
    assert await node.refusal(ALICE, DeleteOffer(str(own.id))) == "forbidden"
    for actor in (OPERATOR, BACKEND):
        await node.do(actor, DeleteOffer(str((await made(node, BOB)).id)))
    direct = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    between = await node.do(BOB, CreateOffer(direct.conversation.id, "A bicycle", 12_000, "EUR"))
    assert await node.refusal(ALICE, DeleteOffer(str(between.id))) == "forbidden"
    await node.do(BACKEND, PutUser("bob", hold=True))
    assert await node.refusal(ALICE, DeleteOffer(str(offer.id))) == "conflict"
