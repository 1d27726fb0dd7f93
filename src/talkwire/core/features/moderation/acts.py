"""Derives the entries of the audit log from commands, and lists which commands can have entries.

An *act* is what an admin, the application's backend or a moderator of a conversation does to others. Its entries are
written in the transaction of the command, so neither is ever stored without the other. A command that changed nothing
is no act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from talkwire.core.commands import (
    accounts,
    conversations,
    invitations,
    members,
    messages,
    offers,
    preferences,
)
from talkwire.core.commands.command import Command
from talkwire.core.commands.desk import claims, teams
from talkwire.core.commands.integration import webhooks
from talkwire.core.commands.moderation import audit, reports, restrictions
from talkwire.core.commands.server import console
from talkwire.core.domain.audience import conversation_of
from talkwire.core.domain.events import (
    ConversationDeleted,
    ConversationHandled,
    ConversationPreferred,
    ConversationUpdated,
    Durable,
    HoldChanged,
    InvitationCreated,
    InvitationDeleted,
    LinkPreviewsChanged,
    MemberRemoved,
    MemberRestricted,
    MembershipGroundsChanged,
    MemberUnrestricted,
    MemberUpdated,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessageMetadataChanged,
    OfferUpdated,
    PreferencesChanged,
    ReportDecided,
    TeamUpdated,
    UserBanned,
    UserCreated,
    UserUnbanned,
    WebhookAction,
    WebhookChanged,
)
from talkwire.core.domain.model import Actor, MemberRole
from talkwire.core.domain.moderation.audit import Act, AuditAction
from talkwire.core.ports.transaction import Transaction

Rule = Callable[[Actor, Any, Sequence[Durable]], Iterable[Act]]
"""Function from (actor, command, the events that it recorded) to the command's acts."""

_ROLES: Mapping[MemberRole, AuditAction] = MappingProxyType(
    {"owner": "role-owner", "admin": "role-admin", "member": "role-member"}
)

_WEBHOOK_ACTIONS: Mapping[WebhookAction, AuditAction] = MappingProxyType(
    {
        "created": "webhook-create",
        "updated": "webhook-update",
        "rewound": "webhook-rewind",
        "secret_rotated": "webhook-rotate",
        "deleted": "webhook-delete",
    }
)


def decide_audited(
    decide: Callable[[Transaction, Actor, Any], object], tx: Transaction, actor: Actor, command: Command[Any]
) -> object:
    """Executes a command of one of the types in `ACTS` with `decide`, and returns the result. Adds what the command did
    to others to the audit log, in the same transaction."""
    before = tx.next_pos()
    result = decide(tx, actor, command)
    acts = tuple(ACTS[type(command)](actor, command, tx.recorded_since(before)))
    if acts:
        tx.audit.add(actor, acts, tx.now_ms)
    return result


# --- users ------------------------------------------------------------------------------------------------------------


def _account(actor: Actor, command: accounts.RegisterAccount, events: Sequence[Durable]) -> Iterator[Act]:
    """Yields an act (an entry for the audit log) for an account that an admin or the backend creates, for a new user or
    for one who exists. People who register themselves cause no entry."""
    if actor.is_trusted:
        created = (event.user.id for event in events if isinstance(event, UserCreated))
        yield Act("account-create", next(created, command.id or ""))


def _password(actor: Actor, command: accounts.SetPassword, events: Sequence[Durable]) -> Iterator[Act]:
    yield Act("password-set", command.user_id)


def _bans(actor: Actor, command: accounts.BanUser | accounts.UnbanUser, events: Sequence[Durable]) -> Iterator[Act]:
    for event in events:
        match event:
            case UserBanned():
                yield Act("ban", event.user_id, reason=event.reason)
            case UserUnbanned():
                yield Act("unban", event.user_id)
            case _:
                pass


def _erasure(actor: Actor, command: accounts.EraseUser, events: Sequence[Durable]) -> Iterator[Act]:
    # A second erasure with `redact` records no event, and removes messages that were on hold before.
    if actor.user_id != command.user_id and (events or command.redact):
        yield Act("erase", command.user_id)


def _holds(actor: Actor, command: Command[Any], events: Sequence[Durable]) -> Iterator[Act]:
    for event in events:
        if isinstance(event, HoldChanged):
            yield Act("hold" if event.hold else "hold-end", event.user_id or event.conversation_id)


def _export(actor: Actor, command: audit.RecordExport, events: Sequence[Durable]) -> Iterator[Act]:
    if actor.user_id != command.user_id:
        yield Act("export", command.user_id or command.conversation_id or "", command.conversation_id)


def _preferences(
    actor: Actor, command: preferences.SetPreferences | preferences.SetMemberPreferences, events: Sequence[Durable]
) -> Iterator[Act]:
    """Yields an act (an entry for the audit log) for preferences that the backend or an admin sets for a user."""
    for event in events:
        if isinstance(event, PreferencesChanged | ConversationPreferred) and event.user_id != actor.user_id:
            conversation_id = event.conversation_id if isinstance(event, ConversationPreferred) else None
            yield Act("preferences-set", event.user_id, conversation_id)


def _login_end(actor: Actor, command: console.EndLogin, events: Sequence[Durable]) -> Iterator[Act]:
    yield Act("session-end", command.user_id)


def _connection_end(actor: Actor, command: console.EndConnection, events: Sequence[Durable]) -> Iterator[Act]:
    yield Act("connection-end", command.user_id)


# --- conversations ----------------------------------------------------------------------------------------------------


def _rules(actor: Actor, command: conversations.UpdateConversation, events: Sequence[Durable]) -> Iterator[Act]:
    # The notes of a conversation follow it, which is no act of its own.
    own = [event for event in events if conversation_of(event) == command.conversation_id]
    yield from _holds(actor, command, own)
    for event in own:
        if isinstance(event, ConversationUpdated) and "retention_days" in event.changed:
            yield Act("retention", event.conversation.id)


def _deletion(actor: Actor, command: conversations.DeleteConversation, events: Sequence[Durable]) -> Iterator[Act]:
    """Yields an act (an entry for the audit log) for a conversation that an admin or the backend deletes. Owners who
    delete their own conversation cause no entry."""
    if actor.is_trusted:
        for event in events:
            if isinstance(event, ConversationDeleted) and event.conversation_id == command.conversation_id:
                yield Act("conversation-delete", event.conversation_id)


def _removal(actor: Actor, command: members.RemoveMember, events: Sequence[Durable]) -> Iterator[Act]:
    for event in events:
        if isinstance(event, MemberRemoved) and event.own and event.user_id != actor.user_id:
            yield Act("member-remove", event.user_id, event.conversation_id)
        elif isinstance(event, MembershipGroundsChanged) and event.was_own and not event.member.own:
            if event.member.user_id != actor.user_id:
                yield Act("member-remove", event.member.user_id, event.member.conversation_id)
        elif isinstance(event, ConversationUpdated) and event.conversation.notes_of is None:
            yield Act("teams-change", event.conversation.id, event.conversation.id)


def _teams(actor: Actor, command: Command[Any], events: Sequence[Durable]) -> Iterator[Act]:
    for event in events:
        if isinstance(event, TeamUpdated):
            yield Act("team-delete" if event.deleted else "team-put", event.team.id)


_HANDLING_ACTIONS: Mapping[type[Command[Any]], AuditAction] = MappingProxyType(
    {
        claims.ClaimConversation: "conversation-claim",
        claims.ReleaseConversation: "conversation-release",
        claims.CloseConversation: "conversation-close",
    }
)


def _handling(
    actor: Actor,
    command: claims.ClaimConversation | claims.ReleaseConversation | claims.CloseConversation,
    events: Sequence[Durable],
) -> Iterator[Act]:
    """Yields an act (an entry for the audit log) for a conversation that was taken from its handler by another user."""
    for event in events:
        if isinstance(event, ConversationHandled) and event.former_id not in {None, event.by}:
            yield Act(_HANDLING_ACTIONS[type(command)], event.former_id or "", event.conversation_id)


def _hand_off(actor: Actor, command: claims.HandOffConversation, events: Sequence[Durable]) -> Iterator[Act]:
    if events:
        yield Act("conversation-handoff", command.to, command.conversation_id)


def _roles(actor: Actor, command: members.UpdateMember, events: Sequence[Durable]) -> Iterator[Act]:
    for event in events:
        if isinstance(event, MemberUpdated) and event.member.user_id != actor.user_id:
            yield Act(_ROLES[event.member.role], event.member.user_id, event.member.conversation_id)


def _restrictions(
    actor: Actor, command: restrictions.RestrictMember | restrictions.UnrestrictMember, events: Sequence[Durable]
) -> Iterator[Act]:
    for event in events:
        if isinstance(event, MemberRestricted | MemberUnrestricted):
            found, placed = event.restriction, isinstance(event, MemberRestricted)
            action: AuditAction
            if found.kind == "mute":
                action = "mute" if placed else "unmute"
            else:
                action = "conversation-ban" if placed else "conversation-unban"
            yield Act(action, found.user_id, found.conversation_id, found.reason if placed else None)


def _invitations(
    actor: Actor, command: invitations.CreateInvitation | invitations.DeleteInvitation, events: Sequence[Durable]
) -> Iterator[Act]:
    """Yields an act (an entry for the audit log) for an invitation that an admin or the backend creates or deletes.
    Members who invite to their own conversations cause no entry."""
    for event in events if actor.is_trusted else ():
        match event:
            case InvitationCreated():
                yield Act("invitation-create", event.invitation.id)
            case InvitationDeleted():
                yield Act("invitation-delete", event.invitation_id)
            case _:
                pass


# --- messages ---------------------------------------------------------------------------------------------------------

_MESSAGE_ACTIONS: Mapping[type[MessageEvent], AuditAction] = MappingProxyType(
    {
        MessageDeleted: "message-delete",
        MessageEdited: "message-edit",
        MessageMetadataChanged: "message-edit",
        LinkPreviewsChanged: "previews-remove",
    }
)


def _messages(
    actor: Actor,
    command: messages.DeleteMessage | messages.EditMessage | messages.RemoveLinkPreviews | reports.DecideReport,
    events: Sequence[Durable],
) -> Iterator[Act]:
    for event in events:
        if isinstance(event, MessageEvent) and event.message.sender_id != actor.user_id:
            action = _MESSAGE_ACTIONS.get(type(event))
            if action is not None:
                yield Act(action, str(event.message.id), event.message.conversation_id)


def _offers(
    actor: Actor, command: offers.DeleteOffer | reports.DecideReport, events: Sequence[Durable]
) -> Iterator[Act]:
    for event in events:
        if isinstance(event, OfferUpdated) and event.offer.deleted_ms is not None:
            yield Act("offer-delete", str(event.offer.id), event.offer.conversation_id)


def _context(actor: Actor, command: reports.RecordReportContext, events: Sequence[Durable]) -> Iterator[Act]:
    yield Act("report-context", command.report_id, command.conversation_id)


def _decision(actor: Actor, command: reports.DecideReport, events: Sequence[Durable]) -> Iterator[Act]:
    for event in events:
        if isinstance(event, ReportDecided):
            action: AuditAction = "report-dismiss" if event.report.state == "dismissed" else "report-resolve"
            yield Act(action, event.report.id, event.report.conversation_id, event.report.decision)
    for rule in (_messages, _offers, _restrictions, _bans):
        for act in rule(actor, command, events):  # type: ignore[arg-type]  # each reads the events only
            yield act if act.reason is not None else act._replace(reason=command.reason)


# --- integration ------------------------------------------------------------------------------------------------------


def _webhooks(actor: Actor, command: Command[Any], events: Sequence[Durable]) -> Iterator[Act]:
    for event in events:
        if isinstance(event, WebhookChanged):
            yield Act(_WEBHOOK_ACTIONS[event.action], event.webhook_id)


ACTS: Mapping[type[Command[Any]], Rule] = MappingProxyType(
    {
        accounts.RegisterAccount: _account,
        accounts.SetPassword: _password,
        accounts.BanUser: _bans,
        accounts.UnbanUser: _bans,
        accounts.EraseUser: _erasure,
        accounts.PutUser: _holds,
        accounts.PutUsers: _holds,
        audit.RecordExport: _export,
        preferences.SetPreferences: _preferences,
        preferences.SetMemberPreferences: _preferences,
        console.EndLogin: _login_end,
        console.EndConnection: _connection_end,
        conversations.UpdateConversation: _rules,
        conversations.DeleteConversation: _deletion,
        members.RemoveMember: _removal,
        members.RemoveTeam: _removal,
        teams.PutTeam: _teams,
        teams.AddTeamMembers: _teams,
        teams.RemoveTeamMember: _teams,
        teams.DeleteTeam: _teams,
        claims.ClaimConversation: _handling,
        claims.ReleaseConversation: _handling,
        claims.HandOffConversation: _hand_off,
        claims.CloseConversation: _handling,
        members.UpdateMember: _roles,
        restrictions.RestrictMember: _restrictions,
        restrictions.UnrestrictMember: _restrictions,
        invitations.CreateInvitation: _invitations,
        invitations.DeleteInvitation: _invitations,
        messages.DeleteMessage: _messages,
        messages.EditMessage: _messages,
        messages.RemoveLinkPreviews: _messages,
        offers.DeleteOffer: _offers,
        reports.DecideReport: _decision,
        reports.RecordReportContext: _context,
        webhooks.CreateWebhook: _webhooks,
        webhooks.PutWebhook: _webhooks,
        webhooks.UpdateWebhook: _webhooks,
        webhooks.DeleteWebhook: _webhooks,
        webhooks.RewindWebhook: _webhooks,
        webhooks.RotateWebhookSecret: _webhooks,
    }
)
"""Rules that say which executions of a command are acts, by the command's type."""
