"""Accounts, and the tokens that they are given."""

from __future__ import annotations

from pathlib import Path

from talkwire.identity.issuer import TokenIssuer
from talkwire.settings import Settings
from talkwire.settings.keys import signing_secret
from tests.page.driving import Driver, run, serving
from tests.protocol.server_process import reserved_port


def test_an_account_is_made_and_signed_in_to(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "accounts", "account")
    assert reports["refused"] == {"reason": "The e-mail address or the password is wrong."}
    assert reports["signed in"] == {"kept": [], "carried": ["", ""]}


def test_the_page_renews_a_token_that_expires(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port(), "--access-token-ttl", "3s") as url:
        reports = run(driver, url, "accounts", "expiry")
    assert reports["renewed"] == {"messages": ["Before", "After"]}


def test_all_tabs_follow_whoever_signs_in(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "accounts", "switched")["switched"] == {"by": "Hugo"}


def test_an_admin_sees_conversations_and_receives_live_messages(
    driver: Driver, demo_url: str, filled_demo: Path
) -> None:
    settings = Settings(data=filled_demo, demo=True)  # with the secret that all copies of the folder have
    secret = signing_secret(settings)
    assert secret is not None
    token = TokenIssuer(secret).issue("alice", ttl_s=600, name="alice", role="admin")
    assert run(driver, demo_url, "accounts", "admin", token=token)["admin"] == {"asked": ["sync", "conversations:list"]}
