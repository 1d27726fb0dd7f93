"""Which function carries out which command: the table behind `Chat.execute`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from talkwire.core import accounts, commands, conversations, messages
from talkwire.core.model import Actor
from talkwire.core.transaction import Needs, Snapshot, Transaction


@dataclass(frozen=True, slots=True)
class ChangeHandler:
    """How one kind of change is carried out.

    `check` refuses at the door, before anything is queued; `needs` names what `decide` will look up, for commands that
    come in batches; `decide` validates first and records then, so that a refusal leaves nothing behind.
    """

    decide: Callable[[Transaction, Actor, Any], object]
    check: Callable[[Any], None] | None = None
    needs: Callable[[Actor, Any, Needs], None] | None = None


CHANGES: Mapping[type[commands.Command[Any]], ChangeHandler] = MappingProxyType(
    {
        commands.RegisterAccount: ChangeHandler(accounts.register_account, accounts.check_register),
        commands.SetPassword: ChangeHandler(accounts.set_password, accounts.check_user_id),
        commands.OpenLogin: ChangeHandler(accounts.open_login, accounts.check_user_id),
        commands.RotateLogin: ChangeHandler(accounts.rotate_login, accounts.check_session_id),
        commands.CloseLogin: ChangeHandler(accounts.close_login, accounts.check_session_id),
        commands.EnsureUser: ChangeHandler(accounts.ensure_user, accounts.check_ensure),
        commands.BanUser: ChangeHandler(accounts.ban_user, accounts.check_user_id),
        commands.UnbanUser: ChangeHandler(accounts.unban_user, accounts.check_user_id),
        commands.CreateConversation: ChangeHandler(conversations.create_conversation, conversations.check_create),
        commands.AddMembers: ChangeHandler(conversations.add_members, conversations.check_add_members),
        commands.RemoveMember: ChangeHandler(conversations.remove_member, conversations.check_remove_member),
        commands.SendMessage: ChangeHandler(messages.send_message, messages.check_send, messages.needs_of_send),
    }
)

QUERIES: Mapping[type[commands.Command[Any]], Callable[[Snapshot, Actor, Any], object]] = MappingProxyType(
    {
        commands.FindAccount: accounts.find_account,
        commands.GetUser: accounts.get_user,
        commands.ListUsers: accounts.list_users,
        commands.GetConversation: conversations.get_conversation,
        commands.ListConversations: conversations.list_conversations,
        commands.GetMessage: messages.get_message,
        commands.ListMessages: messages.list_messages,
    }
)
