"""The whole entry over a real broker, real WireGuard and the real kernel."""

import asyncio
import signal
from pathlib import Path

import pytest

from bus.messages.entries import EntryEventKind
from bus.messages.orders import Gate
from tests.agents.entry.chain import SERVICE, Chain, genkey
from tests.agents.entry.ear import ADDRESSES, order
from tests.agents.entry.traffic import carries
from tests.agents.netns import inside

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.broker]


async def test_an_order_opens_the_gate_and_moves_the_traffic(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            report = await ear.until(gate=Gate.CLOSED)
            assert report.firewall in ("nft", "legacy")
            assert "wg0" not in chain.ip("entry", "link")

            await ear.order(order(1, "exit-a"))
            report = await ear.until(gate=Gate.OPEN, active="exit-a", epoch=1)
            assert (report.public_key, report.mtu_bytes) == (chain.public, 1400)
            assert await traffic.answer() == "exit-a"
            peer = await ear.until_peer(connected=True)
            assert (peer.name, peer.endpoint, peer.public_key) == ("phone", "", "")
            await ear.until_event(kind=EntryEventKind.PEER_CONNECTED, peer="phone")

            await ear.order(order(2, "exit-b"))
            await ear.until(active="exit-b")
            assert await traffic.answer() == "exit-b"
            moved = await ear.until_event(kind=EntryEventKind.MOVED, after="exit-b")
            assert moved.before == "exit-a"


async def test_traffic_is_blocked_while_held_and_wg0_goes_with_the_gate(
    chain: Chain,
) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))

            await ear.order(order(2, None))
            await ear.until(gate=Gate.OPEN, active=None, epoch=2)
            assert "Destination Host Unreachable" in await chain.ping(SERVICE[0])

            await ear.order(order(3, None, Gate.CLOSED))
            await ear.until(gate=Gate.CLOSED, wireguard="", epoch=3)
            assert "wg0" not in chain.ip("entry", "link")
            assert "unreachable default" in chain.ip(
                "entry", "route", "show", "table", "200"
            )
            await ear.order(order(4, "exit-b"))
            await ear.until(gate=Gate.OPEN, active="exit-b")


async def test_traffic_goes_on_while_the_agent_is_killed_and_comes_back(
    chain: Chain,
) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
            shaken_at = (await ear.until_peer(connected=True)).handshake_at
            index = chain.ip("entry", "-o", "link", "show", "wg0").split(":")[0]

            chain.kill_agent()
            traffic.lost = 0
            assert await traffic.answer() == "exit-a"
            life = ear.report.boot if ear.report else ""
            chain.start_agent()
            while ear.report and ear.report.boot == life:
                assert await traffic.answer() == "exit-a"
                await ear.listen(0.05)
            assert traffic.lost == 0

            await ear.until(gate=Gate.OPEN, active="exit-a", epoch=1)
            assert chain.ip("entry", "-o", "link", "show", "wg0").startswith(index)
            assert (await ear.until_peer(connected=True)).handshake_at == shaken_at
            assert not [one for one in ear.events if one.kind == "gate-closed"]
            await carries(ear, traffic, order(2, "exit-b"))


async def test_a_clean_stop_leaves_the_clients_their_way(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))

            assert chain.end_agent(signal.SIGTERM) == 0

            assert await traffic.answer() == "exit-a"


@pytest.mark.parametrize(
    ("allowed", "way"), [(True, "dev wg0"), (False, "via 172.20.0.11")]
)
async def test_clients_find_one_another_here_only_if_that_is_allowed(
    chain: Chain, allowed: bool, way: str
) -> None:
    chain.start_agent(client_to_client=str(allowed).lower())
    async with chain.bus() as ear:
        await ear.order(order(1, "exit-a"))
        await ear.until(gate=Gate.OPEN, active="exit-a")

        packet = ("10.13.13.3", "from", "10.13.13.2", "iif", "wg0")
        assert way in chain.ip("entry", "route", "get", *packet)


async def test_a_file_that_changed_is_obeyed_by_the_next_agent(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
            chain.end_agent(signal.SIGTERM)
            with chain.wg_conf.open("a") as file:
                file.write(f"# pad\n[Peer]\nPublicKey = {genkey()[1]}\n")
                file.write("AllowedIPs = 10.13.13.3/32\n")

            traffic.lost = 0
            chain.start_agent()

            await ear.until(peers=2, active="exit-a")
            assert await traffic.answer() == "exit-a"
            assert traffic.lost == 0


async def test_clients_reach_no_host_of_the_bridge_itself(chain: Chain) -> None:
    chain.start_client()
    chain.start_agent()
    chain.ip("client", "route", "add", "172.20.0.0/16", "dev", "wg0")
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))

            with chain.client_socket((ADDRESSES["exit-b"], 7)) as sock:
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(sock, b"hello")
                with pytest.raises(OSError, match="No route to host"):
                    await loop.sock_recv(sock, 100)


async def test_a_peer_that_left_the_file_is_forgotten(chain: Chain) -> None:
    chain.start_agent()
    async with chain.bus() as ear:
        await ear.until_peer(connected=False)
        chain.end_agent(signal.SIGTERM)
        text = chain.wg_conf.read_text()
        chain.wg_conf.write_text(text.replace("# phone", "# tablet"))

        chain.start_agent()

        await ear.until_forgotten("phone")
        assert "tablet" in ear.peers


async def test_strict_reverse_path_filtering_does_no_harm(
    chain: Chain,
) -> None:
    with inside(chain.names["entry"]):
        Path("/proc/sys/net/ipv4/conf/all/rp_filter").write_text("1")
    chain.start_client()
    chain.start_agent()
    with chain.sockets() as traffic:
        async with chain.bus() as ear:
            await carries(ear, traffic, order(1, "exit-a"))
