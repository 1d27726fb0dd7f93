"""Which charset a page is read in: only those of the WHATWG Encoding Standard, in the HTML Standard's order."""

from __future__ import annotations

import encodings.aliases
import pkgutil

import pytest
import webencodings

from talkwire.previews.charset import CHARSET_LABEL_MAX_LENGTH, PRESCAN_BYTES, charset_of, decoded

GREETING = "Gr\u00fc\u00dfe"
UTF8 = GREETING.encode()
LATIN1 = GREETING.encode("latin-1")


@pytest.mark.parametrize(
    ("header", "charset"),
    [
        ("text/html", None),
        ("", None),
        ("text/html; charset=utf-8", "utf-8"),
        ('text/html;CHARSET="utf-8"; a=b', "utf-8"),
        ('text/html; a="; charset=x"; charset=gbk; charset=utf-8', "gbk"),
        ("text/html; a; charset= gbk", " gbk"),
        ("text/html; charset*=utf-8''x; charset*0=a; charset*1*=b''%ff", None),
        ("text/html; charset*" + "9" * 4400 + "=x; charset=gbk", "gbk"),
        ('text/html; charset="utf-8', "utf-8"),
    ],
)
def test_a_header_gives_its_first_charset(header: str, charset: str | None) -> None:
    assert charset_of(header) == charset


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (UTF8, None),
        (LATIN1, None),
        (LATIN1, "iso-8859-1"),
        (LATIN1, " Latin1\t"),
        (UTF8, "no-such-charset"),
        (UTF8, "utf-8\udcff"),
        (UTF8, "\u212aoi8-r"),
        (b"\xef\xbb\xbf" + UTF8, "gbk"),
        (b"\xfe\xff" + GREETING.encode("utf-16-be"), "gbk"),
        (GREETING.encode("utf-16-le"), "utf-16"),
        (GREETING.encode("gb18030"), "gb_2312-80"),
    ],
)
def test_a_header_decides_unless_there_is_a_mark(body: bytes, charset: str | None) -> None:
    assert decoded(body, charset) == GREETING


@pytest.mark.parametrize(
    "declaration",
    [
        "<meta charset=latin1>",
        "<!-- <meta charset=utf-8> --><META CHARSET = 'Latin1' />",
        "<meta http-equiv=Content-Type content='text/html; charset=iso-8859-1'>",
        "<meta content='charset ; charset = \"latin1\"' http-equiv='content-type'>",
        "<meta charset=unknown><meta charset=latin1><meta charset=gbk>",
        "<meta name=a content='charset=utf-8'><meta charset='lat&#105;n1'>",
        "<?xml version='1.0' encoding='iso-8859-1'?>",
        "<meta charset=x-user-defined>",
    ],
)
def test_a_page_declares_its_charset(declaration: str) -> None:
    assert GREETING in decoded(declaration.encode() + LATIN1, None)
    assert GREETING in decoded(declaration.encode() + UTF8, "utf-8"), "a header says more"


@pytest.mark.parametrize("charset", ["utf-16", "utf-16be", "utf-16le"])
def test_a_page_that_can_be_read_as_ascii_is_not_in_utf_16(charset: str) -> None:
    assert GREETING in decoded(f"<meta charset={charset}>".encode() + UTF8, None)


def test_a_declaration_counts_in_the_first_kilobyte_only() -> None:
    declaration = b"<meta charset=koi8-r>"
    inside, outside = (
        b" " * (PRESCAN_BYTES - length) + declaration for length in (len(declaration), len(declaration) - 1)
    )
    assert GREETING not in decoded(inside + LATIN1, None)
    assert GREETING in decoded(outside + LATIN1, None)


def test_a_page_that_is_cut_within_a_character_is_still_utf_8() -> None:
    assert decoded(UTF8[:-1] + "\u20ac".encode()[:2], None) == GREETING[:-1]


@pytest.mark.parametrize("charset", ["iso-2022-kr", "hz-gb-2312", "iso-2022-cn", "replacement"])
def test_a_charset_that_browsers_refuse_gives_no_text(charset: str) -> None:
    assert set(decoded(b"<title>a</title>", charset)) == {"\ufffd"}


def test_pythons_other_codecs_are_not_charsets() -> None:
    """Those whose names the standard does not have, such as punycode, idna, UTF-7 and unicode_escape."""
    modules = {module.name for module in pkgutil.iter_modules(encodings.__path__)}
    others = {name for name in modules | set(encodings.aliases.aliases) if webencodings.lookup(name) is None}
    assert {"punycode", "utf_7", "unicode_escape", "undefined", "idna", "zlib_codec", "u7"} <= others
    for name in sorted(others | {"x" * (CHARSET_LABEL_MAX_LENGTH + 1)}):
        assert decoded(b"a+AGE-\\u0061-99999" + UTF8, name) == "a+AGE-\\u0061-99999" + GREETING
