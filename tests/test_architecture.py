"""The rules of the layout, read from the source: who may import whom, and how long.

Only `ast` looks at the product; nothing of it is imported.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PRODUCT: Final = ("agents", "bench", "bus", "cli", "lab")
ROLES: Final = tuple(path.parent.name for path in ROOT.glob("agents/*/__init__.py"))

# What a module says of itself in its docstring's first lines if it touches nothing: it
# decides or declares, so that it can be told as stories.
CALLS_ITSELF_PURE: Final = re.compile(r"\b(pure|values only)\b", re.IGNORECASE)
# These have to: whoever takes the word out of one of them means something else.
PURE: Final = (
    *("bus/commands.py", "bus/heartbeat.py", "bus/topics.py"),
    *("agents/coordinator/decide.py", "agents/coordinator/model.py"),
    *("agents/entry/decide.py", "agents/entry/detector.py", "agents/entry/model.py"),
    *("agents/entry/address_answer.py", "agents/entry/public_address.py"),
    *("agents/exit/decide.py", "agents/exit/forwarding.py", "agents/exit/model.py"),
    *("agents/homeassistant/decide.py", "agents/homeassistant/model.py"),
)
IMPURE: Final = frozenset(
    {
        *("asyncio", "concurrent", "logging", "multiprocessing", "os", "random"),
        *("secrets", "select", "selectors", "shutil", "signal", "socket"),
        *("subprocess", "tempfile", "threading", "time", "uuid"),
    }
)

# Who may know a library: what is untyped, or will change, stays in one place.
OWNERS: Final = {
    "aiodocker": ("agents/containers/engine.py",),
    "aiohttp": (
        *("agents/containers/engine.py", "agents/http_server.py"),
        *("agents/dashboard/web.py", "agents/entry/address_service.py"),
        "agents/metrics/pages.py",
    ),
    "aiomqtt": ("bus/wire.py",),
    "click": ("cli/", "lab/"),
    "cryptography": ("cli/authority.py", "cli/seal.py", "cli/wgkeys.py"),
    "msgspec": ("bus/codec.py",),
    "orjson": ("bus/codec.py",),
    "paho": ("bus/wire.py",),
    "pyroute2": ("agents/pyroute2_parts.py",),
    "prometheus_client": ("agents/metrics/exposition.py",),
    "rich": ("cli/", "lab/"),
    "segno": ("cli/qr.py",),
    "vici": ("agents/exit/ikectl.py",),
}

FILE_LINES: Final = 300
FUNCTION_LINES: Final = 40

# Where an untyped library comes in under its own names, and who may take them.
TYPED_BY: Final = {
    "agents/pyroute2_parts.py": (
        *("agents/netlink.py", "agents/rtnetlink.py", "agents/netlink_errors.py"),
    ),
}

# Tasks that nobody waits for, and limits that lose a cancellation.
LOOSE: Final = ("create_task", "ensure_future", "gather", "wait_for")


def product() -> list[Path]:
    return sorted(path for top in PRODUCT for path in (ROOT / top).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), name_of(path))


def imports(path: Path) -> Iterator[str]:
    """Full names of everything imported, also within functions and for types only."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: a relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def file_of(imported: str) -> Path | None:
    """The file of ours that this import reaches; None for others'."""
    parts = imported.split(".")
    for length in (len(parts), len(parts) - 1):
        path = ROOT.joinpath(*parts[:length]).with_suffix(".py")
        if length and path.exists():
            return path
    return None


def ours(path: Path) -> Iterator[Path]:
    for imported in imports(path):
        if imported.split(".")[0] in PRODUCT and (file := file_of(imported)):
            yield file


def role_of(path: Path) -> str:
    """The agent that a file belongs to; empty for what all share."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "agents" and len(parts) > 2 else ""


EVERY: Final = pytest.mark.parametrize("path", product(), ids=name_of)


@EVERY
def test_the_bus_knows_nobody_and_no_agent_knows_the_tools(path: Path) -> None:
    below = {"bus": ("agents", "cli", "lab"), "agents": ("cli", "lab")}
    above = below.get(path.relative_to(ROOT).parts[0], ())
    assert not [name for name in imports(path) if name.split(".")[0] in above]


@EVERY
def test_no_agent_knows_another(path: Path) -> None:
    role = role_of(path)
    if path.relative_to(ROOT).parts[0] == "agents":
        assert not [
            name_of(other) for other in ours(path) if role_of(other) not in ("", role)
        ]


@EVERY
def test_within_an_agent_imports_point_one_way(path: Path) -> None:
    """agent -> decide -> model; adapters may know the model's words, no rule."""
    if not role_of(path) or path.stem in ("agent", "__init__"):
        return
    known = {file.stem for file in ours(path) if role_of(file) == role_of(path)}
    assert "agent" not in known
    if path.stem == "model" or not is_pure(path):
        assert "decide" not in known


def closure(path: Path) -> set[Path]:
    """The file and all of ours that it reaches."""
    reached: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += ours(file)
    return reached


def is_pure(path: Path) -> bool:
    return not any(imported.split(".")[0] in IMPURE for imported in imports(path))


def calls_itself_pure(path: Path) -> bool:
    if path.relative_to(ROOT).parts[0] not in ("agents", "bus"):
        return False
    said = ast.get_docstring(tree(path)) or ""
    return bool(CALLS_ITSELF_PURE.search(said)) or "bus/messages/" in name_of(path)


@pytest.mark.parametrize(
    "path", [path for path in product() if calls_itself_pure(path)], ids=name_of
)
def test_what_decides_or_declares_is_pure_as_is_all_that_it_uses(path: Path) -> None:
    for file in closure(path):
        for imported in imports(file):
            top = imported.split(".")[0]
            allowed = top in PRODUCT or top in sys.stdlib_module_names
            assert allowed, f"{name_of(file)} imports {imported}"
            assert top not in IMPURE, f"{name_of(file)} imports {imported}"


@EVERY
def test_each_library_is_known_to_its_owner_only(path: Path) -> None:
    for imported in imports(path):
        top = imported.split(".")[0]
        if top not in PRODUCT and top not in sys.stdlib_module_names:
            owners = OWNERS.get(top)
            assert owners, f"{top} has no owner: {imported}"
            assert name_of(path).startswith(owners), f"{imported} belongs to {owners}"


@EVERY
def test_what_is_untyped_goes_no_further_than_who_makes_it_typed(path: Path) -> None:
    for door in map(name_of, ours(path)):
        assert name_of(path) in TYPED_BY.get(door, (name_of(path),))


@EVERY
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


@EVERY
def test_a_function_can_be_seen_at_once(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


@EVERY
def test_every_task_has_a_group_that_waits_for_it(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            loose = node.value.id in ("asyncio", "loop") and node.attr in LOOSE
            assert not loose, f"line {node.lineno}: {node.value.id}.{node.attr}"


@EVERY
def test_no_error_is_caught_without_being_known(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            wide = caught in ("everything", "Exception")
            assert not wide, f"line {node.lineno}: except {caught}"


def test_the_rules_call_themselves_pure() -> None:
    assert set(PURE) <= {name_of(path) for path in product() if calls_itself_pure(path)}


def test_every_owner_is_there() -> None:
    owners = {owner for owned in OWNERS.values() for owner in owned}
    assert not [owner for owner in owners if not (ROOT / owner).exists()]


def test_there_is_something_to_look_at() -> None:
    names = {name_of(path) for path in product()}
    assert {"bus/topics.py", "agents/lifecycle.py"} <= names
    assert set(ROLES) >= {"exit", "entry", "coordinator"}
