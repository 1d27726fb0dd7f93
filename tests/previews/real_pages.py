"""Small pages in the odd forms in which people publish them, with what a browser finds in each."""

from __future__ import annotations

from typing import NamedTuple

from talkwire.previews.page import LinkedPage

ORIGIN = "https://site.example"


class RealPage(NamedTuple):
    """A page at `ORIGIN`/folder/page, and its preview, None for a page without a title."""

    body: bytes
    shown: LinkedPage | None
    content_type: str = "text/html"


def _utf8(text: str) -> bytes:
    return text.encode()


_LONG_STYLE = "<style>" + ".a > .b { color: red } /* <meta> </title> */\n" * 2500 + "</style>"
_LONG_SCRIPT = "<script>" + 'var a = "<title>no</title>", b = a < 3;\n' * 2500 + "</script>"

PAGES = {
    "quotes of every kind": RealPage(
        _utf8(
            "<!DOCTYPE html><html><head><title>Plain</title><meta name=description content=Words/and=more>"
            "<meta property='og:site_name' content='Joe\"s Site'><META PROPERTY=\"og:image\""
            ' CONTENT = "/a.png?x=1" /></head>'
        ),
        LinkedPage("Plain", "Words/and=more", 'Joe"s Site', f"{ORIGIN}/a.png?x=1"),
    ),
    "character references": RealPage(
        _utf8(
            "<title>Fish &amp; Chips &ndash; &#8364;5 &copy2024 &#x1F600; &unknown; &amp;amp;</title>"
            '<meta property="og:image" content="https://cdn.example/a.png?a=1&amp;b=2&copy=3&region=4&lt;">'
        ),
        LinkedPage(
            "Fish & Chips \u2013 \u20ac5 \u00a92024 \U0001f600 &unknown; &amp;",
            image_url="https://cdn.example/a.png?a=1&b=2&copy=3&region=4%3C",
        ),
    ),
    "property and name": RealPage(
        _utf8(
            '<title>T</title><meta name="description" property="og:description" content="Both">'
            '<meta name="og:title" content="By name"><meta property="twitter:image" content="t.png">'
        ),
        LinkedPage("By name", "Both", image_url=f"{ORIGIN}/folder/t.png"),
    ),
    "upper case": RealPage(
        _utf8("<HTML><HEAD><TITLE>LOUD</TITLE><META NAME='DESCRIPTION' CONTENT='Shouted'></HEAD><BODY>"),
        LinkedPage("LOUD", "Shouted"),
    ),
    "comments before the head": RealPage(
        _utf8(
            "<!--[if IE]><title>Old</title><![endif]--><!doctype html><!-- a -- b > <title>no</title> --!><html>"
            "<!-->\n<head><title>Real</title><!--<meta name=description content=no>--></head>"
        ),
        LinkedPage("Real"),
    ),
    "a pixel in noscript": RealPage(
        _utf8(
            '<head><noscript><img src="//pixel.example/?a" height=1><meta name=description content=no></noscript>'
            "<title>After the pixel</title><meta name=description content=Yes>"
        ),
        LinkedPage("After the pixel", "Yes"),
    ),
    "tags in scripts": RealPage(
        _utf8(
            '<script>var a = "</title><title>no</title>"; a += "<meta name=description content=no>"</script>'
            '<script><!-- if (a < b) { "<script>" + "</script>" + "<title>no</title>" } --></script>'
            '<script type=\'application/ld+json\'>{"name": "<title>no"}</script>'
            "<style>a::before { content: '<title>no</title>' }</style><title>Not of a script</title>"
        ),
        LinkedPage("Not of a script"),
    ),
    "after a long script and a long style": RealPage(
        _utf8(
            f"<head>{_LONG_STYLE}{_LONG_SCRIPT}<title>Late</title>"
            "<meta property=og:site_name content=Site></head><body>"
        ),
        LinkedPage("Late", None, "Site"),
    ),
    "no head": RealPage(
        _utf8("\ufeff \n<title>\n  No\n  head </title><meta name='description' content='\n Two\n lines '><p>Text"),
        LinkedPage("No head", "Two lines"),
    ),
    "markup that does not belong into a head": RealPage(
        _utf8(
            "<html><head>\u200b<div id=top></div><title>Still a title</title>"
            "<link rel=icon><meta name=description content=And></head>"
        ),
        LinkedPage("Still a title", "And"),
    ),
    "a drawing before the title": RealPage(
        _utf8(
            "<svg><style><title>no</title></style><g><title>Icon</title></g><![CDATA[</svg><title>no</title>]]></svg>"
            "<svg/><title>Page</title><meta name=description content=Drawn>"
        ),
        LinkedPage("Page", "Drawn"),
    ),
    "a drawing without a title of the page": RealPage(_utf8("<svg><title>Icon</title></svg>"), None),
    "a template": RealPage(
        _utf8("<template><title>no</title><meta name=description content=no></template><title>Outside</title>"),
        LinkedPage("Outside"),
    ),
    "a base": RealPage(
        _utf8(
            "<title>Based</title><meta property=og:image content=b/c.png><base href='//cdn.example/a/'><base href=/no/>"
        ),
        LinkedPage("Based", image_url="https://cdn.example/a/b/c.png"),
    ),
    "a picture with a strange name": RealPage(
        _utf8("<meta charset=UTF-8><title>Named</title><meta property=og:image content=' /a b/\u00fc.png#part '>"),
        LinkedPage("Named", image_url=f"{ORIGIN}/a%20b/%C3%BC.png"),
    ),
    "two titles": RealPage(_utf8("<title>First</title><title>Second</title>"), LinkedPage("First")),
    "an unclosed title": RealPage(_utf8("<title>Open <b>to</b> the end"), LinkedPage("Open <b>to</b> the end")),
    "an unclosed tag": RealPage(_utf8("<title>T</title><meta name=description content='no>"), LinkedPage("T")),
    "attributes that repeat": RealPage(
        _utf8("<title>T</title><meta name=description name=no content=First content=no x/y = 1 =z>"),
        LinkedPage("T", "First"),
    ),
    "frames": RealPage(
        _utf8(
            "<html><head><title>Framed</title></head><frameset cols=50%><frame src=a>"
            "<noframes><title>no</title></noframes>"
        ),
        LinkedPage("Framed"),
    ),
    "XHTML": RealPage(
        _utf8(
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml"><head>'
            '<script src="a.js"/><title>Strict &amp; valid</title>'
            '<meta name="description" content="XML"/></head><body/></html>'
        ),
        LinkedPage("Strict & valid", "XML"),
        "application/xhtml+xml",
    ),
    "GBK by http-equiv": RealPage(
        b'<head><meta http-equiv="Content-Type" content="text/html; charset=gb2312" /><title>'
        + "\u4e2d\u6587\u7f51\u9875 \u20ac".encode("gb18030")
        + b"</title>",
        LinkedPage("\u4e2d\u6587\u7f51\u9875 \u20ac"),
    ),
    "Shift_JIS": RealPage(
        b"<meta charset=Shift_JIS><title>" + "\u65e5\u672c\u8a9e\u2460\u30bd".encode("cp932") + b"</title>",
        LinkedPage("\u65e5\u672c\u8a9e\u2460\u30bd"),
    ),
    "windows-1251 by its header": RealPage(
        b"<meta charset=utf-8><title>" + "\u041f\u0440\u0438\u0432\u0435\u0442".encode("cp1251") + b"</title>",
        LinkedPage("\u041f\u0440\u0438\u0432\u0435\u0442"),
        "text/html; charset=windows-1251",
    ),
    "EUC-KR": RealPage(
        b"<meta charset='ks_c_5601-1987'><title>" + "\ub620\ubc29\uac01\ud558".encode("cp949") + b"</title>",
        LinkedPage("\ub620\ubc29\uac01\ud558"),
    ),
    "nothing says the charset": RealPage(b"<title>Caf\xe9 \x80 \x93</title>", LinkedPage("Caf\u00e9 \u20ac \u201c")),
    "a mark says more than the header": RealPage(
        b"\xff\xfe" + "<title>\u00fcber</title>".encode("utf-16-le"), LinkedPage("\u00fcber"), "text/html; charset=gbk"
    ),
    "UTF-7 is none": RealPage(
        b"<meta charset=utf-7><title>+AGE-</title>", LinkedPage("+AGE-"), "text/html; charset=utf-7"
    ),
}
