from collections import Counter
from ipaddress import ip_interface

import pytest

from lab import wiring
from lab.topology import (
    MOST_CLIENTS,
    MOST_EXITS,
    End,
    Role,
    Topology,
    build,
    exit_address,
    place,
    provider_of,
    public_address,
    seen_address,
)

LONGEST_NAME = 15  # of an interface: IFNAMSIZ


def all_sizes() -> list[Topology]:
    return [build(), build(exits=1), build(exits=MOST_EXITS, clients=MOST_CLIENTS)]


def test_by_default_there_are_two_exits_and_a_client() -> None:
    topology = build()

    assert topology.exits == ("exit-a", "exit-b")
    assert topology.providers == ("provider-a", "provider-b")
    assert topology.clients == ("client",)


def test_more_clients_are_numbered() -> None:
    assert build(clients=3).clients == ("client", "client-2", "client-3")


@pytest.mark.parametrize(("exits", "clients"), [(0, 1), (27, 1), (1, 0), (1, 101)])
def test_what_has_no_names_or_addresses_is_refused(exits: int, clients: int) -> None:
    with pytest.raises(ValueError, match="building a lab"):
        build(exits=exits, clients=clients)


@pytest.mark.parametrize("topology", all_sizes())
def test_every_port_is_a_bridge_or_one_end_of_one_cable(topology: Topology) -> None:
    ends = Counter(end for link in topology.links for end in (link.one, link.other))
    ports = {
        End(node.name, port.name)
        for node in topology.nodes
        for port in node.ports
        if not port.bridge
    }

    assert set(ends) == ports
    assert set(ends.values()) == {1}


@pytest.mark.parametrize("topology", all_sizes())
def test_no_address_is_given_twice(topology: Topology) -> None:
    # The router is one and the same to all providers.
    addresses = Counter(
        text.split()[0].partition("/")[0]
        for node in topology.nodes
        for port in node.ports
        for text in port.addresses
        if "198.18.0.1 peer" not in text
    )

    assert set(addresses.values()) == {1}


@pytest.mark.parametrize("topology", all_sizes())
def test_the_kernel_takes_every_name_and_address(topology: Topology) -> None:
    for node in topology.nodes:
        for port in node.ports:
            assert len(port.name) <= LONGEST_NAME
            for text in port.addresses:
                ip_interface(text.split()[0])  # or ValueError


def test_a_bridge_is_there_before_what_belongs_to_it() -> None:
    for node in build().nodes:
        lines = wiring.ports(node).splitlines()
        for index, line in enumerate(lines):
            if " master " in line:
                bridge = line.split(" master ")[1].split()[0]
                assert f"link add {bridge} type bridge" in lines[:index]


def test_names_tell_who_belongs_to_whom() -> None:
    assert place("exit-b") == 1
    assert provider_of("exit-b") == "provider-b"
    assert exit_address("exit-b") == "172.20.0.12"
    assert public_address("provider-b") == "203.0.113.12"
    assert seen_address("provider-b") == "198.51.100.12"


def test_entry_and_exits_pass_nothing_on_before_they_are_told() -> None:
    roles = {node.role for node in build().nodes if node.forwards}

    assert roles == {Role.ROUTER, Role.PROVIDER}
