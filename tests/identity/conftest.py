"""Keys of every kind that tokens are signed with, and an identity provider that publishes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from talkwire.egress import AddressRules, Egress, EgressClient, EgressLimits
from talkwire.identity.signatures import Key
from tests.waiting import DEADLINE_S

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class KeyPair:
    """A private key with the algorithm it signs by, and the forms in which its public half is handed out."""

    algorithm: str
    private: PrivateKey

    @property
    def pem(self) -> str:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def jwk(self, key_id: str | None, **members: object) -> dict[str, object]:
        public = self.private.public_key()
        match public:
            case rsa.RSAPublicKey():
                jwk = dict(RSAAlgorithm.to_jwk(public, as_dict=True))
            case ec.EllipticCurvePublicKey():
                jwk = dict(ECAlgorithm.to_jwk(public, as_dict=True))
            case _:
                jwk = dict(OKPAlgorithm.to_jwk(public, as_dict=True))
        jwk.pop("key_ops", None)
        return jwk | ({} if key_id is None else {"kid": key_id}) | members


@pytest.fixture(scope="session")
def rs256() -> KeyPair:
    return KeyPair("RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture(scope="session")
def es256() -> KeyPair:
    return KeyPair("ES256", ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="session")
def eddsa() -> KeyPair:
    return KeyPair("EdDSA", ed25519.Ed25519PrivateKey.generate())


@pytest.fixture(scope="session")
def es384() -> KeyPair:
    return KeyPair("ES384", ec.generate_private_key(ec.SECP384R1()))


@pytest.fixture(scope="session")
def ps512(rs256: KeyPair) -> KeyPair:
    return KeyPair("PS512", rs256.private)


def of_algorithm(keys: Sequence[Key], algorithm: str) -> Key:
    """Returns the only one of the keys with an algorithm."""
    [key] = [key for key in keys if key.algorithm == algorithm]
    return key


@pytest.fixture(params=["rs256", "es256", "eddsa", "es384", "ps512"])
def pair(request: pytest.FixtureRequest) -> KeyPair:
    """Each asymmetric key in turn."""
    value = request.getfixturevalue(request.param)
    assert isinstance(value, KeyPair)
    return value


@dataclass
class KeyServer:
    """An HTTP server with one response. `body` None: it accepts the request and never responds."""

    url: str = ""
    status: int = 200
    body: bytes | None = b'{"keys": []}'
    encoding: str = "identity"
    requests: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, *jwks: dict[str, object]) -> None:
        self.status, self.body = 200, json.dumps({"keys": jwks}).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                self.asked.set()
                if self.body is None:
                    await reader.read()
                    return
                head = (
                    f"HTTP/1.1 {self.status} -\r\nContent-Length: {len(self.body)}\r\n"
                    f"Content-Encoding: {self.encoding}\r\n\r\n"
                )
                writer.write(head.encode() + self.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def key_server() -> AsyncIterator[KeyServer]:
    provider = KeyServer()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    async with server:
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
        yield provider


@pytest.fixture
async def http_client() -> AsyncIterator[EgressClient]:
    """The client that fetches keys, on the event loop of the test."""
    async with egress_client() as client:
        yield client


@asynccontextmanager
async def egress_client(total_s: float = DEADLINE_S) -> AsyncIterator[EgressClient]:
    egress = Egress(AddressRules.of_operator())
    client = egress.client(EgressLimits(total_s=total_s, idle_s=0))
    try:
        yield client
    finally:
        await client.aclose()
        egress.close()


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
