"""The operations of the operators' console that execute a command."""

from __future__ import annotations

from talkwire.core.commands.server.console import (
    BrowseConversations,
    BrowseUsers,
    EndConnection,
    EndLogin,
    GetPushState,
    ListLoginsOf,
)
from talkwire.operations.operation import Operation
from talkwire.operations.shapes import InputMember

_TAG = "admin"

BROWSE_USERS = (
    Operation(
        BrowseUsers,
        route="GET /admin/users",
        tag=_TAG,
        operation_id="listAdminUsers",
        summary="List and search all users, by name",
        members={
            "text": InputMember(
                "q",
                meaning="The start of a word in a name or of a handle, an id, or the e-mail address of an account",
            )
        },
    ),
    Operation(
        ListLoginsOf,
        route="GET /admin/users/{user_id}/sessions",
        tag=_TAG,
        operation_id="listAdminSessions",
        summary="List a user's signed-in devices, last used first",
    ),
    Operation(
        EndLogin,
        route="DELETE /admin/users/{user_id}/sessions/{session_id}",
        tag=_TAG,
        operation_id="endAdminSession",
        summary="Sign out a device of a user, and close its sockets",
    ),
)

BROWSE_CONVERSATIONS = Operation(
    BrowseConversations,
    route="GET /admin/conversations",
    tag=_TAG,
    operation_id="listAdminConversations",
    summary="List the conversations of all users, newest first, or search them by name",
    members={"text": InputMember("q", meaning="The start of a word in a name, or an id")},
)

END_CONNECTION = Operation(
    EndConnection,
    route="DELETE /admin/connections/{connection_id}",
    tag=_TAG,
    summary="Close a user's connection",
    description='Its client receives `session:ending {reason: "ended", reconnect: true}`. The user stays signed in and '
    "may connect again; end the session or ban the user to prevent that.",
)

PUSH = Operation(
    GetPushState,
    route="GET /admin/push",
    tag=_TAG,
    operation_id="getAdminPush",
    summary="Get the state of push notifications, and the devices to which they fail",
)

OPERATIONS = (*BROWSE_USERS, BROWSE_CONVERSATIONS, END_CONNECTION, PUSH)
