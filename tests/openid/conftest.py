"""One provider for all tests of a process, and one server whose users also have accounts with passwords."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.openid.provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, Browser, Provider, running_provider

OpenBrowser = Callable[..., Browser]


def openid_settings(provider: Provider) -> dict[str, str]:
    """Returns the environment of a server with this provider."""
    return {
        "TALKWIRE_OIDC_ISSUER": provider.issuer,
        "TALKWIRE_OIDC_CLIENT_ID": CLIENT_ID,
        "TALKWIRE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    }


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@contextmanager
def served(provider: Provider, factory: pytest.TempPathFactory, **settings: str) -> Iterator[ServerProcess]:
    """Yields a server of its own with the provider, which knows its redirect address."""
    with running_chat(factory.mktemp("openid"), {**openid_settings(provider), **settings}) as server:
        provider.allow(f"{server.url}{settings.get('TALKWIRE_PREFIX', '')}{CALLBACK}")
        yield server


@pytest.fixture(scope="session")
def server(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with served(provider, tmp_path_factory) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
def browser_of() -> Iterator[OpenBrowser]:
    """Returns a new browser for a server each time."""
    with ExitStack() as closing:

        def new(url: str, headers: dict[str, str] | None = None) -> Browser:
            browser = Browser(url, headers)
            closing.callback(browser.close)
            return browser

        yield new


@pytest.fixture
def browser(browser_of: OpenBrowser, server: ServerProcess) -> Browser:
    return browser_of(server.url)


@pytest.fixture
def ann(provider: Provider) -> str:
    """The subject of a person whom no other test knows."""
    subject = f"ann-{uuid4().hex[:8]}"
    provider.add_person(
        subject,
        name="Ann Smith",
        email=f"{subject}@example.com",
        preferred_username=f"{subject.title()}@example.com",
        picture="https://login.example.com/ann.png",
    )
    return subject
