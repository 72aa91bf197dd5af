"""What the entry's packet filter lets through, as text."""

from ipaddress import IPv4Network

from agents.entry.dataplane import networks
from agents.entry.packet_filter import rules
from agents.network import Link, link_within

CLIENTS = IPv4Network("10.13.13.0/24")
BRIDGE = IPv4Network("172.20.0.0/16")
LINKS = (
    Link("lo", 1, True, 65536, "", ("127.0.0.1/8", "::1/128")),
    Link("eth0", 2, True, 1500, "veth", ("172.20.0.2/16", "fe80::1/64")),
    Link("eth1", 3, True, 1500, "veth", ("172.21.0.3/24",)),
    Link("wg0", 4, True, 1400, "tun", ("10.13.13.1/24",)),
)


REFUSE = "-j REJECT --reject-with icmp-admin-prohibited"
REFUSE_6 = "-j REJECT --reject-with icmp6-adm-prohibited"


def chain(text: str, name: str) -> list[str]:
    """The rules of a chain of ours, in order."""
    start = f"-A VPNCHAIN-{name} "
    lines = text.splitlines()
    return [line.removeprefix(start) for line in lines if line.startswith(start)]


def test_what_comes_from_clients_leaves_towards_the_exits_or_not_at_all() -> None:
    v4, _ = rules("eth0", CLIENTS, (BRIDGE, CLIENTS), client_to_client=False)

    assert ":FORWARD DROP [0:0]" in v4.splitlines()
    assert chain(v4, "FORWARD") == [
        f"-i wg0 -o wg0 {REFUSE}",
        f"-i wg0 -d 172.20.0.0/16 {REFUSE}",
        f"-i wg0 -d 10.13.13.0/24 {REFUSE}",
        "-i wg0 -o eth0 -j ACCEPT",
        "-i eth0 -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-i wg0 -j DROP",
        "-o wg0 -j DROP",
    ]


def test_what_is_no_clients_is_dropped_before_it_is_routed() -> None:
    v4, _ = rules("eth0", CLIENTS, (), client_to_client=True)

    assert chain(v4, "PREROUTING") == ["-i wg0 ! -s 10.13.13.0/24 -j DROP"]


def test_clients_talk_to_one_another_only_if_allowed() -> None:
    v4, _ = rules("eth0", CLIENTS, (BRIDGE,), client_to_client=True)

    assert chain(v4, "FORWARD")[0] == "-i wg0 -o wg0 -j ACCEPT"


def test_clients_are_refused_ipv6_whoever_they_ask() -> None:
    _, v6 = rules("eth0", CLIENTS, (BRIDGE,), client_to_client=True)

    assert ":FORWARD DROP [0:0]" in v6.splitlines()
    assert chain(v6, "INPUT") == [f"-i wg0 {REFUSE_6}"]
    assert chain(v6, "FORWARD") == [f"-i wg0 {REFUSE_6}", "-o wg0 -j DROP"]
    assert "ACCEPT" not in v6


def test_every_network_that_the_entry_stands_in_is_near() -> None:
    near = ("10.13.13.0/24", "127.0.0.0/8", "172.20.0.0/16", "172.21.0.0/24")

    assert tuple(map(str, networks(LINKS, CLIENTS, among=False))) == near
    assert tuple(map(str, networks(LINKS, CLIENTS, among=True))) == near[1:]


def test_the_bridge_is_the_device_that_stands_in_its_network() -> None:
    link = link_within(LINKS, BRIDGE)

    assert link is not None
    assert (link.name, link.within(BRIDGE)) == ("eth0", ("172.20.0.2",))
    assert link_within(LINKS, IPv4Network("192.168.0.0/16")) is None
