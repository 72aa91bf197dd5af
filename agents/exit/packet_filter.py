"""The packet filter of an exit, as iptables-restore tables: pure text.

What comes from the bridge leaves by ppp0, by a detour through another exit, or not at
all; and only if a client sent it, or the entry that tries our path. What comes by ppp0
belongs to what was sent there. The exit itself hears its server, and who pings it; L2TP
outside IPsec is dropped both ways, whatever policies the kernel has at that moment.
"""

from collections.abc import Collection
from typing import Final

from agents.exit.forwarding import REALM
from agents.settings_model import NetworkSettings

_LED: Final = f"-m realm --realm {REALM}/0xffff"  # beyond is the way back's realm
_MARK: Final = "0x2b"  # DSCP of what took a detour: one of those left to local use
_REDIRECT: Final = 5  # ICMP type
_ANSWERS: Final = "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
_SYN: Final = "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS"
_HEADERS_BYTES: Final = 40  # IPv4's and TCP's without options
# Port unreachable is never said: while nobody listens at 1701, because xl2tpd is dead
# and its SA is not, the kernel would quote what ESP brought, in the clear. A redirect
# would tell clients of addresses that are none of theirs.
_SENT: Final = f"""\
-A VPNCHAIN-OUTPUT -p udp --dport 1701 -m policy --dir out --pol none -j DROP
-A VPNCHAIN-OUTPUT -p udp --sport 1701 -m policy --dir out --pol none -j DROP
-A VPNCHAIN-OUTPUT -p icmp --icmp-type port-unreachable -j DROP
-A VPNCHAIN-OUTPUT -p icmp --icmp-type {_REDIRECT} -j DROP
"""
_MANGLE: Final = f"""\
*mangle
:VPNCHAIN-FORWARD - [0:0]
:VPNCHAIN-POSTROUTING - [0:0]
-A FORWARD -j VPNCHAIN-FORWARD
-A POSTROUTING -j VPNCHAIN-POSTROUTING
-A VPNCHAIN-FORWARD -o ppp+ {_SYN} --clamp-mss-to-pmtu
"""
_NAT: Final = """\
*nat
:VPNCHAIN-POSTROUTING - [0:0]
-A POSTROUTING -j VPNCHAIN-POSTROUTING
-A VPNCHAIN-POSTROUTING -o ppp+ -j MASQUERADE
COMMIT
"""


def filter_v4(
    bridge: str,
    address: str,
    network: NetworkSettings,
    servers: Collection[str] = (),
    *,
    mtu_bytes: int,
    detours: bool = True,
) -> str:
    """For iptables-restore.

    Args:
        bridge: The device.
        address: Our own there.
        network: Who belongs to the chain.
        servers: As for `admission`.
        mtu_bytes: The most that ppp0 will take; it may turn out to take less.
        detours: Whether this exit may pass on to another.
    """
    return f"""\
*filter
:FORWARD DROP [0:0]
:VPNCHAIN-FORWARD - [0:0]
:VPNCHAIN-INPUT - [0:0]
:VPNCHAIN-OUTPUT - [0:0]
{_admitted(servers)}\
-A FORWARD -j VPNCHAIN-FORWARD
-A INPUT -j VPNCHAIN-INPUT
-A OUTPUT -j VPNCHAIN-OUTPUT
{_forwarded(bridge, network)}\
{_led_round(bridge, network) if detours else ""}\
-A VPNCHAIN-FORWARD -j DROP
{_received(bridge, address, network)}\
{_SENT}\
COMMIT
{_MANGLE}\
{_answered(mtu_bytes)}\
{_marked(bridge) if detours else ""}\
COMMIT
{_NAT}"""


def admission(servers: Collection[str]) -> str:
    """For iptables-restore: only these may begin to speak to us by IKE and ESP.

    Answers come in anyway; a server also has things to say of its own.
    """
    return f"*filter\n{_admitted(servers)}COMMIT\n"


def filter_v6() -> str:
    """For ip6tables-restore: the tunnel carries no IPv6, so none is let through."""
    return """\
*filter
:FORWARD DROP [0:0]
:VPNCHAIN-FORWARD - [0:0]
:VPNCHAIN-INPUT - [0:0]
:VPNCHAIN-OUTPUT - [0:0]
-A FORWARD -j VPNCHAIN-FORWARD
-A INPUT -j VPNCHAIN-INPUT
-A OUTPUT -j VPNCHAIN-OUTPUT
-A VPNCHAIN-FORWARD -j DROP
-A VPNCHAIN-INPUT -i ppp+ -j DROP
-A VPNCHAIN-OUTPUT -o ppp+ -j DROP
COMMIT
"""


def _forwarded(bridge: str, network: NetworkSettings) -> str:
    """Out by ppp0 and back.

    What is not given ppp0's address does not leave by it: flows that had taken a detour
    until they are forgotten, and what belongs to no flow.
    """
    out = f"-A VPNCHAIN-FORWARD -i {bridge} -o ppp+"
    return f"""\
{out} -m conntrack --ctstate INVALID -j DROP
{out} -m conntrack --ctstatus CONFIRMED ! --ctstate SNAT -j DROP
{out} -s {network.clients} -j ACCEPT
{out} -s {network.entry} -j ACCEPT
-A VPNCHAIN-FORWARD -i ppp+ -o {bridge} {_ANSWERS}
"""


def _led_round(bridge: str, network: NetworkSettings) -> str:
    """Once round, and only clients: an entry that tries our path shall see it."""
    across = f"-A VPNCHAIN-FORWARD -i {bridge} -o {bridge}"
    return f"""\
{across} -m dscp --dscp {_MARK} -j DROP
{across} -s {network.clients} {_LED} -j ACCEPT
"""


def _answered(mtu_bytes: int) -> str:
    """What a server may promise clients that they can send in one segment.

    By number: the kernel would clamp it to the way back to the server as the main table
    has it, which is the bridge, not ppp0 (measured; net/netfilter/xt_TCPMSS.c).
    """
    most = mtu_bytes - _HEADERS_BYTES
    return f"-A VPNCHAIN-FORWARD -i ppp+ {_SYN} --set-mss {most}\n"


def _marked(bridge: str) -> str:
    """What goes round is known by its mark, which nobody outside sees."""
    rule = "-A VPNCHAIN-POSTROUTING"
    return f"""\
{rule} -o {bridge} {_LED} -j DSCP --set-dscp {_MARK}
{rule} -o ppp+ -m dscp --dscp {_MARK} -j DSCP --set-dscp 0
"""


def _received(bridge: str, address: str, network: NetworkSettings) -> str:
    """For the exit itself.

    Who comes by ppp0 speaks to ppp0's address: to our own on the bridge only the server
    does, past ppp0, and an answer is known by its addresses alone.
    """
    rule = "-A VPNCHAIN-INPUT"
    return f"""\
{rule} -p udp --sport 1701 -m policy --dir in --pol none -j DROP
{rule} -p udp --dport 1701 -m policy --dir in --pol none -j DROP
{rule} -i ppp+ -d {address} -j DROP
{rule} -i ppp+ {_ANSWERS}
{rule} -i ppp+ -j DROP
{rule} -i {bridge} {_ANSWERS}
{rule} -i {bridge} -p udp --dport 1701 -m policy --dir in --pol ipsec -j ACCEPT
{rule} -i {bridge} -s {network.bridge} -p icmp --icmp-type echo-request -j ACCEPT
{rule} -i {bridge} -j VPNCHAIN-SERVER
{rule} -i {bridge} -j DROP
"""


def _admitted(servers: Collection[str]) -> str:
    """The chain that says who may begin."""
    lines = [":VPNCHAIN-SERVER - [0:0]"]
    for server in servers:
        rule = f"-A VPNCHAIN-SERVER -s {server}"
        lines += [f"{rule} -p udp --sport {port} -j ACCEPT" for port in (500, 4500)]
        lines += [f"{rule} -p esp -j ACCEPT"]
    return "\n".join((*lines, ""))
