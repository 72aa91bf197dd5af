"""The whole entry asks where clients are seen, in the real kernel."""

import pytest

from bus.commands import Verb
from bus.messages.entries import EntryEventKind
from bus.messages.orders import Gate
from bus.messages.paths import Health
from tests.agents.entry.chain import Chain
from tests.agents.entry.ear import order
from tests.agents.entry.looking import SEEN, looking, start
from tests.agents.entry.traffic import carries

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.broker]


async def test_the_public_address_is_told_and_follows_a_move(chain: Chain) -> None:
    async with looking(chain) as look:
        for epoch, name in enumerate(("exit-a", "exit-b", "exit-a"), 1):
            await look.ear.order(order(epoch, name))
            await look.known(name)

        report = await look.ear.until(epoch=3)
        assert (report.leak, report.gate) == ("", Gate.OPEN)


async def test_a_change_without_a_move_closes_the_gate_until_it_is_undone(
    chain: Chain,
) -> None:
    chain.start_client()
    async with looking(chain) as look:
        with chain.sockets() as traffic:
            await carries(look.ear, traffic, order(1, "exit-a"))
            await look.leak()

            assert "wg0" not in chain.ip("entry", "link")
            await look.ear.until_event(kind=EntryEventKind.LEAK, before="exit-a")
            await look.ear.order(order(2, "exit-a"))
            report = await look.ear.until(epoch=2)
            assert (report.gate, report.active) == (Gate.CLOSED, "exit-a")
            assert "and its tunnel is the same" in report.leak

            look.sabotage("delete")
            await look.ear.until(leak="", gate=Gate.OPEN)
            assert await traffic.answer() == "exit-a"


async def test_a_killed_and_restarted_entry_stands_by_its_leak(chain: Chain) -> None:
    async with looking(chain) as look:
        await look.leak()
        await look.ear.until_event(kind=EntryEventKind.GATE_CLOSED)
        chain.kill_agent()
        start(chain)
        await look.ear.order(order(2, "exit-a"))
        seen = {"public_address": SEEN["exit-b"]}
        report = await look.ear.until(epoch=2, active="exit-a", **seen)

        assert "and its tunnel is the same" in report.leak
        assert report.gate is Gate.CLOSED
        assert "wg0" not in chain.ip("entry", "link")
        assert look.gate_openings() == 1

        assert (await look.ear.ask(Verb.ACCEPT)).ok
        await look.ear.until(leak="", gate=Gate.OPEN)
        assert look.gate_openings() == 2

        chain.kill_agent()
        start(chain)
        await look.ear.order(order(3, "exit-a"))
        report = await look.ear.until(epoch=3, active="exit-a", **seen)
        assert (report.leak, report.gate) == ("", Gate.OPEN)


async def test_an_operator_accepts_the_present_address(chain: Chain) -> None:
    async with looking(chain) as look:
        await look.leak()

        assert (await look.ear.ask(Verb.ACCEPT)).ok
        report = await look.ear.until(leak="", gate=Gate.OPEN)
        assert report.active == "exit-a"


async def test_home_is_a_leak_at_first_sight_that_nobody_can_accept(
    chain: Chain,
) -> None:
    networks = [f"{SEEN['exit-b']}/32"]
    async with looking(chain, home_networks=networks) as look:
        await look.ear.order(order(1, "exit-b"))
        report = await look.ear.until(
            gate=Gate.CLOSED, public_address=SEEN["exit-b"], active="exit-b"
        )

        assert "at home" in report.leak
        assert "at home" in (await look.ear.ask(Verb.ACCEPT)).error


async def test_no_answer_is_no_alarm(chain: Chain) -> None:
    async with looking(chain) as look:
        await look.ear.order(order(1, "exit-a"))
        await look.known("exit-a")
        chain.silence("exit-a")
        await look.ear.until_path("exit-a", health=Health.DOWN)

        await look.ear.order(order(2, "exit-a"))
        report = await look.ear.until(epoch=2)

        assert (report.leak, report.gate) == ("", Gate.OPEN)
