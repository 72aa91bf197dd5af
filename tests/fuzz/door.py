"""Clients who ask the entry to be let in, as the Registrar takes their wishes.

The host does at once what it is asked to: `wg` and the disk are a key and a string.
"""

from pathlib import Path
from typing import Final

from agents.entry.admission import House, admit
from agents.entry.peerfile import PeerError
from agents.entry.registrar import Registrar
from agents.entry.wgconf import WgConf, parse
from agents.settings_model import CLIENTS, Settings, SettingsError
from bus.commands import Request, Response, Verb
from bus.interface import Heard
from bus.topics import RESPONSE
from tests.fuzz.mouth import Mouth, run_now

FILE: Final = Path("wg0.conf")
ENTRY_KEY: Final = "RU5UUlktLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0="
PHONE: Final = "UEhPTkUtLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0="  # is in already
TABLET: Final = "VEFCTEVULS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0="
TEXT: Final = f"""\
[Interface]
Address = 10.13.13.1/24
PrivateKey = UFJJVkFURS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0=

# phone
[Peer]
PublicKey = {PHONE}
AllowedIPs = 10.13.13.2/32
"""


class Door:
    """Who comes in has the name, the key and an address; nothing else has changed."""

    def __init__(self) -> None:
        self.text = TEXT
        self._registrar = Registrar(Settings(), lambda _: None)

    @property
    def conf(self) -> WgConf:
        """What wg0.conf says now."""
        return parse(self.text, str(FILE), CLIENTS)

    def takes(self, heard: Heard) -> bool:
        """Whether it was a wish for a client; it has its answer then."""
        if not self._registrar.takes(heard):
            return False
        wish = self._registrar._wishes.get_nowait()
        answer = self._answer(wish)
        said = Mouth().publish(RESPONSE, answer, agent="entry", verb=Verb.ADD_PEER)
        run_now(said)
        return True

    def _answer(self, wish: Request) -> Response:
        before = self.conf
        house = House(FILE, self.text, CLIENTS, ENTRY_KEY, "vpn.example.net")
        try:
            admitted = admit(house, wish.peer, wish.public_key)
        except (PeerError, SettingsError) as refusal:
            return Response(transaction=wish.transaction, ok=False, error=str(refusal))
        assert admitted.text.startswith(self.text)
        self.text = admitted.text
        *others, new = self.conf.peers
        assert self.conf == admitted.conf
        assert tuple(others) == tuple(before.peers)
        assert (new.name, new.public_key) == (wish.peer, wish.public_key)
        assert list(new.allowed_ips) == [f"{admitted.terms.address}/32"]
        return Response(transaction=wish.transaction, ok=True, peer=admitted.terms)
