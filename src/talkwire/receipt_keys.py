"""The keys with which this server signs receipts of decisions, and the signing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey

from talkwire.core.commands.server.recovery import EnsureSecret
from talkwire.core.domain.actors import RECEIPT_SIGNER
from talkwire.core.ports.chat import CommandExecutor

RECEIPTS_SECRET = "receipts"  # noqa: S105 (the name of a secret)
ALGORITHM = "ES256"

_encode = msgspec.json.Encoder().encode


class ReceiptKeys:
    """The keys of this server's receipts, which the first use creates and stores in the database as a JWK Set
    (RFC 7517). The first key signs; the others are former ones, whose receipts stay valid."""

    def __init__(self, secrets: CommandExecutor) -> None:
        self._secrets = secrets
        self._lock = asyncio.Lock()
        self._keys: tuple[ECKey, ...] = ()

    async def sign(self, claims: Mapping[str, object]) -> str:
        """Returns a compact JWS (RFC 7515) of the claims. Raises ChatError `unavailable` while the database does not
        respond."""
        key = (await self._load())[0]
        header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": "JWT"}
        return jws.serialize_compact(header, _encode(claims), key, algorithms=[ALGORITHM])

    async def public(self) -> dict[str, Any]:
        """Returns the JWK Set of the public keys, each with its `kid`."""
        keys = await self._load()
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": ALGORITHM, "use": "sig"} for key in keys
            ]
        }

    async def _load(self) -> tuple[ECKey, ...]:
        async with self._lock:
            if not self._keys:
                new = _encode({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}).decode()
                stored = await self._secrets.execute(RECEIPT_SIGNER, EnsureSecret(RECEIPTS_SECRET, new))
                self._keys = tuple(map(ECKey.import_key, msgspec.json.decode(stored)["keys"]))
            return self._keys
