"""Finds the access token that a client presents, in the forms that clients write it in."""

from __future__ import annotations


def presented_token(auth: str = "", authorization: str | None = None, query: str | None = None) -> str | None:
    """Returns the token that a client presents: from Socket.IO's auth payload, else from the header `Authorization`,
    else from the query; None if none of them has one.

    Many clients put the header's whole value where the token belongs, and others the token alone into the header. So
    in each place a token may stand with or without `Bearer` before it. A header of one word counts last.
    """
    words = (authorization or "").split(None, 1)
    has_scheme = bool(words) and words[0].lower() == "bearer"
    header = bare_token(authorization or "") if has_scheme else ""
    alone = words[0] if len(words) == 1 and not has_scheme else ""
    return bare_token(auth) or header or bare_token(query or "") or alone or None


def bare_token(text: str) -> str:
    """Returns a token without the white space around it and without `Bearer` before it."""
    words = text.split(None, 1)
    if words and words[0].lower() == "bearer":
        return words[1].strip() if len(words) > 1 else ""
    return text.strip()
