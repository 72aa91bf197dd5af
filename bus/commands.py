"""What may be asked over the bus, and what is answered.

Commands are never retained: a wish that nobody heard is gone. Unknown fields are
refused, not ignored, so that a wish is never granted in part. Values only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bus.messages.peers import PeerTerms
from bus.messages.stamp import Stamp


class Verb(StrEnum):
    """What may be asked of an agent."""

    AUTO = "auto"  # choose the active exit by the order of the settings
    PREFER = "prefer"  # this exit while it is usable
    ONLY = "only"  # this exit or none
    DRAIN = "drain"  # give this exit nothing while another one is usable
    UNDRAIN = "undrain"
    RECONNECT = "reconnect"  # build the tunnel anew
    RESTART = "restart"  # the container of this agent
    USE = "use"  # this exit while it is usable; or "auto"
    MOVE = "move"  # to the best exit but the active one
    ACCEPT = "accept"  # the public address that was taken for a leak
    ADD_PEER = "add-peer"  # this client may come in, if the settings let it be asked


# Keys: the role of the agent that knows these verbs.
VERBS: Final[Mapping[str, tuple[Verb, ...]]] = MappingProxyType(
    {
        "coordinator": (
            *(Verb.AUTO, Verb.PREFER, Verb.ONLY),
            *(Verb.DRAIN, Verb.UNDRAIN),
        ),
        "exit": (Verb.RECONNECT,),
        "entry": (Verb.ACCEPT, Verb.ADD_PEER),
        "containers": (Verb.RESTART,),
        "homeassistant": (Verb.USE, Verb.MOVE),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody wants something done; `transaction` comes back in the response.

    `exit`: whom it is about, where the verb needs one; `agent`: the same for a restart;
    `peer` and `public_key`: a new client, which keeps its private key to itself.
    """

    transaction: str
    exit: str = ""
    agent: str = ""
    peer: str = ""
    public_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enable:
    """Whether an exit shall be enabled; said twice it is the same wish.

    `transaction`: for who wants to know what became of it; switches do not.
    """

    enabled: bool
    transaction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What became of a request; `error` is empty if it was granted.

    `peer`: what a client that was added has to know.
    """

    transaction: str
    ok: bool
    error: str = ""
    peer: PeerTerms | None = None


class Choice(StrEnum):
    """How the active exit is chosen."""

    AUTO = "auto"  # the best one by the order of the settings
    PREFER = "prefer"  # this one while it is usable
    ONLY = "only"  # this one or none: never another, by wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode(Stamp):
    """What people have asked of the coordinator; retained, as it stands until changed.

    Attributes:
        exit: Whom `choice` is about; empty with AUTO.
        drained: Exits that carry nothing while another one is usable.
    """

    choice: Choice = Choice.AUTO
    exit: str = ""
    drained: tuple[str, ...] = ()
