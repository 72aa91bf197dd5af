"""The packet filter of the entry, as iptables-restore tables: pure text.

What comes from clients leaves towards the exits or not at all: not to the bridge's own
hosts, not to any other network that the entry stands in, not to the entry itself, not
to one another unless that is allowed. What comes back belongs to a connection that a
client began. Under a source that is no client's, nothing is taken in. Whoever is
refused is told so, and need not wait: also of IPv6, which the exits do not carry.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Final

from agents.entry.model import DEVICE

_REFUSE: Final = "REJECT --reject-with icmp-admin-prohibited"
_REFUSE_6: Final = "REJECT --reject-with icmp6-adm-prohibited"


def rules(
    bridge: str,
    clients: IPv4Network,
    near: Sequence[IPv4Network],
    *,
    client_to_client: bool,
) -> tuple[str, str]:
    """The tables for IPv4 and IPv6.

    Args:
        bridge: The device towards the exits.
        clients: Where the addresses of all clients are.
        near: Networks that the entry stands in, the bridge's among them; rejected.
        client_to_client: Whether clients may talk to one another.
    """
    v4 = _spoofed(clients) + _filter(
        _forwarded(bridge, near, client_to_client=client_to_client),
        _received(clients),
        _sent(clients),
    )
    v6 = _filter(
        (f"-i {DEVICE} -j {_REFUSE_6}", f"-o {DEVICE} -j DROP"),
        (f"-i {DEVICE} -j {_REFUSE_6}",),
        (),
    )
    return v4, v6


def _spoofed(clients: IPv4Network) -> str:
    """Before any route is looked up: a refusal would go to whoever has that address."""
    return f"""\
*mangle
:VPNCHAIN-PREROUTING - [0:0]
-A PREROUTING -j VPNCHAIN-PREROUTING
-A VPNCHAIN-PREROUTING -i {DEVICE} ! -s {clients} -j DROP
COMMIT
"""


def _filter(
    forwarded: Sequence[str], received: Sequence[str], sent: Sequence[str]
) -> str:
    rules = {"FORWARD": forwarded, "INPUT": received, "OUTPUT": sent}
    lines = ["*filter", ":FORWARD DROP [0:0]"]
    lines += [f":VPNCHAIN-{chain} - [0:0]" for chain in rules]
    lines += [f"-A {chain} -j VPNCHAIN-{chain}" for chain in rules]
    lines += [f"-A VPNCHAIN-{chain} {one}" for chain in rules for one in rules[chain]]
    return "\n".join((*lines, "COMMIT", ""))


def _forwarded(
    bridge: str, near: Sequence[IPv4Network], *, client_to_client: bool
) -> tuple[str, ...]:
    return (
        f"-i {DEVICE} -o {DEVICE} -j {'ACCEPT' if client_to_client else _REFUSE}",
        *(f"-i {DEVICE} -d {network} -j {_REFUSE}" for network in near),
        f"-i {DEVICE} -o {bridge} -j ACCEPT",
        f"-i {bridge} -o {DEVICE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-i {DEVICE} -j DROP",
        f"-o {DEVICE} -j DROP",
    )


def _received(clients: IPv4Network) -> tuple[str, ...]:
    """For the entry itself: a client may see that wg0 is there, and no more.

    Not even an ICMP error: it could lower the MTU of the entry's own connections.
    """
    return (
        f"-i {DEVICE} -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        f"-i {DEVICE} -d {clients} -p icmp --icmp-type echo-request -j ACCEPT",
        f"-i {DEVICE} -j {_REFUSE}",
    )


def _sent(clients: IPv4Network) -> tuple[str, ...]:
    """What the entry itself says to clients goes by wg0, also when that is gone."""
    return (
        f"-o {DEVICE} -j RETURN",
        "-o lo -j RETURN",
        f"-d {clients} -j DROP",
        f"-s {clients} -j DROP",
    )
