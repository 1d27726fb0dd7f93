"""The command line and the credentials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from talkwire_agent import command
from talkwire_agent.arguments import parsed
from talkwire_agent.credentials import CredentialsError, api_key_in, printed_by, token_source

NEEDED = ["--openai", "http://localhost:11434/v1/", "--model", "small", "--as", "helper"]
CLIENT = Path(__file__).parents[3] / "clients/python/src"


def test_the_least_that_a_command_line_says() -> None:
    found = parsed(NEEDED)
    assert (found.openai, found.model, found.user) == ("http://localhost:11434/v1", "small", "helper")
    assert (found.server, found.tools, found.system) == ("http://127.0.0.1:3000", (), "")
    assert (found.max_history, found.timeout_s, found.concurrency) == (24_000, 120.0, 4)
    assert (found.api_key_env, found.token_command, found.lease_s) == (None, (), 15)


def test_all_that_a_command_line_says(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text('def track(order: int) -> str:\n    """Tracks."""\n', encoding="utf-8")
    (tmp_path / "system.txt").write_text("Help.\n", encoding="utf-8")
    options = ["--tools", str(tmp_path / "shop.py"), "--system", f"@{tmp_path / 'system.txt'}", "--max-history", "1000"]
    options += [
        "--timeout",
        "2.5",
        "--api-key-env",
        "KEY",
        "--concurrency",
        "9",
        "--lease",
        "30",
        "--server",
        "https://chat.example.com",
    ]
    found = parsed([*NEEDED, *options, "--token-command", "talkwire token 'a b'"])
    assert [tool.name for tool in found.tools] == ["track"]
    assert (found.system, found.max_history, found.timeout_s, found.concurrency) == ("Help.", 1000, 2.5, 9)
    assert (found.server, found.api_key_env, found.lease_s) == ("https://chat.example.com", "KEY", 30)
    assert found.token_command == ("talkwire", "token", "a b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--openai", "localhost:11434"], "--openai: 'localhost:11434' must be an address such as"),
        (["--openai", "http://"], "--openai: 'http://' must be an address"),
        (["--openai", "http://a:b/"], "--openai: 'http://a:b/' must be an address"),
        (["--openai", "http://a/v1?x=1"], "must have no ? and no #"),
        (["--server", "ftp://a"], "--server: 'ftp://a' must be an address"),
        (["--tools", "no_such_file.py"], "--tools: no_such_file.py: there is no such file"),
        (["--system", "@no_such_file.txt"], "--system: no_such_file.txt: No such file or directory"),
        (["--max-history", "5"], "--max-history: must be at least 100"),
        (["--max-history", "many"], "--max-history: invalid int value"),
        (["--timeout", "0"], "--timeout: must be more than 0"),
        (["--timeout", "nan"], "--timeout: must be more than 0"),
        (["--concurrency", "0"], "--concurrency: must be at least 1"),
        (["--lease", "4"], "--lease: must be from 5 to 300"),
        (["--lease", "301"], "--lease: must be from 5 to 300"),
        (["--model", " "], "--model: must not be empty"),
        (["--token-command", "a 'b"], "--token-command: No closing quotation"),
        (["--key", "secret"], "unrecognized arguments"),
    ],
)
def test_a_command_line_that_is_wrong(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed([*NEEDED, *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_tool_without_type_hints_is_an_error_of_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.py").write_text('def track(order):\n    """Tracks."""\n', encoding="utf-8")
    with pytest.raises(SystemExit):
        parsed([*NEEDED, "--tools", str(tmp_path / "shop.py")])
    assert "shop.py: track(): the parameter order needs a type hint" in capsys.readouterr().err


def test_the_api_key_is_in_a_variable() -> None:
    assert api_key_in({"A": " k "}, "A", is_required=True) == "k"
    assert api_key_in({}, "A", is_required=False) == "none"
    with pytest.raises(CredentialsError, match="the environment variable A is not set"):
        api_key_in({"A": ""}, "A", is_required=True)


async def test_the_token_is_in_a_variable_or_printed_by_a_command() -> None:
    assert token_source({"TALKWIRE_TOKEN": " t "}, "helper", ()) == "t"
    source = token_source({"TALKWIRE_TOKEN": "t"}, "helper", (sys.executable, "-c", "print('printed')"))
    assert not isinstance(source, str)
    found = source()
    assert not isinstance(found, str)
    assert await found == "printed"


def test_without_a_token_the_servers_own_command_prints_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CredentialsError, match="There is no token for helper"):
        token_source({}, "helper", ())
    (tmp_path / "talkwire").touch()
    assert callable(token_source({}, "helper", ()))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('no secret')", "no secret"),
        ("pass", "exit code 0, no token"),
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import sys; print('half'); sys.exit(3)", "exit code 3"),
    ],
)
async def test_a_command_that_prints_no_token(program: str, message: str) -> None:
    with pytest.raises(CredentialsError, match=message):
        await printed_by([sys.executable, "-c", program])()
    with pytest.raises(CredentialsError, match="no_such_program: cannot be run"):
        await printed_by(["no_such_program"])()


def test_errors_before_the_start_have_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    assert command.run_command([*NEEDED, "--api-key-env", "NO_SUCH_KEY"]) == 1
    assert capsys.readouterr().err == "talkwire-agent: --api-key-env: the environment variable NO_SUCH_KEY is not set\n"
    assert command.run_command([*NEEDED, "--token-command", f"{sys.executable} -c pass"]) == 1
    assert "no token" in capsys.readouterr().err


def _run(program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(CLIENT)}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)


def test_the_program_without_its_extra_says_what_to_install() -> None:
    program = """
import sys
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "openai" else find_spec(name)
from talkwire_agent.__main__ import main
sys.exit(main([]))
"""
    found = _run(program)
    assert found.returncode == 1
    assert found.stderr == "talkwire-agent needs openai: pip install 'talkwire-client[agent]'\n"


def test_a_file_of_tools_imports_the_decorator_without_the_extra() -> None:
    found = _run(
        "import sys, json, talkwire_agent; print(json.dumps([n for n in ('openai', 'rfc8785') if n in sys.modules]))"
    )
    assert json.loads(found.stdout) == []
