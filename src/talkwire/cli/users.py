"""The commands `talkwire user …`, which add and list users, ban and unban them, and set passwords."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from msgspec import UNSET

from talkwire.cli.delivery import Operator, run_as_operator
from talkwire.cli.failures import Failure, Misuse
from talkwire.cli.flags import CHAT_SETTINGS, Flag, load, takes_settings
from talkwire.cli.output import iso_time, print_json, print_list, print_note, print_result
from talkwire.cli.passwords import hashed_password
from talkwire.core.commands.accounts import (
    BanUser,
    GetUser,
    ListUsers,
    PutUser,
    RegisterAccount,
    SetPassword,
    UnbanUser,
)
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import AccountRole, User, UserKind
from talkwire.core.domain.times import ms_of
from talkwire.settings import Settings
from talkwire.settings.policy import access_policy

Password = Annotated[
    str | None,
    Parameter(
        help="`-` reads the password from stdin; without it, a terminal prompts for it.",
        metavar="-",
        allow_leading_hyphen=True,
    ),
]


@takes_settings(*CHAT_SETTINGS)
def add(  # noqa: PLR0913 (each is a flag)
    email: str | None = None,
    /,
    *,
    name: Annotated[
        str | None, Parameter(help="Name that others see, of a new user. A user who exists keeps theirs.")
    ] = None,
    id: Annotated[  # noqa: A002 (a flag)
        str | None, Parameter(help="Id of a new user, or of a user who has no account. Default: a new id.")
    ] = None,
    password: Password = None,
    role: Annotated[AccountRole, Parameter(help="What the account may do: `admin` may use the admin routes.")] = "user",
    kind: Annotated[
        UserKind, Parameter(help="`agent`: a program that takes part in conversations, and has no account.")
    ] = "person",
    owner: Annotated[str | None, Parameter(help="Of an agent: the id of the person who is responsible for it.")] = None,
    **flags: Flag,
) -> None:
    """Create an account that can sign in with an e-mail address and a password, or a user who signs in elsewhere.

    Parameters
    ----------
    email
        Address to sign in with. Without it, the user has no account and signs in with tokens for the id.
    """
    if kind == "person" and owner is not None:
        raise Misuse("--owner: only with --kind agent")
    if kind == "agent" and email is not None:
        raise Misuse("EMAIL: an agent has no account; give --id alone")
    if email is None:
        if id is None or password is not None or role != "user":
            raise Misuse(
                "EMAIL: must be given for an account, or --id without --password and --role for a user of tokens"
            )
        new = PutUser(id, name=UNSET if name is None else name, kind=kind, owner_id=UNSET if owner is None else owner)
        user = run_as_operator(load(flags).settings, lambda operator: _created(operator, new), may_create=True)
        print_result(f"Added {user.name}, whose id is {user.id} and who has no account.", user.id)
        return
    if name is None and id is None:
        raise Misuse("--name: must be given for a new user")
    settings = load(flags).settings
    command = RegisterAccount(email, name, hashed_password(password), id, role=role)
    user = run_as_operator(settings, lambda operator: operator.execute(command), may_create=True)
    print_result(f"Added {user.name} <{email}>, whose id is {user.id}.", user.id)
    _warn_without_accounts(settings)


@takes_settings(*CHAT_SETTINGS)
def list_all(
    *,
    json: Annotated[bool, Parameter(help="Print a JSON array.", negative=())] = False,
    **flags: Flag,
) -> None:
    """List all users, by id."""
    users = run_as_operator(load(flags).settings, _all_users)
    if json:
        print_json([_described(user) for user in users])
        return
    print_list(
        ("ID", "NAME", "E-MAIL", "STATE", "CREATED"),
        [(user.id, user.name, user.email or "", _state_of(user), iso_time(user.created_ms)) for user in users],
    )


@takes_settings(*CHAT_SETTINGS)
def ban(
    user_id: str,
    /,
    *,
    reason: Annotated[str | None, Parameter(help="Reason that the user sees.")] = None,
    until: Annotated[
        str | None,
        Parameter(help="When the ban ends, such as 2030-01-31T12:00:00Z; in UTC without an offset. Default: never."),
    ] = None,
    **flags: Flag,
) -> None:
    """Ban a user, and close their sockets.

    Parameters
    ----------
    user_id
        Id of the user to ban.
    """
    command = BanUser(user_id, reason, None if until is None else _end_of(until))
    user = run_as_operator(load(flags).settings, lambda operator: operator.execute(command))
    end = "" if user.ban_until_ms is None else f" until {iso_time(user.ban_until_ms)}"
    print_result(f"{user.id} is banned{end}.")


@takes_settings(*CHAT_SETTINGS)
def unban(user_id: str, /, **flags: Flag) -> None:
    """Unban a user.

    Parameters
    ----------
    user_id
        Id of the user to unban.
    """
    user = run_as_operator(load(flags).settings, lambda operator: operator.execute(UnbanUser(user_id)))
    print_result(f"{user.id} is not banned.")


@takes_settings(*CHAT_SETTINGS)
def password(user_id: str, /, *, password: Password = None, **flags: Flag) -> None:
    """Set a new password for an account.

    Parameters
    ----------
    user_id
        Id of the account's user.
    """
    settings = load(flags).settings
    command = SetPassword(user_id, hashed_password(password))
    run_as_operator(settings, lambda operator: operator.execute(command))
    print_result(f"{user_id} has a new password.")
    _warn_without_accounts(settings)


async def _created(operator: Operator, new: PutUser) -> User:
    """Creates a user without an account and returns the user. Raises Failure if the user exists."""
    try:
        await operator.execute(GetUser(new.user_id))
    except ChatError as error:
        if error.code != "not_found":
            raise
        return await operator.execute(new)
    raise Failure(f"{new.user_id}: there is such a user already; with EMAIL, the user gets an account")


def _end_of(until: str) -> int:
    """Returns when a ban ends, in milliseconds since 1970. Raises Misuse if the text is no valid time."""
    try:
        return ms_of("--until", until)
    except ChatError as error:
        raise Misuse(error.message) from None


def _warn_without_accounts(settings: Settings) -> None:
    if access_policy(settings).accounts == "off":
        print_note("accounts are off in these settings: no one can sign in with a password unless accounts is set")


async def _all_users(operator: Operator) -> list[User]:
    users: list[User] = []
    cursor: str | None = None
    while True:
        page = await operator.execute(ListUsers(cursor))
        users += page.items
        if page.next is None:
            return users
        cursor = page.next


def _state_of(user: User) -> str:
    if user.erased:
        return "erased"
    return "banned" if user.banned else ""


def _described(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "kind": user.kind,
        "ownerId": user.owner_id,
        "banned": user.banned,
        "bannedUntil": None if user.ban_until_ms is None else iso_time(user.ban_until_ms),
        "createdAt": iso_time(user.created_ms),
    }
