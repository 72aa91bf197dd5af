"""wg0 where the kernel does not do its part."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.entry.wgconf import parse
from agents.entry.wireguard import Wireguard, WireguardError
from agents.netlink import Netlink
from agents.settings_model import NetworkSettings
from tests.agents.entry.chain import genkey
from tests.agents.netns import inside, namespace
from tests.agents.scarcity import no_descriptors

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

REFUSAL = "reading the links: Too many open files"


@pytest.fixture
def place() -> Iterator[None]:
    """A namespace in which there is no wg0."""
    with namespace("gate") as name, inside(name):
        yield


@pytest.fixture
async def wireguard(place: None, tmp_path: Path) -> AsyncIterator[Wireguard]:  # noqa: ARG001
    """A wg0 that is not made yet."""
    text = f"[Interface]\nAddress = 10.13.13.1/24\nPrivateKey = {genkey()[0]}\n"
    conf = parse(text, "wg0.conf", NetworkSettings().clients)
    async with Netlink() as net:
        yield Wireguard(conf, net, tmp_path, "auto", ())


async def test_a_kernel_that_cannot_be_asked_is_the_error_that_the_gate_expects(
    wireguard: Wireguard,
) -> None:
    for ask in (wireguard.present, wireguard.open):
        with no_descriptors(), pytest.raises(WireguardError, match=REFUSAL):
            await ask()
