"""Each check of the sources finds what it is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.check_sources import (
    MODULES_MAX,
    Problem,
    circle_problems,
    class_problems,
    language_problems,
    loop_problems,
    name_problems,
    path_problems,
    sentence_problems,
    summary_problems,
    value_problems,
    width_problems,
)

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file of a repository in which the checks run."""
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def _texts(problems: list[Problem]) -> list[tuple[int, str]]:
    return [(problem.line, problem.text) for problem in problems]


@pytest.mark.parametrize(
    "source",
    [
        '"""Who is told what."""',
        'LIMIT = 1\n"""What whoever asks\nis\ntold."""',
        "x = 1  # it is waited for the answer\n",
        'def f() -> None:\n    """Begins anew."""\n',
    ],
)
def test_an_idiom_is_found_in_docstrings_and_comments(write: Write, source: str) -> None:
    assert list(language_problems([write("src/talkwire/a.py", source)]))


def test_code_and_other_strings_are_not_prose(write: Write) -> None:
    path = write("src/talkwire/a.py", 'def whoever() -> str:\n    return "is told anew"\n')
    assert list(language_problems([path])) == []


def test_the_comments_of_a_script_are_prose(write: Write) -> None:
    script = write("web/page.ts", '// Whoever asks.\n/**\n * Is loaded anew.\n */\nconst text = "whoever";\n')
    assert [problem.line for problem in language_problems([script])] == [1, 3]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tests/a.py", "told = 1\n"),
        ("tests/a.py", "class A:\n    _is_told: bool\n"),
        ("tests/a.py", "def said_until_done() -> None: ...\n"),
        ("web/a.ts", "const heard = 1;\n"),
        ("web/a.ts", "function isSaid() {}\n"),
    ],
)
def test_a_vague_name_is_found(write: Write, name: str, text: str) -> None:
    assert len(list(name_problems([write(name, text)]))) == 1


def test_other_names_and_words_are_not_vague(write: Write) -> None:
    python = write("tests/a.py", 'overheard, saidar = "told", 1  # said\n')
    script = write("web/a.ts", 'const overheard = "told"; // const\n')
    assert list(name_problems([python, script])) == []


@pytest.mark.parametrize(
    ("source", "line", "word"),
    [
        ('PAUSE_S = 1.0\n"""How long to wait."""\n', 2, "How"),
        ('_pause_s = 1.0\n"""\nAfter so many seconds."""\n', 2, "After"),
        ('Key = tuple[str, str]\n"""(user id, node id)"""\n', 2, "("),
        ('USERS: dict[str, int] = {}\n"""By id."""\n', 2, "By"),
        (
            'class A:\n    def __init__(self) -> None:\n        self.pos = 0\n        """Up to here."""\n',
            4,
            "Up",
        ),
    ],
)
def test_a_text_of_a_value_begins_with_what_the_value_is(write: Write, source: str, line: int, word: str) -> None:
    path = write("src/talkwire/a.py", source)
    problems = [(line, f'"{word}": start with a noun: what the value is')]
    assert _texts(list(value_problems([path]))) == problems


@pytest.mark.parametrize(
    "source",
    [
        'PAUSE_S = 1.0\n"""Seconds to wait."""\n',
        'ASK = 1.0\n"""Asked questions, which How would begin."""\n',
        'KEYS = {}\n"""`How`, by key."""\n',
        'class A:\n    pause_s = 1.0\n    """How long to wait."""\n',
        'def wait() -> None:\n    """How one waits."""\n    pause_s = 1.0\n',
    ],
)
def test_other_texts_of_values_and_those_of_fields_may_begin_with_any_word(write: Write, source: str) -> None:
    assert list(value_problems([write("src/talkwire/a.py", source)])) == []


@pytest.mark.parametrize(
    "value",
    [
        *("USERS = 1_000", "DEPTH: Final = -2", "DAY = 24 * 60", "EXPIRES_AFTER = timedelta(days=1)"),
        *("HEAD_BYTES = MAC_BYTES + MARK_BYTES", "PAUSES_S = (1, 2)", "NAME_MAX_LENGTH = limit()"),
    ],
)
def test_a_public_number_has_a_text(write: Write, value: str) -> None:
    path = write("tools/a.py", f"import b\n{value}\n")
    name = value.split(maxsplit=1)[0].rstrip(":")
    assert _texts(list(value_problems([path]))) == [(2, f"{name}: say below the number what it is, and its unit")]


@pytest.mark.parametrize(
    "source",
    [
        *("_USERS = 1_000", "IS_ON = True", 'NAME = "a"', "NAMES = {1: 2}", "limit = 1", "T = TypeVar('T')"),
        *("class A:\n    USERS = 1", "def ask() -> None:\n    USERS = 1", 'NAME: Final = "a" * 3', "A.USERS = 1"),
    ],
)
def test_other_values_need_no_text(write: Write, source: str) -> None:
    assert list(value_problems([write("tools/a.py", f"{source}\n")])) == []


@pytest.mark.parametrize(
    "name", ["tests/a.py", "bench/a.py", "web/a.ts", "clients/python/src/talkwire_client/payloads.py"]
)
def test_the_values_of_tests_and_of_generated_modules_are_not_checked(write: Write, name: str) -> None:
    path = write(name, 'PAUSE_S = 1.0\n"""How long to wait."""\nUSERS = 1\n')
    assert list(value_problems([path])) == []


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ('const path = new URL("a.ts", import.meta.url).pathname;\n', [1]),
        ('const A = new URL("a/", import.meta.url);\nconst b = new URL("b.ts", A)\n  .pathname;\n', [3]),
        ("const { pathname } = new URL(import.meta.url);\n", [1]),
        ('const path = fileURLToPath(new URL("a.ts", import.meta.url));\n', []),
        ("const page = new URL(request.url).pathname;\n", []),
    ],
)
def test_a_script_does_not_take_the_path_of_a_url_for_that_of_a_file(
    write: Write, script: str, lines: list[int]
) -> None:
    assert [problem.line for problem in path_problems([write("web/a.ts", script)])] == lines


def test_a_page_is_prose(write: Write) -> None:
    path = write("docs/page.md", "# Page\n\nThe client hears of it.\nSee contract, section 3.\n")
    assert _texts(list(language_problems([path]))) == [
        (3, '"hears of": write receives, learns of'),
        (4, "refers to a paper that is not in the repository"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "The client connects. The server answers.",
        "- An item. It has a second sentence.",
        "1. Run `make docs`. `make lint` checks it.",
        "**A label.** A sentence. Another one.",
        "See [files](files.md). A file has an id (of 32 digits). [Uploads](files.md#uploads) too!",
        "It needs Python 3.11. Node is optional.",
    ],
)
def test_a_line_of_a_page_has_one_sentence(write: Write, line: str) -> None:
    path = write("docs/page.md", f"# Page\n\n{line}\n")
    assert _texts(list(sentence_problems([path]))) == [(3, "two sentences: write each on a line of its own")]


@pytest.mark.parametrize(
    "text",
    [
        "The client connects.\nThe server answers.",
        "- An item.\n  It has a second sentence.",
        "1. One item.\n2. Another item.",
        "- **A label.** A sentence.",
        "Names, e.g. Alice, i.e. Bob, vs. Carol, and versions such as 1.2. are no ends of sentences … Nor is `a. B`.",
        'It says "You cannot write here. Ask a moderator." and closes.',
        "## A heading. With two sentences",
        "| a cell. It | has two. Or three. |",
        "```text\nThe client connects. The server answers.\n```",
        "- An item:\n\n  ```text\n  The client connects. The server answers.\n  ```",
    ],
)
def test_code_tables_headings_and_quotes_may_have_more_sentences(write: Write, text: str) -> None:
    assert list(sentence_problems([write("docs/page.md", f"# Page\n\n{text}\n")])) == []


def test_a_class_name_is_given_once_outside_the_dialects(write: Write) -> None:
    paths = [
        write("src/talkwire/a.py", "class Hub: ...\nclass _Own: ...\n"),
        write("src/talkwire/b/c.py", "class _Own: ...\nclass Hub: ...\n"),
        write("src/talkwire/dialects/d.py", "class Hub: ...\n"),
    ]
    assert list(class_problems(paths)) == [Problem(paths[1], 2, "class Hub is also in src/talkwire/a.py")]


def test_a_package_is_at_most_so_wide(write: Write) -> None:
    paths = [write(f"src/talkwire/wide/m{number}.py", "") for number in range(MODULES_MAX)]
    assert list(width_problems(paths)) == []
    paths.append(write("src/talkwire/wide/__init__.py", ""))
    assert [problem.path for problem in width_problems(paths)] == [Path("src/talkwire/wide")]


def test_a_circle_of_imports_is_found_also_for_type_checkers_only(write: Write) -> None:
    paths = [
        write("src/talkwire/a.py", "from talkwire.b import B\n"),
        write("src/talkwire/b.py", "from talkwire import c\n"),
        write("src/talkwire/c.py", "if TYPE_CHECKING:\n    from talkwire.a import A\n"),
        write("src/talkwire/d.py", "from talkwire.a import A\n"),
    ]
    assert len(list(circle_problems(paths))) == 1
    assert list(circle_problems([paths[0], paths[1], paths[3]])) == []


@pytest.mark.parametrize(("summary", "wrong"), [("Edit a message", 0), ("A message", 1), ("Edit a message.", 1)])
def test_a_summary_begins_with_a_verb(write: Write, summary: str, wrong: int) -> None:
    path = write("src/talkwire/api/a.py", f'@get("/messages", summary="{summary}")\ndef route(): ...\n')
    assert len(list(summary_problems([path]))) == wrong


@pytest.mark.parametrize(
    ("loop", "is_found"),
    [
        ("while True:\n        await news.wait()", True),
        ("while await queue.get():\n        pass", True),
        ("while True:\n        if news:\n            await asyncio.sleep(1)", True),
        (
            "while True:\n        try:\n            await ask()\n        except OSError:\n            await sleep(1)",
            True,
        ),
        ("while True:\n        for each in news:\n            await asyncio.sleep(0)", True),
        ("while True:\n        await news.wait()\n        await asyncio.sleep(0)", False),
        ("while await chat.execute(actor, command):\n        pass", False),
        ("while True:\n        await asyncio.wait([task])", False),
        ("while True:\n        try:\n            await ask()\n        finally:\n            await sleep(1)", False),
        ("while True:\n        async with lock:\n            await asyncio.sleep(0)", False),
        ("while True:  # Suspends: the event was cleared.\n        await news.wait()", False),
        ("# Suspends: the event was cleared.\n    while True:\n        await news.wait()", False),
        ("while True:\n        news.pop()", False),
    ],
)
def test_a_loop_that_awaits_suspends_or_says_why(write: Write, loop: str, is_found: bool) -> None:  # noqa: FBT001 (data)
    path = write("src/talkwire/a.py", f"async def run() -> None:\n    {loop}\n")
    assert bool(list(loop_problems([path]))) is is_found


def test_the_loops_of_tests_and_of_ordinary_functions_are_not_checked(write: Write) -> None:
    waits = "async def run() -> None:\n    while True:\n        await news.wait()\n"
    nested = (
        "async def run() -> None:\n    while True:\n        async def ask() -> None:\n            await news.wait()\n"
    )
    paths = [write("tests/test_a.py", waits), write("src/talkwire/a.py", nested)]
    assert list(loop_problems(paths)) == []
