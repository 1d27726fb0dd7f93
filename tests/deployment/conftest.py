"""A server behind the proxies of docs/deployment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.deployment.proxies import (
    Proxy,
    apache_program,
    haproxy_program,
    nginx_program,
    running_apache,
    running_caddy,
    running_haproxy,
    running_nginx,
)

CLIENTS = Path(__file__).parents[1] / "clients"

StartProxy = Callable[[Path, str, Mapping[str, str] | None], AbstractContextManager[Proxy]]

needs_nginx = pytest.mark.skipif(nginx_program() is None, reason="needs nginx: apt-get install nginx-light")
needs_haproxy = pytest.mark.skipif(haproxy_program() is None, reason="needs HAProxy: apt-get install haproxy")
needs_apache = pytest.mark.skipif(apache_program() is None, reason="needs Apache httpd: apt-get install apache2-bin")
PROXIES = [
    pytest.param(running_nginx, id="nginx", marks=needs_nginx),
    pytest.param(running_caddy, id="caddy"),
    pytest.param(running_haproxy, id="haproxy", marks=needs_haproxy),
    pytest.param(running_apache, id="apache", marks=needs_apache),
]


@pytest.fixture(scope="module")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("chat"), {"TALKWIRE_TRUSTED_PROXIES": "127.0.0.1"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture(scope="module", params=PROXIES)
def start_proxy(request: pytest.FixtureRequest) -> StartProxy:
    """Starts the proxy of this round of tests: folder, address of the server, changes of the configuration."""
    start: StartProxy = request.param
    return start


@pytest.fixture(scope="module")
def proxy(
    start_proxy: StartProxy, chat_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    with start_proxy(tmp_path_factory.mktemp("proxy"), chat_server.url, None) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def node_script() -> Callable[[str], list[str]]:
    """The command line of a script of tests/clients."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("these tests drive the official JavaScript clients and need node (20 or later)")
    if not (CLIENTS / "node_modules" / "socket.io-client").is_dir():
        pytest.fail("the official client is not installed: run make install")
    return lambda name: [node, str(CLIENTS / name)]
