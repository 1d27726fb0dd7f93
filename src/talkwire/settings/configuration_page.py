"""Generates `docs/configuration.md` from the settings: how to set them, and a table row for each setting.

python -m talkwire.settings.configuration_page docs/configuration.md      (part of `make docs`)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from talkwire.settings.known import Known, known_settings

_TOP = """\
# Configuration

Generated from the settings by `make docs`; do not edit it.
`talkwire serve --help` shows the same texts.
`talkwire check`, with the options of the server, reports problems with the settings, the database, the keys
and the address.

Every setting is a flag, a variable `TALKWIRE_…` and a key of `talkwire.toml`.
A flag overrides the environment, the environment overrides the file, and the file overrides the default.
The second variable of a row (`PORT`, `DATABASE_URL` …) is read if the first is not set.
An empty variable counts as not set.

## The file

`talkwire.toml` in the folder where `talkwire` is started, or the file of `--config FILE` or `TALKWIRE_CONFIG`.
An unknown key is an error; `talkwire check` warns of an unknown variable `TALKWIRE_…`.

```toml
# talkwire.toml
host = "127.0.0.1"                              # a proxy on the same machine forwards requests
port = 3000
data = "/var/lib/talkwire"
jwt_secret = "…"                                # at least 32 bytes, the same as in your application
jwt_issuer = "https://app.example.com"
origins = ["https://app.example.com", "https://admin.example.com"]
trusted_proxies = ["127.0.0.1"]
retention = "365d"
rates = ["sends=50/200"]
rate_limits = true
```

The same as variables, for a container or a unit file:

```sh
TALKWIRE_DATA=/var/lib/talkwire
TALKWIRE_JWT_ISSUER=https://app.example.com
TALKWIRE_ORIGINS=https://app.example.com,https://admin.example.com
TALKWIRE_TRUSTED_PROXIES=127.0.0.1
TALKWIRE_RETENTION=365d
TALKWIRE_RATES=sends=50/200
JWT_SECRET=…
```

Give a secret in a variable, or in a file that only the server's user can read:
flags can be seen by all users of a machine.

Each variable also exists with `_FILE` at its end.
It names a file whose content is the value: container platforms and systemd provide secrets as such files.
A byte order mark and white space around the value are ignored.
Setting the variable and its file is an error.

```dotenv
JWT_SECRET_FILE=/run/secrets/jwt_secret
DATABASE_URL_FILE=/run/secrets/database_url
```

## How values are written

| | flag or variable | in the file |
|---|---|---|
| yes or no | `on` `off`, `true` `false`, `yes` `no`, `1` `0`; a flag `--demo`, `--no-demo` | `true`, `false` |
| number | `3000`, `2.5` | `3000`, `2.5` |
| duration | `90s`, `15m`, `1h`, `30d`, `2w`, `1h30m` | the same, as a text |
| name that ends in `_s` | seconds: `25`, `2.5` | `25`, `2.5` |
| list | with commas: `10.0.0.0/8,127.0.0.1` | `["10.0.0.0/8", "127.0.0.1"]`, or such a text |

Line breaks separate the items of a list too.
White space and `;` also do, except in `callbacks`, `rates`, and the names of issuers, audiences, roles and claims.
An item that can never match is an error: of all lists, only `origins` has wildcards.

## The address of PostgreSQL

`DATABASE_URL` is read by libpq, PostgreSQL's client library, which `psql` uses, too.
libpq's connection parameters (<https://www.postgresql.org/docs/current/libpq-connect.html>) follow the `?`.

| | form |
|---|---|
| usual | `postgresql://USER:PASSWORD@HOST:5432/NAME` |
| IPv6 | `postgresql://USER:PASSWORD@[2001:db8::1]:5432/NAME` |
| socket | `postgresql://USER@/NAME?host=/var/run/postgresql` |
| several hosts | `postgresql://USER:PASSWORD@DB1:5432,DB2:5433/NAME?target_session_attrs=read-write` |
| several hosts, one port | `postgresql://USER:PASSWORD@/NAME?host=DB1,DB2&port=5432` |
| TLS | `…/NAME?sslmode=verify-full&sslrootcert=/etc/ssl/db%20ca.pem` |
| a schema | `…/NAME?options=-c%20search_path%3Dchat` |
| service, password file | `postgresql:///?service=chat`, `postgresql://USER@HOST/NAME?passfile=/run/secrets/pgpass` |

- Percent-encode reserved characters in user, password, name and values:
  `@` is `%40`, `/` is `%2F`, `%` is `%25`, a space is `%20`; in values also `=` as `%3D` and `&` as `%26`.
- Talkwire makes its [session settings](postgresql.md) after connecting, so its own win over `options` and `PGOPTIONS`.
  It sets time limits, keepalives and the application's name only where the address, the service and the environment
  do not.
- Unknown parameters, parameters that are given twice, `replication`, and a `client_encoding` other than `utf8`
  are refused.
- `postgres://` and a driver's name (`postgresql+psycopg://`) mean the same.

## Every setting

| key and flag | variables | default | |
|---|---|---|---|
"""

_PAGE = re.compile(r"docs/([\w/-]+\.md)")


def configuration_page() -> str:
    return _TOP + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    for known in known_settings().values():
        variables = "<br>".join(f"`{name}`" for name in known.variables)
        default = f"`{known.shown_default}`" if known.shown_default else ""
        cells = (f"`{known.name}`<br>`{_flag(known)}`", variables, default, _described(known.setting.help))
        escaped = (cell.replace("|", r"\|") for cell in cells)
        yield "|" + "".join(f" {cell} |" if cell else " |" for cell in escaped)


def _flag(known: Known) -> str:
    if known.kind is bool:
        return f"{known.flag}, --no-{known.flag.removeprefix('--')}"
    return f"{known.flag} {known.metavar or 'TEXT'}"


def _described(text: str) -> str:
    return _PAGE.sub(r"[\1](\1)", text)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(configuration_page(), encoding="utf-8")
