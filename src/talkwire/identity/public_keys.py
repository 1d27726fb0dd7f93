"""Reads a public key in the forms in which people get one: PEM, a certificate, or the base64 alone that an identity
provider shows, as environment files and shells leave them. No error repeats a part of what was given.
"""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from cryptography.x509 import load_der_x509_certificate

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")
_BEGIN = "-----BEGIN "
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+=*\s*")
_SSH = ("ssh-", "ecdsa-sha2-", "---- BEGIN SSH2")
_AS_PEM = "Give it in PEM form (-----BEGIN PUBLIC KEY-----), as a certificate, or as the path of a file with one"


def load_public_key(given: str) -> object:
    """Returns the public key (an object of `cryptography`) in a text: PEM, a certificate, or their base64 alone.
    Line ends do not matter, also spelled out as a backslash and the letter n, nor quotation marks around the text. Of
    several certificates the first counts. Raises ValueError for any other text; the error says what was given instead
    and what to do."""
    text = cleaned(given)
    if "PRIVATE KEY-----" in text:
        raise _private_key()
    block = _BLOCK.search(text)
    if block is None and (_BEGIN in text or _BASE64.fullmatch(text) is None):
        raise ValueError(f"The public key {_what_it_is(text)}.")
    data = _decoded(block[2] if block else text)
    if data.startswith(_BEGIN.encode()):
        return load_public_key(data.decode("latin-1"))
    key = _from_der(data)
    if key is None and block is not None:
        raise ValueError(f"The public key is PEM, but there is no key in its block {block[1]}, or it is damaged.")
    if key is None:
        raise ValueError(f"The public key {_what_it_is(text)}.")
    return key


def cleaned(text: str) -> str:
    """Returns a key or a path as it was before an environment file or an editor added to it: without a byte order mark,
    white space and quotation marks around it."""
    return text.strip("\ufeff \t\r\n").strip("\"'").replace("\\r", "").replace("\\n", "\n").strip()


def is_public_key(text: str) -> bool:
    """Returns whether a text is a public key or a certificate in any of these forms."""
    try:
        load_public_key(text)
    except ValueError:
        return False
    return True


def _decoded(text: str) -> bytes:
    """Returns the bytes in base64 with or without padding and line ends; none for another text."""
    encoded = "".join(text.split()).rstrip("=")
    try:
        return b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        return b""


def _from_der(data: bytes) -> object | None:
    """Returns the public key in DER, also that of a certificate; None if there is none. Raises ValueError for a private
    key."""
    for load in (load_der_public_key, lambda der: load_der_x509_certificate(der).public_key()):
        with suppress(ValueError, UnsupportedAlgorithm):
            return load(data)
    try:
        load_der_private_key(data, None)
    except TypeError:  # it has a password
        pass
    except (ValueError, UnsupportedAlgorithm):
        return None
    raise _private_key()


def _private_key() -> ValueError:
    return ValueError(
        "The public key is a private key, which signs tokens and does not belong here. Give its public half, which "
        "`openssl pkey -in KEY.pem -pubout` prints."
    )


def _what_it_is(text: str) -> str:
    """Returns what a text is that is no public key, and what to do."""
    if _BEGIN in text and "-----END " not in text:
        return "is cut off: it has no line -----END …-----. In environment files, write \\n for its line ends"
    if _BEGIN in text:
        return "is damaged: what stands between its -----BEGIN and -----END lines is no base64"
    if text.startswith(_SSH):
        return "is an SSH key. `ssh-keygen -e -m PKCS8 -f KEY.pub` prints it in PEM form"
    if text.startswith(("{", "[")):
        return "is JSON. Set jwt_jwks_url to the address of this JWK set instead, or give the key in PEM form"
    if "://" in text:
        return "is an address. If keys in JSON (JWKS) are there, set jwt_jwks_url to it instead"
    return f"is neither a key nor the path of a file that exists. {_AS_PEM}. A shared secret belongs into jwt_secret"
