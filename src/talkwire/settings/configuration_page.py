"""`docs/configuration.md`: how settings are given, and a row for each, out of the class that they are.

python -m talkwire.settings.configuration_page docs/configuration.md      (this is part of `make docs`)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from talkwire.settings.sources import Known, known_settings

_TOP = """\
# Configuration

Written by `make docs` from the settings themselves; do not edit it. `talkwire serve --help` says the same.
`talkwire check` with the options that the server will have says what is wrong with them, and with the database, the
keys and the address.

Every setting is a flag, a variable `TALKWIRE_…` and a key of `talkwire.toml`. A flag goes before the environment,
the environment before the file, the file before the default. The second variable of a row (`PORT`, `DATABASE_URL`
…) is read when the first is not set. An empty variable counts as not set.

## The file

`talkwire.toml` in the folder where `talkwire` is started, or the file of `--config FILE` or `TALKWIRE_CONFIG`. A
key that is no setting is an error; of a variable `TALKWIRE_…` that is none, `talkwire check` warns.

```toml
# talkwire.toml
host = "127.0.0.1"                              # a proxy on the same machine passes requests on
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

Give a secret in a variable, or in a file that only the server's user can read: flags can be seen by all users of a
machine.

## How values are written

| | flag or variable | in the file |
|---|---|---|
| yes or no | `on` `off`, `true` `false`, `yes` `no`, `1` `0`; a flag `--demo`, `--no-demo` | `true`, `false` |
| number | `3000`, `2.5` | `3000`, `2.5` |
| duration | `90s`, `15m`, `1h`, `30d`, `2w`, `1h30m` | the same, as a text |
| name that ends in `_s` | seconds: `25`, `2.5` | `25`, `2.5` |
| list | with commas: `10.0.0.0/8,127.0.0.1` | `["10.0.0.0/8", "127.0.0.1"]`, or such a text |

## Every setting

| key and flag | variables | default | |
|---|---|---|---|
"""

_PAGE = re.compile(r"docs/(\w+\.md)")


def configuration_page() -> str:
    """The page."""
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
