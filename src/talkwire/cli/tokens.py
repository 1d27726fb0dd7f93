"""The command `talkwire token`, which prints a JWT (JSON Web Token) for a user without asking a server.

The token is signed with the secret of the settings or the data folder.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter

from talkwire.cli.delivery import role_at_server
from talkwire.cli.failures import Misuse
from talkwire.cli.flags import CHAT_SETTINGS, Flag, load, takes_settings
from talkwire.cli.output import print_line, print_note
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.secret import FILE_NAME
from talkwire.settings import Settings
from talkwire.settings.keys import signing_secret
from talkwire.settings.values import parse_duration


@takes_settings(*CHAT_SETTINGS, "jwt_secret", "allow_weak_secret")
def token(
    user: str,
    /,
    *,
    name: Annotated[str | None, Parameter(help="Name that others see.")] = None,
    role: Annotated[str | None, Parameter(help="`service` for the application's backend, `admin` to moderate.")] = None,
    ttl: Annotated[
        str, Parameter(help="How long the token is valid, such as 15m, 1h or 30d.", metavar="DURATION")
    ] = "1h",
    claim: Annotated[
        tuple[str, ...] | None,
        Parameter(
            help="A further claim; the value is JSON if it is valid JSON, else a text.",
            metavar="KEY=VALUE",
            negative=(),
        ),
    ] = None,
    **flags: Flag,
) -> None:
    """Print a token for a user.

    Parameters
    ----------
    user
        Id of the user. An unknown user is created when the token is used.
    """
    settings = load(flags).settings
    claims = dict(map(_claim, claim or ()))
    try:
        ttl_s = parse_duration(ttl).total_seconds()
    except ValueError as error:
        raise Misuse(f"--ttl: {error}") from None
    signed = TokenIssuer(secret_of(settings)).issue(user, ttl_s=ttl_s, name=name, role=role, claims=claims)
    known = role_at_server(settings, signed) or _known_role(settings, role)
    if role is not None and known == "user" != role:
        print_note(f'The role "{role}" means nothing to the server: the token is one of a user.')
    print_line(signed)


def _known_role(settings: Settings, role: str | None) -> str:
    is_known = role in {*settings.service_roles, *settings.admin_roles}
    return "user" if role is None or not is_known else role


def _claim(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Misuse(f'--claim: "{text}" is not KEY=VALUE')
    try:
        return key, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return key, value


def secret_of(settings: Settings) -> str:
    """Returns the secret that signs tokens, from the settings or the data folder. Raises Misuse if there is none: a new
    one would be known to no server.
    """
    if settings.jwt_secret is None and not settings.on_postgresql and not (settings.data / FILE_NAME).exists():
        raise Misuse(
            f"{settings.data / FILE_NAME}: there is no such file, and jwt_secret is not set. Name the data folder of "
            "the server with --data, or set JWT_SECRET as the server has it"
        )
    secret = signing_secret(settings)
    if secret is None:
        raise Misuse("jwt_secret: must be set, to sign tokens with")
    return secret
