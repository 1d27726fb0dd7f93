"""Sign-in through a certified OpenID provider, over HTTP as a browser does it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.description import described_routes
from tests.http_client import HttpClient, http_get
from tests.openid.conftest import OpenBrowser, openid_settings, served
from tests.openid.provider import BEGIN, Browser, Provider, parameters

EXPIRED = "sign-in-problem=expired"
INVALID = "sign-in-problem=invalid"
PASSWORD = "correct horse"


def _bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['accessToken']}"}


def _status(browser: Browser, tokens: dict[str, Any]) -> int:
    return browser.http.get(f"{browser.url}/api/v1/users/me", headers=_bearer(tokens)).status_code


def _as_service(server: ServerProcess) -> dict[str, str]:
    return {"authorization": f"Bearer {server.token('backend', role='service')}"}


def _newest_refusal(server: ServerProcess) -> dict[str, Any]:
    """Returns the newest refused sign-in, from the operators' list: only ten lines a second are logged."""
    url = f"{server.url}/api/v1/admin/refusals?kind=sign_in&limit=1"
    newest: dict[str, Any] = http_get(url, headers=_as_service(server)).json()["items"][0]
    return newest


# --- who signs in ---------------------------------------------------------------------------------------------------


def test_a_person_of_the_provider_becomes_a_user_with_a_session_like_any_other(
    browser: Browser, server: ServerProcess, ann: str
) -> None:
    tokens = browser.sign_in(ann)
    user = tokens["user"]
    assert (user["name"], user["email"], user["handle"]) == ("Ann Smith", f"{ann}@example.com", ann)
    assert user["avatar"] == "https://login.example.com/ann.png"
    assert tokens["token"] == tokens["accessToken"]

    headers = _bearer(tokens)
    devices = browser.http.get(f"{server.url}/api/v1/users/me/sessions", headers=headers).json()["items"]
    assert [(device["address"], device["current"]) for device in devices] == [("127.0.0.1", True)]
    body = {"refreshToken": tokens["refreshToken"]}
    renewed = browser.http.post(f"{server.url}/api/v1/auth/refresh", json=body).json()
    assert _status(browser, renewed) == 200
    assert browser.http.post(f"{server.url}/api/v1/auth/logout", headers=_bearer(renewed)).status_code == 204
    assert _status(browser, renewed) == _status(browser, tokens) == 401

    (line,) = [line for line in server.logged() if line["event"] == "signed_in" and line["user_id"] == user["id"]]
    assert (line["method"], line["address"]) == ("oidc", "127.0.0.1")


def test_the_same_person_is_the_same_user_in_another_browser(
    browser_of: OpenBrowser, server: ServerProcess, provider: Provider, ann: str
) -> None:
    first, second = browser_of(server.url), browser_of(server.url)
    before = first.sign_in(ann)["user"]
    provider.add_person(ann, name="Ann Lee", email=f"{ann}@example.com")
    after = second.sign_in(ann)["user"]
    assert (after["id"], after["name"], after["handle"]) == (before["id"], "Ann Lee", before["handle"])


def test_the_provider_gets_a_code_challenge_and_no_address_has_a_token(
    browser: Browser, provider: Provider, ann: str
) -> None:
    tokens = browser.sign_in(ann, "?conversation=order-17&message=812&invitation=abc")
    seen = provider.seen()
    challenge = urlsafe_b64encode(sha256(seen["token"]["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert seen["authorization"]["code_challenge"] == challenge
    assert seen["authorization"]["code_challenge_method"] == "S256"
    assert seen["token"]["authorization"] == "Basic"
    assert len({seen["authorization"]["state"], seen["authorization"]["nonce"]}) == 2
    secrets = [tokens["accessToken"], tokens["refreshToken"], seen["token"]["code_verifier"]]
    assert not [address for address in browser.visited for secret in secrets if secret in address]


def test_the_page_learns_where_to_go(browser: Browser, ann: str) -> None:
    fragment = browser.finish(browser.answered(ann, "?conversation=a%26b%2F%23&message=8%2B1&invitation=c-d_e"))
    first, _, rest = fragment.partition("&")
    assert first == "signed-in"
    assert parse_qs(rest) == {"conversation": ["a&b/#"], "message": ["8+1"], "invite": ["c-d_e"]}
    too_long = browser.open(f"{browser.url}{BEGIN}?conversation={'x' * 201}")
    assert too_long.status_code == 422


def test_the_server_says_how_people_know_the_provider(
    server: ServerProcess, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert http_get(f"{server.url}/api/v1/server").json()["oidc"] == {"name": "127.0.0.1"}
    with served(provider, tmp_path_factory, TALKWIRE_OIDC_NAME="Example Team") as named:
        assert http_get(f"{named.url}/api/v1/server").json()["oidc"] == {"name": "Example Team"}


def test_the_routes_are_described(browser: Browser, server: ServerProcess, ann: str) -> None:
    content = http_get(f"{server.url}/openapi.json", timeout=120).content
    described = described_routes(content)
    begun = browser.open(f"{server.url}{BEGIN}")
    described.check(begun)
    finished = browser.open(browser.sign_in_at_provider(begun.headers["location"], ann))
    described.check(finished)
    for _ in range(2):
        described.check(browser.exchange())


def test_a_banned_user_is_refused(browser: Browser, server: ServerProcess, ann: str) -> None:
    tokens = browser.sign_in(ann)
    ban = f"{server.url}/api/v1/users/{tokens['user']['id']}/ban"
    with HttpClient(headers=_as_service(server)) as service:
        assert service.put(ban).is_success
        assert _status(browser, tokens) == 403
        assert browser.finish(browser.answered(ann)) == "sign-in-problem=banned"
        assert service.delete(ban).is_success
    assert browser.sign_in(ann)["user"]["id"] == tokens["user"]["id"]


def test_an_export_names_the_person_at_the_provider_and_an_erased_user_returns_as_another(
    browser: Browser, server: ServerProcess, provider: Provider, ann: str
) -> None:
    tokens = browser.sign_in(ann)
    me = f"{server.url}/api/v1/users/{tokens['user']['id']}"
    exported = browser.http.get(f"{me}/export", headers=_bearer(tokens))
    with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
        (identity,) = json.loads(archive.read("profile.json"))["providerIdentities"]
    assert (identity["issuer"], identity["subject"], identity["name"]) == (provider.issuer, ann, "Ann Smith")
    erased = browser.http.request("DELETE", f"{server.url}/api/v1/users/me", headers=_bearer(tokens))
    assert erased.is_success, erased.text
    assert _status(browser, tokens) in {401, 403}
    again = browser.sign_in(ann)["user"]
    assert again["id"] != tokens["user"]["id"]
    assert again["name"] == "Ann Smith"


def test_an_account_with_the_same_address_stays_another_user(browser: Browser, server: ServerProcess, ann: str) -> None:
    body = {"email": f"{ann}@example.com", "password": PASSWORD, "name": "Ann"}
    account = browser.http.post(f"{server.url}/api/v1/auth/register", json=body).json()
    assert browser.sign_in(ann)["user"]["id"] != account["user"]["id"]


def test_an_imported_user_is_linked_by_a_verified_address_where_the_settings_allow_it(
    server: ServerProcess, provider: Provider, browser_of: OpenBrowser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def add(subject: str, **claims: object) -> None:
        provider.add_person(subject, name="Cem", email=f"{subject}@example.com", **claims)

    def user_id(at: ServerProcess, subject: str) -> str:
        return str(browser_of(at.url).sign_in(subject)["user"]["id"])

    def bring(at: ServerProcess, subject: str) -> None:
        url = f"{at.url}/api/v1/users/imported-{subject}"
        with HttpClient(headers=_as_service(at)) as service:
            assert service.put(url, json={"email": f"{subject}@example.com"}).is_success

    add("verified", email_verified=True)
    add("other", email_verified=True)
    add("unverified", email_verified=False)
    add("unclear")
    with served(provider, tmp_path_factory, TALKWIRE_OIDC_LINK_BY_EMAIL="on") as linking:
        for subject in ("verified", "unverified", "unclear"):
            bring(linking, subject)
        # The provider has verified another address than the one in the ID token.
        with provider.forging(claims={"email": "verified@example.com"}):
            assert user_id(linking, "other") != "imported-verified"
        assert user_id(linking, "verified") == "imported-verified"
        assert user_id(linking, "unverified") != "imported-unverified"
        assert user_id(linking, "unclear") != "imported-unclear"
    bring(server, "verified")
    assert user_id(server, "verified") != "imported-verified"


# --- answers that are not accepted ----------------------------------------------------------------------------------


def test_a_cancelled_sign_in_is_refused(browser: Browser, server: ServerProcess) -> None:
    assert browser.finish(browser.answered(None)) == "sign-in-problem=refused"
    refusal = _newest_refusal(server)
    assert (refusal["reason"], refusal["detail"]) == ("refused", "the provider says 'access_denied'")


def test_an_answer_is_accepted_only_by_the_browser_that_has_asked(
    browser_of: OpenBrowser, server: ServerProcess, ann: str
) -> None:
    mallory, victim = browser_of(server.url), browser_of(server.url)
    answer = mallory.answered(ann)
    assert victim.finish(answer) == EXPIRED
    victim.begin()
    assert victim.finish(answer) == EXPIRED
    assert victim.exchange().status_code == 401
    assert mallory.finish(answer) == "signed-in"


def test_a_sign_in_that_began_anew_has_another_state(browser: Browser, ann: str) -> None:
    first = browser.answered(ann)
    browser.begin()
    assert browser.finish(first) == EXPIRED
    assert browser.finish(f"{browser.url}{BEGIN}/callback") == EXPIRED


def test_a_changed_cookie_is_refused(browser: Browser, ann: str) -> None:
    answer = browser.answered(ann)
    sealed = browser.http.cookies.get("talkwire-pending")
    assert sealed is not None
    browser.http.cookies.delete("talkwire-pending")
    browser.http.cookies.set("talkwire-pending", f"{sealed[:-6]}{sealed[-6:].swapcase()}", domain="127.0.0.1")
    assert browser.finish(answer) == EXPIRED


def test_a_code_is_used_once(browser: Browser, ann: str) -> None:
    answer = browser.answered(ann)
    sealed = browser.http.cookies.get("talkwire-pending")
    assert browser.finish(answer) == "signed-in"
    assert browser.finish(answer) == EXPIRED
    browser.http.cookies.set("talkwire-pending", str(sealed), domain="127.0.0.1")
    assert browser.finish(answer) == INVALID


def test_the_cookie_of_a_sign_in_is_exchanged_once(browser: Browser, ann: str) -> None:
    assert browser.finish(browser.answered(ann)) == "signed-in"
    cookie = str(browser.http.cookies.get("talkwire-session"))
    tokens = browser.exchange().json()
    assert _status(browser, tokens) == 200
    assert browser.exchange().status_code == 401
    browser.http.cookies.set("talkwire-session", cookie, domain="127.0.0.1")
    assert browser.exchange().status_code == 401
    # As with any refresh token, a second use means that somebody has stolen it.
    assert _status(browser, tokens) == 401


def test_cookies_are_hidden_from_scripts_and_other_sites(browser: Browser, ann: str) -> None:
    begun = browser.open(f"{browser.url}{BEGIN}")
    assert "HttpOnly" in begun.headers["set-cookie"]
    assert "samesite=lax" in begun.headers["set-cookie"].lower()
    finished = browser.open(browser.sign_in_at_provider(begun.headers["location"], ann))
    used, session = finished.headers.get_list("set-cookie")
    assert "Max-Age=0" in used
    for part in ("HttpOnly", "Max-Age=60", "SameSite=strict"):
        assert part.lower() in session.lower()


@pytest.mark.parametrize(
    ("forged", "detail"),
    [
        ({"claims": {"nonce": "another"}}, "nonce"),
        ({"claims": {"nonce": None}}, "nonce"),
        ({"claims": {"aud": "another client"}}, "aud"),
        ({"claims": {"aud": ["talkwire", "another"], "azp": "another"}}, "azp"),
        ({"claims": {"iss": "https://another.example.com"}}, "iss"),
        ({"claims": {"exp": 1_000_000_000}}, "expired"),
        ({"claims": {"exp": None}}, "exp"),
        ({"claims": {"sub": 17}}, "sub"),
        ({"claims": {"sub": "another person"}}, "another user"),
        ({"claims": {"at_hash": "another"}}, "at_hash"),
        ({"otherKey": True}, "signature"),
    ],
    ids=str,
)
def test_a_wrong_id_token_signs_nobody_in(  # noqa: PLR0917 (each is given by name)
    browser: Browser, server: ServerProcess, provider: Provider, ann: str, forged: dict[str, Any], detail: str
) -> None:
    with provider.forging(**forged):
        assert browser.finish(browser.answered(ann)) == INVALID
    assert browser.exchange().status_code == 401
    assert detail in _newest_refusal(server)["detail"]
    assert browser.sign_in(ann)["user"]["name"] == "Ann Smith"


def test_an_answer_of_another_provider_is_refused(browser: Browser, provider: Provider, ann: str) -> None:
    answer = browser.answered(ann)
    assert parameters(answer)["iss"] == provider.issuer
    assert browser.finish(answer.replace("&iss=", "&iss=https%3A%2F%2Fanother.example.com&was=")) == INVALID
    without = browser.answered(ann).partition("&iss=")[0]
    assert browser.finish(without) == INVALID


def test_a_slightly_late_id_token_is_accepted(browser: Browser, provider: Provider, ann: str) -> None:
    with provider.forging(claims={"exp": int(time.time()) - 1}):
        assert browser.finish(browser.answered(ann)) == "signed-in"


# --- the provider changes and fails ---------------------------------------------------------------------------------


def test_new_keys_of_the_provider_are_fetched_and_passwords_work_without_the_provider(
    browser: Browser, server: ServerProcess, provider: Provider, ann: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    known = browser.sign_in(ann)["user"]
    answer = browser.answered(ann)
    provider.stop()
    try:
        assert browser.finish(answer) == "sign-in-problem=unavailable"
        environment = openid_settings(provider)
        with running_chat(tmp_path_factory.mktemp("fresh"), environment) as fresh:
            stranger = Browser(fresh.url)
            where = urlsplit(stranger.begin())
            assert where.fragment == "sign-in-problem=unavailable"
            assert not where.netloc
            body = {"email": "bob@example.com", "password": PASSWORD, "name": "Bob"}
            assert stranger.http.post(f"{fresh.url}/api/v1/auth/register", json=body).is_success
            stranger.close()
    finally:
        provider.start()
    assert browser.sign_in(ann)["user"]["id"] == known["id"]
