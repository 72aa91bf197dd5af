"""`python -m bench.soak bus|tunnels --reconnects N`: does an agent hold ever more?

`bus`: every agent loses the broker N times, here, tunnels or not; those that only look
on as well, containers without a Docker. `tunnels`: the exits make N tunnels anew, in a
kernel that can carry them; coordinator and entry have to do with all of these. Prints a
table; the exit status is 0 if all is flat, 1 if not, or not done in 25 minutes.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from bench.soak_verdict import FEWEST, Sample, Verdict, judge, table
from bus.messages.exits import ExitEvent, ExitEventKind, Stage
from lab import broker, topology
from lab.chain import SETTINGS, Chain, open_chain
from lab.inside import start_internet
from lab.nodes import Lab
from lab.observer import NotSeenError, Observer, observe
from lab.talk import LabError

PROXY_PORT: Final = 1884
PAUSE_S: Final = 0.002
LIVES_S: Final = (0.002, 0.016)  # some are cut while they subscribe, some thereafter
LOOK_S: Final = 1.0
READY_S: Final = 60.0
MOST_S: Final = 1_500.0
SAMPLE: Final = '{"reconnects"'


async def start(chain: Chain, *options: str) -> None:
    """Every agent of the chain, looked at."""
    for name in chain.agent_names:
        role = name.partition("-")[0]
        node = "control" if role == "coordinator" else name
        await _start(chain, node, role, name, options, {})


async def start_onlookers(chain: Chain, *options: str) -> None:
    """Every other agent, looked at; it is a user of the broker's of its own."""
    for role in broker.ONLOOKERS:
        env = {"VPNCHAIN_BROKER_PASSWORD_FILE": str(broker.password_of(role))}
        await _start(chain, "control", role, role, options, env)


async def _start(
    chain: Chain,
    node: str,
    role: str,
    name: str,
    options: Sequence[str],
    env: Mapping[str, str],
) -> None:
    command = [sys.executable, "-m", "bench.soak_agent", role, "--name", name]
    argv = [*command, "--settings", str(SETTINGS), *options]
    chain.agents[name] = await chain.lab.spawn(node, argv, log=name, env=env)


def samples(lab: Lab, name: str) -> list[Sample]:
    """What an agent has told so far."""
    lines = lab.log(name).read_text(errors="replace").splitlines()
    found = []
    for line in lines:
        if line.startswith(SAMPLE):
            with suppress(ValueError):  # not yet whole
                found.append(Sample(**json.loads(line)))
    return found


async def lose_the_bus(chain: Chain, wanted: int) -> dict[str, Verdict]:
    """The verdicts once every agent has reconnected as often."""
    where = (topology.CONTROL_ADDRESS, str(PROXY_PORT), str(broker.PORT))
    cutter = [sys.executable, "-m", "lab.proxy", *where, *map(str, LIVES_S)]
    await chain.lab.spawn("control", cutter, log="proxy")
    options = ("--port", str(PROXY_PORT), "--pause", str(PAUSE_S))
    await start(chain, *options)
    await start_onlookers(chain, *options)

    def done() -> bool:
        told = [samples(chain.lab, name) for name in chain.agents]
        return all(len(one) >= FEWEST and one[-1].reconnects >= wanted for one in told)

    with suppress(TimeoutError):  # then the verdicts tell how far it came
        async with asyncio.timeout(MOST_S):
            while not done():
                if gone := [n for n, one in chain.agents.items() if one.status]:
                    raise LabError(f"{gone[0]} ended:{chain.lab.last_words(gone[0])}")
                await asyncio.sleep(LOOK_S)
    return verdicts(chain)


async def remake_tunnels(
    chain: Chain, observer: Observer, wanted: int
) -> dict[str, Verdict]:
    """The verdicts once the exits have made as many tunnels, side by side."""
    await start_internet(chain.lab)
    await start(chain)
    exits = chain.lab.topology.exits

    async def again(name: str) -> None:
        await observer.until(lambda: made(observer, name), f"{name} is ready", READY_S)
        for count in range(2, wanted // len(exits) + 2):
            await observer.ask(name, "reconnect", READY_S)
            what = f"tunnel {count} of {name}"
            await observer.until(
                lambda count=count: made(observer, name) >= count,  # type: ignore[misc]
                what,
                READY_S,
            )

    with suppress(TimeoutError):
        async with asyncio.timeout(MOST_S), asyncio.TaskGroup() as tasks:
            for name in exits:
                tasks.create_task(again(name), name=name)
    lost = {name: max(0, made(observer, name) - 1) for name in exits}
    return {
        name: Verdict(lost.get(name, sum(lost.values())), found.growths)
        for name, found in verdicts(chain).items()
    }


def made(observer: Observer, name: str) -> int:
    """How many tunnels an exit has made so far."""
    return sum(
        one.kind is ExitEventKind.STAGE and one.after is Stage.READY
        for one in observer.since(0.0, ExitEvent, name)
    )


def verdicts(chain: Chain) -> dict[str, Verdict]:
    """Keys: the agents' names."""
    return {name: judge(samples(chain.lab, name)) for name in chain.agents}


async def soak(what: str, wanted: int) -> dict[str, Verdict]:
    """The verdicts on all agents that are meant.

    Raises:
        NotSeenError: An exit did not come up; within an exception group.
        LabError: An agent ended.
    """
    async with open_chain(topology.build()) as chain:
        if what == "bus":
            found = await lose_the_bus(chain, wanted)
        else:
            async with observe(chain.broker) as observer:
                found = await remake_tunnels(chain, observer, wanted)
        await chain.stop_agents()
    return found


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("what", choices=("bus", "tunnels"))
    parser.add_argument("--reconnects", type=int, default=200)
    wanted = parser.parse_args(arguments)
    began_s, found = time.monotonic(), dict[str, Verdict]()
    try:
        found = asyncio.run(soak(wanted.what, wanted.reconnects))
    except* (NotSeenError, LabError) as group:
        print(f"soak: {group.exceptions[0]}", file=sys.stderr)
    print(table(found, f"{wanted.what} lost"))
    print(f"in {time.monotonic() - began_s:.0f} s")
    share = wanted.reconnects
    if wanted.what == "tunnels":
        share //= len(topology.build().exits)
    if any(one.reconnects < share for one in found.values()):
        print(f"NOT DONE: {share} each were wanted")
        return 1
    return 0 if found and all(one.flat for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
