"""What the server and `talkwire import` do with texts of others, by its description.

Each function reads one text of any length, and may refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from talkwire.api.http.json_budget import check_budget
from talkwire.cli.history_import import texts as imported
from talkwire.cli.history_import.emoji import emoji_named
from talkwire.cli.history_import.people import People
from talkwire.core.domain.log.cursors import parse_cursor
from talkwire.core.domain.markup.blocks import pieces_of
from talkwire.core.domain.mentions import mention_marks, spellings
from talkwire.core.domain.pages import key_of_cursor
from talkwire.core.domain.search.name_search import found_part, later_parts, search_name
from talkwire.core.domain.search.search_terms import terms_of
from talkwire.core.domain.search.words import words_of
from talkwire.core.domain.texts import check_avatar, check_content, check_id, check_name, check_url
from talkwire.core.domain.times import ms_of
from talkwire.core.features.integration.webhooks import _check_url
from talkwire.core.features.messages.files import file_name
from talkwire.core.features.messages.previewable_links import is_previewable, links_in, previewable_links
from talkwire.core.features.users.accounts import account_email
from talkwire.core.features.users.handles import handle_prefix, normal_handle
from talkwire.egress import EgressResponse
from talkwire.egress.address_rules import literal_address
from talkwire.files.ranges import part_of
from talkwire.files.sniffing import content_type_of, is_inline
from talkwire.files.tus import upload_checksum, upload_metadata
from talkwire.identity.address import client_address
from talkwire.identity.claims import decode_claims, display_text
from talkwire.identity.origins import OriginPolicy
from talkwire.identity.signatures import keys_of_jwk, parse_compact
from talkwire.logs import redact
from talkwire.openid.documents import Metadata, ProviderTokens, decoded
from talkwire.openid.profile import profile_of
from talkwire.wire import Decoder, decode_payload, read_query

Reader = Callable[[str], object]

_PROXY = frozenset({"127.0.0.1"})
_PEOPLE = People("slack", "source")
_CLAIMS = ("sub", "name", "given_name", "family_name", "preferred_username", "email", "email_verified")
_ORIGINS = OriginPolicy(("https://app.example.com",))


def _header(text: str) -> str:
    """Returns a text as a server reads it from a header."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _document(text: str, kind: type[object]) -> object:
    return decoded(EgressResponse(200, {}, text.encode("utf-8", "surrogatepass")), kind, "the document")


def _after_each(start: str, text: str) -> str:
    """Returns a text with something before each of its lines."""
    return start + text.replace("\n", "\n" + start)


def _packet(text: str) -> object:
    return Decoder().receive(text)


MESSAGES: Mapping[str, Reader] = {
    "mentions": lambda text: spellings(mention_marks(text)),
    "links": links_in,
    "links with a preview": previewable_links,
    "one link": lambda text: links_in("https://a.example/" + text.replace(" ", "")),
    "an address with a preview": lambda text: is_previewable("https://talkwire.org/" + text),
    "a message": lambda text: list(pieces_of(text)),
    "lines of a list": lambda text: list(pieces_of("`a`\n" + _after_each("- ", text))),
    "an item of many lists": lambda text: list(pieces_of("- " * 8 + text + "`a`")),
    "lines of a quote": lambda text: list(pieces_of("`a`\n" + _after_each("> ", text))),
    "rows of a table": lambda text: list(pieces_of("|a|b|\n|-|-|\n" + _after_each("|", text))),
    "lines that start like code": lambda text: list(pieces_of(_after_each("~~~", text))),
    "words of a link": lambda text: list(pieces_of(f"[{text}](https://a.example)")),
    "an address in words": lambda text: list(pieces_of("https://" + text)),
    "a code span": lambda text: spellings(mention_marks(f"@a `{text}` @b")),
    "words": words_of,
    "content": lambda text: check_content("content", text),
}
SEARCHED: Mapping[str, Reader] = {
    "a query": lambda text: terms_of("q", text),
    "a phrase": lambda text: terms_of("q", f'"{text}"'),
    "a name as searches compare it": search_name,
    "the parts of a name": later_parts,
    "a found name": lambda text: found_part(text, text[:100]),
}
NAMES: Mapping[str, Reader] = {
    "a name": lambda text: check_name("name", text),
    "an id": lambda text: check_id("id", text),
    "a handle": normal_handle,
    "the beginning of a handle": handle_prefix,
    "a picture's address": lambda text: check_avatar("avatar", "https://" + text),
    "a file's name": file_name,
    "a name in a token": display_text,
}
REQUESTS: Mapping[str, Reader] = {
    "a cursor of a list": lambda text: key_of_cursor(text, tuple[str, int]),
    "a cursor of the log": lambda text: parse_cursor("epoch-" + text),
    "a time": lambda text: ms_of("time", text),
    "a time with a fraction": lambda text: ms_of("time", f"2026-01-01T00:00:00.{text}Z"),
    "a token": lambda text: parse_compact(text, 1 << 20),
    "a token's claims": lambda text: decode_claims(text.encode()),
    "an origin": lambda text: _ORIGINS.allows(_header("https://" + text), "chat.example.com", over_tls=True),
    "a Host header": lambda text: _ORIGINS.allows("https://a.example", _header(text), over_tls=True),
    "a URL of an attachment": lambda text: check_url("url", "https://" + text),
    "a URL of a webhook": lambda text: _check_url("https://" + text),
    "a forwarded address": lambda text: client_address("127.0.0.1", text, _PROXY),
    "a range": lambda text: part_of("bytes=" + text, 1000),
    "a content type": is_inline,
    "a declared content type": lambda text: content_type_of(b"abc", text),
    "the metadata of an upload": lambda text: upload_metadata({"upload-metadata": text}),
    "the checksum of an upload": lambda text: upload_checksum({"upload-checksum": "sha1 " + text}),
    "the cost of JSON": lambda text: check_budget(text.encode()),
    "a query string": read_query,
    "a packet": _packet,
    "an event": lambda text: _packet('2["message:send",' + text),
    "a namespace": lambda text: _packet("0/" + text),
    "a polling body": decode_payload,
}
OUTSIDE: Mapping[str, Reader] = {
    "a host": literal_address,
    "a line of the log": lambda text: redact(None, "info", {"event": text}),
    "a text of Slack": lambda text: imported.from_slack(text, _PEOPLE),
    "code of Slack": lambda text: imported.from_slack(f"```{text}```", _PEOPLE),
    "a reference of Slack": lambda text: imported.from_slack(f"<{text}>", _PEOPLE),
    "a text of Rocket.Chat": lambda text: imported.from_rocketchat(text, _PEOPLE),
    "a text of Mattermost": lambda text: imported.from_mattermost(text, _PEOPLE),
    "a long text": lambda text: imported.pieces(text, 4096),
    "the name of an emoji": emoji_named,
}
PROVIDERS: Mapping[str, Reader] = {
    "an OpenID provider's metadata": lambda text: _document('{"issuer": ' + text, Metadata),
    "an OpenID provider's tokens": lambda text: _document('{"error": "' + text, ProviderTokens),
    "claims of a user": lambda text: _document('{"sub": ' + text, dict[str, object]),
    "a profile of claims": lambda text: profile_of(dict.fromkeys(_CLAIMS, text)),
    "a picture of claims": lambda text: profile_of({"picture": "https://" + text}),
    "an e-mail address": lambda text: account_email(text + "@example.com"),
    "an RSA key": lambda text: keys_of_jwk({"kty": "RSA", "n": text, "e": "AQAB"}),
    "an exponent of an RSA key": lambda text: keys_of_jwk({"kty": "RSA", "n": "_" * 342, "e": text}),
    "a curve's key": lambda text: keys_of_jwk({"kty": "EC", "crv": "P-256", "x": text, "y": text}),
}

READERS: Mapping[str, Reader] = {**MESSAGES, **SEARCHED, **NAMES, **REQUESTS, **OUTSIDE, **PROVIDERS}
