"""Looks at the host for who on the bridge cannot be an exit."""

from agents.neighbours import Neighbours
from agents.netlink import Netlink
from agents.network import MAIN_TABLE
from agents.settings_model import NetworkSettings


async def survey(net: Netlink, network: NetworkSettings) -> Neighbours:
    """Where an exit can be: not at the entry, at a gateway, nor at ourselves.

    Raises:
        NetlinkError: The kernel does not say.
    """
    own = {
        address.partition("/")[0]
        for link in await net.links()
        for address in link.addresses
    }
    # Our own tables lead through exits.
    gateways = {route.via for route in await net.routes(MAIN_TABLE) if route.via}
    others = frozenset({str(network.entry), *own, *gateways})
    return Neighbours(network.bridge, others)
