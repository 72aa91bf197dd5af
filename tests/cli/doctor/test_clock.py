"""Clocks, ours and the agents'."""

from bus.messages.exits import ExitReport, Stage
from bus.messages.orders import Gate, Order
from cli.doctor.clock import kernel_state, of_agents, of_kernel
from cli.doctor.finding import State
from cli.snapshot import Snapshot


def test_a_clock_that_nobody_keeps_is_a_warning() -> None:
    assert of_kernel(5).state is State.WARNING
    assert of_kernel(0).state is State.OK
    assert of_kernel(-1).state is State.UNKNOWN


def test_this_kernel_says_whether_it_is_kept() -> None:
    assert kernel_state() in range(6)


def test_an_agent_that_reports_from_the_future_is_told() -> None:
    early = ExitReport(stage=Stage.READY, since=0.0, at=1090.0)
    order = Order(epoch=1, gate=Gate.OPEN, at=999.0)
    present = Snapshot(order=order, exits={"exit-a": early})

    found = of_agents(present, 1000.0)

    assert found.state is State.WRONG
    assert found.what == "exit-a is 1 min 30 s ahead of us"
    assert of_agents(present, 1089.0).state is State.OK
