"""What has to be said to `ip`, `iptables` and the kernel to make a topology real."""

from lab.topology import Node, Topology


def links(topology: Topology) -> str:
    """For `ip -batch`, where the nodes' networks are known by name: all the cables."""
    return "".join(
        f"link add {link.one.port} netns {link.one.node} type veth "
        f"peer name {link.other.port} netns {link.other.node}\n"
        for link in topology.links
    )


def ports(node: Node) -> str:
    """For `ip -batch` inside the node: bridges, addresses, routes, everything up."""
    lines = ["link set lo up"]
    lines += [f"link add {port.name} type bridge" for port in node.ports if port.bridge]
    for port in node.ports:
        lines += [f"address add {text} dev {port.name}" for text in port.addresses]
        master = f" master {port.master}" if port.master else ""
        lines.append(f"link set {port.name}{master} up")
    lines += [f"route add {route}" for route in node.routes]
    return "\n".join(lines) + "\n"


def nat(node: Node) -> str:
    """For `iptables-restore`: masquerade what leaves by the node's outer ports."""
    rules = [f"-A POSTROUTING -o {port} -j MASQUERADE" for port in node.masquerade]
    return "\n".join(["*nat", *rules, "COMMIT", ""])


def sysctls(node: Node) -> dict[str, str]:
    """Settings of the node's network; keys: paths below /proc/sys."""
    return {
        "net/ipv4/ip_forward": str(int(node.forwards)),
        "net/ipv4/conf/all/rp_filter": "2",  # as Debian sets it
        "net/ipv4/ping_group_range": "0 2147483647",  # as Docker sets it
        "net/ipv6/conf/default/accept_ra": "0",
        "net/ipv6/conf/default/router_solicitations": "0",  # no noise on captures
    }
