"""Reads the address of a PostgreSQL database as its client library libpq does, and adds Talkwire's own connection
parameters to those of the address (https://www.postgresql.org/docs/current/libpq-connect.html).

Every error is a ValueError whose text has no part of a password: it names a character or a parameter, never a value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

PORT_MAX = 65535
"""Largest port of TCP."""

_UTF8 = frozenset({"utf8", "utf-8", "unicode"})
_PLACES = frozenset({"host", "hostaddr", "port", "dbname", "service"})
"""Parameters that say where the database is. Others are not shown: they may be secret."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_HEX = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


class DatabaseServer(NamedTuple):
    """The place of a database server: a host name, an address or the folder of a socket, which may be empty (this
    machine), and a port."""

    host: str
    port: int


def parse(url: str) -> dict[str, str]:
    """Returns the connection parameters (`host`, `port`, `dbname` …) of a URL `postgresql://…` by libpq's names,
    without those of the environment. Raises ValueError if libpq or Talkwire does not accept the URL, and
    ModuleNotFoundError without the driver."""
    rest = url.partition("://")[2]
    _refuse_unclear(rest)
    from psycopg import ProgrammingError  # noqa: PLC0415 (needs the package of an extra)
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 (needs the package of an extra)

    try:
        parsed = conninfo_to_dict(f"postgresql://{rest}")
    except (ProgrammingError, UnicodeError):
        raise ValueError(_fault(rest)) from None
    parameters = {name: str(value) for name, value in parsed.items()}
    _check(parameters)
    return parameters


def with_own(parameters: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Returns connection parameters with those of Talkwire's `own` that neither `parameters` nor the service file nor
    the environment (`PGCONNECT_TIMEOUT` …) sets."""
    known = _in_force(parameters)
    added = {name: value for name, value in own.items() if name not in known}
    return {**parameters, **added, "client_encoding": "utf8"}


def first_server(parameters: Mapping[str, str]) -> DatabaseServer:
    """Returns the first server that libpq tries with these connection parameters."""
    known = _in_force(parameters)
    host = known.get("hostaddr") or known.get("host", "")
    return DatabaseServer(host.partition(",")[0], int(known.get("port", "").partition(",")[0] or 5432))


def connecting_s(parameters: Mapping[str, str]) -> float | None:
    """Returns within how many seconds one of the hosts of these connection parameters has to accept a connection; None
    without a limit."""
    known = _in_force(parameters)
    hosts = (known.get("hostaddr") or known.get("host", "")).count(",") + 1
    seconds = int(known.get("connect_timeout", "0"))
    return hosts * max(seconds, 2) if seconds > 0 else None  # libpq waits for at least two seconds


def shown(url: str) -> str:
    """Returns a URL `postgresql://…` that `parse` accepts for printing: the user, the hosts and the database."""
    scheme, _, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    where, _, query = place.partition("?")
    kept = "&".join(pair for pair in query.split("&") if pair.partition("=")[0] in _PLACES)
    return f"{scheme}://{user}{':***' if colon else ''}{at}{where}{'?' if kept else ''}{kept}"


def refuse_raw_credentials(rest: str, reserved: str) -> None:
    """Raises ValueError if a URL's text behind `://` has one of the `reserved` characters before its last `@`, where
    it would end the user name or the password."""
    credentials = rest.rpartition("@")[0]
    raw = next((char for char in credentials if char in reserved), None)
    if raw is not None:
        encoded, also = quote(raw, safe=""), "" if raw == "@" else "; so must '@' after the host (%40)"
        raise ValueError(f"the user name or password contains '{raw}', which must be percent-encoded ({encoded}){also}")


def _in_force(parameters: Mapping[str, str]) -> dict[str, str]:
    """Returns the connection parameters that libpq would use: `parameters`, and those of the service file, the
    environment and libpq's defaults. Makes no connection."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 (needs the package of an extra)
    from psycopg.pq import PGconn  # noqa: PLC0415 (needs the package of an extra)

    # libpq reads the service file only when it connects. It refuses this sslmode later, before it uses the network.
    refused = PGconn.connect_start(make_conninfo(**{**parameters, "sslmode": "-"}).encode())
    try:
        found = {option.keyword.decode(): option.val for option in refused.info}
    finally:
        refused.finish()
    return {name: value.decode(errors="replace") for name, value in found.items() if value is not None}


def _refuse_unclear(rest: str) -> None:
    """Raises ValueError for what libpq may read otherwise than it was meant."""
    if _CONTROL.search(rest):
        raise ValueError("contains a control character, such as a line end")
    refuse_raw_credentials(rest, "@/")
    names = [name for name, _, _ in _pairs(rest)]
    twice = next((name for name in names if names.count(name) > 1 and name in _known_names()), None)
    if twice is not None:
        several = "; several hosts are written as host=a,b&port=5432,5433" if twice in {"host", "port"} else ""
        raise ValueError(f'has the parameter "{twice}" twice{several}')


def _pairs(rest: str) -> Iterator[tuple[str, bool, str]]:
    """Yields the query parameters of a URL's text behind `://`: the name, whether it has a value, and the raw
    value."""
    query = rest.rpartition("@")[2].partition("?")[2]
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        yield unquote(name), bool(equals), value


def _fault(rest: str) -> str:
    """Returns why libpq does not accept a URL, of which this is the text behind `://`. libpq's own error has parts of
    the password."""
    if _NOT_HEX.search(rest):
        return "a '%' must be followed by two hexadecimal digits, and not 00; write the character % as %25"
    try:
        unquote(rest, errors="strict").encode()
    except UnicodeError:
        return "the bytes written with '%' are not UTF-8; write the character % as %25"
    if " " in rest:
        return "contains a space, which must be percent-encoded (%20)"
    return _query_fault(rest) or (
        "is not a URL that PostgreSQL accepts: expected postgresql://user:password@host:port/name?parameter=value, "
        "with an IPv6 address in brackets"
    )


def _query_fault(rest: str) -> str | None:
    known, secret = _known_names(), _secret_names()
    for name, has_value, value in _pairs(rest):
        if name not in known and f"{name}={value}" != "ssl=true":
            similar = next(iter(difflib.get_close_matches(name, known, 1)), None)
            return f'has the unknown parameter "{name}"' + ("" if similar is None else f"; did you mean {similar}?")
        if not has_value:
            return f'the parameter "{name}" needs a value: {name}=value'
        if "=" in value:
            return f"the value of \"{name}\" contains '=', which must be percent-encoded (%3D)"
        if name in secret:  # what follows may be a part of its value
            return f"the value of \"{name}\", or what follows it, is invalid; write '&' as %26 and '=' as %3D"
    return None


def _check(parameters: Mapping[str, str]) -> None:
    ports = parameters.get("port", "").split(",")
    if not all(not port or (port.isascii() and port.isdigit() and 0 < int(port) <= PORT_MAX) for port in ports):
        raise ValueError(f"the port must be a number from 1 to {PORT_MAX}")
    hosts = (parameters.get("hostaddr") or parameters.get("host", "")).split(",")
    if len(ports) not in {1, len(hosts)}:
        raise ValueError(f"names {len(ports)} ports for {len(hosts)} hosts; name one port, or one for each host")
    if re.fullmatch(r"-?[0-9]{1,9}", parameters.get("connect_timeout", "0")) is None:
        raise ValueError('the parameter "connect_timeout" must be a whole number of seconds')
    if parameters.get("client_encoding", "utf8").lower() not in _UTF8:
        raise ValueError('the parameter "client_encoding" must be utf8')
    if "replication" in parameters:
        raise ValueError('the parameter "replication" is for replicas; leave it out')


def _known_names() -> dict[str, bytes]:
    """Returns the names of libpq's connection parameters, each with how libpq says to show it."""
    from psycopg.pq import Conninfo  # noqa: PLC0415 (needs the package of an extra)

    return {option.keyword.decode(): option.dispchar for option in Conninfo.get_defaults()}


def _secret_names() -> set[str]:
    """Returns the names of libpq's connection parameters whose values are secret."""
    return {name for name, how in _known_names().items() if how == b"*" or name.startswith("scram_")}
