"""Serving the files of the web client. tests/page checks what they do."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from talkwire.api import page
from talkwire.core.domain.moderation.audit import AuditAction

SECTIONS = Path(__file__).parents[2] / "web" / "src" / "admin" / "sections"
SCRIPT = b"console.log(1)"
PAGE = """<!doctype html>
<title>Talkwire</title>
<link rel="icon" href="./icon.svg" type="image/svg+xml" />
<link rel="apple-touch-icon" href="./icon-apple.png" />
"""
IN_BROTLI = b"not decoded here: the client of these tests knows no Brotli"
LOGO = page.Logo(b"<svg/>", "image/svg+xml")


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    """A client of a server with a page, a script that was compressed at build time, and an uncompressed sound."""
    (tmp_path / "page").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "admin.html").write_text(PAGE)
    (tmp_path / "manifest.webmanifest").write_text('{"name": "Talkwire", "display": "standalone", "icons": []}')
    (tmp_path / "page" / "index-1.js").write_bytes(SCRIPT)
    (tmp_path / "page" / "index-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "page" / "index-1.js.br").write_bytes(IN_BROTLI)
    (tmp_path / "page" / "bell-1.wav").write_bytes(b"RIFF")
    monkeypatch.setattr(page, "PAGE_FOLDER", tmp_path)
    with _served(page.PageOptions()) as client:
        yield client


def _served(options: page.PageOptions) -> TestClient[Litestar]:
    """Returns a client of a server whose operator has set these options."""
    given = {"page_options": Provide(lambda: options, sync_to_thread=False)}
    return TestClient(Litestar(page.page_handlers(), dependencies=given, openapi_config=None))


@pytest.mark.parametrize(
    ("takes", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("gzip", "gzip"),
        ("identity", None),
        ("br;q=0.0, gzip; q=0", None),
        ("", None),
    ],
)
def test_a_script_is_compressed_for_clients_that_accept_it(
    client: TestClient[Litestar], takes: str, encoding: str | None
) -> None:
    answer = client.get("/page/index-1.js", headers={"accept-encoding": takes})
    assert answer.content == (IN_BROTLI if encoding == "br" else SCRIPT)
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


def test_an_uncompressed_file_is_served_unchanged(client: TestClient[Litestar]) -> None:
    answer = client.get("/page/bell-1.wav", headers={"accept-encoding": "gzip"})
    assert (answer.content, answer.headers.get("content-encoding")) == (b"RIFF", None)
    assert answer.headers["content-type"] == "audio/x-wav"


def test_the_page_is_never_cached_and_runs_no_inline_scripts(client: TestClient[Litestar]) -> None:
    answer = client.get("/")
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert client.get("/page/index-1.js.gz").status_code == 404


@pytest.mark.parametrize(
    ("origins", "ancestors"),
    [
        ((), "'none'"),
        (("self",), "'self'"),
        (("https://shop.example.com", "self"), "https://shop.example.com 'self'"),
    ],
)
@pytest.mark.usefixtures("client")
def test_only_pages_of_listed_origins_show_it_in_a_frame(origins: tuple[str, ...], ancestors: str) -> None:
    with _served(page.PageOptions(embed_origins=origins)) as client:
        policy = client.get("/").headers["content-security-policy"]
        assert [rule for rule in policy.split("; ") if rule.startswith("frame-ancestors")] == [
            f"frame-ancestors {ancestors}"
        ]
        assert "frame-ancestors 'none'" in client.get("/page/index-1.js").headers["content-security-policy"]


@pytest.mark.usefixtures("client")
def test_the_console_is_a_page_of_its_own_that_no_frame_may_show() -> None:
    with _served(page.PageOptions(name="Fish", embed_origins=("https://shop.example.com",), logo=LOGO)) as client:
        answer = client.get("/admin")
        assert "<title>Fish</title>" in answer.text
        assert 'href="./web-logo"' in answer.text
        assert answer.headers["cache-control"] == "no-cache"
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'none'")
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert client.get("/admin.html").status_code == 404


def test_the_consoles_files_are_found_from_a_path_with_a_slash_too(client: TestClient[Litestar]) -> None:
    answer = client.get("/admin/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "../admin")


@pytest.mark.usefixtures("client")
def test_the_page_has_the_operators_name_sentence_and_logo() -> None:
    options = page.PageOptions(name="Fish & <Chips>", description='"Fresh"', logo=LOGO)
    with _served(options) as client:
        shown = client.get("/").text
        assert "<title>Fish &amp; &lt;Chips&gt;</title>" in shown
        assert '<meta name="description" content="&quot;Fresh&quot;" />' in shown
        assert '<link rel="icon" href="./web-logo" type="image/svg+xml" />' in shown
        assert '<link rel="apple-touch-icon" href="./web-logo" />' in shown
        logo = client.get("/web-logo")
        assert (logo.content, logo.headers["content-type"]) == (b"<svg/>", "image/svg+xml")
        assert "default-src 'none'" in logo.headers["content-security-policy"]
        assert client.get("/manifest.webmanifest").json() == {
            "name": "Fish & <Chips>",
            "short_name": "Fish & <Chips>",
            "description": '"Fresh"',
            "display": "standalone",
            "icons": [{"src": "./web-logo", "type": "image/svg+xml", "sizes": "any"}],
        }


def test_without_a_name_of_the_operator_the_page_is_talkwires(client: TestClient[Litestar]) -> None:
    assert client.get("/").text == PAGE
    manifest = client.get("/manifest.webmanifest")
    assert manifest.json() == {"name": "Talkwire", "short_name": "Talkwire", "display": "standalone", "icons": []}
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    assert client.get("/web-logo").status_code == 404


def test_without_a_built_page_the_response_explains_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE_FOLDER", tmp_path)
    with TestClient(Litestar(page.page_handlers(), openapi_config=None)) as client:
        answer = client.get("/")
    assert answer.status_code == 404
    assert "make install" in answer.text


def test_the_console_offers_every_action_of_the_audit_log_as_a_filter() -> None:
    source = (SECTIONS / "audit.tsx").read_text(encoding="utf-8")
    values = re.search(r"const ACTIONS = \[(.*?)\];", source, re.DOTALL)
    assert values is not None
    assert sorted(re.findall(r'"([\w-]+)"', values[1])) == sorted(get_args(AuditAction))
