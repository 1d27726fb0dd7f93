"""Whose a session is, over a clock that a test moves on."""

from __future__ import annotations

import asyncio

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.nodes.peer import Peer
from talkwire.realtime.forwarding.session_owners import OWNERS_CHECK_EVERY_S, SessionOwners, new_engine_sid, node_of
from tests.realtime.linked import node_id

HERE, NEAR, NEW, NOBODY = (node_id(number) for number in range(1, 5))


class Table:
    """The table of living nodes; counts reads."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.living = [Peer(HERE, "127.0.0.1:1"), Peer(NEAR, "127.0.0.1:2")]
        self.reads = 0
        self.is_away = False
        self.peers = Peers(HERE, lambda *_: None, lambda: False)
        self.peers.set_peers(self.living)
        self.owners = SessionOwners(self.peers, self.read, lambda: self.now)

    async def read(self) -> list[Peer]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise ChatError("unavailable", "The database does not answer. Try again.")
        return self.living

    async def find(self, id_: str) -> Peer | None:
        return await self.owners.find(new_engine_sid(id_))


def test_a_session_id_names_its_node() -> None:
    engine_sid = new_engine_sid(HERE)
    assert node_of(engine_sid) == HERE
    assert engine_sid != new_engine_sid(HERE)


def test_session_ids_of_a_single_node_name_no_node() -> None:
    assert node_of(new_engine_sid("")) is None


def test_invalid_session_ids_name_no_node() -> None:
    for engine_sid in ("", "x", "x" * 20, "x" * 36, f"{'x' * 20}{HERE}0", f"{'x' * 20}{HERE.replace('0', 'A')}"):
        assert node_of(engine_sid) is None


async def test_a_node_that_is_known_is_found_without_a_read() -> None:
    table = Table()
    assert await table.find(NEAR) == Peer(NEAR, "127.0.0.1:2")
    assert table.reads == 0


async def test_own_sessions_belong_to_no_other_node() -> None:
    table = Table()
    assert await table.find(HERE) is None
    assert table.reads == 0


async def test_an_unknown_node_that_has_just_started_is_looked_up() -> None:
    table = Table()
    table.living.append(Peer(NEW, "127.0.0.1:3"))
    assert await table.find(NEW) == Peer(NEW, "127.0.0.1:3")


async def test_an_id_that_was_looked_for_in_vain_costs_nothing_for_a_while() -> None:
    table = Table()
    for _ in range(100):
        assert await table.find(NOBODY) is None
    assert table.reads == 1
    table.now += OWNERS_CHECK_EVERY_S
    assert await table.find(NOBODY) is None
    assert table.reads == 2


async def test_many_unknown_ids_cause_one_read() -> None:
    table = Table()
    assert set(await asyncio.gather(*(table.find(node_id(number)) for number in range(10, 1000)))) == {None}
    assert table.reads == 1


async def test_a_new_node_is_found_although_others_were_looked_for_in_vain() -> None:
    table = Table()
    table.now = asyncio.get_running_loop().time()
    assert await table.find(NOBODY) is None
    table.living.append(Peer(NEW, "127.0.0.1:3"))
    finding = asyncio.ensure_future(table.find(NEW))
    table.now += OWNERS_CHECK_EVERY_S
    assert await finding == Peer(NEW, "127.0.0.1:3")


async def test_without_a_database_no_new_node_is_known() -> None:
    table = Table()
    table.is_away = True
    assert await table.find(NEW) is None
    assert await table.find(NEAR) == Peer(NEAR, "127.0.0.1:2")


async def test_a_node_without_an_address_cannot_be_reached() -> None:
    table = Table()
    table.peers.set_peers([Peer(NEAR, None)])
    assert await table.find(NEAR) is None
