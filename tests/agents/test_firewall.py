import subprocess
from collections.abc import Iterator

import pytest

from agents.firewall import BACKENDS, Firewall, FirewallError, removal
from tests.agents.netns import inside, namespace
from tests.needs import need

pytestmark = pytest.mark.kernel

RULES = """\
*filter
:FORWARD DROP [0:0]
:VPNCHAIN-FORWARD - [0:0]
-A FORWARD -j VPNCHAIN-FORWARD
-A VPNCHAIN-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A VPNCHAIN-FORWARD -i wg0 -o eth0 -j ACCEPT
COMMIT
*nat
:VPNCHAIN-POSTROUTING - [0:0]
-A POSTROUTING -j VPNCHAIN-POSTROUTING
-A VPNCHAIN-POSTROUTING -o ppp+ -j MASQUERADE
COMMIT
"""
RULES6 = """\
*filter
:FORWARD DROP [0:0]
:VPNCHAIN-FORWARD - [0:0]
-A FORWARD -j VPNCHAIN-FORWARD
-A VPNCHAIN-FORWARD -j DROP
COMMIT
"""
WITHIN = """\
*filter
:VPNCHAIN-INPUT - [0:0]
:VPNCHAIN-SERVER - [0:0]
-A INPUT -j VPNCHAIN-INPUT
-A VPNCHAIN-INPUT -i ppp+ -j DROP
-A VPNCHAIN-INPUT -i eth0 -j VPNCHAIN-SERVER
-A VPNCHAIN-INPUT -i eth0 -j DROP
COMMIT
"""
OTHERS = """\
*nat
:DOCKER_OUTPUT - [0:0]
-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT
-A DOCKER_OUTPUT -p udp -j DNAT --to-destination 127.0.0.11:40000
COMMIT
*filter
-A FORWARD -i docker0 -j ACCEPT
COMMIT
"""


@pytest.fixture(autouse=True)
def here() -> Iterator[None]:
    with namespace("fw") as name, inside(name):
        yield


@pytest.fixture(params=BACKENDS)
def firewall(request: pytest.FixtureRequest) -> Firewall:
    """One whose kernel knows this backend only."""
    firewall = Firewall()
    firewall.backend = request.param
    tool = f"iptables-{firewall.backend}-restore"
    trial = "*filter\n:VPNCHAIN-TRIAL - [0:0]\n-X VPNCHAIN-TRIAL\nCOMMIT\n"
    if subprocess.run([tool, "-n"], input=trial, text=True, check=False).returncode:
        need(f"needs a kernel for {tool}")
    return firewall


def saved(firewall: Firewall, version: str = "ip") -> list[str]:
    """The lines of the present rules."""
    tool = f"{version}tables-{firewall.backend}-save"
    said = subprocess.run([tool], check=True, capture_output=True, text=True)
    return said.stdout.splitlines()


async def test_rules_stand_for_both_versions_and_forwarding_is_closed(
    firewall: Firewall,
) -> None:
    await firewall.apply(RULES, RULES6)

    lines = saved(firewall)
    assert any(line.startswith(":FORWARD DROP") for line in lines)
    assert "-A FORWARD -j VPNCHAIN-FORWARD" in lines
    assert "-A VPNCHAIN-FORWARD -i wg0 -o eth0 -j ACCEPT" in lines
    assert "-A VPNCHAIN-POSTROUTING -o ppp+ -j MASQUERADE" in lines
    assert "-A VPNCHAIN-FORWARD -j DROP" in saved(firewall, "ip6")


async def test_applying_again_changes_nothing_and_jumps_stand_once(
    firewall: Firewall,
) -> None:
    await firewall.apply(RULES, RULES6)
    before = [line for line in saved(firewall) if line.startswith("-")]

    await firewall.apply(RULES, RULES6)
    successor = Firewall()
    successor.backend = firewall.backend
    await successor.apply(RULES, RULES6)

    assert [line for line in saved(firewall) if line.startswith("-")] == before


async def test_a_jump_among_our_chains_is_there_however_often_it_is_applied(
    firewall: Firewall,
) -> None:
    await firewall.apply(WITHIN)
    before = saved(firewall)

    for _ in range(3):
        await firewall.apply(WITHIN)
        assert ours(saved(firewall)) == ours(before)
    await leave(firewall)

    assert ours(saved(firewall)) == []


async def leave(firewall: Firewall) -> None:
    """What happens to a backend that took rules only in part."""
    assert firewall.backend is not None
    await firewall._clear(firewall.backend)


def ours(lines: list[str]) -> list[str]:
    """The rules with a chain of ours in them, in order."""
    return [line for line in lines if "-A" in line and "VPNCHAIN" in line]


async def test_new_rules_take_the_place_of_old_ones(firewall: Firewall) -> None:
    await firewall.apply(RULES, RULES6)

    await firewall.apply(RULES.replace("eth0", "eth1"), RULES6)

    lines = saved(firewall)
    assert "-A VPNCHAIN-FORWARD -i wg0 -o eth1 -j ACCEPT" in lines
    assert "-A VPNCHAIN-FORWARD -i wg0 -o eth0 -j ACCEPT" not in lines


async def test_rules_of_others_are_left_alone(firewall: Firewall) -> None:
    await firewall.apply(RULES, RULES6)
    tool = [f"iptables-{firewall.backend}-restore", "--noflush"]
    subprocess.run(tool, input=OTHERS, check=True, text=True)  # noqa: ASYNC221

    await firewall.apply(RULES, RULES6)
    await leave(firewall)

    rules = [line for line in saved(firewall) if line.startswith("-")]
    assert sorted(rules) == sorted(
        line for line in OTHERS.splitlines() if line.startswith("-")
    )


async def test_our_jump_comes_before_the_rules_of_others(firewall: Firewall) -> None:
    tool = [f"iptables-{firewall.backend}-restore", "--noflush"]
    subprocess.run(tool, input=OTHERS, check=True, text=True)  # noqa: ASYNC221

    await firewall.apply(RULES, RULES6)

    forward = [line for line in saved(firewall) if line.startswith("-A FORWARD")]
    assert forward[0] == "-A FORWARD -j VPNCHAIN-FORWARD"


async def test_removing_leaves_no_chain_of_ours_but_what_is_closed_stays_closed(
    firewall: Firewall,
) -> None:
    await firewall.apply(RULES, RULES6)

    await leave(firewall)
    await leave(firewall)

    for version in ("ip", "ip6"):
        lines = saved(firewall, version)
        assert not [line for line in lines if "VPNCHAIN" in line]
        assert any(line.startswith(":FORWARD DROP") for line in lines)


async def test_refused_rules_leave_what_stood_and_say_why(firewall: Firewall) -> None:
    await firewall.apply(RULES, RULES6)
    before = [line for line in saved(firewall) if line.startswith("-")]

    with pytest.raises(FirewallError, match=f"{firewall.backend}: iptables-"):
        await firewall.apply(RULES.replace("-j ACCEPT", "-j NOWHERE"), RULES6)

    assert [line for line in saved(firewall) if line.startswith("-")] == before


async def test_rules_that_no_backend_takes_name_both_backends() -> None:
    with pytest.raises(FirewallError, match=r"nft: .*; legacy: .*"):
        await Firewall().apply(RULES.replace("-j ACCEPT", "-j NOWHERE"), RULES6)


async def test_a_rule_outside_our_chains_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="neither a rule in VPNCHAIN"):
        await Firewall().apply("*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n", RULES6)


def test_nothing_is_to_be_removed_where_nothing_is_ours() -> None:
    assert removal(OTHERS) == ""
