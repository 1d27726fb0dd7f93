"""The web client signs people in through an OpenID provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from talkwire.identity.issuer import TokenIssuer
from tests.http_client import HttpClient
from tests.openid.provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, Browser, Provider, running_provider
from tests.page.driving import Driver, run
from tests.page.test_embedding import SECRET, serving_an_application


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        provider.add_person("ann", name="Ann Smith", email="ann@example.com")
        provider.add_person("mallory", name="Mallory")
        yield provider


@pytest.fixture(scope="module")
def team_url(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without accounts, with a conversation that everybody joins."""
    folder: Path = tmp_path_factory.mktemp("team")
    options = ("--oidc-issuer", provider.issuer, "--oidc-client-id", CLIENT_ID, "--oidc-name", "Example Team")
    secret = ("--oidc-client-secret", CLIENT_SECRET)
    with serving_an_application(folder, *options, *secret, "--default-conversations", "team") as url:
        provider.allow(f"{url}{CALLBACK}")
        with _service(url) as service:
            body = {"kind": "group", "id": "team", "name": "Team", "memberIds": ["bob"]}
            service.post("/conversations", json=body).raise_for_status()
        yield url


def _service(url: str) -> HttpClient:
    token = TokenIssuer(SECRET).issue("backend", ttl_s=600, role="service")
    return HttpClient(base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {token}"})


def test_a_person_signs_in_at_the_provider_and_comes_back_to_the_conversation(driver: Driver, team_url: str) -> None:
    reported = run(driver, team_url, "openid", "signedIn", subject="ann", conversation="team")["signed in"]
    assert reported == {
        "forms": 0,
        "shown": "#/conversation/team",
        "leaked": [],
        "name": "Ann Smith",
        "cookies": "",
        "passwords": 0,
        "kept": None,
    }


def test_the_page_says_why_somebody_is_not_signed_in(driver: Driver, team_url: str) -> None:
    browser = Browser(team_url)
    user_id = browser.sign_in("mallory")["user"]["id"]
    browser.close()
    with _service(team_url) as service:
        service.put(f"/users/{user_id}/ban").raise_for_status()
    expired = "The sign-in took too long, or was started in another tab. Please sign in again."
    assert run(driver, team_url, "openid", "refused", subject="mallory")["refused"] == {
        "cancelled": "The sign-in was cancelled or refused.",
        "expired": expired,
        "withoutCookie": expired,
        "invented": "The sign-in failed. Please try again.",
        "banned": "Your account was banned.",
        "hash": "",
    }
