"""The command `talkwire check`, which tries everything that `serve` needs, and leaves nothing behind.

It prints a line for each thing that is right or wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.text import Text
from sqlalchemy import text

from talkwire.cli.database import database_failures, printable_database, url_of
from talkwire.cli.extras import require_otlp, require_redis, require_s3
from talkwire.cli.failures import FAILED, WORKED, WRONG_USAGE, CommandError, Failure, outcome_of
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.output import print_line
from talkwire.cli.serve import listen_on
from talkwire.composition.nodes import open_internal_port
from talkwire.composition.page import page_options
from talkwire.datafolder import DataFolderError, FolderInUse, Holder, find_holder, held_if_present, prepare_folder
from talkwire.egress import AddressRules, Egress, EgressClient, EgressLimits
from talkwire.files.byte_store import SCHEME, ByteStore
from talkwire.files.service import FINISHED_FOLDER, PARTIALS_FOLDER
from talkwire.filesystem import make_folder, naming, removing_new_folders, try_lock
from talkwire.identity.jwks import KEYS_FETCH_S, KeySet
from talkwire.identity.secret import FILE_NAME as SECRET_FILE
from talkwire.identity.secret import secret_in
from talkwire.identity.signatures import verifying_keys
from talkwire.logs import without_values
from talkwire.openid.documents import PROVIDER_REQUEST_S, ProviderDocuments
from talkwire.openid.sign_in import CALLBACK, SignInFailed
from talkwire.settings import Problem, Settings, SettingsError
from talkwire.settings.addresses import is_loopback
from talkwire.settings.callbacks import CALLBACK_SECRET_FILE, CALLBACK_SETTINGS, address_rules, callback_urls
from talkwire.settings.keys import (
    JWT_SECRET_MIN_BYTES,
    WEAK_SECRET,
    check_callback_secret_file,
    is_weak,
    require_key,
    signing_secret,
    usable_public_key,
)
from talkwire.settings.known import known_settings
from talkwire.settings.model import SettingValues, as_names
from talkwire.settings.policy import access_policy, web_sign_in
from talkwire.settings.secrets import secret_values
from talkwire.settings.shown import public_text
from talkwire.settings.sources import LoadedSettings, unknown_variables
from talkwire.storage.engine import reading_engine
from talkwire.storage.migrations import newest_revision, revision_of
from talkwire.storage.session import refuse_unsuitable

State = Literal["ok", "note", "warning", "wrong"]

_STYLES: dict[State, str] = {"ok": "green", "note": "cyan", "warning": "yellow", "wrong": "bold red"}
_WELL_KNOWN = frozenset({"secret", "changeme", "change-me", "password", "your-secret-key", "your-256-bit-secret"})

_FOREIGN = frozenset({"files", "oidc", "redis"})
"""Subjects of findings with errors of libraries and other servers."""


class Finding(NamedTuple):
    """One result of `talkwire check`, printed as one line: its state (`ok`, `note`, `warning` or `wrong`), the part of
    the installation that was checked, such as `database`, and a text.

    `exit_code` counts only in the state `wrong`: the command ends with the highest one of these findings, else with 0.
    """

    state: State
    subject: str
    message: str
    exit_code: int = FAILED


@takes_settings(*known_settings())
def check(**flags: Flag) -> int:
    """Check the settings, the database and everything else that `serve` needs."""
    exit_code = WORKED
    for finding in _findings(flags):
        if finding.state == "wrong":
            exit_code = max(exit_code, finding.exit_code)
        _print(finding)
    return exit_code


def _findings(flags: dict[str, Flag]) -> Iterator[Finding]:
    try:
        loaded = load(flags)
    except SettingsError as error:
        yield from map(_on_problem, error.problems)
        return
    yield from _on_settings(loaded)
    secrets = secret_values(loaded.settings)
    for finding in _tried(loaded.settings):
        foreign = finding.state in {"warning", "wrong"} and finding.subject in _FOREIGN
        yield finding._replace(message=without_values(finding.message, secrets)) if foreign else finding


def _tried(settings: Settings) -> Iterator[Finding]:
    holder: Holder | None = None
    try:
        holder = _holder(settings)
        _refuse_another_database(settings, holder)
    except DataFolderError as error:
        yield _refusal("lock", error)
    yield _on_data_folder(settings)
    yield from _on_database(settings, holder)
    yield _on_files(settings)
    yield from _on_keys(settings)
    yield from _on_redis(settings)
    yield from _on_callbacks(settings)
    yield _on_accounts(settings)
    yield from _on_sign_in(settings)
    yield from _on_provider(settings)
    yield _on_address(settings, holder)
    yield from _on_internal_address(settings)
    yield from _on_origins(settings)
    yield from _on_logo(settings)
    yield from _on_traces(settings)


def _on_problem(problem: Problem) -> Finding:
    return Finding("wrong", "settings", str(problem), WRONG_USAGE if problem.name in CALLBACK_SETTINGS else FAILED)


def _on_settings(loaded: LoadedSettings) -> Iterator[Finding]:
    if loaded.file is not None:
        yield Finding("ok", "settings", f"read from {loaded.file}")
    for name, source in loaded.sources.items():
        yield Finding("ok", "settings", f"{name} from {source}")
    if not loaded.sources:
        yield Finding("ok", "settings", "all defaults")
    for name, similar in unknown_variables(os.environ):
        hint = "" if similar is None else f"; did you mean {similar}?"
        yield Finding("warning", "settings", f"{name} is not a setting{hint}")


def _holder(settings: Settings) -> Holder | None:
    return None if settings.lock_file is None else find_holder(settings.lock_file)


def _refuse_another_database(settings: Settings, holder: Holder | None) -> None:
    """Raises FolderInUse if a server with another SQLite database uses the data folder."""
    path = settings.folder_lock_file
    other = None if path is None else find_holder(path)
    if path is not None and other is not None and other.url is not None and other != holder:
        raise FolderInUse(path, other)


def _on_data_folder(settings: Settings) -> Finding:
    folder = settings.data
    try:
        is_new = not folder.exists()
        with removing_new_folders(folder):
            prepare_folder(folder)
            _write_into(folder)
    except (DataFolderError, OSError) as error:
        return _refusal("data", error)
    return Finding("ok", "data", f"{folder} is created when the server starts" if is_new else f"{folder} is writable")


def _write_into(folder: Path) -> None:
    with naming(folder), NamedTemporaryFile(prefix="talkwire-check-", dir=folder) as file:
        try_lock(file.fileno(), fcntl.LOCK_EX, Path(file.name))  # as uploads are, also on PostgreSQL
        file.write(b"talkwire")
        file.flush()
        os.fsync(file.fileno())


def _refusal(subject: str, error: CommandError | DataFolderError | SettingsError | OSError) -> Finding:
    """Returns the finding for an error with which `serve` ends, in the same words."""
    return Finding("wrong", subject, outcome_of(error)[1])


def _on_database(settings: Settings, holder: Holder | None) -> Iterator[Finding]:
    shown = printable_database(settings)
    if holder is not None:
        yield _on_running_server(holder, shown)
        return
    file = settings.sqlite_file
    if file is not None and not file.exists():
        yield _on_new_file(settings, shown)
        return
    try:
        with _held(settings), database_failures(settings):
            yield _on_tables(settings, shown)
    except (DataFolderError, Failure) as error:
        yield Finding("wrong", "database", str(error))


def _held(settings: Settings) -> contextlib.AbstractContextManager[None]:
    """Keeps servers from the SQLite database while it is read."""
    return contextlib.nullcontext() if settings.lock_file is None else held_if_present(settings.lock_file)


def _on_new_file(settings: Settings, shown: str) -> Finding:
    """Tries whether a SQLite database that does not exist can be created: next to its lock file."""
    try:
        with removing_new_folders(settings.data):
            with contextlib.suppress(DataFolderError):  # of which another finding speaks
                prepare_folder(settings.data)
            with _held(settings):
                pass
    except DataFolderError as error:
        return _refusal("database", error)
    return Finding("ok", "database", f"{shown} is created when the server starts")


def _on_running_server(holder: Holder, shown: str) -> Finding:
    if holder.url is None:
        return Finding("ok", "database", f"{shown} is in use by the process {holder.pid}")
    try:
        status = httpx.get(f"{holder.url}/readyz", timeout=5, trust_env=False).status_code
    except httpx.TransportError:
        status = 0
    if status != httpx.codes.OK:
        return Finding("wrong", "database", f"the server with process id {holder.pid} at {holder.url} is not ready")
    return Finding("ok", "database", f"{shown} is open in the server with process id {holder.pid} at {holder.url}")


def _on_tables(settings: Settings, shown: str) -> Finding:
    engine = reading_engine(url_of(settings), 1)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        revision = revision_of(engine)
        refuse_unsuitable(engine, changes_tables=revision != newest_revision())
    finally:
        engine.dispose()
    if revision is None:
        return Finding("ok", "database", f"{shown} responds; it is empty, and serve or migrate will create its tables")
    if revision != newest_revision():
        tables = f"tables of version {revision}, this program needs {newest_revision()}: run talkwire migrate"
        return Finding("warning", "database", f"{shown} responds; it has {tables}")
    return Finding("ok", "database", f"{shown} responds; its tables are of version {revision}")


def _on_files(settings: Settings) -> Finding:
    place = settings.data / FINISHED_FOLDER if settings.files is None else settings.files
    if str(place).startswith(SCHEME):
        try:
            require_s3()
        except Failure as error:
            return Finding("wrong", "files", str(error))
        failure = _failure_of_files(place)
        if failure is not None:
            return Finding("wrong", "files", failure)
        return Finding("ok", "files", f"{place} stores, returns and removes a small object")
    failure = _failure_of_folders(Path(place), settings)
    if failure is not None:
        return Finding("wrong", "files", failure)
    if settings.on_postgresql:
        hint = "several nodes need a shared folder there, or S3"
        return Finding("note", "files", f"uploads are stored in {place}: {hint}")
    return Finding("ok", "files", f"uploads are stored in {place}")


def _failure_of_files(place: str | Path) -> str | None:
    try:
        asyncio.run(ByteStore(place).check())
    except OSError as error:
        return str(error)
    return None


def _failure_of_folders(folder: Path, settings: Settings) -> str | None:
    """Tries the folders of finished and unfinished uploads, and creates them as the server does for the time of it."""
    if settings.data.is_dir():
        try:
            with removing_new_folders(settings.data / PARTIALS_FOLDER):
                make_folder(settings.data / PARTIALS_FOLDER)
        except OSError as error:
            return outcome_of(error)[1]
    elif settings.files is None:
        return None  # below the data folder, which has a finding of its own
    with removing_new_folders(folder):
        return _failure_of_files(folder)


def _on_keys(settings: Settings) -> Iterator[Finding]:
    yield from _on_secret(settings)
    try:
        pem = usable_public_key(settings)
        if pem is not None:
            algorithms = ", ".join(key.algorithm for key in verifying_keys(pem))
            yield Finding("ok", "tokens", f"public key for {algorithms}")
    except SettingsError as error:
        yield _refusal("tokens", error)
    if settings.jwt_jwks_url is not None:
        yield _on_key_set(settings, settings.jwt_jwks_url)
    yield from _on_claims(settings)


def _on_claims(settings: Settings) -> Iterator[Finding]:
    """Yields what the settings demand of claims, where it is not the default: a typing error shows here only."""
    if settings.jwt_issuer is not None:
        yield Finding("ok", "tokens", f"jwt_issuer: `iss` must be {' or '.join(as_names(settings.jwt_issuer))}")
    if settings.jwt_audience is not None:
        audiences = " or ".join(as_names(settings.jwt_audience))
        yield Finding("ok", "tokens", f"jwt_audience: `aud` must be or contain {audiences}")
    if settings.user_id_claim is not None:
        yield Finding("ok", "tokens", f"user_id_claim: {_meaning(settings.user_id_claim)}")
    if settings.role_claim != SettingValues.role_claim:
        yield Finding("ok", "tokens", f"role_claim: {_meaning(settings.role_claim)}")
    for name in settings.keep_claims:
        yield Finding("ok", "tokens", f"keep_claims: {_meaning(name)}")


def _meaning(claim: str) -> str:
    """Returns how tokens are searched for a claim that a setting names (`identity.claims.claim_of`)."""
    outer, _, last = claim.rpartition(".")
    return f"the claim `{claim}`" + (f", else `{last}` in `{outer}`" if outer and "://" not in claim else "")


def _on_secret(settings: Settings) -> Iterator[Finding]:
    secret = settings.jwt_secret
    try:
        require_key(settings)
        found = signing_secret(settings, secret_in)
    except (SettingsError, OSError) as error:
        is_weak_one = secret is not None and WEAK_SECRET in str(error)
        yield _refusal("tokens", error)._replace(exit_code=WRONG_USAGE if is_weak_one else FAILED)
        return
    if secret is None and settings.on_postgresql:
        yield Finding("note", "tokens", "without jwt_secret no one can sign in with an account of this server")
    elif secret is None:
        state = "will be created in" if found is None else "is in"
        yield Finding("ok", "tokens", f"no jwt_secret is set, a random one {state} {settings.data / SECRET_FILE}")
    elif secret.lower() in _WELL_KNOWN:
        yield Finding("warning", "tokens", "jwt_secret is a well-known default")
    elif is_weak(secret):
        yield Finding("warning", "tokens", f"jwt_secret is short: {JWT_SECRET_MIN_BYTES} bytes or more are recommended")
    else:
        yield Finding("ok", "tokens", "jwt_secret is long enough")


def _on_key_set(settings: Settings, url: str) -> Finding:
    async def fetch() -> str | None:
        async with _operator_client(KEYS_FETCH_S) as client:
            keys = KeySet(url, client)
            await keys.refresh()
            return keys.last_failure

    failure = asyncio.run(fetch())
    if failure is not None:
        failure = without_values(failure, secret_values(settings))  # as the server's log does
        return Finding("wrong", "tokens", f"jwt_jwks_url: {failure}")
    host, shown = urlsplit(url).hostname or "", public_text(url)
    if urlsplit(url).scheme == "http" and not is_loopback(host):
        return Finding(
            "warning", "tokens", f"{shown} provides keys, but over http anyone on the network can change them"
        )
    return Finding("ok", "tokens", f"{shown} provides keys")


@contextlib.asynccontextmanager
async def _operator_client(total_s: float) -> AsyncIterator[EgressClient]:
    """Yields an HTTP client for addresses that only the operator chooses. A request may take `total_s` seconds."""
    with contextlib.closing(Egress(AddressRules.of_operator())) as egress:
        client = egress.client(EgressLimits(total_s=total_s, idle_s=0))
        try:
            yield client
        finally:
            await client.aclose()


def _on_redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis is None:
        return
    try:
        require_redis()
        from talkwire.cli.redis import check_redis  # noqa: PLC0415 (needs the package of an extra)

        for state, message in asyncio.run(check_redis(settings.redis)):
            yield Finding(state, "redis", message)
    except Failure as error:
        yield Finding("wrong", "redis", str(error))


def _on_callbacks(settings: Settings) -> Iterator[Finding]:
    if not settings.callbacks:
        return
    if settings.callback_secret is None:
        file = settings.data / CALLBACK_SECRET_FILE
        try:
            check_callback_secret_file(settings)
            state = "is in" if file.exists() else "will be created in"
            yield Finding("ok", "callbacks", f"no callback_secret is set, a random one {state} {file}")
        except (SettingsError, OSError) as error:
            yield _refusal("callbacks", error)
    refusals = asyncio.run(_refused_urls(settings))
    for name, url in callback_urls(settings).items():
        parts = urlsplit(url)
        where = f"{name} asks {parts.scheme}://{parts.netloc}"  # the rest may be secret
        refusal = refusals[name]
        if refusal is None:
            yield Finding("ok", "callbacks", where)
        else:
            yield Finding("wrong", "callbacks", f"{where}: {refusal}", WRONG_USAGE)


async def _refused_urls(settings: Settings) -> dict[str, str | None]:
    """Returns, for the name of each callback of the settings, the reason why the server may not send requests to the
    callback's URL; None if it may. Resolves host names."""
    egress = Egress(address_rules(settings))
    try:
        return {name: await egress.refusal(url) for name, url in callback_urls(settings).items()}
    finally:
        egress.close()


def _on_address(settings: Settings, holder: Holder | None) -> Finding:
    if holder is not None and holder.url is not None:
        return Finding("ok", "address", f"a server is running at {holder.url}")
    try:
        listen_on(settings).close()
    except Failure as error:
        return _refusal("address", error)
    return Finding("ok", "address", f"{settings.host}, port {settings.port} is free")


def _on_internal_address(settings: Settings) -> Iterator[Finding]:
    host, first = settings.internal_host, settings.internal_port
    if host is None or not settings.on_postgresql:
        return
    try:
        for port in range(first, first + settings.workers) if first else [0]:
            open_internal_port(host, port).close()
        yield Finding("ok", "address", f"{host} is free for other nodes")
    except OSError as error:
        yield _refusal("address", error)


def _on_accounts(settings: Settings) -> Finding:
    match access_policy(settings).accounts:
        case "off":
            why = "" if settings.accounts == "off" else ", since a key for tokens is set"
            return Finding("ok", "accounts", f"off{why}: no one can register or sign in with a password")
        case "invite":
            return Finding("ok", "accounts", "invite: people register with an invitation (talkwire invite)")
        case "open" if is_loopback(settings.host) and not settings.trusted_proxies:
            return Finding("ok", "accounts", "open: anyone who reaches this machine's loopback may register")
        case "open":
            return Finding("warning", "accounts", "open: anyone who reaches this server may register")


def _on_sign_in(settings: Settings) -> Iterator[Finding]:
    has_no_way = access_policy(settings).accounts == "off" and settings.oidc_issuer is None
    if web_sign_in(settings) == "account" and has_no_way:
        shown = "web_sign_in is account, but accounts are off: no one can sign in to the web client"
        yield Finding("warning", "web client", shown)


def _on_provider(settings: Settings) -> Iterator[Finding]:
    issuer = settings.oidc_issuer
    if issuer is None:
        if settings.oidc_client_id is not None:
            yield Finding("warning", "oidc", "oidc_client_id has no effect without oidc_issuer")
        return
    yield asyncio.run(_on_issuer(issuer))
    if settings.public_url is None:
        yield Finding("note", "oidc", "no public_url is set: people are sent back to the address that they have opened")
    else:
        redirect = f"{settings.public_url.rstrip('/')}{CALLBACK}"
        yield Finding("ok", "oidc", f"the redirect address to register at the provider is {redirect}")


async def _on_issuer(issuer: str) -> Finding:
    """Fetches what a sign-in needs from the OpenID provider before its user is there."""
    async with _operator_client(PROVIDER_REQUEST_S) as client:
        try:
            metadata = await ProviderDocuments(issuer.rstrip("/"), client).metadata()
        except SignInFailed as failed:
            return Finding("warning", "oidc", f"{issuer} cannot be used now: {failed.detail}")
        if metadata.refused_algorithms is not None:
            return Finding("wrong", "oidc", f"{issuer} can sign in nobody: {metadata.refused_algorithms}")
        keys = KeySet(metadata.jwks_uri, client)
        await keys.refresh()
    if keys.last_failure is not None:
        return Finding("warning", "oidc", f"{issuer} cannot be used now: the provider's keys: {keys.last_failure}")
    return Finding("ok", "oidc", f"{issuer} responds, and provides keys")


def _on_origins(settings: Settings) -> Iterator[Finding]:
    if "*" in settings.origins:
        yield Finding("warning", "origins", "any web page may connect")
    elif "null" in settings.origins:
        yield Finding("warning", "origins", "null allows the sandboxed frames of every site, without cookies")
    elif settings.origins:
        yield Finding("ok", "origins", f"pages of {', '.join(settings.origins)} and the server's own may connect")
    elif is_loopback(settings.host):
        yield Finding("ok", "origins", "none is set: the server's own pages may connect, and pages of this machine")
    else:
        yield Finding("note", "origins", "none is set, so only the server's own pages may connect")


def _on_logo(settings: Settings) -> Iterator[Finding]:
    if settings.web_logo is None:
        return
    try:
        page_options(settings)
        yield Finding("ok", "web client", f"{settings.web_logo} is its logo")
    except SettingsError as error:
        yield _refusal("web client", error)


def _on_traces(settings: Settings) -> Iterator[Finding]:
    if settings.otlp_endpoint is None:
        return
    try:
        require_otlp()
        yield Finding("ok", "traces", f"they are sent to {public_text(settings.otlp_endpoint)}")
    except Failure as error:
        yield _refusal("traces", error)


def _print(finding: Finding) -> None:
    line = f"{finding.state:<8} {finding.subject}: {finding.message}"
    if sys.stdout.isatty():
        styled = Text(line)
        styled.stylize(_STYLES[finding.state], 0, len(finding.state))
        Console(highlight=False).print(styled, soft_wrap=True)
    else:
        print_line(line)
