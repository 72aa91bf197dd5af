"""Adds clients to wg0.conf for those who ask on the bus, one after the other.

Off unless the settings say otherwise. Who asks says a name and a public key, and hears
what the client has to know: no secret goes either way. `vpnchain peer` at the same file
waits for us, and we for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final, NoReturn

from agents import files
from agents.entry.admission import Admitted, House, admit
from agents.entry.peerfile import PeerError
from agents.entry.wgconf import WgConf, parse
from agents.entry.wireguard import WireguardError, public_of
from agents.settings_model import Settings, SettingsError
from agents.small_file import read_text
from agents.tool import ToolError
from bus.commands import Request, Response, Verb
from bus.interface import Bus, Heard, Received
from bus.messages.peers import PeerTerms
from bus.topics import RESPONSE

WAITING: Final = 20  # wishes at once; more is no person
TURN_S: Final = 2.0  # how long somebody else may hold the file
LOOK_S: Final = 0.02
OFF: Final = "adding clients on request is off here: [entry] peers_by_request"
log = logging.getLogger(__name__)


class Registrar:
    """Who may add clients; `obey`: is told what wg0.conf says from now on."""

    def __init__(self, settings: Settings, obey: Callable[[WgConf], None]) -> None:
        self._settings = settings
        self._file = settings.entry.wg_conf
        self._obey = obey
        self._wishes: asyncio.Queue[Request] = asyncio.Queue(WAITING)

    def takes(self, heard: Heard) -> bool:
        """Whether this is a wish for a client; it is answered in its turn."""
        if not isinstance(heard, Received) or not isinstance(heard.payload, Request):
            return False
        if heard.levels["verb"] != Verb.ADD_PEER:
            return False
        try:
            self._wishes.put_nowait(heard.payload)
        except asyncio.QueueFull:
            log.warning("passing over a wish for a client: %d wait already", WAITING)
        return True

    async def keep(self, bus: Bus, entry: str) -> NoReturn:
        """Grants or refuses each wish, as this entry."""
        while True:
            response = await self.answer(await self._wishes.get())
            await bus.publish(RESPONSE, response, agent=entry, verb=Verb.ADD_PEER)

    async def answer(self, wish: Request) -> Response:
        """What became of the wish; if it was granted, it stands in wg0.conf."""
        error, terms = "", None
        try:
            terms = await self._add(wish.peer, wish.public_key)
        except (PeerError, SettingsError, WireguardError, ToolError) as refusal:
            error = str(refusal)
            log.info("refusing a client: %s", error)
        else:
            log.info("the client %s is added, as somebody asked", wish.peer)
        done = not error
        transaction = wish.transaction
        return Response(transaction=transaction, ok=done, error=error, peer=terms)

    async def _add(self, name: str, public_key: str) -> PeerTerms:
        if not self._settings.entry.peers_by_request:
            raise PeerError(OFF)
        async with self._turn():
            admitted = await self._admitted(name, public_key)
            try:  # beside the loop: a slow disk shall not delay the probes
                await asyncio.to_thread(
                    files.replace, self._file, admitted.text.encode()
                )
            except OSError as error:
                raise PeerError(_unwritten(error)) from error
        self._obey(admitted.conf)
        return admitted.terms

    async def _admitted(self, name: str, public_key: str) -> Admitted:
        clients = self._settings.network.clients
        text = read_text(self._file, "file")
        private = parse(text, str(self._file), clients).private_key
        entry_key = await public_of(private)
        endpoint = self._settings.entry.endpoint
        house = House(self._file, text, clients, entry_key, endpoint)
        return admit(house, name, public_key)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Nobody else who asks changes the file meanwhile.

        Raises:
            PeerError: Somebody else does, for long.
        """
        folder = self._file.resolve().parent
        until_s = asyncio.get_running_loop().time() + TURN_S
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(files.locked(folder, wait=False))
                    break
                except BlockingIOError as error:
                    if asyncio.get_running_loop().time() >= until_s:
                        raise PeerError("somebody else is changing wg0.conf") from error
                except OSError as error:
                    raise PeerError(_unwritten(error)) from error
                await asyncio.sleep(LOOK_S)
            yield


def _unwritten(error: OSError) -> str:
    return f"the entry may not write wg0.conf: {(error.strerror or '').lower()}"
