"""What is run, how often, in which order."""

from collections import Counter

import pytest

from bench.failover import __main__ as command
from bench.failover import campaign, ground
from bench.failover.campaign import SYSTEMS, Plan
from lab.topology import End, Topology

OURS = SYSTEMS["vpnchain normal"]
PEER = SYSTEMS["keepalived:Loop"]
BLIND = SYSTEMS["frr:BgpBfd50"]


def kinds(plan: Plan, name: str) -> Counter[str]:
    passes = range(plan.passes)
    return Counter(
        kind for one in passes for kind in campaign.kinds(SYSTEMS[name], plan, one)
    )


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_the_passes_together_make_the_rounds(passes: int) -> None:
    plan = Plan(rounds=20, peer_rounds=10, passes=passes)

    assert kinds(plan, OURS.name)["F1"] == 20
    assert kinds(plan, PEER.name)["F1"] == 10


def test_the_quiet_time_is_once_and_only_ours_are_asked_to_move() -> None:
    plan = Plan()

    assert [kinds(plan, one)["S1"] for one in SYSTEMS] == [1] * len(SYSTEMS)
    assert kinds(plan, OURS.name)["planned"] == plan.rounds
    assert kinds(plan, PEER.name)["planned"] == 0


def test_what_a_system_cannot_see_is_tried_once_in_a_pass() -> None:
    plan = Plan(passes=2)

    assert kinds(plan, BLIND.name)["F2"] == 2
    assert kinds(plan, BLIND.name)["F3"] == plan.peer_rounds


def test_only_the_asked_faults_are_run() -> None:
    assert set(kinds(Plan(faults=("F1",)), OURS.name)) == {"F1"}


@pytest.mark.parametrize("words", [["--systems", "none"], ["--faults", "F9"]])
def test_an_unknown_name_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(words)

    assert refused.value.code == 2


@pytest.mark.parametrize("translating", [True, False])
def test_every_port_is_a_bridge_its_own_or_one_end_of_one_cable(
    translating: bool,
) -> None:
    topology: Topology = ground.build(translating=translating)
    ends = Counter(end for link in topology.links for end in (link.one, link.other))
    ports = {
        End(node.name, port.name)
        for node in topology.nodes
        for port in node.ports
        if not port.bridge and port.name != "lo"
    }

    assert set(ends) == ports
    assert set(ends.values()) == {1}
