"""Servers with settings of their own, and what the tests in a browser need beside them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import pytest

from talkwire.dialects.names import DIALECT_NAMES
from talkwire.identity.issuer import TokenIssuer
from talkwire.settings import Settings
from talkwire.settings.keys import signing_secret
from tests.forked_talkwire import start_talkwire
from tests.http_client import HttpClient
from tests.openid.provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, Browser, running_provider
from tests.page import long_conversation, unread_conversations
from tests.page.driving import Server, serving
from tests.protocol.server_process import REPOSITORY, killed_at_the_end, reserved_port

SECRET = "a secret for tests, of more than 32 characters"
"""With which applications sign the tokens of their users."""

_LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="teal"/></svg>"""


@contextmanager
def _running(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    """Yields the URL of a server with its data in `folder`; killed, not stopped, at the end."""
    port = reserved_port()
    arguments = ["serve", "--data", str(folder), "--port", str(port), *options]
    with (
        tempfile.TemporaryFile() as output,
        killed_at_the_end(start_talkwire(arguments, output, {**os.environ, **environment}, REPOSITORY), port) as url,
    ):
        yield url


@contextmanager
def serving_an_application(folder: Path, *options: str) -> Iterator[str]:
    """Yields the URL of a server whose tokens an application signs."""
    with _running(folder, "--no-rate-limits", *options, JWT_SECRET=SECRET) as url:
        yield url


@pytest.fixture(scope="module")
def console_server(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo server whose webhooks may reach this machine, and which has limits. It knows the names of the dialects."""
    folder = Path(copytree(filled_demo, tmp_path_factory.mktemp("console") / "data"))
    with _running(folder, "--demo", "--webhook-allow", "127.0.0.0/8") as url:
        yield Server(url, {"dialects": lambda: DIALECT_NAMES})


@pytest.fixture(scope="session")
def alices_admin_token(filled_demo: Path) -> str:
    """A token that makes alice an admin of every server whose data were copied from the demo."""
    secret = signing_secret(Settings(data=filled_demo, demo=True))
    assert secret is not None
    return TokenIssuer(secret).issue("alice", ttl_s=600, name="alice", role="admin")


@pytest.fixture
def server_of_short_tokens(demo_folder: Path) -> Iterator[Server]:
    """A demo server whose access tokens are valid for three seconds."""
    with serving(demo_folder, reserved_port(), "--access-token-ttl", "3s") as url:
        yield Server(url)


@pytest.fixture(scope="module")
def invite_only_server(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo server on which nobody registers without an invitation."""
    folder = Path(copytree(filled_demo, tmp_path_factory.mktemp("invite") / "data"))
    with serving(folder, reserved_port(), "--accounts", "invite") as url:
        yield Server(url)


@pytest.fixture
def accountless_server(demo_folder: Path) -> Iterator[Server]:
    """A demo server without accounts."""
    with serving(demo_folder, reserved_port(), "--accounts", "off") as url:
        yield Server(url)


@pytest.fixture(scope="module")
def application() -> dict[str, str]:
    """With what an application signs the tokens of its users, and the origin of the pages of its shop."""
    return {"secret": SECRET, "shop": f"http://shop.localhost:{reserved_port()}"}


@pytest.fixture(scope="module")
def application_server(application: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose tokens the application signs, and whose chat the pages of its shop show."""
    folder = tmp_path_factory.mktemp("application")
    with serving_an_application(folder, "--embed-origins", application["shop"]) as url:
        yield Server(url)


@pytest.fixture
def application_server_below_a_prefix(tmp_path: Path) -> Iterator[Server]:
    """A server whose tokens the application signs, and whose page is not at the root of its address."""
    with serving_an_application(tmp_path, "--prefix", "/chat") as url:
        yield Server(f"{url}/chat")


@pytest.fixture(scope="module")
def team_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without accounts whose users sign in at an OpenID provider, with a conversation that everybody joins.

    Its action bans the person of this name at the provider.
    """
    token = TokenIssuer(SECRET).issue("backend", ttl_s=600, role="service")
    with running_provider() as provider:
        provider.add_person("ann", name="Ann Smith", email="ann@example.com")
        provider.add_person("mallory", name="Mallory")
        options = ("--oidc-issuer", provider.issuer, "--oidc-client-id", CLIENT_ID, "--oidc-name", "Example Team")
        secret = ("--oidc-client-secret", CLIENT_SECRET, "--default-conversations", "team")
        with (
            serving_an_application(tmp_path_factory.mktemp("team"), *options, *secret) as url,
            HttpClient(base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {token}"}) as service,
        ):
            provider.allow(f"{url}{CALLBACK}")
            body = {"kind": "group", "id": "team", "name": "Team", "memberIds": ["bob"]}
            service.post("/conversations", json=body).raise_for_status()

            def ban(subject: str) -> None:
                browser = Browser(url)
                user_id = browser.sign_in(subject)["user"]["id"]
                browser.close()
                service.put(f"/users/{user_id}/ban").raise_for_status()

            yield Server(url, {"ban": ban})


@pytest.fixture(scope="module")
def long_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo server with a conversation of very many messages, all of them read by alice."""
    folder = tmp_path_factory.mktemp("long")
    long_conversation.prepare(folder)
    with serving(folder, reserved_port()) as url:
        yield Server(url)


@pytest.fixture(scope="module")
def unread_server(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo server with the conversations of `unread_conversations`."""
    folder = Path(copytree(filled_demo, tmp_path_factory.mktemp("unread") / "data"))
    unread_conversations.prepare(folder)
    with serving(folder, reserved_port()) as url:
        yield Server(url)


@pytest.fixture(scope="module")
def forgetful_server(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo server without positions of events, so that pages load everything again."""
    folder = Path(copytree(filled_demo, tmp_path_factory.mktemp("forgetful") / "data"))
    with serving(folder, reserved_port(), "--recovery", "never") as url:
        yield Server(url)


@pytest.fixture
def small_files_server(demo_folder: Path) -> Iterator[Server]:
    """A demo server that takes no file of more than 1,500 bytes."""
    with serving(demo_folder, reserved_port(), "--max-file-size", "1500") as url:
        yield Server(url)


@pytest.fixture
def branded_server(demo_folder: Path, tmp_path: Path) -> Iterator[Server]:
    """A demo server whose operator has given the page a name, a sentence and a logo."""
    logo = tmp_path / "logo.svg"
    logo.write_text(_LOGO)
    options = ("--web-name", "Fernhill", "--web-description", "Where we talk.", "--web-logo", str(logo))
    with serving(demo_folder, reserved_port(), *options) as url:
        yield Server(url)


@pytest.fixture
def short_ringing_server(demo_folder: Path) -> Iterator[Server]:
    """A demo server on which a call rings for eight seconds."""
    with serving(demo_folder, reserved_port(), "--call-ring-s", "8") as url:
        yield Server(url)
