"""One agent: settings, then the agent, then its life.

Exit status: 0 after a clean stop, 1 if a job failed, 2 if a setting is wrong.
"""

import argparse
import asyncio
import gc
import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from agents.lifecycle import Agent, live
from agents.settings import broker_of, load
from agents.settings_model import Settings, SettingsError
from bus.names import ID

FAILED: Final = 1
MISSET: Final = 2

# Role: its class.
ROLES: Final = {
    "exit": "Exit",
    "entry": "Entry",
    "coordinator": "Coordinator",
    "containers": "Containers",
    "dashboard": "Dashboard",
    "metrics": "Metrics",
    "homeassistant": "HomeAssistant",
}

log = logging.getLogger("agents")


def main(arguments: Sequence[str]) -> int:
    """Runs the agent that the command line names; the exit status."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    wanted = _parser().parse_args(arguments)
    try:
        name = _name(wanted.role, wanted.name)
        settings = load(wanted.settings, os.environ, exit_name=name)
        broker = broker_of(settings.broker, name)
        agent = load_agent(wanted.role)(settings, name)
        # What was imported stays: to look through it for garbage again and again would
        # hold up every answer for ten milliseconds now and then.
        gc.freeze()
        asyncio.run(live(agent, broker))
    except SettingsError as error:
        return _misset(error)
    except BaseExceptionGroup as group:
        return _failed(group)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agents", description="One agent.")
    parser.add_argument("role", choices=tuple(ROLES))
    parser.add_argument("--settings", type=Path, help="default: $VPNCHAIN_SETTINGS")
    parser.add_argument("--name", default="", help="default: $VPNCHAIN_NAME")
    return parser


def _name(role: str, wanted: str) -> str:
    """What the agent is called; an exit must be told, there are several."""
    name = wanted or os.environ.get("VPNCHAIN_NAME", "")
    if not name and role != "exit":
        name = role
    if not ID.fullmatch(name):
        raise SettingsError("arguments", "--name", repr(name), "a name of [a-z0-9-]")
    return name


def load_agent(role: str) -> Callable[[Settings, str], Agent]:
    """The class of this role's agent; none of the other roles is imported."""
    module = importlib.import_module(f"agents.{role}.agent")
    make: Callable[[Settings, str], Agent] = getattr(module, ROLES[role])
    return make


def _misset(error: SettingsError) -> int:
    sys.stderr.write(f"{error}\n")
    return MISSET


def _failed(group: BaseExceptionGroup[BaseException]) -> int:
    """Says what went wrong; a wrong setting may also show while the agent opens."""
    causes = list(_leaves(group))
    for cause in causes:
        if isinstance(cause, SettingsError):
            return _misset(cause)
    for cause in causes:
        log.error("%s: %s", type(cause).__name__, cause, exc_info=cause)
    return FAILED


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one
