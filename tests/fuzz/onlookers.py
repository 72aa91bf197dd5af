"""Those who decide nothing: whatever they have heard, what they show can be read."""

import re
from typing import Final

import orjson

from agents.dashboard.agent import Dashboard
from agents.dashboard.picture import EVENTS
from agents.metrics.agent import Metrics
from agents.metrics.exposition import Exposition
from agents.settings_model import Settings
from bus.interface import Heard
from tests.fuzz.mouth import Mouth, run_now

DATA: Final = b"data: "
# Prometheus' text format 0.0.4: a comment, or a series and its value.
LABEL: Final = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
LINE: Final = re.compile(
    rf"# (?:HELP|TYPE) .*|([a-z_]+(?:\{{{LABEL}(?:,{LABEL})*\}})?) ([-+.\w]+)"
)


class DashboardTarget:
    """A page is sent one event that its JSON reader takes, be the page new or old."""

    def __init__(self) -> None:
        self._shell = Dashboard(Settings())
        self.subscriptions = tuple(self._shell.subscriptions)

    def hear(self, heard: Heard, at_s: float) -> None:
        del at_s  # the shell's own clock
        hub = self._shell._hub
        before = hub.picture.revision
        run_now(self._shell._listen(Mouth(heard)))
        assert hub.picture.revision >= before
        for known in {0, before}:
            named, told, *rest = hub._frame(known, reset=not known).split(b"\n")
            assert named.startswith(b"id: ")
            assert told.startswith(DATA)
            assert rest == [b"", b""]
            shown = orjson.loads(told.removeprefix(DATA))
            assert shown["revision"] == hub.picture.revision
            assert len(shown["events"]) <= EVENTS


class MetricsTarget:
    """Prometheus reads every page, and finds no series twice."""

    def __init__(self) -> None:
        self._shell = Metrics(Settings())
        self.subscriptions = tuple(self._shell.subscriptions)
        self._exposition = Exposition(self._shell.readings)

    def hear(self, heard: Heard, at_s: float) -> None:
        del at_s
        run_now(self._shell._listen(Mouth(heard)))
        lines = self._exposition.text().decode().split("\n")
        assert lines.pop() == ""
        seen = set()
        for line in lines:
            match = LINE.fullmatch(line)
            assert match is not None, line
            series, value = match.groups()
            if series is not None:
                float(value)
                assert series not in seen
                seen.add(series)
