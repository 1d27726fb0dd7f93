"""The back end of `examples/refund`: it refunds what two people have approved, once, and believes no other receipt."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from talkwire_client import Message, Talkwire
from tests.chat.chat_server import SECRET, ServerProcess
from tests.chat.conftest import World
from tests.clients_python.conftest import Clients
from tests.forked_talkwire import Process, Streams, start_python
from tests.waiting import DEADLINE_S, deadline, until_asked

REPOSITORY = Path(__file__).parents[2]
PROGRAM = REPOSITORY / "examples/refund/refund.py"
PAGE = REPOSITORY / "docs/cards.md"
APPROVERS = ("ann", "ben", "cleo", "dan")
PAID = 10.5


@pytest.fixture(scope="module")
def refund() -> Any:  # noqa: ANN401 (a module)
    spec = spec_from_file_location("refund", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Desk:
    """A conversation of the shop and the people who approve its refunds, and the ledger of these."""

    def __init__(self, server: ServerProcess, id_: str, people: dict[str, Talkwire], folder: Path) -> None:
        self.id = id_
        self.people = people
        self._server = server
        self._folder = folder
        self.ledger = folder / "refunds.db"

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Runs the program, and kills it at the end."""
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "clients/python/src"), "JWT_SECRET": SECRET}
        arguments = [str(PROGRAM), self._server.url, self.id, "7", str(PAID), str(self.ledger)]
        with Path(os.devnull).open("rb") as nothing, (self._folder / "printed").open("ab") as output:
            process = start_python(arguments, Streams(nothing, output, output), environment, self._folder)
        try:
            yield process
        finally:
            process.kill()
            process.wait(DEADLINE_S)

    async def printed(self) -> str:
        """Runs the program to its end, and returns what all runs have printed."""
        with self.running() as process:
            assert await asyncio.to_thread(process.wait, DEADLINE_S) == 0, self._output()
        return self._output()

    def _output(self) -> str:
        return (self._folder / "printed").read_text()

    async def asked(self) -> Message:
        """Returns the message with the card, once there is one."""

        async def found() -> list[Message]:
            return [message async for message in self.people["ann"].history(self.id)]

        (message,) = await until_asked(found)
        return message

    def refunds(self) -> list[tuple[str, float]]:
        with closing(sqlite3.connect(self.ledger)) as ledger:
            has_begun = ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'refunds'").fetchone()
            return ledger.execute("SELECT order_id, amount FROM refunds").fetchall() if has_begun else []


@pytest.fixture
async def desk(chat_server: ServerProcess, clients: Clients, world: World, tmp_path: Path) -> Desk:
    service = await clients.service()
    people = {name: await clients.user(name) for name in APPROVERS}
    await service.put_user("shop", name="Shop")
    room = await service.create_conversation("group", ["shop", *APPROVERS], id=world.id_of("refunds"), owner_id="shop")
    return Desk(chat_server, room["id"], people, tmp_path)


def test_the_page_shows_the_program_as_it_is() -> None:
    blocks = [each.split("```")[0] for each in PAGE.read_text(encoding="utf-8").split("```python\n")]
    (block,) = [each for each in blocks if "chat.ask(" in each]
    assert block in PROGRAM.read_text(encoding="utf-8")


async def test_a_refund_is_executed_once_with_the_amount_that_the_second_person_approves(desk: Desk) -> None:
    with desk.running():
        asked = await desk.asked()
        await desk.people["ben"].choose(asked["id"], ["approve"], input={"amount": PAID})
        assert desk.refunds() == []
    with desk.running() as process:
        await desk.people["dan"].choose(asked["id"], ["approve"], input={"amount": 8.25})
        assert await asyncio.to_thread(process.wait, DEADLINE_S) == 0
    assert desk.refunds() == [("7", 8.25)]
    assert await desk.printed() == "refunded 8.25 EUR\nrefunded before\n"
    assert desk.refunds() == [("7", 8.25)]
    assert (await desk.asked())["id"] == asked["id"]


async def test_a_refund_that_one_person_declines_is_not_executed(desk: Desk) -> None:
    with desk.running() as process:
        asked = await desk.asked()
        await desk.people["cleo"].choose(asked["id"], ["decline"])
        assert await asyncio.to_thread(process.wait, DEADLINE_S) == 0
    assert await desk.printed() == "not refunded: decline\n" * 2
    assert desk.refunds() == []


async def test_a_forged_receipt_is_not_executed(
    desk: Desk,
    refund: Any,  # noqa: ANN401 (a module)
    clients: Clients,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, url = await clients.service(), clients.server.url
    keys = await service.request("GET", "/.well-known/talkwire-receipts.json")

    async def decided(order: str, action: str, by: tuple[str, ...], values: dict[str, float] | None) -> tuple[str, str]:
        """Returns the receipt of a decision, and the id of its message."""
        card, id_ = refund.card_for(order, PAID), f"refund-{order}"
        sent = await service.send(desk.id, card=card, sender_id="shop", client_message_id=id_)
        for name in by:
            await desk.people[name].choose(sent["id"], [action], input=values)
        return await service.card_receipt(sent["id"]), sent["id"]

    receipt, message_id = await decided("7", "approve", ("ann", "ben"), {"amount": PAID})
    declined, declined_id = await decided("8", "decline", ("ann",), None)
    card = refund.card_for("7", PAID)
    assert refund.approved_amount(receipt, keys, url, message_id, card) == PAID
    for wrong in (
        (receipt, keys, url, message_id, refund.card_for("7", 1000)),
        (receipt, keys, url, declined_id, card),
        (declined, keys, url, declined_id, refund.card_for("8", PAID)),
    ):
        with pytest.raises(ValueError, match="another decision"):
            refund.approved_amount(*wrong)
    with pytest.raises(jwt.InvalidIssuerError):
        refund.approved_amount(receipt, keys, "https://elsewhere.example", message_id, card)

    claims = jwt.decode(receipt, options={"verify_signature": False}) | {"input": {"amount": 1000}}
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", jwt.get_unverified_header(receipt))

    async def forge(_: Talkwire, __: str) -> str:
        return forged

    monkeypatch.setenv("JWT_SECRET", SECRET)
    monkeypatch.setattr(Talkwire, "card_receipt", forge)
    with closing(sqlite3.connect(desk.ledger)) as ledger, pytest.raises(jwt.InvalidSignatureError):
        async with deadline():
            await refund.main(url, desk.id, "7", PAID, ledger)
    assert desk.refunds() == []
    monkeypatch.undo()
    with closing(sqlite3.connect(desk.ledger)) as ledger:
        monkeypatch.setenv("JWT_SECRET", SECRET)
        await refund.main(url, desk.id, "7", PAID, ledger)
    assert desk.refunds() == [("7", PAID)]
