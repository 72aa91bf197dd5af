"""What `docs/security.md` claims is held by tests that exist."""

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs/security.md").read_text()
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


def test_every_test_that_is_named_exists() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED.findall(PAGE)
        if not (ROOT / path).exists() or name not in _tests_of(path)
    ]
    assert missing == []


def test_every_claim_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    claims = [row for row in rows if not row.startswith("| Can try")]
    assert len(claims) > 20
    assert [row for row in claims if not NAMED.search(row)] == []


def test_every_place_says_what_is_not_stopped() -> None:
    places = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert [place for place in places if "\nNot stopped: " not in place] == []
