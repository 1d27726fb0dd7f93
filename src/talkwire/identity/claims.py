"""Turns the claims of a verified token into an identity. Functions here use no keys and no clock.

Claims come from other identity providers, so this module refuses every claim that could be misread.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec

from talkwire.core.domain.model import ActorRole
from talkwire.core.domain.names import display_name
from talkwire.core.domain.texts import NAME_MAX_LENGTH, NESTING_MAX
from talkwire.identity.policy import OWN_ISSUER, TokenPolicy
from talkwire.identity.signatures import unauthenticated
from talkwire.identity.user_ids import user_id_of

Claims = Mapping[str, object]

_OTHER_USER_ID_CLAIMS = ("userId", "id", "_id")
_NAME_CLAIMS = ("name", "username")
_KEPT_CLAIMS = ("role", "type", "department", "permissions")
_EXACT_FLOAT_MAX = 2**53

LAST_TIME_S = 253_402_300_799
"""Latest time that a claim may state, 9999-12-31T23:59:59Z, in seconds since 1970. A later time must be in
milliseconds, as many languages provide it; such a token would never expire."""

_decoder = msgspec.json.Decoder(dict[str, object])


class Identity(msgspec.Struct, frozen=True):
    """The identity of a caller whose token was verified: user id, name, role and further claims.

    `expires_at` is when the sockets and requests that use the token must end, in seconds since 1970 UTC. That is at the
    token's `exp` or, if the token arrived after `exp` but within the leeway for differing clocks, at the end of the
    leeway. None for a token without `exp`.

    `session_id` is the device that signed in on this server, None for tokens from elsewhere. `provider` is the OpenID
    provider through which it signed in; None for an account with a password. `claims` is a read-only mapping of the
    claims for the application's hooks: `role`, `type`, `department`, `permissions` and those that the policy names, as
    far as the token has them. `issued_by_us` says that this server or the application signed the token with the
    server's secret and issuer.
    """

    user_id: str
    name: str | None
    role: ActorRole
    expires_at: float | None
    session_id: str | None
    claims: Mapping[str, object]
    issued_by_us: bool
    provider: str | None = None


def decode_claims(payload: bytes) -> Claims:
    """Returns the claims in a token's payload, which must be a JSON object. Raises `unauthenticated` for anything else,
    also for NaN, lone surrogates and JSON that is nested too deeply to decode."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise unauthenticated("The token's claims are not a JSON object.") from None


def identity_of(claims: Claims, policy: TokenPolicy, expires_at: float | None, *, signed_with_secret: bool) -> Identity:
    """Returns the identity that the claims of a verified token describe; the caller has found out when it expires.
    Raises `unauthenticated` for a wrong issuer, audience or user id.

    A token counts as this server's own if it has this server's issuer and was signed with the secret, which only the
    server and the application have.
    """
    issued_by_us = signed_with_secret and claims.get("iss") == OWN_ISSUER
    if not issued_by_us:
        _check_issuer_and_audience(claims, policy)
    session_id = claims.get("sid") if issued_by_us else None
    provider = claims.get("idp") if issued_by_us else None
    return Identity(
        user_id=_user_id(claims, policy, own=issued_by_us),
        name=_name(claims),
        role=_role(claims, policy, issued_by_us=issued_by_us),
        expires_at=expires_at,
        session_id=session_id if isinstance(session_id, str) else None,
        claims=_kept(claims, policy),
        issued_by_us=issued_by_us,
        provider=provider if isinstance(provider, str) else None,
    )


def claim_of(claims: Claims, name: str) -> object:
    """Returns the value of the claim that a setting names; None if there is none.

    The claim with exactly this name counts first, since names such as `https://example.com/roles` have dots. Otherwise
    a dot leads into an object: `realm_access.roles` is `roles` in the claim `realm_access`.
    """
    value = claims.get(name)
    if value is not None:
        return value
    dot = name.find(".")
    while dot >= 0:
        inner = claims.get(name[:dot])
        if isinstance(inner, dict) and (value := claim_of(inner, name[dot + 1 :])) is not None:
            return value
        dot = name.find(".", dot + 1)
    return None


def number_claim(claims: Claims, name: str) -> float | None:
    """Returns the time in a claim such as `exp`, in seconds since 1970 UTC (NumericDate of RFC 7519, section 2); None
    if the token has no such claim. Raises `unauthenticated` if it is no valid time."""
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > _EXACT_FLOAT_MAX:
        raise unauthenticated(f"The token's `{name}` is not a time in seconds.")
    if value > LAST_TIME_S:
        raise unauthenticated(
            f"The token's `{name}` lies after the year 9999: it must be in seconds since 1970, not in milliseconds."
        )
    return float(value)


def _check_issuer_and_audience(claims: Claims, policy: TokenPolicy) -> None:
    issuers, audiences = policy.issuers, policy.audiences
    if issuers and (issuer := claims.get("iss")) not in issuers:
        if issuer is None:
            raise unauthenticated("The token has no `iss`, which the server's setting jwt_issuer requires.")
        raise unauthenticated("The token is from another issuer: its `iss` is not in the server's setting jwt_issuer.")
    if audiences:
        # RFC 7519, section 4.1.3: an array of texts, or, in the special case of one audience, a text.
        audience = claims.get("aud")
        if audience is None:
            raise unauthenticated("The token has no `aud`, which the server's setting jwt_audience requires.")
        named = audience if isinstance(audience, list) else (audience,)
        for accepted in audiences:
            if accepted in named:
                return
        raise unauthenticated(
            "The token is for another audience: nothing in its `aud` is in the server's setting jwt_audience."
        )


def _user_id(claims: Claims, policy: TokenPolicy, *, own: bool) -> str:
    """Returns the user id in a token's claims: that of the claim `policy.user_id_claim`, or without one and in a token
    of this server (`own`) the first present one of `sub`, `userId`, `id` and `_id`. Since the order is fixed, a token
    always means the same user.

    Raises `unauthenticated` without a claim, and for an id that `user_id_of` refuses.
    """
    claim = None if own else policy.user_id_claim
    if claim is None:
        value = claims.get("sub")
        if value is None:
            value = next((claims[name] for name in _OTHER_USER_ID_CLAIMS if claims.get(name) is not None), None)
    else:
        value = claim_of(claims, claim)
    if value is None:
        missing = "none of sub, userId, id and _id is there" if claim is None else f"it has no claim `{claim}`"
        raise unauthenticated(f"The token names no user: {missing}.")
    try:
        return user_id_of(value, own=own)
    except ValueError as error:
        raise unauthenticated(f"The token's user id {error}.") from None


def _name(claims: Claims) -> str | None:
    for claim in _NAME_CLAIMS:
        if name := display_text(claims.get(claim)):
            return name
    email = claims.get("email")
    return display_text(email.partition("@")[0]) if isinstance(email, str) else None


def display_text(value: object) -> str | None:
    """Returns a name as users can have it (`display_name`); None if nothing of it is visible or it is not a text. Names
    are only shown, so invalid ones are repaired instead of refused."""
    return display_name(value, NAME_MAX_LENGTH) if isinstance(value, str) else None


def _role(claims: Claims, policy: TokenPolicy, *, issued_by_us: bool) -> ActorRole:
    """Returns the caller's role by a token's claims. The policy says which values of which claim mean which role; in
    the server's own tokens, the claim `role` counts first if it is `service` or `admin`.
    """
    if issued_by_us:
        match claims.get("role"):
            case "service":
                return "service"
            case "admin":
                return "admin"
    value = claim_of(claims, policy.role_claim)
    roles = {role for role in (value if isinstance(value, list) else [value]) if isinstance(role, str)}
    if roles & policy.service_roles:
        return "service"
    return "admin" if roles & policy.admin_roles else "user"


def _kept(claims: Claims, policy: TokenPolicy) -> Claims:
    kept = {name: claims[name] for name in _KEPT_CLAIMS if claims.get(name) is not None}
    for name in policy.keep_claims:
        if (value := claim_of(claims, name)) is not None:
            kept[name] = value
    if not all(can_be_kept(value) for value in kept.values()):
        raise unauthenticated("The token's claims contain U+0000 or are nested too deeply.")
    role = kept.get("role")
    if isinstance(role, str) and len(kept) == 1:
        return _only_role(role)
    return MappingProxyType(kept)


@lru_cache(64)
def _only_role(role: str) -> Claims:
    """Returns a read-only mapping with the claim `role` alone, as most tokens have it. Each connection keeps its
    claims; sharing one mapping saves 280 bytes a connection."""
    return MappingProxyType({"role": role})


def can_be_kept(value: object, depth: int = NESTING_MAX) -> bool:
    """Returns whether a JSON value can be stored: its texts do not contain U+0000, and it is not nested deeper than
    `depth`."""
    match value:
        case str():
            return "\x00" not in value
        case list():
            return depth > 0 and all(can_be_kept(item, depth - 1) for item in value)
        case dict():
            return depth > 0 and all("\x00" not in key and can_be_kept(item, depth - 1) for key, item in value.items())
        case _:
            return True
