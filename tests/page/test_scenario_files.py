"""Tests in JavaScript are collected with their markers, get their fixtures, and say how they failed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.page.driving import HERE, Driver, Server, driver_command, run_test
from tests.page.scenario_files import declared_titles, slug
from tests.protocol.server_process import REPOSITORY

IMPORTS = f"""
import {{ deepEqual, equal }} from "node:assert/strict";
import {{ visit }} from "{(HERE / "browser.mjs").as_uri()}";
import {{ test }} from "{(HERE / "scenario_tests.mjs").as_uri()}";
"""
RUNS = """
test("It fails", [], async () => {
  deepEqual({ left: 1 }, { left: 2 });
});
test("It complains", [], async () => {
  await (await visit()).evaluate(() => console.error("not well"));
});
test("It asks", [], async ({ server, word }) => {
  equal(await server.repeated(word, 2), "moo moo");
});
"""
CONFTEST = """
import pytest
from tests.page.driving import Server
from tests.page.scenario_files import ScenarioFile

def pytest_configure(config):
    config.addinivalue_line("markers", "everything: runs later")

def pytest_collect_file(file_path, parent):
    return ScenarioFile.of(file_path, parent) if file_path.suffix == ".mjs" else None

class Noted:
    def begin(self, scenario):
        print(scenario["given"], scenario["latencyMs"])

    def next_report(self):
        return {"happened": "done", "complaints": []}

@pytest.fixture
def driver(): return Noted()
@pytest.fixture(scope="module")
def demo_server(): return Server("http://demo")
@pytest.fixture(scope="module")
def slow_server(): return Server("http://slow", latency_ms=300)
@pytest.fixture
def admin_token(): return "a token"
"""


@pytest.fixture
def own_driver(chromium: str) -> Iterator[Driver]:
    with closing(Driver(driver_command(chromium))) as driver:
        yield driver


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """A file whose tests are run past pytest."""
    file = tmp_path / "test_failing.mjs"
    file.write_text(IMPORTS + RUNS, encoding="utf-8")
    return file


def test_an_assertion_that_fails_is_shown_with_its_line(own_driver: Driver, failing: Path) -> None:
    with pytest.raises(pytest.fail.Exception) as raised:
        run_test(own_driver, Server("http://unused"), failing, "It fails", {})
    assert "-   left: 2" in str(raised.value)
    assert ">   deepEqual({ left: 1 }, { left: 2 });" in str(raised.value)
    assert "test_failing.mjs:7:3" in str(raised.value)
    assert not raised.value.pytrace


def test_what_the_browser_complains_about_fails_the_test(own_driver: Driver, demo_url: str, failing: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="The browser complained: not well"):
        run_test(own_driver, Server(demo_url), failing, "It complains", {})


def test_a_test_asks_for_what_its_fixtures_do(own_driver: Driver, failing: Path) -> None:
    server = Server("http://unused", {"repeated": lambda word, times: " ".join([word] * times)})
    run_test(own_driver, server, failing, "It asks", {"word": "moo"})
    with pytest.raises(pytest.fail.Exception, match="'oink oink'"):
        run_test(own_driver, server, failing, "It asks", {"word": "oink"})


def _collect(folder: Path, source: str, *options: str) -> str:
    """Returns what pytest prints about a folder with a file of these tests."""
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_them.mjs").write_text(IMPORTS + source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_markers_select_tests_and_fixtures_reach_them(tmp_path: Path) -> None:
    source = """
    for (const side of ["left", "right"]) test(`Two see each other's ${side} side`, ["everything"], () => {});
    test("One is slow", ["slow_server", "admin_token"], () => {});
    """
    printed = _collect(tmp_path, source, "--collect-only")
    names = ["two-see-each-others-left-side", "two-see-each-others-right-side", "one-is-slow"]
    assert printed.splitlines()[:3] == [f"test_them.mjs::{name}" for name in names]
    printed = _collect(tmp_path, source, "-s", "-m", "not everything")
    assert "1 passed, 2 deselected" in printed
    assert "{'adminToken': 'a token'} 300" in printed
    assert "{} 0" in _collect(tmp_path, source, "-s", "test_them.mjs::two-see-each-others-left-side")


def test_a_title_that_occurs_twice_is_an_error(tmp_path: Path) -> None:
    printed = _collect(tmp_path, """test("It is", [], () => {}); test("It is!", [], () => {});""")
    assert "test_them.mjs has several tests of these titles: it-is" in printed


def test_a_file_that_cannot_be_read_and_a_need_that_nobody_knows_are_errors(tmp_path: Path) -> None:
    assert "ReferenceError: nothing is not defined" in _collect(tmp_path, "nothing();")
    assert "fixture 'food' not found" in _collect(tmp_path, 'test("It needs", ["food"], () => {});')


def test_the_gate_finds_titles_in_the_source() -> None:
    """The table of tests/kinds.py names tests by their slugs."""
    assert [slug(title) for title in declared_titles('test("One\'s own: new!", [], () => {});')] == ["ones-own-new"]
