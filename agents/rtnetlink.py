"""What rtnetlink says, as our values, and the messages that pyroute2 lacks.

Together with `agents/netlink.py` the only code that knows pyroute2, which comes in by
`agents/pyroute2_parts.py`: the library is untyped, and nothing untyped leaves them.

pyroute2 0.9.7 has no next-hop objects and no route attribute that names one. Both are a
few lines. Source: include/uapi/linux/nexthop.h and rtnetlink.h of Linux 5.3.
"""

import errno
import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from socket import AF_INET, AF_INET6, AF_UNSPEC, if_nametoindex
from typing import Any, Final

from agents.network import Family, Link, NextHop, Route, Rule, Traffic
from agents.pyroute2_parts import (
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    ifinfmsg,
    nlmsg,
    rt_proto,
    rt_scope,
    rt_type,
    rtmsg_base,
)

RTM_NEWNEXTHOP: Final = 104
RTM_DELNEXTHOP: Final = 105
RTM_GETNEXTHOP: Final = 106

AF: Final[Mapping[Family, int]] = {4: AF_INET, 6: AF_INET6}
_IFF_UP: Final = 1
_DEFAULT: Final[Mapping[Family, str]] = {4: "0.0.0.0/0", 6: "::/0"}
_UNREACHABLE: Final = 7  # RTN_UNREACHABLE


class NextHopMessage(nlmsg):  # type: ignore[misc]  # pyroute2 is untyped
    """`struct nhmsg` and its attributes."""

    __slots__ = ()
    prefix = "NHA_"
    fields = (
        ("family", "B"),
        ("scope", "B"),
        ("protocol", "B"),
        ("resvd", "B"),
        ("flags", "I"),
    )
    nla_map = (
        ("NHA_UNSPEC", "none"),
        ("NHA_ID", "uint32"),
        ("NHA_GROUP", "hex"),
        ("NHA_GROUP_TYPE", "uint16"),
        ("NHA_BLACKHOLE", "flag"),
        ("NHA_OIF", "uint32"),
        ("NHA_GATEWAY", "ipaddr"),
    )


class RouteMessage(rtmsg_base, nlmsg):  # type: ignore[misc]  # pyroute2 is untyped
    """`struct rtmsg` with the attributes up to the one that names a next-hop object.

    Not a child of pyroute2's rtmsg: it would inherit the attribute table that the
    parent compiles at its first use, and know no more than the parent.
    """

    __slots__ = ()
    nla_map = (
        *rtmsg_base.nla_map,
        ("RTA_PAD", "hex"),
        ("RTA_UID", "uint32"),
        ("RTA_TTL_PROPAGATE", "uint8"),
        ("RTA_IP_PROTO", "uint8"),
        ("RTA_SPORT", "be16"),
        ("RTA_DPORT", "be16"),
        ("RTA_NH_ID", "uint32"),
    )


POLICY: Final = {RTM_NEWROUTE: RouteMessage, RTM_NEWNEXTHOP: NextHopMessage}


def index_of(name: str) -> int:
    """The device's number; OSError with ENODEV if there is none of that name."""
    try:
        return if_nametoindex(name)
    except OSError as error:  # it carries no errno of its own
        raise OSError(errno.ENODEV, f"no device {name}") from error


def version(address: str) -> Family:
    """The IP version of an address or prefix; ValueError if it is none."""
    return 4 if ipaddress.ip_interface(address).version == 4 else 6


def rule_arguments(rule: Rule) -> dict[str, Any]:
    """The rule in pyroute2's words."""
    arguments: dict[str, Any] = {
        "family": AF[rule.family],
        "priority": rule.priority,
        "table": rule.table,
    }
    if rule.iif:
        arguments["iifname"] = rule.iif
    if rule.oif:
        arguments["oifname"] = rule.oif
    if rule.mark is not None:
        arguments["fwmark"] = rule.mark
    for key, prefix in (("dst", rule.to), ("src", rule.source)):
        if prefix:
            ip, _, length = prefix.partition("/")
            arguments[key] = ip
            whole = 32 if rule.family == 4 else 128
            arguments[f"{key}_len"] = int(length or whole)
    return arguments


def rule_of(message: Any) -> Rule:
    """The rule that the kernel tells of."""
    family: Family = 4 if message["family"] == AF_INET else 6
    to, source = message.get_attr("FRA_DST"), message.get_attr("FRA_SRC")
    return Rule(
        priority=message.get_attr("FRA_PRIORITY") or 0,
        table=message.get_attr("FRA_TABLE") or message["table"],
        iif=message.get_attr("FRA_IIFNAME"),
        oif=message.get_attr("FRA_OIFNAME"),
        to=f"{to}/{message['dst_len']}" if to else None,
        source=f"{source}/{message['src_len']}" if source else None,
        mark=message.get_attr("FRA_FWMARK"),
        family=family,
    )


def route_message(route: Route) -> RouteMessage:
    """The route as the kernel wants it; OSError if its device does not exist."""
    prefix = ipaddress.ip_network(
        _DEFAULT[route.family] if route.to == "default" else route.to
    )
    message = RouteMessage()
    message["family"] = AF[route.family]
    message["dst_len"] = prefix.prefixlen
    message["proto"] = rt_proto["static"]
    message["type"] = rt_type[route.kind]
    direct = route.kind == "unicast" and route.via is None and route.nexthop_id is None
    message["scope"] = rt_scope["link" if direct and route.family == 4 else "universe"]
    message["table"] = route.table if route.table < 256 else 0
    attributes: list[tuple[str, int | str]] = [("RTA_TABLE", route.table)]
    attributes.append(("RTA_PRIORITY", route.metric))
    if prefix.prefixlen:
        attributes.append(("RTA_DST", str(prefix.network_address)))
    if route.via:
        attributes.append(("RTA_GATEWAY", route.via))
    if route.dev:
        attributes.append(("RTA_OIF", index_of(route.dev)))
    if route.realm:
        attributes.append(("RTA_FLOW", route.realm))
    if route.nexthop_id is not None:
        attributes.append(("RTA_NH_ID", route.nexthop_id))
    message["attrs"] = attributes
    return message


def route_of(message: Any, names: Mapping[int, str]) -> Route:
    """The route that the kernel tells of; `names`: device names by index."""
    family: Family = 4 if message["family"] == AF_INET else 6
    to = message.get_attr("RTA_DST")
    return Route(
        table=message.get_attr("RTA_TABLE") or message["table"],
        to=f"{to}/{message['dst_len']}" if to else "default",
        via=message.get_attr("RTA_GATEWAY"),
        dev=names.get(message.get_attr("RTA_OIF") or 0),
        metric=message.get_attr("RTA_PRIORITY") or 0,
        kind="unreachable" if message["type"] == _UNREACHABLE else "unicast",
        realm=message.get_attr("RTA_FLOW") or 0,
        nexthop_id=message.get_attr("RTA_NH_ID"),
        family=family,
    )


def nexthop_message(hop: NextHop) -> NextHopMessage:
    """The object as the kernel wants it; OSError if its device does not exist."""
    message = NextHopMessage()
    message["family"] = AF[version(hop.via)]
    message["protocol"] = rt_proto["static"]
    message["attrs"] = [
        ("NHA_ID", hop.id),
        ("NHA_OIF", index_of(hop.dev)),
        ("NHA_GATEWAY", hop.via),
    ]
    return message


def nexthop_id_message(number: int) -> NextHopMessage:
    """What names a next-hop object to read or delete it."""
    message = NextHopMessage()
    message["family"] = AF_UNSPEC
    message["attrs"] = [("NHA_ID", number)]
    return message


def link_message(index: int) -> ifinfmsg:
    """What names a device to read it."""
    message = ifinfmsg()
    message["index"] = index
    return message


def traffic_of(message: Any) -> Traffic:
    """What the kernel has counted at a device; 64 bits, also where `long` has 32."""
    counted = message.get_attr("IFLA_STATS64")
    return Traffic(counted["rx_bytes"], counted["tx_bytes"])


def fold(links: Mapping[int, Link], message: Any) -> Mapping[int, Link]:
    """The devices by index after one more message about a link or an address.

    Bridges speak of their ports in link messages of their own family, where "deleted"
    means "left the bridge": those are passed over.
    """
    kind = message["header"]["type"]
    if kind in (RTM_NEWLINK, RTM_DELLINK):
        if message["family"] != AF_UNSPEC:
            return links
        return _fold_link(links, message, gone=kind == RTM_DELLINK)
    if kind in (RTM_NEWADDR, RTM_DELADDR):
        return _fold_address(links, message, gone=kind == RTM_DELADDR)
    return links


def _fold_link(
    links: Mapping[int, Link], message: Any, *, gone: bool
) -> Mapping[int, Link]:
    index = message["index"]
    rest = {number: link for number, link in links.items() if number != index}
    if gone:
        return rest
    before = links.get(index)
    info = message.get_attr("IFLA_LINKINFO")
    kind = info.get_attr("IFLA_INFO_KIND") if info is not None else None
    link = Link(
        name=message.get_attr("IFLA_IFNAME"),
        index=index,
        up=bool(message["flags"] & _IFF_UP),
        mtu=message.get_attr("IFLA_MTU") or 0,
        kind=kind or (before.kind if before else ""),
        addresses=before.addresses if before else (),
    )
    return {**rest, index: link}


def _fold_address(
    links: Mapping[int, Link], message: Any, *, gone: bool
) -> Mapping[int, Link]:
    link = links.get(message["index"])
    if link is None:
        return links
    # On a point-to-point device IFA_ADDRESS is the far end; IFA_LOCAL is ours.
    local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    address = f"{local}/{message['prefixlen']}"
    others = tuple(one for one in link.addresses if one != address)
    addresses = others if gone else (*others, address)
    if not gone and address in link.addresses:
        addresses = link.addresses
    return {**links, link.index: replace(link, addresses=addresses)}
