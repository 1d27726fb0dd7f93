"""`talkwire invite`: prints a link with which people register and join conversations."""

from __future__ import annotations

import time
from typing import Annotated

from cyclopts import Parameter

from talkwire.cli.delivery import run_as_operator
from talkwire.cli.failures import Misuse
from talkwire.cli.flags import WHERE, Flag, load, takes_settings
from talkwire.cli.output import print_line, print_note
from talkwire.core.commands.invitations import CreateInvitation
from talkwire.datafolder import find_holder
from talkwire.dialects.payloads.invitations import invitation_url
from talkwire.settings import Settings
from talkwire.settings.policy import access_policy
from talkwire.settings.values import parse_duration

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)


@takes_settings(*WHERE, "public_url", "host", "port")
def invite(
    *,
    conversation: Annotated[
        tuple[str, ...], Parameter(help="Id of a conversation that people join; may be repeated.", negative=())
    ] = (),
    expires: Annotated[
        str | None, Parameter(help="How long the link is valid, such as 12h or 7d. Default: until it is deleted.")
    ] = None,
    max_uses: Annotated[int | None, Parameter(help="How many people may use the link. Default: no limit.")] = None,
    **flags: Flag,
) -> None:
    """Print a link that invites people to the server and to conversations.

    The link begins with the setting public_url, else with the address of the running server.
    """
    settings = load(flags).settings
    command = CreateInvitation(conversation, _end_of(expires), max_uses)
    created = run_as_operator(settings, lambda operator: operator.execute(command), may_create=True)
    print_line(invitation_url(_site(settings), created.code))
    if access_policy(settings).accounts == "off":
        print_note(
            "accounts are off in these settings: with this link, no one can register; users can join conversations"
        )


def _end_of(expires: str | None) -> int | None:
    """Returns when the link expires, in milliseconds since 1970; None for never."""
    if expires is None:
        return None
    try:
        lifetime_s = parse_duration(expires).total_seconds()
    except ValueError as error:
        raise Misuse(f"--expires: {error}") from None
    return round((time.time() + lifetime_s) * 1000)


def _site(settings: Settings) -> str:
    """Returns the address at which people reach the server."""
    if settings.public_url is not None:
        return settings.public_url
    holder = None if settings.lock_file is None else find_holder(settings.lock_file)
    if holder is not None and holder.url is not None:
        return holder.url
    host = "localhost" if settings.host in _EVERYWHERE else settings.host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.port}"
