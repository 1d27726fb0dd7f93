"""Serving the files of the web client. tests/page checks what they do."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from talkwire.api import page

SCRIPT = b"console.log(1)"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    """A client of a server with a page, a script that was compressed at build time, and an uncompressed sound."""
    (tmp_path / "page").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "page" / "index-1.js").write_bytes(SCRIPT)
    (tmp_path / "page" / "index-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "page" / "bell-1.wav").write_bytes(b"RIFF")
    monkeypatch.setattr(page, "BUILT", tmp_path)
    with TestClient(Litestar(page.page_handlers(), openapi_config=None)) as client:
        yield client


@pytest.mark.parametrize(("takes", "encoding"), [("gzip, br", "gzip"), ("identity", None)])
def test_a_script_is_compressed_for_clients_that_accept_it(
    client: TestClient[Litestar], takes: str, encoding: str | None
) -> None:
    answer = client.get("/page/index-1.js", headers={"accept-encoding": takes})
    assert answer.content == SCRIPT
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


def test_without_a_built_page_the_response_explains_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "BUILT", tmp_path)
    with TestClient(Litestar(page.page_handlers(), openapi_config=None)) as client:
        answer = client.get("/")
    assert answer.status_code == 404
    assert "make install" in answer.text
