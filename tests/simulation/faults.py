"""What goes wrong, and when: drawn from a seed."""

from random import Random
from typing import Final

from bus.commands import Request
from bus.topics import REQUEST
from tests.simulation.bus import Message
from tests.simulation.chain import Chain
from tests.simulation.network import Provider
from tests.simulation.node import Node

VERBS: Final = ("prefer", "prefer", "only", "drain", "undrain", "auto", "auto")


def strike(chain: Chain, rng: Random) -> None:
    """Something goes wrong, and most often gets well by itself some time later."""
    happens = rng.choice(
        (
            provider,
            provider,
            provider,
            agent,
            agent,
            bus,
            host,
            coordinator,
            entry,
            wish,
            alone,
        )
    )
    lasts_s = rng.choice((0.05, 0.5, 2.0, 8.0, 20.0)) * rng.uniform(0.5, 1.5)
    happens(chain, rng, lasts_s)


def provider(chain: Chain, rng: Random, lasts_s: float) -> None:
    name = rng.choice(chain.names)
    state = rng.choice((Provider.SILENT, Provider.DEAD, Provider.LOSSY))
    chain.blame(name)
    chain.set_provider(name, state)

    def recovers() -> None:
        chain.blame(name)
        chain.set_provider(name, Provider.FINE)

    chain.clock.later(lasts_s, recovers)


def agent(chain: Chain, rng: Random, lasts_s: float) -> None:
    _hit(chain, rng, chain.exits[rng.choice(chain.names)], lasts_s)


def coordinator(chain: Chain, rng: Random, lasts_s: float) -> None:
    _hit(chain, rng, chain.coordinator, lasts_s)


def entry(chain: Chain, rng: Random, lasts_s: float) -> None:
    _hit(chain, rng, chain.entry, lasts_s)


def _hit(chain: Chain, rng: Random, node: Node, lasts_s: float) -> None:
    """The process is killed or frozen, or its link breaks."""
    chain.blame(node.name)
    what = rng.randrange(3)
    if what == 0:
        node.kill()
    elif what == 1:
        node.freeze()
    elif node.link is not None:
        chain.note(node.name, "loses its link")
        node.link.breaks(rng.random())
    chain.clock.later(lasts_s, lambda: chain.mend(node))


def host(chain: Chain, rng: Random, lasts_s: float) -> None:
    """An exit's machine dies, with or without a word to the broker."""
    name = rng.choice(chain.names)
    chain.blame(name)
    chain.cut(name, rng.choice((0.01, 15.0)))
    chain.clock.later(lasts_s, lambda: chain.mend(chain.exits[name]))


def bus(chain: Chain, rng: Random, lasts_s: float) -> None:
    chain.blame("bus")
    forgets = rng.random() < 0.5
    chain.note("broker", "stops" + (" and forgets" if forgets else ""))
    chain.broker.stop(forgets=forgets)
    chain.clock.later(lasts_s, chain.restart_broker)


def wish(chain: Chain, rng: Random, lasts_s: float) -> None:
    """Somebody asks for something, and maybe takes it back."""
    verb = rng.choice(VERBS)
    _ask(chain, verb, "" if verb == "auto" else rng.choice(chain.names))
    if rng.random() < 0.5:
        chain.clock.later(lasts_s, lambda: _ask(chain, "auto", ""))


def alone(chain: Chain, rng: Random, lasts_s: float) -> None:
    """Nobody orders any more, then the exit fails that carries; all come back."""
    rng.choice((bus, coordinator))(chain, rng, lasts_s + 30.0)
    chain.clock.later(rng.uniform(0.0, 5.0), lambda: _fail_active(chain, rng, lasts_s))


def _fail_active(chain: Chain, rng: Random, lasts_s: float) -> None:
    name = chain.network.hop
    if name is not None and not chain.well:
        chain.blame(name)
        chain.set_provider(name, rng.choice((Provider.SILENT, Provider.DEAD)))
        chain.clock.later(
            lasts_s + 20.0, lambda: chain.set_provider(name, Provider.FINE)
        )


def _ask(chain: Chain, verb: str, name: str) -> None:
    chain.blame("operator")
    chain.note("operator", f"{verb} {name}".strip())
    levels = (("agent", "coordinator"), ("verb", verb))
    request = Request(transaction="t", exit=name)
    chain.broker.take(Message(REQUEST, levels, request), retain=False)


def heal(chain: Chain) -> None:
    """Everything is well from now on."""
    chain.note("all", "is well from now on")
    chain.well = True
    chain.restart_broker()
    for name in chain.names:
        if chain.network.hosts[name].provider is not Provider.FINE:
            chain.blame(name)
            chain.set_provider(name, Provider.FINE)
    for node in (chain.coordinator, chain.entry, *chain.exits.values()):
        chain.mend(node)
