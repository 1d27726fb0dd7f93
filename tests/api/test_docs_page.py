"""The page `/docs`, with and without the package of the extra `docs`, and what its document does not need."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from talkwire.api.rest import Services, rest_application
from talkwire.core.domain.access_policy import DEFAULT_POLICY
from talkwire.identity.origins import OriginPolicy

PACKAGE = "litestar_offline_docs"
POLICY = "content-security-policy"


@pytest.fixture
def _no_swagger_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)


def _http(version: str, prefix: str = "") -> httpx.AsyncClient:
    """Returns a client of routes whose services do not work. Servers of one version share their routes, so tests with
    and without the package need different versions."""
    nobody: Any = SimpleNamespace(policy=DEFAULT_POLICY)
    services = Services(nobody, nobody, nobody, nobody, nobody, nobody, nobody, nobody)
    rest: Any = rest_application(services, version=version, origins=OriginPolicy(), prefix=prefix)
    return httpx.AsyncClient(transport=httpx.ASGITransport(rest), base_url="http://localhost")


def _links(page: str) -> set[str]:
    return set(re.findall(r"""<(?:a|script|link) [^>]*(?:href|src)=["']([^"']+)["']""", page))


async def test_with_the_package_the_page_is_swagger_ui() -> None:
    async with _http("with") as http:
        page = await http.get("/docs")
        assert "SwaggerUIBundle(" in page.text
        assert (await http.get("/docs/assets/swagger-ui-bundle.js")).status_code == 200


@pytest.mark.usefixtures("_no_swagger_ui")
async def test_without_the_package_the_page_links_to_the_documents_and_names_the_extra() -> None:
    async with _http("without") as http:
        for path in ("/docs", "/docs/"):
            page = await http.get(path)
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert "<code>pip install 'talkwire[docs]'</code>" in page.text
            assert _links(page.text) == {"/openapi.json", "/asyncapi.json", "/icon.svg"}
            assert page.headers[POLICY].startswith("default-src 'none'; script-src 'self'; ")
        for document in ("/openapi.json", "/asyncapi.json"):
            assert (await http.get(document)).status_code == 200
        assert (await http.get("/docs/assets/swagger-ui.css")).status_code == 404


@pytest.mark.usefixtures("_no_swagger_ui")
async def test_without_the_package_the_links_begin_with_the_prefix() -> None:
    async with _http("without", "/chat") as http:
        page = await http.get("/docs")
    assert _links(page.text) >= {"/chat/openapi.json", "/chat/asyncapi.json"}


async def test_the_document_is_generated_without_polyfactory_and_has_no_invented_examples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "polyfactory", None)
    monkeypatch.delitem(sys.modules, "litestar._openapi.schema_generation.examples", raising=False)
    async with _http("no polyfactory") as http:
        document = await http.get("/openapi.json")
    assert document.status_code == 200
    assert '"examples"' not in document.text
