"""The servers of the examples, and pages of other origins, for tests in a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.chat.chat_server import SECRET, running_chat
from tests.http_client import http_post
from tests.page.driving import Server
from tests.page.servers import SECRET as APPLICATION_SECRET
from tests.page.servers import serving_an_application
from tests.protocol.server_process import REPOSITORY, killed_at_the_end, reserved_port
from tests.vite import build_page
from tests.waiting import DEADLINE_S

EXAMPLES = REPOSITORY / "examples"
CLIENTS = REPOSITORY / "tests" / "clients" / "node_modules"
MODULES = REPOSITORY / "clients" / "javascript" / "node_modules"

DJANGO_COMMANDS = (["makemigrations", "orders"], ["migrate"], ["fill"])

CLIENT_PAGE = """<!doctype html><link rel="icon" href="data:,"><p id="state"></p><p id="seen"></p><button>Say</button>
{load}
const show = (message) => (seen.textContent = message.content);
const socket = io("{url}", {{ auth: {{ token: location.hash.slice(1) }} }});
socket.on("connected", () => (state.textContent = "signed in"));
socket.on("message:new", show);
document.querySelector("button").onclick = () =>
  socket.emit("message:send", {{ conversationId: "talk", content: "Hello!" }}, ({{ message }}) => show(message));
</script>"""
LOADS = {
    "script": '<script src="{url}/socket.io/socket.io.js"></script><script>',
    "module": '<script type="module">import {{ io }} from "{url}/socket.io/socket.io.esm.min.js";',
}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _serving_files(folder: Path) -> Iterator[str]:
    """Yields the address of the folder's files, as `python -m http.server` serves them."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def dialect_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The pages of `examples/dialects` with each of two official clients, and the chat to which they connect."""
    folder = tmp_path_factory.mktemp("pages")
    for client in ("socket.io-client", "socket.io-client-4.5.4"):
        shutil.copytree(EXAMPLES / "dialects", folder / client / "dialects")
        (folder / client / "node_modules").mkdir()
        (folder / client / "node_modules" / "socket.io-client").symlink_to(CLIENTS / client)
    settings = {"TALKWIRE_DEMO": "true"}
    with running_chat(tmp_path_factory.mktemp("demo"), settings) as chat, _serving_files(folder) as url:
        yield Server(url, {"chat": lambda: {"address": chat.url, "tokens": [chat.token("123"), chat.token("bob")]}})
        assert chat.logged_errors() == []


@pytest.fixture
def client_pages(tmp_path: Path) -> Iterator[Server]:
    """Pages that load the official client from the server, as `<script>` and as a module, for two who share a group."""
    (tmp_path / "pages").mkdir()
    with running_chat(tmp_path) as chat, _serving_files(tmp_path / "pages") as url:
        for name, load in LOADS.items():
            text = CLIENT_PAGE.format(url=chat.url, load=load.format(url=chat.url))
            (tmp_path / "pages" / f"{name}.html").write_text(text)
        backend = {"authorization": f"Bearer {chat.token('backend', role='service')}"}
        talk = {"kind": "group", "id": "talk", "memberIds": ["alice", "bob"]}
        http_post(f"{chat.url}/api/v1/conversations", json=talk, headers=backend).raise_for_status()
        yield Server(url, {"tokens": lambda: [chat.token("alice"), chat.token("bob")]})
        assert chat.logged_errors() == []


@pytest.fixture(scope="module")
def framework_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The example's back end, which serves the pages of all frameworks, each once it is built."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "node_modules").symlink_to(MODULES)
    for name in ("react", "vue", "angular", "node-back-end"):
        shutil.copytree(EXAMPLES / name, folder / name)
    port = reserved_port()
    url = f"http://127.0.0.1:{port}"
    with running_chat(tmp_path_factory.mktemp("chat"), {"TALKWIRE_ORIGINS": url}) as chat:
        environment = {**os.environ, "TALKWIRE_URL": chat.url, "JWT_SECRET": SECRET, "PORT": str(port)}
        command = ["node", str(folder / "node-back-end" / "server.mjs"), str(folder)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().strip() == url
                yield Server(url, {"build": lambda name: build_page(folder / name)})
            finally:
                process.kill()
        assert chat.logged_errors() == []


@pytest.fixture
def fastapi_shop(tmp_path: Path) -> Iterator[Server]:
    """The shop of `docs/tutorials/fastapi-react.md`, built and run as the tutorial does, and its Talkwire."""
    port = reserved_port()
    url = f"http://localhost:{port}"
    settings = {
        "TALKWIRE_PRESENCE_GRACE_S": "0.1",
        "TALKWIRE_ORIGINS": url,
        "TALKWIRE_ACCOUNTS": "off",
        "TALKWIRE_PUSH_ALLOW": "127.0.0.0/8",
    }
    with running_chat(tmp_path, settings) as chat:
        with _serving_fastapi_shop(tmp_path, port, chat.url):
            yield Server(url, {"talkwire": lambda: {"address": chat.url, "token": chat.token("shop", role="service")}})
        assert chat.logged_errors() == []


@contextmanager
def _serving_fastapi_shop(folder: Path, port: int, talkwire: str) -> Iterator[None]:
    example = EXAMPLES / "fastapi-react"
    shutil.copytree(example, folder / "shop", ignore=shutil.ignore_patterns("node_modules", "dist"))
    page = folder / "shop" / "page"
    (page / "node_modules").symlink_to(MODULES)
    compiler = ["node", str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit", "--skipLibCheck", "--types", "react"]
    done = subprocess.run(
        [*compiler, "-p", "."], cwd=page, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    build_page(page)
    environment = {**os.environ, "JWT_SECRET": SECRET, "TALKWIRE": talkwire, "NO_PROXY": "*"}
    serve = [sys.executable, "-m", "uvicorn", "shop:app", "--port", str(port), "--log-level", "warning"]
    with killed_at_the_end(subprocess.Popen(serve, cwd=folder / "shop", env=environment), port):
        yield


@pytest.fixture
def django_example(tmp_path: Path) -> Iterator[Server]:
    """A server, and the shop of `docs/django.md`."""
    port = reserved_port()
    shop = [sys.executable, str(EXAMPLES / "django" / "shop.py"), "runserver", "--noreload", str(port)]
    yield from _embedding_example(tmp_path, port, shop)


@pytest.fixture
def express_example(tmp_path: Path) -> Iterator[Server]:
    """A server, and the shop of `docs/express.md`, which pushes answers."""
    if not (CLIENTS / "express").is_dir():
        pytest.fail("the clients' packages are not installed: run make install")
    shutil.copytree(EXAMPLES / "express-embed", tmp_path / "shop")
    (tmp_path / "shop" / "node_modules").symlink_to(CLIENTS)
    yield from _embedding_example(tmp_path, reserved_port(), ["node", str(tmp_path / "shop" / "shop.mjs")])


def _embedding_example(folder: Path, port: int, command: list[str]) -> Iterator[Server]:
    """Yields a server and the shop that the command starts at this port."""
    origin = f"http://localhost:{port}"
    allowed = ("--embed-origins", origin, "--origins", origin, "--push-allow", "127.0.0.0/8")
    with serving_an_application(folder / "data", *allowed, "--presence-grace-s", "0.1") as talkwire:
        environment = {**os.environ, "JWT_SECRET": APPLICATION_SECRET, "TALKWIRE": talkwire, "PORT": str(port)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with killed_at_the_end(process, port):
            shop = {"address": origin, "secret": APPLICATION_SECRET, "password": None}
            yield Server(talkwire, {"shop": lambda: shop})


@pytest.fixture
def django_shop(tmp_path: Path) -> Iterator[Server]:
    """A server, and the shop of `docs/tutorials/django-shop.md`, which pushes answers."""
    port = reserved_port()
    origin = f"http://localhost:{port}"
    settings = {
        "TALKWIRE_EMBED_ORIGINS": origin,
        "TALKWIRE_ORIGINS": origin,
        "TALKWIRE_PUSH_ALLOW": "127.0.0.0/8",
        "TALKWIRE_PRESENCE_GRACE_S": "0.1",
        "TALKWIRE_ACCOUNTS": "off",
    }
    with running_chat(tmp_path, settings) as chat:
        with serving_django_shop(tmp_path, port, chat.url) as password:
            shop = {"address": origin, "secret": SECRET, "password": password}
            yield Server(chat.url, {"shop": lambda: shop})
        assert chat.logged_errors() == []


@contextmanager
def serving_django_shop(folder: Path, port: int, talkwire: str) -> Iterator[str]:
    """Fills the shop and runs it, as the tutorial does. Yields the password of its users."""
    shop = folder / "shop"
    shutil.copytree(EXAMPLES / "django_shop", shop)
    passwords = [manage(shop, talkwire, *arguments) for arguments in DJANGO_COMMANDS]
    serve = [sys.executable, "manage.py", "runserver", "--noreload", str(port)]
    process = subprocess.Popen(
        serve, cwd=shop, env=_django_environment(talkwire), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with killed_at_the_end(process, port):
        yield passwords[-1]


def _django_environment(talkwire: str) -> dict[str, str]:
    ours = {"DJANGO_SECRET_KEY": "a key", "JWT_SECRET": SECRET, "TALKWIRE": talkwire, "NO_PROXY": "*"}
    return {**os.environ, **ours}


def manage(shop: Path, talkwire: str, *arguments: str) -> str:
    """Runs a command of the shop, and returns the password that it prints; empty if it prints none."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=shop,
        env=_django_environment(talkwire),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    password = re.search(r"The password is: (\S+)", done.stdout)
    return "" if password is None else password[1]
