"""Everything may die: at least 200 kills, and the chain gets over all of them."""

import gc
import random
from collections import Counter
from itertools import islice, pairwise
from typing import Final

import pytest

from lab.scene import Scene
from lab.settings import Tuning
from lab.topology import build
from tests.chain.chaos import KILLS, STREAM_HZ, Tally, unleash
from tests.chain.chaos_bound import bound_s
from tests.chain.chaos_inventory import MARK, differences, things
from tests.chain.chaos_plan import BLOWS_EACH, BURST_S, Blow, bursts, victims

AMONG: Final = victims(("exit-a", "exit-b"), "userspace")
BOUND_S: Final = 120.0


@pytest.mark.chain
@pytest.mark.asyncio(loop_scope="session")
# paho leaves a Unix socket that was refused to the garbage collector: have it here.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_chain_gets_over_whoever_dies(standing: Scene) -> None:
    tally = Tally(random.randrange(1 << 32))  # noqa: S311 - no secret

    async with standing.client.stream(rate_hz=STREAM_HZ) as stream:
        await unleash(standing, stream, tally, KILLS)
    gc.collect()

    struck = {victim for victim, _ in tally.hits}
    among = victims(standing.lab.topology.exits, standing.chain.wireguard)
    assert struck == {str(victim) for victim in among}, tally.told()
    assert tally.kills >= KILLS, tally.told()


def test_the_bound_is_no_longer_than_two_minutes_in_the_lab() -> None:
    assert bound_s(Tuning()) < BOUND_S


def test_a_seed_replays_the_same_blows() -> None:
    one, again, other = (list(islice(bursts(seed, AMONG), 5)) for seed in (1, 1, 2))

    assert one == again
    assert one != other


def test_blows_overlap_and_come_in_the_order_of_time() -> None:
    for strikes in islice(bursts(3, AMONG), 20):
        moments = [strike.at_s for strike in strikes]
        most = Counter(str(strike.victim) for strike in strikes)

        assert moments == sorted(moments)
        assert 0 <= moments[0] <= moments[-1] <= BURST_S
        assert most["entry/entry"] == BLOWS_EACH["entry"]
        assert any(
            first.for_s > second.at_s - first.at_s
            for first, second in pairwise(strikes)
        )


def test_everybody_is_struck_in_every_way() -> None:
    drawn = [one for strikes in islice(bursts(4, AMONG), 50) for one in strikes]

    assert {one.victim for one in drawn} == set(AMONG)
    assert {one.blow for one in drawn} == set(Blow)
    assert all(bool(one.for_s) is (one.blow is not Blow.KILL) for one in drawn)


@pytest.mark.parametrize(
    ("look", "before", "after"),
    [
        ("ip -o link show", "7: ppp0: <UP> mtu 1400", "93: ppp0: <UP> mtu 1400"),
        (
            "ip route show table all",
            "10.201.0.1 dev ppp0 proto kernel src 10.201.0.10",
            "10.201.0.1 dev ppp0 proto kernel src 10.201.0.77",
        ),
        (
            "ip -o xfrm state",
            "src 1.2.3.4 dst 5.6.7.8 proto esp spi 0xc0ffee01 reqid 1 mode transport",
            "src 1.2.3.4 dst 5.6.7.8 proto esp spi 0xdeadbeef reqid 9 mode transport",
        ),
        ("iptables-save", ":INPUT ACCEPT [3:180]", ":INPUT ACCEPT [99:7654]"),
    ],
)
def test_another_tunnel_makes_no_difference(look: str, before: str, after: str) -> None:
    assert told(look, before) == told(look, after)


@pytest.mark.parametrize(
    ("look", "more"),
    [
        ("ip -o link show", "8: ppp1: <UP> mtu 1400"),
        ("ip rule show", "900: from all to 203.0.113.11 lookup 99"),
        ("ip nexthop show", "id 200 via 172.20.0.11 dev eth0"),
        ("ip -o xfrm state", "src 1.2.3.4 dst 5.6.7.8 proto esp spi 0xc0ffee02 x"),
    ],
)
def test_something_more_is_a_difference(look: str, more: str) -> None:
    line = "src 1.2.3.4 dst 5.6.7.8 proto esp spi 0xc0ffee01 x"

    (left,) = differences(told(look, line), told(look, line, more))

    assert left.startswith(f"left: {look}: ")
    assert left.endswith("(1)")


def told(look: str, *lines: str) -> Counter[str]:
    text = "\n".join((f"{MARK}{look}", *lines))
    return Counter(things(text, build()))
