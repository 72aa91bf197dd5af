"""The lab's providers serve real tunnels, and fail as they are told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from agents.exit import ikeconf
from agents.exit.ikectl import Ikectl, IkectlError
from agents.exit.ipsec import IpsecTunnel
from agents.exit.presets import PRESETS
from bus.secret import Secret
from lab import capability
from lab.nodes import Lab, open_lab
from lab.provider import Provider, charon
from lab.provider_files import Account
from lab.topology import build, exit_address, public_address
from tests.needs import need

pytestmark = pytest.mark.chain

WITHIN_S: Final = 30.0
ACCOUNT: Final = Account("a psk", "user-a", "a password")


async def initiate(lab: Lab, account: Account) -> None:
    """Have a charon at exit-a agree on ESP with provider-a; IkectlError if refused."""
    run = lab.run_of("exit-a")
    socket = run / "charon.vici"
    if not socket.exists():
        conf = ikeconf.daemon(Path("/run/charon.vici"), fresh_ports=False)
        (run / "strongswan.conf").write_text(conf)
        env = {"STRONGSWAN_CONF": "/run/strongswan.conf"}
        await lab.spawn("exit-a", [charon()], log="exit-a", env=env)
        while not socket.exists():  # noqa: ASYNC110 - charon tells nobody
            await asyncio.sleep(0.02)
    tunnel = IpsecTunnel(
        local=exit_address("exit-a"),
        server=public_address("provider-a"),
        psk=Secret(account.psk),
        proposals=PRESETS["modern"],
        remote_id="%any",
        pfs=False,
    )
    connection = {ikeconf.CONNECTION: ikeconf.connection(tunnel)}
    wish = {"child": ikeconf.CHILD, "ike": ikeconf.CONNECTION, "timeout": "3000"}
    async with asyncio.timeout(WITHIN_S), await Ikectl.open(socket) as link:
        await link.request("load-shared", ikeconf.shared(tunnel))
        await link.request("load-conn", connection)
        with suppress(IkectlError):  # there is nothing old to end
            old = {"ike": ikeconf.CONNECTION, "force": "yes", "timeout": "1000"}
            await link.request("terminate", old)
        async for _ in link.follow("initiate", wish, "control-log"):
            pass


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """A lab of this test alone."""
    if missing := capability.missing():
        need(f"needs a kernel that can run the chain: {'; '.join(missing)}")
    async with open_lab(build(exits=1)) as lab:
        yield lab


@pytest.fixture
async def provider(lab: Lab) -> Provider:
    """provider-a, serving `ACCOUNT`."""
    provider = Provider(lab, "provider-a", ACCOUNT)
    await provider.start()
    return provider


async def test_it_serves_who_knows_the_key(lab: Lab, provider: Provider) -> None:
    await initiate(lab, provider.account)

    state = (await lab.exec("exit-a", ["ip", "xfrm", "state"])).stdout
    # Through NAT, as behind a container bridge.
    assert state.count("encap type espinudp") == 2


async def test_it_does_not_serve_who_does_not(lab: Lab, provider: Provider) -> None:
    stranger = Account("another psk", ACCOUNT.username, ACCOUNT.password)

    with pytest.raises(IkectlError):
        await initiate(lab, stranger)
    assert not provider.silent


async def test_nothing_of_it_runs_once_killed(lab: Lab, provider: Provider) -> None:
    await provider.kill()

    assert not await lab.sweep("provider-a")


async def test_it_serves_again_after_a_restart(lab: Lab, provider: Provider) -> None:
    await initiate(lab, provider.account)
    await provider.kill()
    await provider.restart()

    state = (await lab.exec("provider-a", ["ip", "xfrm", "state"])).stdout
    assert state == ""
    await initiate(lab, provider.account)


async def test_silence_is_complete_and_can_be_healed(
    lab: Lab, provider: Provider
) -> None:
    ping = ["ping", "-c", "1", "-W", "1", public_address("provider-a")]

    await provider.silence()
    silent = await lab.exec("exit-a", ping, check=False)
    await provider.heal()
    healed = await lab.exec("exit-a", ping, check=False)

    assert silent.status == 1
    assert "Unreachable" not in silent.stdout  # nobody is told
    assert healed.status == 0
