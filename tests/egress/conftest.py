"""Certificates and name servers for tests of outgoing requests."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.certificates import self_signed

NAME = "app.example.com"


@dataclass
class NameServer:
    """A name server whose answers change: the n-th lookup of a name returns the n-th list, and then the last one."""

    answers: dict[str, list[Sequence[str]]]
    lookups: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        found = self.answers.get(host)
        if found is None:
            raise OSError(f"{host} is not known")
        count = self.lookups.count(host)
        self.lookups.append(host)
        return found[min(count, len(found) - 1)]


@dataclass(frozen=True)
class Certificates:
    """TLS for a server that is called `NAME`, and for clients that trust it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    certificate, key = self_signed(folder, NAME)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    return Certificates(server, ssl.create_default_context(cafile=certificate))
