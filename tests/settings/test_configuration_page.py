"""`docs/configuration.md` is up to date, and its example settings are valid."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from talkwire.settings import Settings
from talkwire.settings.configuration_page import configuration_page
from talkwire.settings.keys import signing_secret
from talkwire.settings.known import known_settings
from talkwire.settings.rules import SettingsError
from talkwire.settings.sources import load_settings

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "configuration.md"


def example(language: str) -> str:
    """The one example of the page in this language."""
    blocks = PAGE.read_text(encoding="utf-8").split(f"```{language}\n")[1:]
    assert len(blocks) == 1
    return blocks[0].partition("```")[0]


def variables() -> dict[str, str]:
    pairs = (line.partition("=") for line in example("sh").splitlines())
    return {name: value.strip('"') for name, _, value in pairs}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == configuration_page(), "a setting was changed: run make docs"


def test_every_setting_has_a_row_with_its_flag_and_its_variables() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(known_settings())
    for row, known in zip(rows, known_settings().values(), strict=True):
        assert row.startswith(f"| `{known.name}`<br>`{known.flag}")
        assert all(f"`{variable}`" in row for variable in known.variables)


def test_the_example_file_is_valid_and_agrees_with_the_page(tmp_path: Path) -> None:
    file = tmp_path / "talkwire.toml"
    file.write_text(example("toml"), encoding="utf-8")
    loaded = load_settings({}, {}, file)
    assert loaded.sources.keys() == tomllib.loads(example("toml")).keys()


def test_the_example_of_variables_sets_the_same_as_the_file(tmp_path: Path) -> None:
    file = tmp_path / "talkwire.toml"
    file.write_text(example("toml"), encoding="utf-8")
    from_variables = load_settings({}, variables())
    assert len(from_variables.sources) == len(variables()), "each of them is a setting"
    assert from_variables.settings == load_settings({}, {}, file).settings


def test_the_secret_of_the_examples_starts_no_server(tmp_path: Path) -> None:
    """A server must not start with the example secret, which is public."""
    file = tmp_path / "talkwire.toml"
    file.write_text(example("toml"), encoding="utf-8")
    for loaded in (load_settings({}, {}, file), load_settings({}, variables())):
        with pytest.raises(SettingsError, match="jwt_secret"):
            signing_secret(loaded.settings)


@pytest.mark.parametrize("name", ["upload_ttl", "presence_grace_s", "service_roles", "data", "rate_limits", "port"])
def test_a_default_as_it_is_shown_is_the_default(name: str) -> None:
    known = known_settings()[name]
    settings = load_settings({name: known.shown_default}, {}).settings
    assert getattr(settings, name) == getattr(Settings(), name)


def test_links_lead_to_pages() -> None:
    linked = {part.partition(")")[0] for part in PAGE.read_text(encoding="utf-8").split("](")[1:]}
    assert linked
    assert [name for name in linked if not (DOCS / name).is_file()] == []
