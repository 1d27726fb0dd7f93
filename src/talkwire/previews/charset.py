"""Decodes a page as the HTML Standard says ("Determining the character encoding"), with the encodings of the WHATWG
Encoding Standard only.

Python has more codecs: some need quadratic time, and others are no charsets.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

import webencodings

from talkwire.previews.html_tokens import Tokens, unescape_attribute

PRESCAN_BYTES = 1024
"""Number of bytes at a page's beginning in which it can declare its charset."""

CHARSET_LABEL_MAX_LENGTH = 100
"""Longest name of a charset, in characters."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))
_KEPT = frozenset({"charset", "content", "http-equiv"})
_IN_CONTENT = re.compile(
    r"charset[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r ;\"']++))", re.IGNORECASE
)
_IN_XML = re.compile(r"<\?xml[^>]*?[\t\n\f\r ]encoding[\t\n\f\r ]*+=[\t\n\f\r ]*+[\"']([^\"'>]*+)[\"']")
_PARAMETER = re.compile(r";[\t\r\n ]*+([^;=]*+)=(?:\"((?:[^\"\\]|\\.)*+)|([^;]*+))", re.DOTALL)


def charset_of(content_type: str) -> str | None:
    """Returns the parameter `charset` of a `Content-Type` header, or None if it has none (MIME Sniffing Standard,
    "Parsing a MIME type").
    """
    charsets = (found for found in _PARAMETER.finditer(content_type) if found[1].lower() == "charset")
    first = next(charsets, None)
    return None if first is None else first[2] or first[3]


def decoded(body: bytes, charset: str | None) -> str:
    """Returns the text of a page. `body` may be cut off; `charset` is from the response's header, None if it has none.

    The order is: a byte order mark, `charset`, what the page declares, UTF-8 if the page is valid UTF-8, windows-1252.
    Bytes that are invalid in the encoding become U+FFFD.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _decoded_as(webencodings.lookup(name), body[len(mark) :])
    encoding = _lookup(charset) or _declared(body[:PRESCAN_BYTES].decode("latin-1"))
    if encoding is not None:
        return _decoded_as(encoding, body)
    try:
        return codecs.utf_8_decode(body, "strict", False)[0]  # noqa: FBT003 (by position only: the end may be missing)
    except UnicodeDecodeError:
        return _decoded_as(webencodings.lookup("windows-1252"), body)


def _decoded_as(encoding: webencodings.Encoding, body: bytes) -> str:
    text: str = encoding.codec_info.decode(body, "replace")[0]
    return text


def _lookup(label: str | None) -> webencodings.Encoding | None:
    if label is None or len(label) > CHARSET_LABEL_MAX_LENGTH or not label.isascii():
        return None
    encoding = webencodings.lookup(label)
    # The decoder of GBK is that of GB18030.
    return webencodings.lookup("gb18030") if encoding is not None and encoding.name == "gbk" else encoding


def _declared(beginning: str) -> webencodings.Encoding | None:
    """Returns the encoding that a page declares in a `<meta>` tag, or else in an XML declaration."""
    tokens = Tokens(beginning, _KEPT)
    while tag := tokens.next_tag():
        if tag.name == "meta" and not tag.is_end:
            encoding = _lookup(_label_of(tag.attributes))
            if encoding is not None:
                return _readable(encoding)
    xml = _IN_XML.match(beginning)
    encoding = None if xml is None else _lookup(xml[1])
    return None if encoding is None else _readable(encoding)


def _label_of(attributes: Mapping[str, str]) -> str | None:
    """Returns the label that a `<meta>` tag gives, by `charset` or by `http-equiv`."""
    if "charset" in attributes:
        return unescape_attribute(attributes["charset"])
    if attributes.get("http-equiv", "").lower() != "content-type":
        return None
    found = _IN_CONTENT.search(unescape_attribute(attributes.get("content", "")))
    return None if found is None else next(filter(None, found.groups()), None)


def _readable(encoding: webencodings.Encoding) -> webencodings.Encoding:
    """Returns the encoding of a page in which ASCII declared the given one."""
    ascii_based = {"utf-16be": "utf-8", "utf-16le": "utf-8", "x-user-defined": "windows-1252"}
    return webencodings.lookup(ascii_based.get(encoding.name, encoding.name))
