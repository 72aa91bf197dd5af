"""The probe against the real kernel: a device whose other end is a namespace."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.exit.probe import Probe, ProbeError
from agents.exit.window import Window
from agents.probe_habit import TRY_AFTER_S, TRY_EVERY_S, Habit, Method
from tests.agents.netns import inside, ip, namespace

pytestmark = pytest.mark.kernel

DEVICE = "ppp0"
NEAR, FAR, OTHER = "198.18.200.1", "198.18.200.2", "198.18.200.3"
IGNORE = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")
WITHIN_S = 10
INTERVAL_S = 0.05
TRIED = int((TRY_AFTER_S + TRY_EVERY_S) / INTERVAL_S)  # rounds: all ways among them


@pytest.fixture
def far_end() -> Iterator[str]:
    """A namespace with both targets; the test itself is in one at their other end."""
    with namespace("near") as near, namespace("far") as far, inside(near):
        ip("link", "add", DEVICE, "type", "veth", "peer", DEVICE, "netns", far)
        ip("address", "add", f"{NEAR}/24", "dev", DEVICE)
        ip("link", "set", DEVICE, "up")
        ip("address", "add", f"{FAR}/24", "dev", DEVICE, namespace=far)
        ip("address", "add", f"{OTHER}/24", "dev", DEVICE, namespace=far)
        ip("link", "set", DEVICE, "up", namespace=far)
        yield far


def answers(name: str, wanted: bool) -> None:
    """Lets the far end answer echo requests, or not; connections it refuses anyway."""
    with inside(name):
        IGNORE.write_text("0" if wanted else "1")


@dataclass
class Heard:
    """What a probe told."""

    verdicts: list[bool] = field(default_factory=list)
    window: Window = field(default_factory=Window)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, answered: bool, window: Window) -> None:
        self.verdicts.append(answered)
        self.window = window
        self.news.set()

    async def until(self, fact: Callable[[list[bool]], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not fact(self.verdicts):
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def probing(
    *targets: str, interval_s: float = INTERVAL_S
) -> AsyncIterator[Heard]:
    habits = {target: Habit() for target in targets}
    async with probing_by(habits, interval_s) as heard:
        yield heard


@asynccontextmanager
async def probing_by(
    habits: dict[str, Habit], interval_s: float = INTERVAL_S
) -> AsyncIterator[Heard]:
    heard = Heard()
    probe = Probe(DEVICE, habits, interval_s, heard.tell)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(probe.run())
        yield heard
        running.cancel()


@pytest.mark.usefixtures("far_end")
async def test_an_answering_target_answers_every_round() -> None:
    async with probing(FAR) as heard:
        await heard.until(lambda verdicts: len(verdicts) >= 5)

    assert all(heard.verdicts)
    assert heard.window.loss_ratio == 0
    assert heard.window.rtt_ms is not None
    assert 0 < heard.window.rtt_ms < 1000


@pytest.mark.usefixtures("far_end")
async def test_one_answering_target_is_enough() -> None:
    async with probing("198.18.200.77", OTHER) as heard:
        await heard.until(lambda verdicts: len(verdicts) >= 5)

    assert all(heard.verdicts)


async def test_another_target_steps_in_where_the_first_falls_silent(
    far_end: str,
) -> None:
    async with probing(FAR, OTHER) as heard:
        await heard.until(lambda verdicts: len(verdicts) >= 5)
        ip("address", "del", f"{FAR}/24", "dev", DEVICE, namespace=far_end)
        ip("address", "replace", f"{OTHER}/24", "dev", DEVICE, namespace=far_end)
        told = len(heard.verdicts)
        await heard.until(lambda verdicts: len(verdicts) >= told + 20)

    assert heard.verdicts[told:].count(False) <= 4
    assert all(heard.verdicts[-5:])


async def test_silence_is_told_round_by_round_and_so_is_its_end(far_end: str) -> None:
    async with probing(FAR) as heard:
        await heard.until(lambda verdicts: True in verdicts)
        answers(far_end, wanted=False)
        await heard.until(lambda verdicts: verdicts[-4:] == [False] * 4)
        assert heard.window.loss_ratio
        answers(far_end, wanted=True)
        await heard.until(lambda verdicts: verdicts[-4:] == [True] * 4)


@pytest.mark.usefixtures("far_end")
async def test_a_device_without_an_answer_never_tells_one() -> None:
    async with probing("198.18.200.77", "198.18.200.78") as heard:
        await heard.until(lambda verdicts: len(verdicts) >= TRIED)

    assert not any(heard.verdicts)
    assert heard.window.rtt_ms is None
    assert heard.window.loss_ratio == 1


@pytest.mark.usefixtures("far_end")
async def test_a_target_that_answers_by_another_device_does_not_count() -> None:
    async with probing("127.0.0.1") as heard:
        await heard.until(lambda verdicts: len(verdicts) >= TRIED)

    assert not any(heard.verdicts)


@pytest.mark.usefixtures("far_end")
async def test_a_device_set_down_and_up_again_is_probed_on() -> None:
    async with probing(FAR) as heard:
        await heard.until(lambda verdicts: True in verdicts)
        ip("link", "set", DEVICE, "down")
        await heard.until(lambda verdicts: verdicts[-3:] == [False] * 3)
        ip("link", "set", DEVICE, "up")
        await heard.until(lambda verdicts: verdicts[-3:] == [True] * 3)


@pytest.mark.usefixtures("far_end")
async def test_two_probes_do_not_take_each_others_answers() -> None:
    async with probing(FAR) as one, probing("198.18.200.77") as other:
        await one.until(lambda verdicts: len(verdicts) >= 5)
        await other.until(lambda verdicts: len(verdicts) >= 3)

    assert all(one.verdicts)
    assert not any(other.verdicts)


async def test_where_echoes_are_filtered_another_way_is_found(far_end: str) -> None:
    answers(far_end, wanted=False)

    async with probing(FAR) as heard:
        await heard.until(lambda verdicts: True in verdicts)
        first = heard.verdicts.index(True)
        await heard.until(lambda verdicts: len(verdicts) >= first + 20)

    assert all(heard.verdicts[first:])
    assert heard.window.rtt_ms is not None


async def test_what_one_probe_has_learnt_the_next_one_knows(far_end: str) -> None:
    answers(far_end, wanted=False)
    habits = {FAR: Habit(Method.TCP)}

    async with probing_by(habits) as heard:
        await heard.until(lambda verdicts: len(verdicts) >= 5)

    assert all(heard.verdicts)


async def test_echoes_filtered_from_now_on_are_no_silence_for_ever(
    far_end: str,
) -> None:
    async with probing(FAR) as heard:
        await heard.until(lambda verdicts: len(verdicts) >= 5)
        answers(far_end, wanted=False)
        await heard.until(lambda verdicts: verdicts[-4:] == [False] * 4)
        await heard.until(lambda verdicts: verdicts[-4:] == [True] * 4)
        told = len(heard.verdicts)
        await heard.until(lambda verdicts: len(verdicts) >= told + 20)

    assert all(heard.verdicts[told:])


async def test_echoes_are_preferred_once_they_are_answered(far_end: str) -> None:
    answers(far_end, wanted=False)
    habits = {FAR: Habit(Method.TCP)}

    async with probing_by(habits) as heard:
        await heard.until(lambda verdicts: len(verdicts) >= 5)
        answers(far_end, wanted=True)
        await heard.until(lambda _verdicts: habits[FAR].method is Method.ICMP)

    assert all(heard.verdicts)


async def test_a_missing_device_is_an_error() -> None:
    probe = Probe("ppp-none", {FAR: Habit()}, 0.05, lambda _answered, _window: None)

    with pytest.raises(ProbeError, match="binding to ppp-none: No such device"):
        await probe.run()
