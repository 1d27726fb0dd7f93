"""docs/deployment matches the configuration files and the paths of the server."""

from __future__ import annotations

import re

import pytest
from litestar import Router

from talkwire.api.rest import described_routes
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.settings import Settings
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


def test_idle_connections_outlive_those_in_the_pools_of_proxies_unless_the_page_says_what_to_set() -> None:
    _, _, section = (DOCS / "README.md").read_text(encoding="utf-8").partition("## Idle connections")
    rows = re.findall(r"^\| (.+) \| ([0-9]+) s\b.* \| (.*) \|$", section.partition("\n## ")[0], re.MULTILINE)
    assert len(rows) >= 6
    longer = [proxy for proxy, seconds, what in rows if int(seconds) >= Settings().keep_alive_s and "set " not in what]
    assert longer == []
    assert HttpLimits().keep_alive_s == Settings().keep_alive_s


def test_links_lead_to_files_and_folders() -> None:
    for page in DOCS.glob("*.md"):
        linked = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        assert linked
        assert [link for link in linked if not link.startswith("http") and not (DOCS / link).exists()] == []
