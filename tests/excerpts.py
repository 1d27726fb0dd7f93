"""The examples of a Markdown page that are code of this repository.

A code block below `<!-- from FILE: NAME -->` is the definition of NAME in FILE. `python -m tests.excerpts PAGE` writes
all of them again.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
_BLOCK = re.compile(r"(<!-- from (?P<file>\S+): (?P<name>\w+) -->\n```python\n).*?(?P<end>```\n)", re.DOTALL)


def with_excerpts(page: str) -> str:
    """Returns the page with the present definitions. Raises LookupError for a name that its file does not define."""
    return _BLOCK.sub(lambda block: f"{block[1]}{definition(block['file'], block['name'])}\n{block['end']}", page)


def definition(file: str, name: str) -> str:
    """Returns the source of a function or class at the top level of a file, with its decorators."""
    source = (REPOSITORY / file).read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(source.splitlines()[first - 1 : node.end_lineno])
    raise LookupError(f"{file} does not define {name}")


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_excerpts(path.read_text(encoding="utf-8")), encoding="utf-8")
