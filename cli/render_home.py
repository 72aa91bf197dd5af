"""What home automation is told and asks, in words for a person. Pure."""

from collections.abc import Iterable
from typing import Final, assert_never

from bus.commands import Enable
from bus.messages.home import HomeChain, HomeEvent, HomeEventKind, HomeExit
from cli.line import Line, Mood, joined
from cli.words import milliseconds, rate

HomeSaid = HomeChain | HomeExit | HomeEvent | Enable

# {0} is the exit before, {1} the one after.
EVENTS: Final = {
    HomeEventKind.GATE_OPENED: ("the gate opened through {1}", Mood.GOOD),
    HomeEventKind.GATE_CLOSED: ("the gate closed", Mood.BAD),
    HomeEventKind.FAILOVER: ("clients moved from {0} to {1}", Mood.TELLING),
    HomeEventKind.FAILBACK: ("clients returned from {0} to {1}", Mood.TELLING),
    HomeEventKind.EXHAUSTED: ("clients are held, {0} was the last", Mood.BAD),
    HomeEventKind.RESUMED: ("clients go on through {1}", Mood.GOOD),
    HomeEventKind.MOVED: ("clients moved from {0} to {1}", Mood.TELLING),
    HomeEventKind.LEAK: ("clients were seen around the tunnels", Mood.BAD),
}


def home_line(who: str, said: HomeSaid) -> Line:
    """The chain or an exit (`who`) as a home sees it, or what it wants of an exit."""
    match said:
        case HomeChain():
            return _chain(who, said)
        case HomeExit():
            what = (
                "the home sees it enabled"
                if said.enabled
                else "the home sees it drained"
            )
            return Line(who, what, detail=joined(_of_exit(said)), at=said.at)
        case HomeEvent():
            words, mood = EVENTS[said.event_type]
            what = words.format(said.before or "none", said.after or "none")
            reason = f": {said.reason}" if said.reason else ""
            return Line(who, f"tells the home that {what}{reason}", mood, at=said.at)
        case Enable():
            wish = "enabled" if said.enabled else "drained"
            what = f"the home asks that it be {wish}"
            return Line(who, what, Mood.TELLING, said.transaction)
        case _:
            assert_never(said)


def _chain(who: str, said: HomeChain) -> Line:
    held = "clients are held" if said.held else "clients get out"
    what = "; ".join((f"tells the home: choice {said.choice}, {held}", *said.problems))
    mood = Mood.WORRYING if said.problems else Mood.GOOD
    return Line(
        who, what, Mood.BAD if said.held else mood, joined(_of_chain(said)), said.at
    )


def _of_chain(said: HomeChain) -> Iterable[str]:
    yield f"seen as {said.public_address}" if said.public_address else ""
    yield f"moves in a day: {len(said.moves)}" if said.moves else ""
    yield f"outage {milliseconds(said.outage_ms)}" if said.outage_ms is not None else ""


def _of_exit(said: HomeExit) -> Iterable[str]:
    for mbit_s, way in ((said.received_mbit_s, "in"), (said.sent_mbit_s, "out")):
        yield f"{rate(mbit_s * 1e6 / 8)} {way}" if mbit_s is not None else ""
