"""The first admin of a server with two nodes: both nodes return the same invitation, and one account is
created with it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from tests.cli.processes import clean_environment
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.forked_talkwire import Streams, pipe, start_python
from tests.waiting import DEADLINE_S

INVITE = ["-m", "talkwire", "invite", "--first-admin"]


def _codes(cluster: Cluster, folder: Path) -> list[str]:
    """Returns the codes that two commands print at once. Each opens the database as another node."""
    database = cluster.database.url.render_as_string(hide_password=False)
    environment = clean_environment() | {"DATABASE_URL": database}
    with ExitStack() as ending:
        printed = []
        processes = []
        for _ in range(2):
            output, writes = ending.enter_context(pipe())
            with (folder / "nothing").open("w+b") as nothing, writes:
                processes.append(start_python(INVITE, Streams(nothing, writes, nothing), environment, folder))
            printed.append(output)
        for process in processes:
            assert process.wait(DEADLINE_S) == 0
        return [output.read().strip().partition("#invite=")[2] for output in printed]


async def test_two_nodes_make_one_invitation_and_one_admin(start_cluster: StartCluster, tmp_path: Path) -> None:
    cluster = start_cluster(2)
    first, second = await asyncio.to_thread(_codes, cluster, tmp_path)
    assert len(first) == 24
    assert first == second
    async with cluster.world(0) as here, cluster.world(1) as there:
        account = {"password": "correct horse", "name": "Ann", "invitation": first}
        answers = await asyncio.gather(
            here.request("POST", "/api/v1/auth/register", json=account | {"email": "ann@example.com"}),
            there.request("POST", "/api/v1/auth/register", json=account | {"email": "bob@example.com"}),
        )
        assert sorted(answer.status_code for answer in answers) == [201, 403]
        (token,) = [answer.json()["token"] for answer in answers if answer.status_code == 201]
        for world in (here, there):
            answer = await world.request("GET", "/api/v1/webhooks", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 200
