import asyncio
import errno
import gc
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import aclosing
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket

import pytest

from agents.netlink import Netlink
from agents.netlink_errors import NetlinkError
from agents.network import Link, NextHop, Route, Rule, Traffic
from tests.agents.netns import inside, ip, namespace

pytestmark = pytest.mark.kernel

FLOOR = 4278198272
FLOOD = 3_000  # times two messages of some 2 KB, more than any buffer holds
LIMIT_S = 15.0


@pytest.fixture
def here() -> Iterator[str]:
    """A namespace with eth0 (172.20.0.2/16) whose other end, peer0, is beside it."""
    with namespace("net") as name, inside(name):
        ip("link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
        ip("address", "add", "172.20.0.2/16", "dev", "eth0")
        ip("link", "set", "eth0", "up")
        ip("link", "set", "peer0", "up")
        yield name


@pytest.fixture
async def net(here: str) -> AsyncIterator[Netlink]:
    assert here
    async with asyncio.timeout(20), Netlink() as net:
        yield net


async def test_a_link_tells_name_state_kind_and_addresses(net: Netlink) -> None:
    link = await net.link("eth0")

    assert link is not None
    assert (link.name, link.up, link.mtu, link.kind) == ("eth0", True, 1500, "veth")
    assert "172.20.0.2/16" in link.addresses


async def test_the_traffic_of_a_link_is_what_the_kernel_has_counted(
    net: Netlink,
) -> None:
    before = await net.traffic("lo")
    ip("link", "set", "lo", "up")
    with socket(AF_INET, SOCK_DGRAM) as sock:
        sock.sendto(bytes(1000), ("127.0.0.1", 9))
    after = await net.traffic("lo")

    assert before == Traffic(0, 0)
    assert after is not None
    assert after.sent_bytes >= 1000
    assert after.received_bytes == after.sent_bytes


async def test_a_link_that_does_not_exist_has_no_traffic(net: Netlink) -> None:
    assert await net.traffic("eth7") is None


async def test_no_answer_of_the_kernel_is_left_lying_about(here: str) -> None:
    assert here
    others = queues()
    async with asyncio.timeout(20), Netlink() as net:
        await _everything(net)

        assert unread(others) == 0


async def _everything(net: Netlink) -> None:
    route, rule = Route(200, kind="unreachable"), Rule(1000, 200)
    for _ in range(5):
        await net.traffic("eth0")
        await net.set_mtu("eth0", 1400)
        await net.set_address("eth0", "172.20.0.2/16")
        await net.ensure_rule(rule)
        await net.ensure_route(route)
        await net.replace_nexthop(200, "172.20.0.3", "eth0")
        await net.nexthop(200)
        await net.delete_nexthop(200)
        await net.delete_nexthop(200)
        await net.delete_route(route)
        await net.delete_rule(rule)
        await net.rules()
        await net.routes(200)
    await net.links()  # what was on its way has come before this


async def test_an_answer_to_who_no_longer_waits_is_dropped(here: str) -> None:
    assert here
    others = queues()
    async with asyncio.timeout(20), Netlink() as net:
        for steps in range(60):
            asking = asyncio.create_task(net.routes(200))
            for _ in range(steps % 12):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
        await net.links()  # what was on its way has come before this

        assert unread(others) == 0


Queues = list[asyncio.Queue[object]]


def queues() -> Queues:
    """Every queue there is, of whatever library; also of tests that ended before."""
    return [one for one in gc.get_objects() if isinstance(one, asyncio.Queue)]


def unread(others: Queues) -> int:
    """How much lies in queues that are not the others'."""
    theirs = {id(one) for one in others}
    return sum(one.qsize() for one in queues() if id(one) not in theirs)


async def test_no_such_link_is_none(net: Netlink) -> None:
    assert await net.link("eth7") is None


async def test_all_links_are_told_in_order_of_their_index(net: Netlink) -> None:
    links = await net.links()

    assert {"lo", "eth0", "peer0"} <= {link.name for link in links}
    assert [link.index for link in links] == sorted(link.index for link in links)


async def test_several_may_read_at_the_same_time(net: Netlink) -> None:
    async with asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(net.links()) for _ in range(20)]
        readers += [tasks.create_task(_present(net)) for _ in range(20)]

    assert len({reader.result() for reader in readers}) == 1


async def _present(net: Netlink) -> tuple[Link, ...]:
    await net.routes(254)
    return await net.links()


async def test_a_link_is_deleted_and_deleting_it_again_is_harmless(
    net: Netlink,
) -> None:
    await net.delete_link("eth0")
    await net.delete_link("eth0")

    assert await net.link("eth0") is None


async def test_addresses_mtu_and_state_become_what_is_wanted(net: Netlink) -> None:
    ip("link", "add", "wg0", "type", "bridge")
    ip("address", "add", "10.9.9.9/24", "dev", "wg0")

    for _ in range(2):
        await net.set_address("wg0", "10.13.13.1/24", "10.13.14.1/24")
        await net.set_mtu("wg0", 1400)
        await net.set_up("wg0")

    link = await net.link("wg0")
    assert link is not None
    assert (link.up, link.mtu) == (True, 1400)
    v4 = [address for address in link.addresses if ":" not in address]
    assert v4 == ["10.13.13.1/24", "10.13.14.1/24"]


async def test_a_missing_device_is_an_error_that_names_the_attempt(
    net: Netlink,
) -> None:
    with pytest.raises(NetlinkError, match="setting wg7 up: No such device") as caught:
        await net.set_up("wg7")

    assert caught.value.errno == errno.ENODEV


async def test_a_wireguard_device_is_made_or_the_kernel_says_that_it_cannot(
    net: Netlink,
) -> None:
    refused = await _refusal(net.add_wireguard("wg0"))

    link = await net.link("wg0")
    assert refused == errno.EOPNOTSUPP or (link and link.kind == "wireguard")
    assert await _refusal(net.add_wireguard("wg0")) == refused


async def _refusal(asked: Awaitable[None]) -> int | None:
    """How the kernel refused; None if it did not."""
    try:
        await asked
    except NetlinkError as error:
        return error.errno
    return None


@pytest.mark.parametrize("family", [4, 6])
async def test_a_rule_stands_once_however_often_it_is_wanted(
    net: Netlink, family: int
) -> None:
    rule = Rule(1000, 200, iif="wg0", family=6 if family == 6 else 4)

    await net.ensure_rule(rule)
    await net.ensure_rule(rule)

    said = ip(f"-{family}", "rule", "show", "pref", "1000")
    assert re.fullmatch(r"1000:\s+from all iif wg0 .*lookup 200\s*", said)
    await net.delete_rule(rule)
    await net.delete_rule(rule)
    assert ip(f"-{family}", "rule", "show", "pref", "1000") == ""


async def test_a_rule_can_name_a_mark_and_is_read_back(net: Netlink) -> None:
    marked = Rule(900, 1011, mark=1011)
    near = Rule(901, 1012, iif="lo", to="203.0.113.0/24", source="198.51.100.2/32")

    await net.ensure_rule(marked)
    await net.ensure_rule(near)

    assert {marked, near} <= set(await net.rules())
    assert "fwmark 0x3f3 lookup 1011" in ip("rule")

    await net.delete_rule(marked)
    assert marked not in await net.rules()


async def test_a_rule_can_name_destination_and_output(net: Netlink) -> None:
    await net.ensure_rule(Rule(900, 99, to="203.0.113.2"))
    await net.ensure_rule(Rule(1001, 100, oif="ppp0"))

    assert "to 203.0.113.2 lookup 99" in ip("rule", "show", "pref", "900")
    assert "oif ppp0 [detached] lookup 100" in ip("rule", "show", "pref", "1001")


@pytest.mark.parametrize("family", [4, 6])
async def test_an_unreachable_floor_stands_below_other_routes(
    net: Netlink, family: int
) -> None:
    six = family == 6
    floor = Route(200, kind="unreachable", metric=FLOOR, family=6 if family == 6 else 4)

    await net.ensure_route(floor)
    await net.ensure_route(floor)

    (route,) = await net.routes(200, 6 if six else 4)
    assert (route.to, route.kind, route.metric) == ("default", "unreachable", FLOOR)
    await net.delete_route(floor)
    await net.delete_route(floor)
    assert await net.routes(200, 6 if six else 4) == ()


async def test_the_ipv6_floor_stands_though_ipv6_is_switched_off(net: Netlink) -> None:
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")

    await net.ensure_route(Route(200, kind="unreachable", metric=FLOOR, family=6))

    (route,) = await net.routes(200, 6)
    assert route.kind == "unreachable"


async def test_a_route_takes_the_place_of_the_one_before(net: Netlink) -> None:
    await net.ensure_route(Route(99, "203.0.113.2/32", via="172.20.0.1", dev="eth0"))
    await net.ensure_route(Route(99, "203.0.113.2/32", via="172.20.0.9", dev="eth0"))

    wanted = Route(99, "203.0.113.2/32", via="172.20.0.9", dev="eth0")
    assert await net.routes(99) == (wanted,)


async def test_a_route_to_a_device_needs_no_gateway(net: Netlink) -> None:
    await net.ensure_route(Route(100, dev="eth0", metric=100))

    assert await net.routes(100) == (Route(100, dev="eth0", metric=100),)


async def test_routes_move_with_their_next_hop_object(net: Netlink) -> None:
    await net.routes(200)  # reading first once made later routes forget their object
    await net.replace_nexthop(200, "172.20.0.11", "eth0")
    await net.ensure_route(Route(200, metric=100, nexthop_id=200))
    assert "via 172.20.0.11" in _asked("1.1.1.1")

    await net.replace_nexthop(200, "172.20.0.12", "eth0")

    assert await net.nexthop(200) == NextHop(200, "172.20.0.12", "eth0")
    assert "via 172.20.0.12" in _asked("1.1.1.1")
    (route,) = await net.routes(200)
    assert (route.nexthop_id, route.metric) == (200, 100)


def _asked(address: str) -> str:
    """Where table 200 sends a packet."""
    ip("rule", "add", "pref", "10", "lookup", "200")
    try:
        return ip("route", "get", address)
    finally:
        ip("rule", "delete", "pref", "10")


async def test_a_deleted_next_hop_takes_its_routes_along(net: Netlink) -> None:
    await net.ensure_route(Route(200, kind="unreachable", metric=FLOOR))
    await net.replace_nexthop(200, "172.20.0.11", "eth0")
    await net.ensure_route(Route(200, metric=100, nexthop_id=200))

    await net.delete_nexthop(200)
    await net.delete_nexthop(200)

    assert await net.nexthop(200) is None
    assert [route.kind for route in await net.routes(200)] == ["unreachable"]


async def test_forwarding_is_switched_on(net: Netlink) -> None:
    await net.ensure_forwarding()

    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "1\n"


async def test_a_watch_tells_the_present_then_each_change(net: Netlink) -> None:
    async with aclosing(net.watch("ppp0")) as seen:
        assert await anext(seen) is None

        ip("link", "add", "ppp0", "type", "bridge")
        assert _brief(await anext(seen)) == ("ppp0", False, ())
        ip("address", "add", "10.0.0.1/32", "dev", "ppp0")
        assert _brief(await anext(seen)) == ("ppp0", False, ("10.0.0.1/32",))
        ip("link", "set", "ppp0", "up")
        assert _brief(await anext(seen)) == ("ppp0", True, ("10.0.0.1/32",))
        ip("link", "set", "ppp0", "down")
        while (now := await anext(seen)) and now.up:
            pass  # its link-local address came in between
        ip("link", "delete", "ppp0")
        while await anext(seen) is not None:
            pass


async def test_a_watch_that_was_flooded_tells_the_present(
    net: Netlink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flood = tmp_path / "flood"
    changes = "link set ppp0 mtu 1400\nlink set ppp0 mtu 1300\n" * FLOOD
    flood.write_text(f"{changes}link set ppp0 mtu 1280 up\n")
    ip("link", "add", "ppp0", "type", "bridge")
    async with aclosing(net.watch("ppp0")) as seen, asyncio.timeout(LIMIT_S):
        assert _brief(await anext(seen)) == ("ppp0", False, ())

        ip("-batch", str(flood))  # nobody reads meanwhile: the loop stands still

        while (now := await anext(seen)) is None or not now.up or now.mtu != 1280:
            pass
        assert "messages lost, reading the present" in caplog.text
        ip("link", "set", "ppp0", "mtu", "1290")
        while (now := await anext(seen)) is None or now.mtu != 1290:
            pass


def _brief(link: Link | None) -> tuple[str, bool, tuple[str, ...]] | None:
    return (link.name, link.up, link.addresses) if link else None


async def test_a_device_that_comes_back_with_another_index_is_seen(
    net: Netlink,
) -> None:
    async with aclosing(net.watch("ppp0")) as seen:
        await anext(seen)
        ip("link", "add", "ppp0", "type", "bridge")
        first = await anext(seen)
        ip("link", "delete", "ppp0")
        assert await anext(seen) is None
        ip("link", "add", "ppp0", "type", "bridge")
        second = await anext(seen)

    assert first is not None
    assert second is not None
    assert first.index != second.index


async def test_leaving_a_bridge_is_not_being_deleted(net: Netlink) -> None:
    ip("link", "add", "br0", "type", "bridge")
    ip("link", "set", "peer0", "master", "br0")
    async with aclosing(net.watch("peer0")) as seen:
        await anext(seen)
        ip("link", "set", "peer0", "nomaster")
        ip("link", "set", "peer0", "mtu", "1400")

        while (now := await anext(seen)) is not None and now.mtu != 1400:
            pass

    assert now is not None


async def test_lost_messages_are_made_good_by_reading_the_present(
    net: Netlink, caplog: pytest.LogCaptureFixture
) -> None:
    async with aclosing(net.watch("ppp0")) as seen:
        assert await anext(seen) is None
        _flood("link add ppp0 type bridge\n")  # while nobody reads

        link = await anext(seen)

    assert link is not None
    assert link.name == "ppp0"
    assert "messages lost" in caplog.text


def _flood(last: str) -> None:
    """More messages than a socket's buffer holds, then one more command."""
    commands = "link add flood0 type bridge\n"
    commands += "".join(f"link set flood0 mtu {1000 + n % 2}\n" for n in range(3000))
    batch = ["ip", "-batch", "-"]
    subprocess.run(batch, input=commands + last, check=True, text=True, timeout=30)
