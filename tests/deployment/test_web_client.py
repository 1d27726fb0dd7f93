"""The web client in a real browser, behind nginx with TLS, with the settings of docs/deployment as they are."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.chat.chat_server import ServerProcess, running_chat
from tests.cli.processes import run_talkwire
from tests.deployment.conftest import needs_nginx
from tests.deployment.proxies import DOCS, running_nginx
from tests.http_client import HttpClient
from tests.page.driving import Driver, chromium_program, driver_command, driving, finish, without_complaints

pytestmark = needs_nginx

SETTINGS = re.compile(r"^```toml\n(# talkwire\.toml\n.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def driver() -> Iterator[Driver]:
    with closing(Driver(driver_command(chromium_program()))) as driver:
        yield driver


@pytest.fixture
def documented_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """Yields a server that allows the application's origins only and has accounts."""
    found = SETTINGS.search((DOCS / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    assert 'origins = ["https://app.example.com"]' in found[1]
    (tmp_path / "talkwire.toml").write_text(found[1], encoding="utf-8")
    with running_chat(tmp_path, {"TALKWIRE_ACCOUNTS": "invite"}) as server:
        yield server
        assert server.logged_errors() == []


def test_the_web_client_signs_in_and_chats_with_the_documented_settings(
    documented_server: ServerProcess, driver: Driver, tmp_path: Path
) -> None:
    server = documented_server
    backend = {"authorization": f"Bearer {server.token('backend', role='service')}"}
    with (
        HttpClient(base_url=server.url, headers=backend) as http,
        running_nginx(tmp_path, server.url) as proxy,
        driving(driver, proxy.url, "deployment", "chat", trusted=_public_key_hash(proxy.authority)),
    ):
        group = {"kind": "group", "id": "orders", "name": "Orders", "memberIds": ["clerk"]}
        http.post("/api/v1/conversations", json=group).raise_for_status()
        where = ("--data", str(server.data), "--public-url", proxy.url)
        link = run_talkwire("invite", "--conversation", "orders", *where, cwd=tmp_path)
        assert link.exit_code == 0, link.err
        assert driver.next_report() == {"happened": "ready"}
        driver.tell(link.out.strip().removeprefix(proxy.url))
        assert driver.next_report() == {"happened": "sent"}
        answer = {"conversationId": "orders", "senderId": "clerk", "content": "It is."}
        http.post("/api/v1/messages", json=answer).raise_for_status()
        reports = without_complaints(finish(driver))
    assert reports["chatted"] == {"sockets": ["wss:"], "worker": "/service_worker.js"}
    assert not [line for line in server.logged() if line["event"] == "connection_refused"]


def _public_key_hash(certificate: Path) -> str:
    """Returns what Chromium calls a key whose certificates it is to trust."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()
