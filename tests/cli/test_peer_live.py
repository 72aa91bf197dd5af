"""A client that `vpnchain peer add` lets in gets out through a running entry."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from bus.messages.orders import Gate
from cli.__main__ import main
from tests.agents.entry.chain import CLIENT, Chain
from tests.agents.entry.ear import FACT_S, order

# What wg-quick does itself, and `wg setconf` does not know.
FOR_WG_QUICK: Final = ("Address", "DNS", "MTU")

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.broker]


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with ExitStack() as stack:
        yield Chain(tmp_path, stack)


def vpnchain(chain: Chain, *words: str) -> None:
    settings = ("--settings", str(chain.folder / "vpnchain.toml"))
    result = CliRunner().invoke(main, [*words, *settings])
    assert result.exit_code == 0, result.output


def takes(chain: Chain, config: str) -> None:
    """The client brings WireGuard up by what it was given."""
    lines = [one for one in config.splitlines() if not one.startswith(FOR_WG_QUICK)]
    file = chain.folder / "tablet.setconf"
    file.write_text("\n".join(lines))
    script = CLIENT.format(conf=file).replace("10.13.13.2/24", "10.13.13.3/24")
    argv = ["unshare", "-m", "sh", "-ec", script]
    assert chain._spawn("client", argv).wait(FACT_S) == 0


async def test_a_new_client_gets_out_and_a_removed_one_is_gone(chain: Chain) -> None:
    chain.start_agent()
    file = chain.folder / "tablet.conf"
    add = ("peer", "add", "tablet", "--endpoint", "198.51.100.2", "--out", str(file))
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until(gate=Gate.OPEN, active="exit-a", peers=1)

        vpnchain(chain, *add)
        await ear.until(peers=2)
        takes(chain, file.read_text())
        with chain.sockets() as traffic:
            assert await traffic.answer() == "exit-a"

        vpnchain(chain, "peer", "remove", "tablet")
        await ear.until(peers=1)
        assert len(chain.wg_peers()) == 1
