"""IPsec in values: what is wanted, and what happens to what stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.exit.presets import Preset
from bus.secret import Secret


@dataclass(frozen=True, slots=True)
class IpsecTunnel:
    """What to agree with the server.

    Attributes:
        local: Our address towards it.
        remote_id: What the server must call itself; "%any": whatever it likes.
        pfs: Whether ESP gets a key exchange of its own.
    """

    local: str
    server: str
    psk: Secret
    proposals: Preset
    remote_id: str = "%any"
    pfs: bool = False


class IpsecError(Exception):
    """Why there is no IPsec, in words for a person.

    Attributes:
        permanent: It will not go away by itself.
        refused: These proposals are not wanted; others may be.
    """

    def __init__(
        self, cause: str, *, permanent: bool = False, refused: bool = False
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.permanent = permanent
        self.refused = refused


# --- what happens to what stands ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IkeUp:
    """The server and we trust each other."""


@dataclass(frozen=True, slots=True)
class IkeDown:
    """No IKE association is left."""


@dataclass(frozen=True, slots=True)
class ChildUp:
    """ESP is installed both ways."""


@dataclass(frozen=True, slots=True)
class ChildDown:
    """No ESP association is left."""


@dataclass(frozen=True, slots=True)
class CharonExited:
    """The daemon itself ended though nobody asked it to; every association is lost."""


IpsecEvent = IkeUp | IkeDown | ChildUp | ChildDown | CharonExited

Section = Mapping[str, object]  # what charon sends: texts and sections


@dataclass(slots=True)
class Associations:
    """Who stands, by charon's numbers: one that renews itself is never down between."""

    ike: set[str] = field(default_factory=set)
    child: set[str] = field(default_factory=set)

    def fold(self, event: str, message: Section) -> tuple[IpsecEvent, ...]:
        """What charon's event changes; empty if there was and is an association."""
        had_ike, had_child = bool(self.ike), bool(self.child)
        up = message.get("up") == "yes"  # on the way down the key is absent
        for ike in _sections(message):
            self._take(event, ike, up=up)
        changes: list[IpsecEvent] = []
        if had_child and not self.child:
            changes.append(ChildDown())
        if had_ike != bool(self.ike):
            changes.append(IkeUp() if self.ike else IkeDown())
        if self.child and not had_child:
            changes.append(ChildUp())
        return tuple(changes)

    def _take(self, event: str, ike: Section, *, up: bool) -> None:
        children = _sections(ike.get("child-sas"))
        if event == "ike-updown":
            _mark(self.ike, ike, up=up)
        elif event == "ike-rekey":
            _replace(self.ike, ike)
        elif event == "child-updown":
            for child in children:
                _mark(self.child, child, up=up)
        elif event == "child-rekey":
            for child in children:
                _replace(self.child, child)


def _sections(tree: object) -> tuple[Section, ...]:
    """The sections directly below; empty if it is none."""
    if not isinstance(tree, Mapping):
        return ()
    return tuple(part for part in tree.values() if isinstance(part, Mapping))


def _mark(known: set[str], association: Section, *, up: bool) -> None:
    number = str(association.get("uniqueid", ""))
    if up:
        known.add(number)
    else:
        known.discard(number)


def _replace(known: set[str], association: Section) -> None:
    for key, up in (("old", False), ("new", True)):
        part = association.get(key)
        if isinstance(part, Mapping):
            _mark(known, part, up=up)
