"""A certified OpenID provider in a process of its own, and a browser that signs in there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from tests.http_client import HttpClient
from tests.protocol.server_process import reserved_port

CLIENT_ID = "talkwire"
CLIENT_SECRET = "a secret"
BEGIN = "/api/v1/auth/oidc"
CALLBACK = f"{BEGIN}/callback"
SESSION = f"{BEGIN}/session"
_SCRIPT = Path(__file__).parents[1] / "clients" / "openid_provider.mjs"

Json = dict[str, Any]


class Provider:
    """The provider at one address. Each start gives it new keys."""

    def __init__(self) -> None:
        self._port = reserved_port()
        self.issuer = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[str] | None = None
        self._known: Json = {"people": {}, "redirects": [], "forged": {}}

    def start(self) -> None:
        node = shutil.which("node")
        if node is None or not (_SCRIPT.parent / "node_modules" / "oidc-provider").is_dir():
            pytest.fail("these tests need node and the provider in tests/clients: run make install")
        command = [node, str(_SCRIPT), str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "listening\n"
        self._control(self._known)

    def stop(self) -> None:
        if self._process is not None:
            with self._process:
                self._process.kill()
            self._process = None

    def add_person(self, subject: str, **claims: object) -> None:
        self._control({"people": self._known["people"] | {subject: claims}})

    def allow(self, *redirects: str) -> None:
        """Allows further redirect addresses."""
        self._control({"redirects": [*self._known["redirects"], *redirects]})

    @contextmanager
    def forging(self, **forged: object) -> Iterator[None]:
        """Changes the ID tokens that are issued meanwhile: `claims`, and with `otherKey` the key."""
        self._control({"forged": forged})
        try:
            yield
        finally:
            self._control({"forged": {}})

    def seen(self) -> Json:
        """Returns the parameters of the last requests of each kind."""
        with HttpClient() as http:
            found: Json = http.get(f"{self.issuer}/control").json()
            return found

    def _control(self, changes: Json) -> None:
        self._known |= changes
        with HttpClient() as http:
            http.post(f"{self.issuer}/control", json=changes).raise_for_status()


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


class Browser:
    """A browser with its cookies, on its way through one sign-in. `visited` are the addresses of all its requests."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.http = HttpClient(headers=headers or {})
        self.visited: list[str] = []

    def open(self, address: str) -> httpx.Response:
        self.visited.append(address)
        return self.http.get(address)

    def begin(self, query: str = "") -> str:
        """Starts a sign-in, and returns where the server leads to."""
        answer = self.open(f"{self.url}{BEGIN}{query}")
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def sign_in_at_provider(self, address: str, subject: str | None) -> str:
        """Fills in the provider's pages, and returns where the provider leads back to. None as the user cancels."""
        answer = self.open(address)
        while True:
            if answer.is_redirect:
                following = urljoin(str(answer.url), answer.headers["location"])
                if CALLBACK in following:
                    return following
                answer = self.open(following)
                continue
            assert answer.status_code == 200, answer.text
            form = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert form is not None, answer.text
            assert prompt is not None, answer.text
            target = urljoin(str(answer.url), form[1])
            if subject is None:
                answer = self.open(f"{target}/abort")
            else:
                self.visited.append(target)
                answer = self.http.post(target, data={"prompt": prompt[1], "login": subject, "password": "any"})

    def finish(self, address: str) -> str:
        """Opens the provider's answer, and returns the fragment of the page to which the server leads."""
        answer = self.open(address)
        assert answer.status_code == 302, answer.text
        page = urlsplit(urljoin(str(answer.url), answer.headers["location"]))
        server = urlsplit(self.url)
        assert (page.scheme, page.netloc, page.path) == (server.scheme, server.netloc, f"{server.path}/")
        assert not page.query
        return page.fragment

    def answered(self, subject: str | None, query: str = "") -> str:
        """Signs in at the provider, and returns its answer: an address of the server."""
        return self.sign_in_at_provider(self.begin(query), subject)

    def sign_in(self, subject: str, query: str = "") -> Json:
        """Signs in, and returns the tokens and the user."""
        assert self.finish(self.answered(subject, query)).startswith("signed-in")
        answer = self.exchange()
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def exchange(self) -> httpx.Response:
        return self.http.post(f"{self.url}{SESSION}")

    def close(self) -> None:
        self.http.close()


def parameters(address: str) -> dict[str, str]:
    """Returns the query parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query))
