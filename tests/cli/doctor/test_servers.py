"""What is known of a provider's server, judged."""

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Final

import pytest

from agents.settings_model import BRIDGE, CLIENTS, NetworkSettings
from cli.doctor.finding import Finding, State
from cli.doctor.ike import Answer
from cli.doctor.servers import (
    Server,
    look,
    of_pairs,
    of_server,
    outer_bytes,
    seen_from,
)
from tests.agents.netns import inside, ip, namespace

GOOD: Final = Server(
    "exit-a",
    "vpn.example.net",
    "192.0.2.7",
    answers={"modern": Answer.REFUSED, "compat": Answer.TAKEN},
    device="eth0",
    device_mtu=1500,
)


def judged(one: Server, bridge: IPv4Network = BRIDGE) -> dict[str, Finding]:
    found = of_server(one, bridge, CLIENTS, 1400)
    return {finding.check.removeprefix("exit-a "): finding for finding in found}


def test_a_good_server_is_well() -> None:
    found = judged(GOOD)

    assert {one.state for one in found.values()} == {State.OK}
    assert found["server"].what == "vpn.example.net is 192.0.2.7"
    assert found["proposals"].what == "takes compat"


def test_a_name_that_leads_nowhere_is_all_that_is_told() -> None:
    found = judged(Server("exit-a", "x.example", None, "resolve: x.example: no"))

    assert list(found) == ["server"]
    assert found["server"].state is State.WRONG


WRONG: Final = {
    "is in network.bridge": ("route", replace(GOOD, address="172.20.0.9")),
    "is in network.clients": ("route", replace(GOOD, address="10.13.13.9")),
    "by ppp0: a loop": ("route", replace(GOOD, device="ppp0")),
    "by wg0: a loop": ("route", replace(GOOD, device="wg0")),
    "no answer": ("ike", replace(GOOD, answers={"modern": Answer.NONE})),
    "refuses modern": ("proposals", replace(GOOD, answers={"modern": Answer.REFUSED})),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_keeps_a_tunnel_from_coming_up_is_wrong(why: str) -> None:
    check, server = WRONG[why]

    found = judged(server)[check]

    assert found.state is State.WRONG
    assert why in found.what
    assert found.todo


NOWHERE: Final = Server("exit-a", "x.example", None, "resolve: x.example: no")


@pytest.mark.parametrize(
    "server", [GOOD, NOWHERE, *(server for _, server in WRONG.values())]
)
def test_a_container_does_not_know_how_exits_see_a_server(server: Server) -> None:
    networks = NetworkSettings()

    outside = list(seen_from(server, networks, 1400, contained=False))
    inside_one = list(seen_from(server, networks, 1400, contained=True))

    assert outside == list(of_server(server, BRIDGE, CLIENTS, 1400))
    assert [one.check for one in inside_one] == [one.check for one in outside]
    assert {one.state for one in inside_one} == {State.UNKNOWN}
    assert all(one.todo == "look from the host, as root" for one in inside_one)


def test_a_server_that_refuses_all_is_one_to_ask_about() -> None:
    names = ("modern", "compat", "legacy", "ancient")
    found = judged(replace(GOOD, answers=dict.fromkeys(names, Answer.REFUSED)))

    assert found["proposals"].todo == "ask the provider"
    some = judged(replace(GOOD, answers={"modern": Answer.REFUSED}))
    assert some["proposals"].todo == "try exit.presets with compat, legacy, ancient"


def test_what_cannot_be_told_is_not_called_wrong() -> None:
    found = judged(replace(GOOD, device="", device_mtu=None, answers={}))

    assert found["route"].state is State.UNKNOWN
    assert found["mtu"].state is State.UNKNOWN
    assert found["proposals"].state is State.UNKNOWN


@pytest.mark.parametrize(
    ("mtu_bytes", "outer"), [(1400, 1492), (1384, 1476), (1402, 1492), (1403, 1508)]
)
def test_what_goes_around_a_packet(mtu_bytes: int, outer: int) -> None:
    assert outer_bytes(mtu_bytes) == outer


@pytest.mark.parametrize("device_mtu", [1480, 1476, 1400, 1280])
def test_the_size_that_is_advised_fits(device_mtu: int) -> None:
    found = judged(replace(GOOD, device_mtu=device_mtu))["mtu"]

    advised = int(found.todo.removeprefix("set mtu_bytes = "))
    assert found.state is State.WARNING
    assert device_mtu - 16 < outer_bytes(advised) <= device_mtu


def test_two_exits_to_one_server_are_told() -> None:
    other = replace(GOOD, exit="exit-b", address="192.0.2.8")
    (well,) = of_pairs([GOOD, other])
    (bad,) = of_pairs([GOOD, replace(other, address=GOOD.address)])

    assert well.state is State.OK
    assert bad.state is State.WRONG
    assert bad.what == "exit-a and exit-b dial 192.0.2.7 from behind one address"
    assert not list(of_pairs([GOOD]))


@pytest.mark.kernel
async def test_a_route_into_a_tunnel_is_found_by_asking_the_kernel() -> None:
    with namespace("loop") as name:
        ip("link", "add", "wg0", "type", "veth", "peer", "name", "far", namespace=name)
        ip("link", "set", "far", "up", namespace=name)
        ip("link", "set", "wg0", "mtu", "1400", "up", namespace=name)
        ip("address", "add", "10.13.13.1/24", "dev", "wg0", namespace=name)
        ip("route", "add", "default", "dev", "wg0", namespace=name)
        with inside(name):
            found = await look("exit-a", "192.0.2.7", ["modern"])

    assert (found.device, found.device_mtu) == ("wg0", 1400)
    assert judged(found)["route"].state is State.WRONG


@pytest.mark.kernel
async def test_without_a_route_nothing_hangs() -> None:
    with namespace("alone") as name, inside(name):
        found = await look("exit-a", "192.0.2.7", ["modern"])

    assert (found.device, found.answers) == ("", {"modern": Answer.NONE})
