"""A server behind nginx with TLS, both with the settings of docs/deployment as they are, for a test in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.chat.chat_server import ServerProcess, running_chat
from tests.cli.processes import run_talkwire
from tests.deployment.proxies import DOCS, nginx_program, running_nginx
from tests.http_client import HttpClient
from tests.page.driving import Server

SETTINGS = re.compile(r"^```toml\n(# talkwire\.toml\n.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def documented_site(tmp_path: Path) -> Iterator[Server]:
    """A server that allows the application's origins only and has accounts, with a group of a clerk."""
    if nginx_program() is None:
        pytest.skip("needs nginx: apt-get install nginx-light")
    found = SETTINGS.search((DOCS / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    assert 'origins = ["https://app.example.com"]' in found[1]
    (tmp_path / "talkwire.toml").write_text(found[1], encoding="utf-8")
    with (
        running_chat(tmp_path, {"TALKWIRE_ACCOUNTS": "invite"}) as server,
        HttpClient(base_url=server.url, headers=_as_backend(server)) as http,
        running_nginx(tmp_path, server.url) as proxy,
    ):
        group = {"kind": "group", "id": "orders", "name": "Orders", "memberIds": ["clerk"]}
        http.post("/api/v1/conversations", json=group).raise_for_status()

        def invite() -> str:
            where = ("--data", str(server.data), "--public-url", proxy.url)
            link = run_talkwire("invite", "--conversation", "orders", *where, cwd=tmp_path)
            assert link.exit_code == 0, link.err
            return link.out.strip().removeprefix(proxy.url)

        def answer(content: str) -> None:
            message = {"conversationId": "orders", "senderId": "clerk", "content": content}
            http.post("/api/v1/messages", json=message).raise_for_status()

        key = _public_key_hash(proxy.authority)
        yield Server(proxy.url, {"invite": invite, "answer": answer, "key": lambda: key})
        assert server.logged_errors() == []
        assert not [line for line in server.logged() if line["event"] == "connection_refused"]


def _as_backend(server: ServerProcess) -> dict[str, str]:
    return {"authorization": f"Bearer {server.token('backend', role='service')}"}


def _public_key_hash(certificate: Path) -> str:
    """Returns what Chromium calls a key whose certificates it is to trust."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()
