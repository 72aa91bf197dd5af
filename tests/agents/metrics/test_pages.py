"""What machines read: checked by Prometheus' own tool."""

import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer

from agents.metrics.exposition import Exposition
from agents.metrics.families import FAMILIES, Kind
from agents.metrics.pages import app
from agents.metrics.readings import Readings
from bus.examples import example_of
from bus.interface import BusDown, BusUp, Received
from bus.messages.entries import EntryReport
from bus.topics import ENTRY_STATE, TOPICS

MONITORING: Final = Path(__file__).parents[3] / "docs/monitoring"
METRIC: Final = re.compile(r"\bvpnchain_\w+")


@pytest.fixture
def readings() -> Readings:
    """Everything has been said once."""
    known = Readings(10)
    known.take(BusUp())
    for topic in TOPICS:
        levels = dict.fromkeys(re.findall(r"\{(\w+)\}", topic.pattern), "exit-a")
        known.take(Received(topic, levels, example_of(topic.payload)))
    return known


@pytest.fixture
async def client(readings: Readings) -> AsyncIterator[TestClient[Any, Any]]:
    pages = app(Exposition(readings), readings)
    async with TestClient(TestServer(pages)) as client:
        yield client


async def test_every_family_is_served(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/metrics")
    text = await answer.text()

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    served = {line.split()[2] for line in text.splitlines() if "# TYPE" in line}
    assert served == {family.name for family in FAMILIES}
    assert 'vpnchain_exit_stage{exit="exit-a",stage="ready"} 1.0' in text
    assert 'vpnchain_move_outage_seconds_bucket{le="0.2"} 1.0' in text


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_says_its_unit(family: Any) -> None:
    unit = family.name.removesuffix("_total").rpartition("_")[2]
    wrong = {"ms", "kb", "mb", "percent", "minutes", "milliseconds", "rtt", "loss"}
    assert unit not in wrong
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)


async def test_ready_is_who_lets_traffic_out(
    client: TestClient[Any, Any], readings: Readings
) -> None:
    assert (await client.get("/readyz")).status == 200

    held = replace(example_of(EntryReport), active=None)
    readings.take(Received(ENTRY_STATE, {"entry": "exit-a"}, held))
    assert (await client.get("/readyz")).status == 503

    readings.take(BusDown())
    answer = await client.get("/readyz")
    assert (answer.status, await answer.text()) == (503, "the broker is away\n")
    assert (await client.get("/healthz")).status == 200


@pytest.mark.promtool
def test_prometheus_has_nothing_to_say_against_it(readings: Readings) -> None:
    text = Exposition(readings).text()

    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        capture_output=True,
        check=False,
        timeout=30,
    )

    assert (done.returncode, done.stderr + done.stdout) == (0, b"")


@pytest.mark.promtool
def test_the_rules_are_rules_and_alert_when_they_should() -> None:
    for words in (("check", "rules", "alerts.yml"), ("test", "rules", "tests.yml")):
        done = subprocess.run(
            ["promtool", *words],
            cwd=MONITORING,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_rules_and_plots_ask_for_what_there_is(name: str) -> None:
    asked = set(METRIC.findall((MONITORING / name).read_text()))
    known = {family.name for family in FAMILIES}
    parts = {"_bucket", "_sum", "_count"}
    served = known | {f"{one}{part}" for one in known for part in parts}
    assert asked
    assert asked <= served


def test_every_alert_is_tested() -> None:
    rules = (MONITORING / "alerts.yml").read_text()
    tests = (MONITORING / "tests.yml").read_text()
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    assert alerts == set(re.findall(r"alertname: (\w+)", tests))
