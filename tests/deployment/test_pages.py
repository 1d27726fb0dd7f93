"""docs/deployment matches the configuration files and the paths of the server."""

from __future__ import annotations

import re

import pytest
from litestar import Router

from talkwire.api.rest import described_routes
from tests.deployment.proxies import DOCS


@pytest.mark.parametrize(
    ("page", "configuration"),
    [
        ("nginx.md", "nginx.conf"),
        ("caddy.md", "Caddyfile"),
        ("haproxy.md", "haproxy.cfg"),
        ("apache.md", "apache.conf"),
        ("systemd.md", "../../deploy/systemd/talkwire.service"),
    ],
)
def test_a_page_shows_its_configuration_as_it_is(page: str, configuration: str) -> None:
    assert f"\n{(DOCS / configuration).read_text(encoding='utf-8')}```" in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["docker.md", "kubernetes.md", "systemd.md"])
def test_a_page_that_installs_the_server_leads_to_the_first_admin(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert re.search(r"^[^#\n]*talkwire invite --first-admin", text, re.MULTILINE)
    assert "(../accounts.md#admins)" in text


def test_every_route_is_below_a_documented_path_of_the_chat() -> None:
    _, _, section = (DOCS / "README.md").read_text(encoding="utf-8").partition("## On the host of the application")
    rows = [line for line in section.splitlines() if line.startswith("| `/")]
    named = [path for row in rows for path in re.findall(r"`(/[^`]*)`", row.split("|")[1])]
    routes = [route.path for route in Router("/", route_handlers=described_routes()).routes]
    assert routes
    assert [route for route in routes if not any(_is_below(route, path) for path in named)] == []


def _is_below(route: str, path: str) -> bool:
    return route == path or route.startswith(path.rstrip("/") + "/")


def test_links_lead_to_files_and_folders() -> None:
    for page in DOCS.glob("*.md"):
        linked = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        assert linked
        assert [link for link in linked if not link.startswith("http") and not (DOCS / link).exists()] == []
