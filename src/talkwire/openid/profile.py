"""Turns the claims of an OpenID provider into a user's profile (OpenID Connect Core 1.0, section 5.1).

A claim with a value that is invalid in Talkwire is left out, so that, for example, an invalid picture does not prevent
a sign-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import ProviderProfile
from talkwire.core.domain.texts import check_avatar
from talkwire.core.features.users.accounts import normal_email
from talkwire.core.features.users.handles import normal_handle
from talkwire.identity.claims import display_text

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ProviderPerson:
    """A person as an OpenID provider describes them: the claims of the verified ID token and of UserInfo.

    `failure` says why UserInfo could not be used, so that its claims are missing; None if there is nothing that could
    be missing.
    """

    claims: Claims
    failure: Exception | None = None


PROFILE_CLAIMS = ("name", "preferred_username", "email", "picture")
_ADDRESS_CLAIMS = ("email", "email_verified")


def profile_of(claims: Claims) -> ProviderProfile:
    """Returns the user's profile that the provider's claims describe. The name is the first of these that the claims
    have: `name`, the given and the family name, `preferred_username`, `email` up to the @, `sub`."""
    return ProviderProfile(_name(claims), _email(claims), _avatar(claims), _handle(claims))


def has_name(claims: Claims) -> bool:
    """Returns whether the claims have a name for the user besides `sub`, which is often a random id."""
    return _named(claims) is not None


def joined_claims(of_token: Claims, of_user_info: Claims) -> Claims:
    """Returns the claims of an ID token together with those of the UserInfo endpoint. If both have a claim, the ID
    token's value is used.

    `email` and `email_verified` come from one of them, since a provider may know two addresses: from UserInfo if the ID
    token has no address, or has the same one without saying whether it is verified.
    """
    email = of_token.get("email")
    same_unclear = "email_verified" not in of_token and email == of_user_info.get("email")
    source = of_user_info if email is None or same_unclear else of_token
    pair = {name: source[name] for name in _ADDRESS_CLAIMS if name in source}
    others = {name: value for name, value in {**of_user_info, **of_token}.items() if name not in _ADDRESS_CLAIMS}
    return {**others, **pair}


def _name(claims: Claims) -> str:
    return _named(claims) or display_text(claims.get("sub")) or "?"


def _named(claims: Claims) -> str | None:
    parts = [display_text(claims.get(claim)) for claim in ("given_name", "family_name")]
    found = (
        display_text(claims.get("name")),
        display_text(" ".join(part for part in parts if part is not None)),
        display_text(_before_at(claims.get("preferred_username"))),
        display_text(_before_at(claims.get("email"))),
    )
    return next((name for name in found if name is not None), None)


def _email(claims: Claims) -> str | None:
    """Returns the e-mail address in the claims; None if there is none, if it is invalid, or if the provider says
    anything but that it is verified, since it may be somebody else's. Many providers say nothing."""
    verified = claims.get("email_verified", True)
    is_verified = verified is True or (isinstance(verified, str) and verified.lower() == "true")
    return _valid(normal_email, claims.get("email")) if is_verified else None


def _avatar(claims: Claims) -> str | None:
    picture = claims.get("picture")
    return _valid(_checked_avatar, picture) if isinstance(picture, str) and picture.startswith("https://") else None


def _checked_avatar(picture: str) -> str:
    check_avatar("picture", picture)
    return picture


def _handle(claims: Claims) -> str | None:
    """Returns a handle (a unique name) from the claim `preferred_username`, which some providers fill with an e-mail
    address; None if it makes no valid handle."""
    return _valid(normal_handle, _before_at(claims.get("preferred_username")))


def _before_at(value: object) -> str | None:
    return value.partition("@")[0] if isinstance(value, str) else None


def _valid(normal: Callable[[str], str], value: object) -> str | None:
    """Returns `normal(value)`, the normalised text; None if `value` is not a text or `normal` raises ChatError."""
    try:
        return normal(value) if isinstance(value, str) else None
    except ChatError:
        return None
