"""The audit log: which acts it contains, and that an act and its entry are stored together."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from talkwire.core.commands.accounts import (
    BanUser,
    Device,
    EraseUser,
    OpenLogin,
    PutUser,
    RegisterAccount,
    SetPassword,
    UnbanUser,
    UpdateUser,
)
from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, UpdateConversation
from talkwire.core.commands.integration.webhooks import (
    CreateWebhook,
    DeleteWebhook,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
)
from talkwire.core.commands.invitations import CreateInvitation, DeleteInvitation
from talkwire.core.commands.members import RemoveMember, UpdateMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, RemoveLinkPreviews
from talkwire.core.commands.moderation.audit import ListAudit, RecordExport
from talkwire.core.commands.moderation.reports import DecideReport, ReportMessage, ReportOffer
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.offers import CreateOffer, DeleteOffer
from talkwire.core.commands.preferences import SetMemberPreferences, SetPreferences
from talkwire.core.commands.server.console import EndConnection, EndLogin
from talkwire.core.domain.model import Actor, Preferences
from talkwire.core.domain.moderation.audit import AuditEntry
from talkwire.storage.schema import audit, log
from talkwire.storage.tables.moderation.audit import WritableAuditRows
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Node
from tests.databases import Database

Line = tuple[str, str, str, str | None]


async def _entries(node: Node, **wanted: str) -> list[AuditEntry]:
    """Returns the audit log, oldest first."""
    page = await node.do(OPERATOR, ListAudit(limit=100, **wanted))  # type: ignore[arg-type]  # filters by name
    return [*reversed(page.items)]


async def _lines(node: Node) -> list[Line]:
    """Returns (action, actor, target, conversation) of all entries, oldest first."""
    entries = await _entries(node)
    return [(each.action, each.actor_id, each.target_id, each.conversation_id) for each in entries]


async def test_moderators_of_a_conversation_are_audited(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    message = await node.send(BOB, "x")
    await node.do(ALICE, RestrictMember("c", "bob", "mute", reason="spam"))
    await node.do(ALICE, UnrestrictMember("c", "bob", "mute"))
    await node.do(ALICE, DeleteMessage(str(message.id)))
    await node.do(ALICE, UpdateMember("c", "bob", "admin"))
    await node.do(ALICE, RestrictMember("c", "carol", "ban"))
    await node.do(ALICE, UnrestrictMember("c", "carol", "ban"))
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await _lines(node) == [
        ("mute", "alice", "bob", "c"),
        ("unmute", "alice", "bob", "c"),
        ("message-delete", "alice", str(message.id), "c"),
        ("role-admin", "alice", "bob", "c"),
        ("conversation-ban", "alice", "carol", "c"),
        ("conversation-unban", "alice", "carol", "c"),
        ("member-remove", "alice", "bob", "c"),
    ]
    assert [entry.reason for entry in await _entries(node)][:2] == ["spam", None]


async def test_what_users_do_with_their_own_is_not_audited(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    message = await node.send(BOB, "x")
    await node.do(BOB, EditMessage(str(message.id), "y"))
    await node.do(BOB, EditMessage(str(message.id), metadata={"a": 1}))
    await node.do(BOB, RemoveLinkPreviews(str(message.id)))
    await node.do(BOB, DeleteMessage(str(message.id)))
    await node.do(BOB, UpdateUser(text="Hello"))
    invited = await node.do(ALICE, CreateInvitation(("c",)))
    await node.do(ALICE, DeleteInvitation(invited.invitation.id))
    await node.do(BOB, RemoveMember("c", "bob"))
    await node.do(ALICE, UpdateConversation("c", name="d"))
    await node.do(ALICE, DeleteConversation("c"))
    await node.do(BOB, EraseUser("bob", redact=False))
    await node.do(Actor("", ""), RegisterAccount("ann@example.com", "Ann", "hash"))
    assert await _lines(node) == []


async def test_the_backend_and_admins_are_audited(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    message = await node.send(BOB, "x")
    await node.do(BACKEND, EditMessage(str(message.id), "y"))
    await node.do(BACKEND, EditMessage(str(message.id), metadata={"a": 1}))
    await node.do(BACKEND, RemoveLinkPreviews(str(message.id)))
    await node.do(BACKEND, DeleteMessage(str(message.id)))
    await node.do(BACKEND, UpdateMember("c", "bob", "owner"))
    await node.do(OPERATOR, BanUser("bob", "spam"))
    await node.do(OPERATOR, UnbanUser("bob"))
    await node.do(BACKEND, PutUser("bob", name="Bobby", hold=True))
    await node.do(BACKEND, PutUser("bob", hold=False))
    await node.do(BACKEND, UpdateConversation("c", hold=True, retention_days=7))
    await node.do(BACKEND, UpdateConversation("c", hold=False))
    await node.do(BACKEND, RecordExport(user_id="bob"))
    await node.do(OPERATOR, RecordExport(conversation_id="c"))
    await node.do(BACKEND, DeleteConversation("c"))
    await node.do(BACKEND, EraseUser("bob", redact=False))
    assert await _lines(node) == [
        ("message-edit", "backend", str(message.id), "c"),
        ("message-edit", "backend", str(message.id), "c"),
        ("previews-remove", "backend", str(message.id), "c"),
        ("message-delete", "backend", str(message.id), "c"),
        ("role-admin", "backend", "alice", "c"),
        ("role-owner", "backend", "bob", "c"),
        ("ban", "operator", "bob", None),
        ("unban", "operator", "bob", None),
        ("hold", "backend", "bob", None),
        ("hold-end", "backend", "bob", None),
        ("hold", "backend", "c", None),
        ("retention", "backend", "c", None),
        ("hold-end", "backend", "c", None),
        ("export", "backend", "bob", None),
        ("export", "operator", "c", "c"),
        ("conversation-delete", "backend", "c", None),
        ("erase", "backend", "bob", None),
    ]


async def test_accounts_invitations_and_webhooks_are_audited(node: Node) -> None:
    user = await node.do(OPERATOR, RegisterAccount("ann@example.com", "Ann", "hash"))
    await node.users(BOB)
    await node.do(OPERATOR, RegisterAccount("bob@example.com", None, "hash", id="bob"))
    await node.do(OPERATOR, SetPassword(user.id, "other"))
    login = await node.do(ALICE, OpenLogin(user.id, "t1", 60_000, Device("203.0.113.7", "Browser"), "other"))
    await node.do(OPERATOR, EndLogin(user.id, login.session.id))
    await node.do(OPERATOR, EndConnection(user.id, "a-socket"))
    invited = await node.do(BACKEND, CreateInvitation(()))
    await node.do(OPERATOR, DeleteInvitation(invited.invitation.id))
    id_ = (await node.do(BACKEND, CreateWebhook("https://app.example.com/hook"))).view.webhook.id
    await node.do(BACKEND, UpdateWebhook(webhook_id=id_, enabled=False))
    await node.do(OPERATOR, RewindWebhook(id_, "start"))
    await node.do(OPERATOR, RotateWebhookSecret(id_))
    await node.do(OPERATOR, DeleteWebhook(id_))
    assert await _lines(node) == [
        ("account-create", "operator", user.id, None),
        ("account-create", "operator", "bob", None),
        ("password-set", "operator", user.id, None),
        ("session-end", "operator", user.id, None),
        ("connection-end", "operator", user.id, None),
        ("invitation-create", "backend", invited.invitation.id, None),
        ("invitation-delete", "operator", invited.invitation.id, None),
        ("webhook-create", "backend", id_, None),
        ("webhook-update", "backend", id_, None),
        ("webhook-rewind", "operator", id_, None),
        ("webhook-rotate", "operator", id_, None),
        ("webhook-delete", "operator", id_, None),
    ]


async def test_preferences_that_others_choose_are_audited(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    muting = Preferences(off=("direct",))
    await node.do(BACKEND, SetPreferences(muting, user_id="bob"))
    await node.do(BACKEND, SetMemberPreferences("c", notify="all", user_id="bob"))
    await node.do(OPERATOR, SetPreferences(Preferences(), user_id="bob"))
    await node.do(BACKEND, SetPreferences(Preferences(), user_id="bob"))
    await node.do(ALICE, SetPreferences(muting, user_id="alice"))
    await node.do(ALICE, SetMemberPreferences("c", notify="all"))
    assert await _lines(node) == [
        ("preferences-set", "backend", "bob", None),
        ("preferences-set", "backend", "bob", "c"),
        ("preferences-set", "operator", "bob", None),
    ]


async def test_what_changes_nothing_or_is_refused_is_not_audited(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(OPERATOR, UnbanUser("bob"))
    await node.do(ALICE, UnrestrictMember("c", "bob", "mute"))
    await node.do(BACKEND, UpdateConversation("c", hold=False))
    assert await node.refusal(BOB, RestrictMember("c", "alice", "mute")) == "forbidden"
    assert await node.refusal(BOB, BanUser("alice")) == "forbidden"
    assert await node.refusal(BOB, RecordExport(user_id="alice")) == "forbidden"
    assert await _lines(node) == []


async def test_a_retry_is_audited_once(node: Node) -> None:
    key = IdempotencyKey("backend", "POST /api/v1/webhooks", "k")
    await node.chat.execute(BACKEND, CreateInvitation(()), key)
    with pytest.raises(Exception, match="once"):
        await node.chat.execute(BACKEND, CreateInvitation(()), key)
    assert [action for action, *_ in await _lines(node)] == ["invitation-create"]


async def test_entries_are_numbered_and_paged_and_filtered(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    addressed = replace(OPERATOR, address="192.0.2.7")
    for user_id in ("alice", "bob", "carol"):
        await node.do(addressed, BanUser(user_id))
        await node.do(BACKEND, UnbanUser(user_id))
    entries = await _entries(node)
    assert [entry.id for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert {(entry.actor_id, entry.address) for entry in entries} == {("operator", "192.0.2.7"), ("backend", None)}
    assert entries[0].at_ms == node.clock.now_ms
    pages, cursor = [], None
    while True:
        page = await node.do(OPERATOR, ListAudit(cursor, 4))
        pages.append([entry.id for entry in page.items])
        cursor = page.next
        if cursor is None:
            break
    assert pages == [[6, 5, 4, 3], [2, 1]]
    assert [entry.id for entry in await _entries(node, action="unban")] == [2, 4, 6]
    assert [entry.id for entry in await _entries(node, actor_id="operator", target_id="bob")] == [3]
    assert await node.refusal(OPERATOR, ListAudit(cursor="x")) == "invalid_request"


@pytest.mark.parametrize("actor", [ALICE, BACKEND])
async def test_only_admins_read_the_audit_log(node: Node, actor: Actor) -> None:
    assert await node.refusal(actor, ListAudit()) == "forbidden"


async def test_an_act_and_its_entry_are_written_in_one_transaction(node: Node) -> None:
    await node.users(BOB)
    with node.statements() as transactions:
        await node.do(OPERATOR, BanUser("bob"))
    (written,) = [each for each in transactions if any("INSERT INTO audit" in text for text in each)]
    assert any(re.search(r"INSERT INTO log\b", text) for text in written)


async def test_an_act_whose_entry_cannot_be_written_does_not_happen(node: Node) -> None:
    await node.users(BOB)
    with patch.object(WritableAuditRows, "add", side_effect=RuntimeError("disk")), pytest.raises(RuntimeError):
        await node.do(OPERATOR, BanUser("bob"))
    assert (await node.do(OPERATOR, UnbanUser("bob"))).banned is False
    assert await _lines(node) == []


async def test_acts_of_one_batch_have_an_entry_each(node: Node) -> None:
    await node.users(BOB, CAROL)
    asked: list[tuple[Actor, Command[object]]] = [(OPERATOR, BanUser("bob")), (BACKEND, BanUser("carol"))]
    await node.in_one_batch(*asked, (MALLORY, BanUser("bob")))
    assert await _lines(node) == [("ban", "operator", "bob", None), ("ban", "backend", "carol", None)]


async def test_a_decision_about_a_report_has_an_entry_for_it_and_for_the_action(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    report = await node.do(ALICE, ReportMessage(str((await node.send(BOB, "x")).id), "spam"))
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Enough", "mute"))
    entries = await _entries(node)
    assert [(each.action, each.target_id, each.reason) for each in entries] == [
        ("report-resolve", report.id, "Enough"),
        ("mute", "bob", "Enough"),
    ]


async def test_the_deletion_of_an_offer_has_an_entry(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first, second = [(await node.do(BOB, CreateOffer("c", "A bicycle", 5, "EUR"))).id for _ in range(2)]
    await node.do(ALICE, DeleteOffer(str(first)))
    report = await node.do(ALICE, ReportOffer(str(second), "spam"))
    await node.do(OPERATOR, DecideReport(report.id, "resolved", "Enough", "delete"))
    entries = await _entries(node)
    assert [(each.action, each.actor_id, each.target_id, each.reason) for each in entries] == [
        ("offer-delete", "alice", str(first), None),
        ("report-resolve", "operator", report.id, "Enough"),
        ("offer-delete", "operator", str(second), "Enough"),
    ]


async def test_entries_stay_when_the_log_is_pruned_and_ids_stay_when_a_user_is_erased(
    node: Node, database: Database
) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob", "carol"), id="c", owner_id="alice"))
    alice = replace(ALICE, address="192.0.2.7")
    await node.do(alice, RestrictMember("c", "bob", "mute", reason="Bob Smith of Baker Street"))
    await node.do(OPERATOR, BanUser("carol", "Carol told me"))
    for user_id in ("alice", "bob"):
        await node.do(BACKEND, EraseUser(user_id, redact=False))
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(log.delete())
        rows = connection.execute(select(audit).order_by(audit.c.id)).all()
    mute, ban = rows[:2]
    assert (mute.actor_id, mute.target_id, mute.address, mute.reason) == ("alice", "bob", None, None)
    assert (ban.actor_id, ban.target_id, ban.reason) == ("operator", "carol", "Carol told me")
    assert [row.action for row in rows] == ["mute", "ban", "erase", "erase"]
