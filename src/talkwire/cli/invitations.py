"""The command `talkwire invite`, which prints a link with which people register and join conversations."""

from __future__ import annotations

import time
from typing import Annotated

from cyclopts import Parameter

from talkwire.cli.delivery import run_as_operator
from talkwire.cli.failures import Failure, Misuse
from talkwire.cli.flags import CHAT_SETTINGS, Flag, load, takes_settings
from talkwire.cli.output import print_line, print_note
from talkwire.core.commands.invitations import CreateInvitation, EnsureFirstInvitation
from talkwire.datafolder import find_holder
from talkwire.payloads.invitations import invitation_url
from talkwire.settings import Settings
from talkwire.settings.policy import access_policy
from talkwire.settings.values import parse_duration

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)


@takes_settings(*CHAT_SETTINGS, "public_url", "host", "port")
def invite(
    *,
    conversation: Annotated[
        tuple[str, ...], Parameter(help="Id of a conversation that people join; may be repeated.", negative=())
    ] = (),
    expires: Annotated[
        str | None, Parameter(help="How long the link is valid, such as 12h or 7d. Default: until it is deleted.")
    ] = None,
    max_uses: Annotated[int | None, Parameter(help="How many people may use the link. Default: no limit.")] = None,
    first_admin: Annotated[
        bool, Parameter(help="Print the link with which the first admin registers, once.", negative=())
    ] = False,
    **flags: Flag,
) -> None:
    """Print a link that invites people to the server and to conversations.

    The link begins with the setting public_url if it is set, else with the address of the running server.
    """
    settings = load(flags).settings
    if first_admin:
        if conversation or expires is not None or max_uses is not None:
            raise Misuse("--first-admin excludes the other options of the link: it has one use and is valid for a week")
        _invite_first_admin(settings)
        return
    command = CreateInvitation(conversation, _end_of(expires), max_uses)
    created = run_as_operator(settings, lambda operator: operator.execute(command), may_create=True)
    print_line(invitation_url(_site(settings), created.code))
    _warn_without_accounts(settings)


def _invite_first_admin(settings: Settings) -> None:
    created = run_as_operator(settings, lambda operator: operator.execute(EnsureFirstInvitation()), may_create=True)
    if created is None:
        raise Failure("there is an admin already; talkwire user add --role admin adds another one")
    print_line(invitation_url(_site(settings), created.code))
    _warn_without_accounts(settings)


def _warn_without_accounts(settings: Settings) -> None:
    if access_policy(settings).accounts == "off":
        print_note(
            "accounts are off in these settings: with this link, no one can register; users can join conversations"
        )


def _end_of(expires: str | None) -> int | None:
    """Returns when an invitation link with the lifetime `expires`, such as `7d`, expires: in milliseconds since 1970;
    None if it never does. Raises Misuse if the text is no duration."""
    if expires is None:
        return None
    try:
        lifetime_s = parse_duration(expires).total_seconds()
    except ValueError as error:
        raise Misuse(f"--expires: {error}") from None
    return round((time.time() + lifetime_s) * 1000)


def _site(settings: Settings) -> str:
    """Returns the URL at which people reach the server: the setting public_url, else that of the running server, else
    the one at which a server with these settings would run."""
    if settings.public_url is not None:
        return settings.public_url
    holder = None if settings.lock_file is None else find_holder(settings.lock_file)
    if holder is not None and holder.url is not None:
        return holder.url
    host = "localhost" if settings.host in _EVERYWHERE else settings.host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.port}"
