"""Reports of messages: who may report, what a decision does, and who is notified."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from talkwire.core.commands.accounts import BanUser, EraseUser, UnbanUser
from talkwire.core.commands.conversations import DeleteConversation
from talkwire.core.commands.members import RemoveMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, GetMessage, SendMessage
from talkwire.core.commands.moderation.reports import (
    DecideReport,
    GetReportContext,
    ListReports,
    RecordReportContext,
    ReportMessage,
    ReportOffer,
)
from talkwire.core.commands.notifications import ListNotifications, MarkNotificationsRead
from talkwire.core.commands.offers import CreateOffer, GetOffer, UpdateOffer
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageDeleted, Notified, ReportCreated, ReportDecided
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.moderation.reports import MessageReport, ReportAction
from talkwire.core.engine.live_notifications import LiveNotifications
from talkwire.storage.schema import reports
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Node
from tests.databases import Database


async def _reported(node: Node) -> tuple[Message, MessageReport]:
    """Returns a message of Bob in the conversation "c", and Alice's report of it."""
    await node.group("c", CAROL, ALICE, BOB)
    message = await node.send(BOB, "Buy now")
    return message, await node.do(ALICE, ReportMessage(str(message.id), "spam", "again"))


async def _outcomes(node: Node, actor: Actor) -> list[tuple[str, str | None, str, str]]:
    """Returns (type, outcome, body, actor id) of a user's notifications."""
    page = await node.do(actor, ListNotifications(node.clock.now_ms))
    assert page.unread == len(page.items)
    return [(each.type, each.outcome, each.body, each.actor_id) for each in page.items]


# --- reporting --------------------------------------------------------------------------------------------------------


async def test_a_user_has_one_open_report_of_a_message(node: Node) -> None:
    message, report = await _reported(node)
    assert (report.state, report.reporter_id, report.author_id) == ("open", "alice", "bob")
    assert await node.do(ALICE, ReportMessage(str(message.id), "abuse")) == report
    others = await node.do(CAROL, ReportMessage(str(message.id), "abuse"))
    assert [each.id for each in (await node.do(OPERATOR, ListReports())).items] == [others.id, report.id]
    await node.do(OPERATOR, DecideReport(report.id, "dismissed", "Harmless"))
    assert (await node.do(ALICE, ReportMessage(str(message.id), "spam"))).id != report.id


async def test_a_reported_offer_is_deleted_with_the_decision(node: Node) -> None:
    await node.group("c", CAROL, ALICE, BOB)
    offer = await node.do(BOB, CreateOffer("c", "A stolen bicycle", 5, "EUR", "Like new"))
    report = await node.do(ALICE, ReportOffer(str(offer.id), "spam", "again"))
    assert (report.about, report.message_id, report.author_id) == ("offer", offer.id, "bob")
    assert report.content == "A stolen bicycle\n\nLike new"
    assert await node.do(ALICE, ReportOffer(str(offer.id), "abuse")) == report
    assert (await node.do(OPERATOR, ListReports())).items == (report,)
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Not here", "delete"))
    left = await node.do(CAROL, GetOffer(str(offer.id)))
    assert (left.title, left.status, left.deleted_by) == ("Deleted offer", "withdrawn", "operator")
    for actor, outcome in ((ALICE, "resolved"), (BOB, "delete")):
        assert (await _outcomes(node, actor))[0] == ("moderation", outcome, "Not here", "")
    assert await node.refusal(ALICE, ReportOffer(str(offer.id), "spam")) == "invalid_request"


async def test_only_who_sees_an_offer_of_another_reports_it(node: Node) -> None:
    await node.group("c", CAROL, ALICE, BOB)
    offer = await node.do(BOB, CreateOffer("c", "A bicycle", 5, "EUR"))
    for actor in (MALLORY, BACKEND, OPERATOR):
        assert await node.refusal(actor, ReportOffer(str(offer.id), "spam")) == "forbidden"
    assert await node.refusal(BOB, ReportOffer(str(offer.id), "spam")) == "invalid_request"
    assert await node.refusal(ALICE, ReportOffer(str(offer.id + 1), "spam")) == "forbidden"
    await node.do(ALICE, UpdateOffer(str(offer.id), "rejected"))
    assert (await node.do(ALICE, ReportOffer(str(offer.id), "spam"))).state == "open"


async def test_only_who_sees_a_message_reports_it(node: Node) -> None:
    message, _ = await _reported(node)
    for actor in (MALLORY, BACKEND, OPERATOR):
        assert await node.refusal(actor, ReportMessage(str(message.id), "spam")) == "forbidden"
    await node.do(OPERATOR, BanUser("alice"))
    assert await node.refusal(ALICE, ReportMessage(str(message.id), "spam")) == "banned"


@pytest.mark.parametrize(
    ("reason", "note"), [("", None), ("x" * 65, None), ("spam", ""), ("spam", "x" * 1001), ("a\x00", None)]
)
async def test_reasons_and_notes_are_short_texts(node: Node, reason: str, note: str | None) -> None:
    message, _ = await _reported(node)
    assert await node.refusal(CAROL, ReportMessage(str(message.id), reason, note)) == "invalid_request"


async def test_own_and_deleted_messages_cannot_be_reported(node: Node) -> None:
    message, report = await _reported(node)
    assert await node.refusal(BOB, ReportMessage(str(message.id), "spam")) == "invalid_request"
    await node.do(BOB, DeleteMessage(str(message.id)))
    assert await node.refusal(CAROL, ReportMessage(str(message.id), "spam")) == "invalid_request"
    assert await node.do(ALICE, ReportMessage(str(message.id), "spam")) == report


async def test_reports_are_paged_by_state(node: Node) -> None:
    message, first = await _reported(node)
    second = await node.do(CAROL, ReportMessage(str(message.id), "abuse"))
    await node.do(OPERATOR, DecideReport(second.id, "dismissed", "Harmless"))
    third = await node.do(CAROL, ReportMessage(str(message.id), "abuse"))
    page = await node.do(OPERATOR, ListReports("open", None, 1))
    assert ([each.id for each in page.items], page.next) == ([third.id], third.id)
    page = await node.do(OPERATOR, ListReports("open", page.next, 1))
    assert ([each.id for each in page.items], page.next) == ([first.id], None)
    for actor in (ALICE, BACKEND):
        assert await node.refusal(actor, ListReports()) == "forbidden"
        assert await node.refusal(actor, DecideReport(first.id, "dismissed", "x")) == "forbidden"


async def test_an_open_report_has_the_text_as_it_was_reported(node: Node) -> None:
    message, report = await _reported(node)
    assert report.content == "Buy now"
    await node.do(BOB, EditMessage(str(message.id), "Good morning"))
    assert (await node.do(OPERATOR, ListReports())).items == (report,)
    await node.do(BOB, DeleteMessage(str(message.id)))
    assert (await node.do(OPERATOR, ListReports())).items == (report,)
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Advertising", "mute"))
    (decided,) = (await node.do(OPERATOR, ListReports())).items
    assert (decided.action, decided.content) == ("mute", None)


async def test_a_reported_text_is_kept_no_longer_than_messages_are(node: Node) -> None:
    """One message is still there, and the author has deleted the other one."""
    message, _ = await _reported(node)
    other = await node.send(BOB, "Buy soon")
    await node.do(ALICE, ReportMessage(str(other.id), "spam"))
    await node.do(BOB, DeleteMessage(str(other.id)))
    node.clock.now_ms += 60_000
    young = await node.send(BOB, "Buy later")
    await node.do(ALICE, ReportMessage(str(young.id), "spam"))
    while await node.do(OPERATOR, PruneOld(30_000)):
        pass
    kept = [(each.message_id, each.content) for each in (await node.do(OPERATOR, ListReports())).items]
    assert kept == [(young.id, "Buy later"), (other.id, None), (message.id, None)]


# --- what is around a reported message --------------------------------------------------------------------------------


async def _around(node: Node, report: MessageReport) -> tuple[list[str], list[str]]:
    """Returns the texts before and after what was reported."""
    context = await node.do(OPERATOR, GetReportContext(report.id))
    return [each.content for each in context.before], [each.content for each in context.after]


async def test_a_report_has_the_five_messages_before_and_after_it(node: Node) -> None:
    await node.group("c", CAROL, ALICE, BOB)
    sent = [await node.send(BOB, str(number)) for number in range(7)]
    offer = await node.do(BOB, CreateOffer("c", "A bicycle", 5, "EUR"))
    sent += [await node.send(BOB, str(number)) for number in range(7, 14)]
    replies = [await node.do(BOB, SendMessage("c", f"r{number}", thread_id=str(sent[0].id))) for number in range(3)]
    of_offer = await node.do(ALICE, ReportOffer(str(offer.id), "spam"))
    first, middle, last, reply = [
        await node.do(ALICE, ReportMessage(str(message.id), "spam"))
        for message in (sent[0], sent[6], sent[13], replies[1])
    ]
    assert await _around(node, of_offer) == (list("23456"), ["7", "8", "9", "10", "11"])
    assert await _around(node, first) == ([], list("12345"))
    assert await _around(node, middle) == (list("12345"), ["7", "8", "9", "10", "11"])
    assert await _around(node, last) == (["8", "9", "10", "11", "12"], [])
    assert await _around(node, reply) == (["0", "r0"], ["r2"])
    await node.do(BOB, DeleteMessage(str(sent[6].id)))
    await node.do(BOB, DeleteMessage(str(sent[5].id)))
    await node.do(BACKEND, EraseUser("bob", redact=False))
    assert await _around(node, middle) == ([*"1234", ""], ["7", "8", "9", "10", "11"])
    for actor in (ALICE, BACKEND):
        assert await node.refusal(actor, GetReportContext(middle.id)) == "forbidden"
        assert await node.refusal(actor, RecordReportContext(middle.id, "c")) == "forbidden"
    await node.do(CAROL, DeleteConversation("c"))
    assert await node.refusal(OPERATOR, GetReportContext(middle.id)) == "not_found"
    assert await node.refusal(OPERATOR, GetReportContext("5")) == "not_found"


# --- deciding ---------------------------------------------------------------------------------------------------------


async def test_deleting_the_message_and_deciding_are_one_transaction(node: Node) -> None:
    message, report = await _reported(node)
    with node.statements() as transactions:
        decided = await node.do(OPERATOR, DecideReport(report.id, "resolved", "Advertising", "delete"))
    written = [each for each in transactions if any("UPDATE reports" in text for text in each)]
    assert len(written) == 1
    assert any("INSERT INTO log" in text for text in written[0])
    assert [type(event) for event in node.log[-2:]] == [MessageDeleted, ReportDecided]
    assert (decided.state, decided.action, decided.decided_by) == ("resolved", "delete", "operator")
    assert (await node.do(OPERATOR, GetMessage(str(message.id)))).deleted_by == "operator"


async def test_a_mute_lasts_until_it_is_lifted_and_a_ban_too(node: Node) -> None:
    message, report = await _reported(node)
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Enough", "mute"))
    with pytest.raises(ChatError) as refused:
        await node.do(BOB, SendMessage("c", "x"))
    assert (refused.value.code, refused.value.details) == ("muted", {"until": None})
    again = await node.do(CAROL, ReportMessage(str(message.id), "abuse"))
    await node.do(OPERATOR, DecideReport(again.id, "resolved", "Really", "ban"))
    with pytest.raises(ChatError) as refused:
        await node.do(BOB, SendMessage("c", "x"))
    assert (refused.value.code, refused.value.details) == ("banned", {"reason": "Really"})


async def test_a_refused_action_leaves_the_report_open(node: Node) -> None:
    await node.group("c", BOB, ALICE)
    report = await node.do(ALICE, ReportMessage(str((await node.send(BOB, "x")).id), "spam"))
    # Nobody mutes the owner.
    assert await node.refusal(OPERATOR, DecideReport(report.id, "resolved", "Enough", "mute")) == "forbidden"
    assert (await node.do(OPERATOR, ListReports("open"))).items == (report,)


@pytest.mark.parametrize("action", [None, "delete", "ban"])
async def test_a_report_can_be_decided_when_its_message_is_gone(node: Node, action: ReportAction | None) -> None:
    message, report = await _reported(node)
    await node.do(BOB, DeleteMessage(str(message.id)))
    await node.do(CAROL, DeleteConversation("c"))
    decided = await node.do(OPERATOR, DecideReport(report.id, "resolved", "x", action))
    assert decided.state == "resolved"


async def test_deciding_again_changes_nothing_and_otherwise_is_a_conflict(node: Node) -> None:
    _, report = await _reported(node)
    decided = await node.do(OPERATOR, DecideReport(report.id, "resolved", "Advertising", "delete"))
    pos = node.chat.pos
    assert await node.do(OPERATOR, DecideReport(report.id, "resolved", "Again", "delete")) == decided
    assert await node.refusal(OPERATOR, DecideReport(report.id, "resolved", "x", "ban")) == "conflict"
    assert await node.refusal(OPERATOR, DecideReport(report.id, "dismissed", "x")) == "conflict"
    assert node.chat.pos == pos
    assert await node.refusal(OPERATOR, DecideReport("8000000000009999", "dismissed", "x")) == "not_found"


async def test_decisions_that_contradict_themselves_are_invalid(node: Node) -> None:
    _, report = await _reported(node)
    for command in (
        DecideReport(report.id, "open", "x"),
        DecideReport(report.id, "dismissed", "x", "delete"),
        DecideReport(report.id, "resolved", ""),
    ):
        assert await node.refusal(OPERATOR, command) == "invalid_request"


# --- notifications ----------------------------------------------------------------------------------------------------


async def test_the_reporter_is_notified_and_the_author_only_of_an_action(node: Node) -> None:
    message, report = await _reported(node)
    await node.do(OPERATOR, DecideReport(report.id, "dismissed", "Harmless"))
    assert await _outcomes(node, ALICE) == [("moderation", "dismissed", "Harmless", "")]
    assert await _outcomes(node, BOB) == []
    again = await node.do(CAROL, ReportMessage(str(message.id), "spam"))
    await node.do(OPERATOR, DecideReport(again.id, "resolved", "Advertising", "delete"))
    assert await _outcomes(node, CAROL) == [("moderation", "resolved", "Advertising", "")]
    assert await _outcomes(node, BOB) == [("moderation", "delete", "Advertising", "")]
    assert await node.do(BOB, MarkNotificationsRead()) == 0


async def test_users_are_notified_though_they_have_left_or_switched_notifications_off(node: Node) -> None:
    _, report = await _reported(node)
    await node.do(ALICE, SetMemberPreferences("c", muted=True, notify="none"))
    await node.do(BOB, RemoveMember("c", "bob"))
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Advertising", "delete"))
    assert [outcome for _, outcome, *_ in await _outcomes(node, ALICE)] == ["resolved"]
    assert [outcome for _, outcome, *_ in await _outcomes(node, BOB)] == ["delete"]


async def test_connected_users_are_notified_at_once(node: Node) -> None:
    notified: list[Notified] = []
    live = LiveNotifications(node.chat, node.chat.directory, notified.extend)
    node.chat.subscribe(live.follow)
    _, report = await _reported(node)
    for actor in (ALICE, BOB, CAROL):
        node.chat.directory.hold(actor.user_id, await node.chat.directory.find(actor.user_id))
    await node.do(BOB, RemoveMember("c", "bob"))
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Advertising", "delete"))
    await live.close()
    assert [(each.user_id, each.notification.outcome, each.notification.body) for each in notified] == [
        ("alice", "resolved", "Advertising"),
        ("bob", "delete", "Advertising"),
    ]
    stored = (await node.do(ALICE, ListNotifications(node.clock.now_ms))).items
    assert stored == (notified[0].notification,)


# --- the log and erasing ----------------------------------------------------------------------------------------------


async def test_reports_are_in_the_log_for_the_backend_only(node: Node) -> None:
    await _reported(node)
    event = node.log[-1]
    assert isinstance(event, ReportCreated)
    assert event.report.note == "again"


async def test_an_erased_reporter_leaves_no_text(node: Node, database: Database) -> None:
    _, report = await _reported(node)
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Alice is right", "ban"))
    await node.do(OPERATOR, UnbanUser("bob"))
    await node.do(BACKEND, EraseUser("alice", redact=False))
    with database.engine() as engine, engine.connect() as connection:
        row = connection.execute(select(reports)).one()
    assert (row.reporter_id, row.reason, row.note, row.decision) == ("alice", "other", None, None)
