"""Sign-in through an OpenID provider on several nodes, behind a proxy, below a prefix, and without accounts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from talkwire.app import Node
from talkwire.settings import Settings
from tests.chat.chat_server import running_chat, serving
from tests.databases import Database
from tests.http_client import http_get, http_post
from tests.openid.conftest import OpenBrowser, openid_settings, served
from tests.openid.provider import BEGIN, CALLBACK, CLIENT_ID, CLIENT_SECRET, SESSION, Provider, parameters


def _status(url: str, token: str) -> int:
    return http_get(f"{url}/api/v1/users/me", headers={"authorization": f"Bearer {token}"}).status_code


def test_each_step_may_reach_another_node(
    postgresql_database: Database, provider: Provider, browser_of: OpenBrowser, ann: str, tmp_path: Path
) -> None:
    url = postgresql_database.url.render_as_string(hide_password=False)
    environment = {**openid_settings(provider), "DATABASE_URL": url}
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    with running_chat(folders[0], environment) as first, running_chat(folders[1], environment) as second:
        provider.allow(f"{first.url}{CALLBACK}")
        browser = browser_of(first.url)
        answer = browser.answered(ann)
        finished = browser.open(answer.replace(first.url, second.url))
        assert finished.headers["location"] == "../../../../#signed-in"
        tokens = browser.http.post(f"{first.url}{SESSION}").json()
        assert tokens["user"]["name"] == "Ann Smith"
        assert [_status(node.url, tokens["accessToken"]) for node in (first, second)] == [200, 200]
        assert browser.http.post(f"{second.url}{SESSION}").status_code == 401


async def test_below_a_prefix_and_behind_a_proxy_with_tls(
    provider: Provider, browser_of: OpenBrowser, ann: str, tmp_path: Path
) -> None:
    """The provider receives the address that the browser sees, and the cookies are for TLS only."""
    settings = Settings(
        data=tmp_path,
        prefix="/chat",
        trusted_proxies=("127.0.0.1",),
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    )

    def visit(url: str) -> None:
        forwarded = {"host": "chat.example.com", "x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7"}
        begun = http_get(f"{url}/chat{BEGIN}", headers=forwarded)
        redirect_uri = parameters(begun.headers["location"])["redirect_uri"]
        assert redirect_uri == f"https://chat.example.com/chat{CALLBACK}"
        cookie = begun.headers["set-cookie"]
        assert cookie.startswith("__Host-talkwire-pending=")
        assert "Secure" in cookie
        assert "Path=/;" in f"{cookie};"

        provider.allow(f"{url}/chat{CALLBACK}")
        assert browser_of(f"{url}/chat").sign_in(ann)["user"]["name"] == "Ann Smith"
        assert http_get(f"{url}{BEGIN}").status_code == 404

    async with serving(Node(settings)) as server:
        await asyncio.to_thread(visit, server.url)


def test_the_provider_gets_the_public_address(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(provider, tmp_path_factory, TALKWIRE_PUBLIC_URL="https://chat.example.com/team/") as server:
        begun = http_get(f"{server.url}{BEGIN}", headers={"host": "internal"})
        assert parameters(begun.headers["location"])["redirect_uri"] == f"https://chat.example.com/team{CALLBACK}"


def test_without_accounts_only_the_provider_signs_people_in(
    provider: Provider, browser_of: OpenBrowser, ann: str, tmp_path: Path
) -> None:
    body = {"email": "bob@example.com", "password": "correct horse", "name": "Bob"}
    with running_chat(tmp_path, openid_settings(provider)) as server:
        account = http_post(f"{server.url}/api/v1/auth/register", json=body).json()
        provider.allow(f"{server.url}{CALLBACK}")
        of_provider = browser_of(server.url).sign_in(ann)
        port = urlsplit(server.url).port

    with running_chat(tmp_path, {**openid_settings(provider), "TALKWIRE_ACCOUNTS": "off"}, port) as server:
        assert http_post(f"{server.url}/api/v1/auth/register", json=body).status_code == 404
        assert http_post(f"{server.url}/api/v1/auth/login", json=body).status_code == 404
        assert _status(server.url, account["accessToken"]) == 401
        refused = {"refreshToken": account["refreshToken"]}
        assert http_post(f"{server.url}/api/v1/auth/refresh", json=refused).status_code == 401
        assert _status(server.url, of_provider["accessToken"]) == 200
        body = {"refreshToken": of_provider["refreshToken"]}
        of_provider = http_post(f"{server.url}/api/v1/auth/refresh", json=body).json()
        again = browser_of(server.url).sign_in(ann)
        assert again["user"]["id"] == of_provider["user"]["id"]
        rights = http_get(
            f"{server.url}/api/v1/users/me/rights", headers={"authorization": f"Bearer {again['accessToken']}"}
        )
        assert rights.json()["chooseHandle"] is True

    with running_chat(tmp_path, {"TALKWIRE_ACCOUNTS": "open"}, port) as server:
        assert http_get(f"{server.url}{BEGIN}").status_code == 404
        assert _status(server.url, account["accessToken"]) == 200
        assert _status(server.url, of_provider["accessToken"]) == 401
        body = {"refreshToken": of_provider["refreshToken"]}
        assert http_post(f"{server.url}/api/v1/auth/refresh", json=body).status_code == 401


def test_a_server_may_be_closed_to_new_people(
    provider: Provider, browser_of: OpenBrowser, ann: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"TALKWIRE_CREATE_USERS": "off", "TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "sign_ins=0.001/4"}
    with served(provider, tmp_path_factory, **settings) as server:
        browser = browser_of(server.url)
        problems = [browser.finish(browser.answered(ann)) for _ in range(2)]
        assert problems == ["sign-in-problem=closed"] * 2
        # Each sign-in has taken two of four attempts.
        assert browser.begin() == "../../../#sign-in-problem=rate_limited"
        assert [line["reason"] for line in server.logged() if line["event"] == "sign_in_refused"] == [
            "closed",
            "closed",
            "rate_limited",
        ]
