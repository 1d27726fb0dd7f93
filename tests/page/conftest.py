"""A browser, what drives it, and a demo server for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import cast

import pytest

from talkwire.identity.issuer import TokenIssuer
from talkwire.settings import Settings
from talkwire.settings.keys import signing_secret
from tests.page import many_conversations
from tests.page.documented_site import documented_site  # noqa: F401
from tests.page.driving import (
    SLOW_MS,
    Driver,
    Server,
    chromium_program,
    driver_command,
    fill,
    headless_chromium_program,
    restartable,
    serving,
)
from tests.page.example_servers import (  # noqa: F401
    client_pages,
    dialect_pages,
    django_example,
    django_shop,
    express_example,
    fastapi_shop,
    framework_pages,
)
from tests.page.scenario_files import ScenarioFile
from tests.page.servers import (  # noqa: F401 (pytest finds its fixtures here)
    accountless_server,
    alices_admin_token,
    application,
    application_server,
    application_server_below_a_prefix,
    branded_server,
    console_server,
    forgetful_server,
    invite_only_server,
    long_server,
    server_of_short_tokens,
    short_ringing_server,
    small_files_server,
    team_server,
    unread_server,
)
from tests.protocol.server_process import reserved_port


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    is_test = file_path.name.startswith("test_") and file_path.suffix == ".mjs"
    return ScenarioFile.of(file_path, parent) if is_test else None


@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    """The browser's program. For all tests here, so that none of them can forget to be skipped where there is none."""
    return chromium_program()


@pytest.fixture
def driver(request: pytest.FixtureRequest) -> Driver:
    """A browser for the tests of this process: one without windows, for those marked as `whole_browser` a whole one."""
    is_whole = request.node.get_closest_marker("whole_browser") is not None
    return cast("Driver", request.getfixturevalue("whole_driver" if is_whole else "headless_driver"))


@pytest.fixture(scope="session")
def whole_driver(chromium: str) -> Iterator[Driver]:
    """Starts Chromium with the first test."""
    with closing(Driver(driver_command(chromium))) as driver:
        yield driver


@pytest.fixture(scope="session")
def headless_driver() -> Iterator[Driver]:
    """Starts Chromium without windows with the first test."""
    with closing(Driver(driver_command(headless_chromium_program()))) as driver:
        yield driver


@pytest.fixture(scope="session")
def filled_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo, to be copied: filling one takes longer than anything else in a server's start."""
    folder = tmp_path_factory.mktemp("filled")
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def demo_url(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One demo server for all tests of a file that leave it running; each has a conversation of its own."""
    with serving(copytree(filled_demo, tmp_path_factory.mktemp("demo") / "data"), reserved_port()) as url:
        yield url


@pytest.fixture(scope="module")
def demo_server(demo_url: str) -> Server:
    """The server of the tests in JavaScript that name no other one."""
    return Server(demo_url)


@pytest.fixture
def own_server(demo_folder: Path) -> Iterator[Server]:
    """A demo server of one test, which may kill it and start it again."""
    with restartable(demo_folder) as server:
        yield server


@pytest.fixture
def own_slow_server(demo_folder: Path) -> Iterator[Server]:
    """The same behind a slow network."""
    with restartable(demo_folder, latency_ms=SLOW_MS) as server:
        yield server


@pytest.fixture(scope="session")
def admin_token(filled_demo: Path) -> str:
    """A token of an admin of every server whose data were copied from the demo."""
    secret = signing_secret(Settings(data=filled_demo, demo=True))
    assert secret is not None
    return TokenIssuer(secret).issue("olga", ttl_s=3600, name="Olga Brandt", role="admin")


@pytest.fixture(scope="session")
def service_token(filled_demo: Path) -> str:
    """A token of the application's back end, for every server whose data were copied from the demo."""
    secret = signing_secret(Settings(data=filled_demo, demo=True))
    assert secret is not None
    return TokenIssuer(secret).issue("shop", ttl_s=3600, name="Shop", role="service")


@pytest.fixture
def demo_folder(filled_demo: Path, tmp_path: Path) -> Path:
    """A data folder with the demo, for a test that starts servers of its own."""
    return Path(copytree(filled_demo, tmp_path / "data"))


@pytest.fixture(scope="session")
def filled_crowd(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo and the conversations of `many_conversations`, to be copied."""
    folder = Path(copytree(filled_demo, tmp_path_factory.mktemp("crowd") / "data"))
    many_conversations.prepare(folder)
    return folder


@pytest.fixture(scope="module")
def crowded_server(filled_crowd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with 250 conversations behind a slow network for all tests of a file."""
    with serving(copytree(filled_crowd, tmp_path_factory.mktemp("crowded") / "data"), reserved_port()) as url:
        yield Server(url, latency_ms=SLOW_MS)


@pytest.fixture
def crowded_folder(filled_crowd: Path, tmp_path: Path) -> Path:
    """A data folder with 250 conversations, for a test that starts servers of its own."""
    return Path(copytree(filled_crowd, tmp_path / "data"))


@pytest.fixture
def own_crowded_server(crowded_folder: Path) -> Iterator[Server]:
    """The same for one test, which may kill it and start it again."""
    with restartable(crowded_folder, latency_ms=SLOW_MS) as server:
        yield server
