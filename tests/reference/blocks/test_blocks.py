"""Each code block of the documentation runs or is checked, with the settings that its page shows."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from sqlalchemy import text as statement

from talkwire.settings.known import known_settings
from talkwire.settings.sources import load_settings
from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.cli.history_import.exports import slack_export, write_zip
from tests.databases import Database, PostgresServer
from tests.deployment.proxies import apache_program, nginx_program
from tests.files.pictures import jpeg
from tests.http_client import HttpClient, http_get
from tests.page.scenario_files import declared_titles, slug
from tests.protocol.server_process import reserved_port
from tests.reference.blocks.catalogue import CATALOGUE, NotRun, Run, RunBy, Validated, check_of, entry_of
from tests.reference.blocks.collected import REPOSITORY, Block, all_blocks
from tests.reference.blocks.shell import Shell
from tests.reference.blocks.stages import CollectedTest, collected_tests
from tests.waiting import DEADLINE_S

BLOCKS = all_blocks()
COMMANDS = (
    "talkwire",
    "curl",
    "npm",
    "npx",
    "pip",
    "python",
    "node",
    "docker",
    "make",
    "export",
    "git",
    "kubectl",
    "helm",
)

# What the pages leave to their reader, in commands and settings.
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LEFT_OUT = {
    "JWT_SECRET=…": f"JWT_SECRET='{SECRET}'",
    "/opt/talkwire/bin/": "",
    "/var/lib/talkwire": "talkwire-data",
    "/srv/talkwire": "restored",
    "/backups/": "",
}


def checked(kind: type) -> list[Block]:
    return [block for block in BLOCKS if isinstance(check_of(block), kind)]


# --- the catalogue ----------------------------------------------------------------------------------------------------


def test_somebody_has_decided_how_each_block_is_checked() -> None:
    assert [str(block) for block in BLOCKS if check_of(block) is None] == []
    assert [str(block) for block in BLOCKS if not block.language] == []


def test_each_entry_stands_for_a_block() -> None:
    found = {(block.page, entry_of(block)) for block in BLOCKS}
    entries = {(page, entry) for page, entries in CATALOGUE.items() for entry in entries}
    assert entries - found == set()


@pytest.mark.parametrize("block", checked(RunBy), ids=str)
def test_the_test_of_a_block_reads_its_page(block: Block) -> None:
    check = check_of(block)
    assert isinstance(check, RunBy)
    file, _, name = check.test.partition("::")
    code = (REPOSITORY / "tests" / file).read_text(encoding="utf-8")
    assert name in _names_of_tests(file, code), check.test
    assert Path(block.page).name in code or Path(block.page).stem in code, f"{file} does not name {block.page}"


def _names_of_tests(file: str, code: str) -> list[str]:
    """Returns the names of the tests of a file, in Python or for a browser, with those of its other functions."""
    if file.endswith(".mjs"):
        return [slug(title) for title in declared_titles(code)]
    return re.findall(r"^(?:async )?def (\w+)\(", code, re.MULTILINE)


def test_the_gate_runs_the_tests_of_all_blocks() -> None:
    checks = [(block, check) for block in BLOCKS if isinstance(check := check_of(block), RunBy)]
    tests = collected_tests(sorted({f"tests/{check.test.partition('::')[0]}" for _, check in checks}))
    late = [f"{block}: {check.test}" for block, check in checks if not _is_in_the_gate(block, check, tests)]
    excepted = [f"{block}: {check.test}" for block, check in checks if check.only_everything]
    assert late == excepted, "tests/kinds.py leaves them out of the gate, or their exceptions are not needed any more"


def _is_in_the_gate(block: Block, check: RunBy, tests: list[CollectedTest]) -> bool:
    """Returns whether the gate runs the test of a block. Of a test that has pages as parameters, that is its page's."""
    file, _, name = check.test.partition("::")
    named = [test for test in tests if test.file == f"tests/{file}" and name in test.names]
    of_page = [test for test in named if Path(block.page).name in test.parameters]
    return any(test.is_in_the_gate for test in of_page or named)


@pytest.mark.parametrize("block", checked(NotRun), ids=str)
def test_what_a_block_names_that_does_not_run_exists(block: Block) -> None:
    for target in re.findall(r"^make ([a-z][a-z-]*)", block.text, re.MULTILINE):
        assert re.search(rf"^{target}:|\.PHONY:.* {target}\b", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for module in re.findall(r"python -m (bench[\w.]*)", block.text):
        path = REPOSITORY / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
    for file in re.findall(r"\b(?:tests|deploy)/[\w./-]+", block.text):
        assert (REPOSITORY / file).exists(), file


# --- blocks that need no server ---------------------------------------------------------------------------------------


def _filled_in(block: Block, folder: Path) -> str:
    """Returns settings with what their reader fills in."""
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>')
    filled = block.text.replace('"whsec_…"', f'"{SIGNING_SECRET}"').replace('"…"', f'"{SECRET}"')
    return filled.replace("/etc/talkwire/", f"{folder}/")


def settings(block: Block, folder: Path) -> None:
    file = folder / "talkwire.toml"
    file.write_text(_filled_in(block, folder), encoding="utf-8")
    assert load_settings({}, {}, file).sources


def variables(block: Block, folder: Path) -> None:
    """Checks variables, which may name files with secrets."""
    known = {name for each in known_settings().values() for name in (*each.variables, *each.file_variables)}
    assert folder
    assert [line for line in block.text.splitlines() if line.partition("=")[0] not in known] == []


def parsed_json(block: Block, folder: Path) -> None:
    assert folder
    assert json.loads(block.text)


def text(block: Block, folder: Path) -> None:
    """Checks that a block without a language is no program. Overviews of `talkwire` name commands that exist."""
    assert folder
    commands = {path.stem for path in (REPOSITORY / "src/talkwire/cli").rglob("*.py")}
    overview = re.findall(r"^talkwire (\w+).*?  +\S", block.text, re.MULTILINE)
    assert overview or block.text.split()[0] not in COMMANDS, f"{block} is a program: say in which language"
    parser = (REPOSITORY / "src/talkwire/cli/parser.py").read_text(encoding="utf-8")
    assert [name for name in overview if name not in commands and f'"{name}"' not in parser] == []


def python(block: Block, folder: Path) -> None:
    assert folder
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def javascript(block: Block, folder: Path) -> None:
    file = folder / "block.mjs"
    file.write_text(block.text, encoding="utf-8")
    _succeeds(["node", "--check", str(file)])


def prometheus(block: Block, folder: Path) -> None:
    assert yaml.safe_load(block.text)["scrape_configs"][0]["job_name"] == "talkwire"
    if promtool := shutil.which("promtool"):
        shutil.copy(REPOSITORY / "deploy/prometheus/alerts.yaml", folder)
        (folder / "prometheus.yml").write_text(block.text, encoding="utf-8")
        _succeeds([promtool, "check", "config", str(folder / "prometheus.yml")])


def metrics(block: Block, folder: Path) -> None:
    assert folder
    described = (REPOSITORY / "docs/metrics.md").read_text(encoding="utf-8")
    assert [name for name in re.findall(r"talkwire_\w+", block.text) if f"`{name}" not in described] == []


def nginx(block: Block, folder: Path) -> None:
    # $host has no port, so pages on another port than the default one would not be the server's own.
    assert set(re.findall(r"proxy_set_header\s+Host\s+(\S+);", block.text)) <= {"$http_host"}
    program = nginx_program()
    if program is None:
        pytest.skip("nginx is not installed")
    server = f"server {{ listen 127.0.0.1:{reserved_port()}; access_log off;\n{block.text}}}"
    paths = "".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"pid {folder}/pid; events {{}} http {{ {paths} {server} }}")
    _succeeds([program, "-t", "-e", str(folder / "log"), "-c", str(folder / "nginx.conf")])


def apache(block: Block, folder: Path) -> None:
    program = apache_program()
    if program is None:
        pytest.skip("Apache httpd is not installed")
    module = "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so"
    listen = f"Listen 127.0.0.1:{reserved_port()}"
    around = f"ServerRoot {folder}\nServerName localhost\nErrorLog {folder}/log\n{listen}\n{module}\n"
    (folder / "apache.conf").write_text(around + block.text)
    done = _succeeds([program, "-t", "-f", str(folder / "apache.conf")])
    assert "AH" not in done.replace("AH00558", ""), done


def _succeeds(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


CHECKERS: dict[str, Callable[[Block, Path], None]] = {
    "json": parsed_json,
    **{
        each.__name__: each
        for each in (settings, variables, text, python, javascript, prometheus, metrics, nginx, apache)
    },
}
WITH_A_SERVER = {"requests", "statements"}


def validated(*checkers: str) -> list[Block]:
    checks = [(block, check_of(block)) for block in BLOCKS]
    return [block for block, check in checks if isinstance(check, Validated) and check.checker in checkers]


@pytest.mark.parametrize("block", validated(*CHECKERS), ids=str)
def test_a_block_is_valid(block: Block, tmp_path: Path) -> None:
    check = check_of(block)
    assert isinstance(check, Validated)
    CHECKERS[check.checker](block, tmp_path)


def test_each_checker_exists() -> None:
    named = {check.checker for block in BLOCKS if isinstance(check := check_of(block), Validated)}
    assert named == {*CHECKERS, *WITH_A_SERVER}


@pytest.mark.parametrize("block", validated("statements"), ids=str)
def test_a_statement_is_valid_on_both_databases(block: Block, database: Database) -> None:
    with database.engine() as engine, engine.begin() as connection:
        for each in filter(str.strip, block.text.split(";")):
            connection.execute(statement(each))


# --- blocks that run --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the users and conversations of the pages, for pages that start none."""
    with running_chat(tmp_path_factory.mktemp("chat")) as server:
        service = {"Authorization": f"Bearer {server.token('shop', role='service')}"}
        with HttpClient(base_url=f"{server.url}/api/v1", headers=service) as http:
            for conversation, members in (
                ("order-17", ["alice", "bob"]),
                ("order-9", ["alice", "bob"]),
                ("order-21", ["alice", "bob"]),
                ("c1", ["alice", "zoe"]),
            ):
                body = {"kind": "group", "id": conversation, "name": "Order", "memberIds": members}
                http.post("/conversations", json=body).raise_for_status()
        yield server
        assert server.logged_errors() == []


def _requests(block: Block) -> Iterator[tuple[str, str, dict[str, object] | None]]:
    """Yields method, path and body of each request."""
    for found in re.finditer(
        r"^(GET|PUT|POST|PATCH|DELETE) +(\S+)([^→]*?)(?=^[A-Z]+ |^→|\Z)", block.text, re.MULTILINE | re.DOTALL
    ):
        yield found[1], found[2], json.loads(found[3]) if found[3].strip() else None


@pytest.mark.parametrize("block", validated("requests"), ids=str)
def test_requests_succeed(block: Block, server: ServerProcess) -> None:
    sent = list(_requests(block))
    assert sent
    for method, path, body in sent:
        own = "/users/me" in path
        token = server.token("alice") if own else server.token("shop", role="service")
        url = server.url + path.replace("=CURSOR", "=start").replace("=ID", "=order-17")
        headers = {"Authorization": f"Bearer {token}"}
        response = httpx.request(method, url, json=body, headers=headers, trust_env=False, timeout=DEADLINE_S)
        assert response.is_success, f"{method} {path}: {response.text}"


PAGES = sorted({block.page for block in checked(Run)})
POSTGRESQL = ("POSTGRESQL", "OTHER_POSTGRESQL")
"""The variables with the addresses of empty databases."""


@pytest.fixture
def databases(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Yields PostgreSQL databases for the commands of docs/backup.md."""
    if request.getfixturevalue("page") != "docs/backup.md":
        yield {}
        return
    postgresql: PostgresServer = request.getfixturevalue("postgresql")
    names = [postgresql.create_migrated() for _ in POSTGRESQL]
    urls = [postgresql.url_of(name).set(drivername="postgresql") for name in names]
    yield {key: url.render_as_string(hide_password=False) for key, url in zip(POSTGRESQL, urls, strict=True)}
    for name in names:
        postgresql.drop(name)


@pytest.fixture
def shell(page: str, databases: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shell]:
    """A shell in which the page's commands are to run. Their server is the shared one if the page starts none."""
    (tmp_path / "cat.jpg").write_bytes(jpeg(300, 600))
    write_zip(tmp_path / "export.zip", slack_export())
    if page in STARTS_A_SERVER:
        shell = Shell(tmp_path, reserved_port(), {"JWT_SECRET": SECRET, **databases} if databases else {})
    else:
        shared: ServerProcess = request.getfixturevalue("server")
        token = shared.token("shop", role="service")
        environment = {"JWT_SECRET": SECRET, "TALKWIRE_DATA": str(shared.data), "TOKEN": token}
        shell = Shell(tmp_path, int(shared.url.rpartition(":")[2]), environment)
    yield shell
    shell.close()


STARTS_A_SERVER = {
    *(block.page for block in checked(Run) if re.search(r"\btalkwire serve\b", block.text)),
    "docs/api-clients.md",  # it continues the quick start, whose data it uses
}

BEFORE = {
    "docs/api-clients.md": "talkwire conversation create alice bob --data chat-data",
    "docs/backup.md": "talkwire conversation create alice bob",
    "docs/talkwire-agent.md": "talkwire user add --id maya || :",
    "docs/tutorials/agents.md": "talkwire user add --id maya || :",
}
"""What a page's commands need, and its reader has."""


def _commands(block: Block, shell: Shell) -> str:
    check = check_of(block)
    assert isinstance(check, Run)
    commands = block.text
    for shown in ("http://localhost:3000", "http://127.0.0.1:3000", "https://chat.example.com"):
        commands = commands.replace(shown, f"http://127.0.0.1:{shell.port}")
    for shown, used in {**check.replaced, **LEFT_OUT}.items():
        commands = commands.replace(shown, used)
    return commands


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_succeed(page: str, shell: Shell) -> None:
    blocks = [block for block in checked(Run) if block.page == page]
    _, *printed = shell.run([BEFORE.get(page, ":"), *(_commands(block, shell) for block in blocks)])
    assert not re.search(r"\[(error|critical) *\]", shell.log())
    outputs = {entry_of(block): output for block, output in zip(blocks, printed, strict=True)}
    for entry, expect in EXPECTED.get(page, {}).items():
        expect(outputs[entry], shell)


# --- what the pages say that is printed -------------------------------------------------------------------------------


def block_of(page: str, language: str, beginning: str = "") -> str:
    """Returns the text of the first block of a page in a language that has this beginning."""
    found = (block for block in BLOCKS if (block.page, block.language) == (page, language))
    return next(block.text for block in found if block.text.startswith(beginning))


def _greets(output: str, shell: Shell) -> None:
    shown = block_of("docs/quick-start.md", "text").strip()
    assert shown.replace("3000", str(shell.port)) in output.splitlines()


def _sends_and_lists(output: str, shell: Shell) -> None:
    assert shell.folder
    sent, end = json.JSONDecoder().raw_decode(output)
    listed = json.loads(output[end:])
    assert [each["content"] for each in listed["items"]] == [sent["content"]] == ["From curl."]


def _has_the_fields_of_the_page(output: str, shell: Shell) -> None:
    assert shell.folder
    shown, uploaded = json.loads(block_of("docs/files.md", "json")), json.loads(output)
    assert uploaded.keys() == shown.keys()
    same = ("name", "contentType", "width", "height")
    assert [uploaded[key] for key in same] == [shown[key] for key in same]


def _imports(output: str, shell: Shell) -> None:
    assert shell.folder
    assert re.findall(r"^messages\t(\d+)$", output, re.MULTILINE) == ["13", "13"]


def _prints_a_secret(output: str, shell: Shell) -> None:
    assert shell.folder
    assert re.search(r"whsec_[A-Za-z0-9+/]{43}=", output)


EXPECTED: dict[str, dict[str, Callable[[str, Shell], None]]] = {
    "docs/quick-start.md": {"export PATH": _greets, "curl": _sends_and_lists},
    "docs/files.md": {"curl": _has_the_fields_of_the_page},
    "docs/importing.md": {"talkwire import": _imports},
    "docs/moderation.md": {"echo whsec_": _prints_a_secret},
    "docs/webhooks.md": {"curl -X POST": _prints_a_secret},
}


@pytest.mark.parametrize(
    ("page", "beginning", "path"),
    [
        ("docs/upgrading.md", '{"status"', "/readyz"),
        ("docs/notifications.md", '{\n  "notify"', "/api/v1/users/me/preferences"),
    ],
)
def test_a_response_is_as_the_page_shows_it(page: str, beginning: str, path: str, server: ServerProcess) -> None:
    headers = {"Authorization": f"Bearer {server.token('bob')}"}
    response = http_get(server.url + path, headers=headers)
    assert response.json() == json.loads(block_of(page, "json", beginning))
