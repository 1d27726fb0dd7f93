"""The commands `talkwire conversation …`, which create and list conversations, and add and remove members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from msgspec import UNSET

from talkwire.cli.delivery import Operator, run_as_operator
from talkwire.cli.failures import Misuse
from talkwire.cli.flags import CHAT_SETTINGS, Flag, load, takes_settings
from talkwire.cli.output import iso_time, print_json, print_list, print_result
from talkwire.core.commands.conversations import ConversationView, CreateConversation, ListConversations
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.domain.model import ConversationKind

FETCHED_AT_ONCE = 100
"""Number of conversations that are fetched at once."""


@takes_settings(*CHAT_SETTINGS)
def create(
    *members: str,
    kind: Annotated[ConversationKind, Parameter(help="A direct conversation has exactly two members.")] = "group",
    id: Annotated[str | None, Parameter(help="Id of the conversation. Default: a new id.")] = None,  # noqa: A002 (a flag)
    name: Annotated[str | None, Parameter(help="Name of a group or channel.")] = None,
    owner: Annotated[
        str | None, Parameter(help="Id of the member that owns a group or channel. Default: no owner.")
    ] = None,
    public: Annotated[bool, Parameter(help="Let all users find and join the group or channel.", negative=())] = False,
    **flags: Flag,
) -> None:
    """Create a conversation, and print its id.

    If the two members have a direct conversation already, it prints the id of that one.

    Parameters
    ----------
    members
        Ids of the members. Unknown users are created.
    """
    settings = load(flags).settings
    _require(members)
    command = CreateConversation(kind, members, name, id, public=public, owner_id=UNSET if owner is None else owner)
    view = run_as_operator(settings, lambda operator: operator.execute(command), may_create=True)
    conversation = view.conversation
    print_result(f"The id of this {conversation.kind} conversation is {conversation.id}.", conversation.id)


@takes_settings(*CHAT_SETTINGS)
def list_all(
    *,
    json: Annotated[bool, Parameter(help="Print a JSON array.", negative=())] = False,
    **flags: Flag,
) -> None:
    """List all conversations, the one with the newest message first."""
    views = run_as_operator(load(flags).settings, _all_conversations)
    if json:
        print_json([_described(view) for view in views])
        return
    print_list(
        ("ID", "KIND", "NAME", "MEMBERS", "MESSAGES", "CREATED"),
        [
            (
                view.conversation.id,
                view.conversation.kind,
                view.name or "",
                str(view.conversation.member_count),
                str(view.conversation.last_seq),
                iso_time(view.conversation.created_ms),
            )
            for view in views
        ],
    )


@takes_settings(*CHAT_SETTINGS)
def add(conversation_id: str, /, *members: str, **flags: Flag) -> None:
    """Add members to a group or channel.

    Parameters
    ----------
    conversation_id
        Id of the group or channel.
    members
        Ids of users. Unknown users are created.
    """
    settings = load(flags).settings
    _require(members)
    command = AddMembers(conversation_id, members)
    added = run_as_operator(settings, lambda operator: operator.execute(command)).members
    print_result(f"Added {len(added)} to {conversation_id}; {len(set(members)) - len(added)} were members already.")


@takes_settings(*CHAT_SETTINGS)
def remove(conversation_id: str, /, *members: str, **flags: Flag) -> None:
    """Remove members from a group or channel.

    Parameters
    ----------
    conversation_id
        Id of the group or channel.
    members
        Ids of its members.
    """
    settings = load(flags).settings
    _require(members)

    async def remove_each(operator: Operator) -> None:
        for user_id in members:
            await operator.execute(RemoveMember(conversation_id, user_id))

    run_as_operator(settings, remove_each)
    print_result(f"Removed {len(members)} from {conversation_id}.")


def _require(members: Sequence[str]) -> None:
    if not members:
        raise Misuse("MEMBERS: name at least one")


async def _all_conversations(operator: Operator) -> list[ConversationView]:
    """Returns all conversations, each only once.

    A conversation that moves to the front of the list while its pages are read is not repeated.
    """
    views: dict[str, ConversationView] = {}
    cursor: str | None = None
    while True:
        page = await operator.execute(ListConversations(cursor, FETCHED_AT_ONCE, of_everybody=True))
        for view in page.items:
            views.setdefault(view.conversation.id, view)
        if page.next is None:
            return list(views.values())
        cursor = page.next


def _described(view: ConversationView) -> dict[str, object]:
    conversation = view.conversation
    return {
        "id": conversation.id,
        "kind": conversation.kind,
        "name": view.name,
        "ownerId": conversation.owner_id,
        "public": conversation.public,
        "memberCount": conversation.member_count,
        "lastSeq": conversation.last_seq,
        "createdAt": iso_time(conversation.created_ms),
    }
