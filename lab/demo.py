"""The demo: the whole chain, what can happen to it, and what a client notices of it.

Prints one line an event with its time since the start; the last line is one JSON object
with what was measured. Its exit status is 0 only if every step held.
"""

import asyncio
import json
import os
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lab import steps
from lab.capture import CaptureError, capture
from lab.chain import open_chain
from lab.client import Client
from lab.guest import INSIDE
from lab.inside import last_words, start_internet
from lab.leaks import watches
from lab.observer import NotSeenError, observe
from lab.run import Interrupted
from lab.scene import Measured, Scene, StepError
from lab.story import Story
from lab.talk import LabError
from lab.topology import build
from lab.traces import Traces

FAILURES = (StepError, NotSeenError, LabError, CaptureError)


async def play(scene: Scene) -> None:
    """Steps 1 to 6, in order."""
    story, measured = scene.story, scene.measured
    story.step(1, "the gate is closed while no exit is ready")
    await steps.closed(scene)
    story.step(2, "the exits come up")
    await steps.raised(scene)
    story.step(3, "the gate opens, a client comes in and leaves through provider-a")
    await steps.opened(scene)
    async with scene.client.stream() as stream:
        measured.stream_hz = stream.rate_hz
        story.say(
            f"  the client sends a stream of {stream.rate_hz} packets/s: as many as "
            f"this machine can spare, a round trip takes {stream.round_trip_ms:g} ms"
        )
        story.step(4, "provider-a is killed")
        await steps.moved(scene, stream, "provider_killed")
        story.step(5, "provider-a returns")
        await steps.returned(scene, stream)
        story.step(4, "once more: provider-a falls silent")
        await steps.moved(scene, stream, "provider_silent")
        story.step(5, "once more: provider-a returns")
        await steps.restored(scene)
        story.step(6, "both providers die")
        await steps.held(scene, stream)
        await steps.resumed(scene, stream)


@asynccontextmanager
async def stage(story: Story) -> AsyncIterator[Scene]:
    """The scene, set: lab, chain, captures and observer; nothing is left of it."""
    async with open_chain(build()) as chain:
        lab = chain.lab
        names = ", ".join(node.name for node in lab.topology.nodes)
        story.say(f"the lab stands: {names}")
        await start_internet(lab)
        async with capture(lab, await watches(lab)) as captured:
            await captured.rehearse()
            story.say("captures on every interface, each has caught a leak on purpose")
            async with observe(chain.broker, story.happened) as observer:
                client = Client(lab)
                yield Scene(lab, chain, observer, client, captured, story)


async def perform(story: Story, measured: Measured) -> bool:
    """Whether every step held; tells what went wrong where one did not."""
    before, held = Traces.here(), False
    async with stage(story) as scene:
        scene.measured = measured
        try:
            await play(scene)
            held = True
        except FAILURES as error:
            explain(scene, error)
        measured.leaked = len(scene.captured.leaks())
        story.step(7, "everything is taken down")
        statuses = await scene.chain.stop_agents()
        for name, status in statuses.items():
            if status != 0:
                story.say(f"  {name} ended with status {status}")
                held = False
    left = Traces.here().left_since(before)
    story.say("  left behind: " + ("; ".join(left) or "nothing"))
    return held and not left and measured.leaked == 0


def explain(scene: Scene, error: BaseException) -> None:
    """What was expected, and the last words of everybody."""
    for name, lines in last_words(scene.lab):
        print(f"--- last words of {name}")
        print("\n".join(f"    {line}" for line in lines))
    scene.story.say(f"THIS DID NOT HOLD: {error}")


def kernel() -> str:
    """What it runs on, for a person."""
    guest = os.environ.get(INSIDE)
    return f"{platform.release()} ({guest})" if guest else platform.release()


async def demo() -> int:
    """The exit status."""
    story, measured, ok, status = Story(), Measured(), False, 1
    interrupted = Interrupted()
    story.say(f"kernel {kernel()}")
    try:
        ok = await perform(story, measured)
    except* FAILURES as group:
        story.say(f"THIS DID NOT HOLD: {group.exceptions[0]}")
    except* asyncio.CancelledError:
        story.say("interrupted: everything has been taken down")
        status = interrupted.status
    print(json.dumps({"ok": ok, "kernel": kernel(), **measured.told()}), flush=True)
    return 0 if ok else status


def main() -> int:
    """Run the demo here."""
    return asyncio.run(demo())
