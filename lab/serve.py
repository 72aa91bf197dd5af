"""A lab that stays up, for looking around in: `python -m lab up`, and what follows.

This process holds it and obeys commands at the door. Where the kernel cannot do what
the chain needs, it holds a guest instead, in which this same program holds the lab, and
passes every command on.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from lab import capability, guest, run
from lab.chain import Chain, open_chain
from lab.door import Streams, door
from lab.inside import start_internet
from lab.kernel import choose
from lab.nodes import FOLDER
from lab.talk import LabError
from lab.topology import build

READY: Final = "the lab is up"
COMMANDS: Final = """\
  status                          what runs
  log NAME                        what an agent, or another process, has said
  exec NODE COMMAND...            run it in a node
  kill NAME                       SIGKILL for a provider's daemons, or for an agent
  restart NAME                    start a provider or an agent anew
  silence PROVIDER                its packets vanish on the way
  heal PROVIDER                   they pass again
  connect CLIENT                  have its WireGuard shake hands anew"""


class Here:
    """The lab, in this kernel."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def obey(self, words: Sequence[str], streams: Streams) -> int:
        """The exit status of a command.

        Raises:
            LabError: It makes no sense, or did not work.
        """
        match words:
            case ["status"]:
                os.write(streams[1], self._status().encode())
            case ["log", name] if self._chain.lab.log(name).is_file():
                log = FOLDER / self._chain.lab.log(name).name
                return await self._exec("control", ["cat", str(log)], streams)
            case ["exec", node, *argv] if argv and node in self._nodes:
                return await self._exec(node, argv, streams)
            case ["connect", client] if client in self._chain.lab.topology.clients:
                await self._chain.connect(client)
            case [verb, name] if name in self._chain.providers:
                await self._provider(verb, name)
            case ["kill", name] if name in self._chain.agents:
                agent = self._chain.agents[name]
                await agent.signal(signal.SIGKILL, alone=True)
                await agent.wait()
            case ["restart", name] if name in self._chain.agents:
                await self._chain.agents[name].end()
                await self._chain.start_agent(name)
            case _:
                raise LabError(
                    f"{' '.join(words)}: no such command or name:\n{COMMANDS}"
                )
        return 0

    async def _provider(self, verb: str, name: str) -> None:
        provider = self._chain.providers[name]
        match verb:
            case "kill":
                await provider.kill()
            case "silence":
                await provider.silence()
            case "heal":
                await provider.heal()
            case "restart":
                await provider.restart()
            case _:
                raise LabError(f"{verb}: no such command for a provider")

    async def _exec(self, node: str, argv: Sequence[str], streams: Streams) -> int:
        process = await self._chain.lab.start(node, argv, streams)
        try:
            status = await process.wait()
        finally:  # the caller may have gone away
            await process.signal(signal.SIGKILL)
        return status if status >= 0 else 128 - status

    @property
    def _nodes(self) -> list[str]:
        return [node.name for node in self._chain.lab.topology.nodes]

    def _status(self) -> str:
        chain = self._chain
        lines = [f"nodes       {' '.join(self._nodes)}"]
        for name, provider in chain.providers.items():
            state = "serves" if provider.running else "killed"
            lines.append(f"{name:11} {state}{', silenced' if provider.silent else ''}")
        for name, agent in chain.agents.items():
            ended = f"ended with status {agent.status}"
            lines.append(f"{name:11} {'runs' if agent.status is None else ended}")
        logs = sorted(path.stem for path in chain.lab.folder.glob("*.log"))
        lines.append(f"logs        {' '.join(logs)}")
        return "\n".join([*lines, ""])


async def here(exits: int, clients: int) -> int:
    """Hold the lab in this kernel until told to end."""
    async with open_chain(build(exits=exits, clients=clients)) as chain:
        say("the lab stands, providers serve")
        await start_internet(chain.lab)
        await chain.start_agents()
        for client in chain.lab.topology.clients:
            await chain.connect(client)
        async with door(Here(chain).obey):
            say(READY)
            await told_to_end()
        await chain.stop_agents()
    return 0


async def in_guest(arguments: Sequence[str]) -> int:
    """Hold a guest that holds the lab, until told to end."""
    kernel = choose()
    say(f"this kernel cannot: booting {kernel.about}")
    module = [sys.executable, "-m"]
    async with guest.boot(kernel) as machine:

        async def obey(words: Sequence[str], streams: Streams) -> int:
            command = run.command_for(kernel.about, [*module, "lab", *words], streams)
            running = machine.start(command)
            try:
                status = await running.wait()
            finally:  # the caller may have gone away, and its streams with it
                running.mute()
                running.signal(signal.SIGTERM)
            return status if status >= 0 else 128 - status

        serve = [*module, "lab.serve", *arguments]
        holding = machine.start(run.command_for(kernel.about, serve))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, holding.signal, signal.SIGTERM)
        async with door(obey):
            return await holding.wait()


async def told_to_end() -> None:
    """Wait for SIGTERM."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()


def say(text: str) -> None:
    """A line for who waits for the lab to come up."""
    print(f"lab: {text}", flush=True)


def main() -> int:
    """Hold a lab; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab up")
    parser.add_argument("--exits", type=int, default=2)
    parser.add_argument("--clients", type=int, default=1)
    wanted = parser.parse_args()
    try:
        if not capability.missing():
            return asyncio.run(here(wanted.exits, wanted.clients))
        return asyncio.run(in_guest(sys.argv[1:]))
    except (LabError, ValueError) as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
