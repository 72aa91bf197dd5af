"""The parts of pyroute2 that the agents use, without the rest of it.

Who imports `pyroute2` gets all that the package has, a database of the network in SQL
among it: 6 MB and a third of a second for each agent (0.9.7, measured). So the package
is known here without its first file having run, its modules are imported one by one.
"""

import sys
from importlib.util import find_spec, module_from_spec

__all__ = (
    "NLM_F_ACK",
    "NLM_F_CREATE",
    "NLM_F_REPLACE",
    "NLM_F_REQUEST",
    "RTMGRP_IPV4_IFADDR",
    "RTMGRP_IPV6_IFADDR",
    "RTMGRP_LINK",
    "RTM_DELADDR",
    "RTM_DELLINK",
    "RTM_DELROUTE",
    "RTM_GETLINK",
    "RTM_NEWADDR",
    "RTM_NEWLINK",
    "RTM_NEWROUTE",
    "AsyncIPRoute",
    "Refusal",
    "ifinfmsg",
    "nlmsg",
    "rt_proto",
    "rt_scope",
    "rt_type",
    "rtmsg_base",
)

_PACKAGE = find_spec("pyroute2")
if _PACKAGE is not None and "pyroute2" not in sys.modules:
    sys.modules["pyroute2"] = module_from_spec(_PACKAGE)  # not run

from pyroute2.iproute.linux import AsyncIPRoute  # noqa: E402 - see above
from pyroute2.netlink import (  # noqa: E402
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    nlmsg,
)
from pyroute2.netlink.exceptions import NetlinkError as Refusal  # noqa: E402
from pyroute2.netlink.rtnl import (  # noqa: E402
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_DELROUTE,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    RTMGRP_IPV4_IFADDR,
    RTMGRP_IPV6_IFADDR,
    RTMGRP_LINK,
    rt_proto,
    rt_scope,
    rt_type,
)
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # noqa: E402
from pyroute2.netlink.rtnl.rtmsg import rtmsg_base  # noqa: E402
