"""Asking a real HTTP server where one comes from, by a way that the mark chooses."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from agents.entry.address_answer import AddressError
from agents.entry.address_service import LARGEST_BYTES, ask
from tests.agents.entry.pages import PORT, http, page
from tests.agents.netns import inside, ip, namespace

pytestmark = pytest.mark.kernel

SERVICE = "203.0.113.1"
URL = f"http://{SERVICE}:{PORT}/trace"
MARK, OTHER_MARK = 1011, 1012


class Ways:
    """A host with two ways to the service: one for each mark, none without."""

    def __init__(self, stack: ExitStack) -> None:
        self.host = stack.enter_context(namespace("asker"))
        self.ends = [stack.enter_context(namespace(f"end{one}")) for one in (0, 1)]
        for number, (mark, end) in enumerate(
            zip((MARK, OTHER_MARK), self.ends, strict=True)
        ):
            ip(
                *("link", "add", f"to{number}", "netns", self.host, "type", "veth"),
                *("peer", "name", "eth0", "netns", end),
            )
            ip("addr", "add", f"10.9.{number}.2/24", "dev", "eth0", namespace=end)
            ip("addr", "add", f"{SERVICE}/32", "dev", "lo", namespace=end)
            ip("link", "set", "eth0", "up", namespace=end)
            here = {"namespace": self.host}
            ip("addr", "add", f"10.9.{number}.1/24", "dev", f"to{number}", **here)
            ip("link", "set", f"to{number}", "up", **here)
            way = ("default", "via", f"10.9.{number}.2", "table", str(mark))
            ip("route", "add", *way, **here)
            ip("rule", "add", "fwmark", str(mark), "lookup", str(mark), **here)


@pytest.fixture
def ways() -> Iterator[Ways]:
    with ExitStack() as stack:
        ways = Ways(stack)
        stack.enter_context(inside(ways.host))
        yield ways


async def test_the_mark_chooses_the_way(ways: Ways) -> None:
    async with (
        page(ways.ends[0], SERVICE, b"one"),
        page(ways.ends[1], SERVICE, b"two"),
    ):
        assert await ask(URL, MARK) == b"one"
        assert await ask(URL, OTHER_MARK) == b"two"


async def test_without_a_way_for_the_mark_nothing_is_answered(ways: Ways) -> None:
    async with page(ways.ends[0], SERVICE, b"one"):
        with pytest.raises(AddressError, match=re.escape(f"asking {URL}: ")):
            await ask(URL, MARK + 5)


async def test_each_question_is_a_connection_of_its_own(ways: Ways) -> None:
    async with page(ways.ends[0], SERVICE, b"one") as said:
        await ask(URL, MARK)
        said.says(b"other")

        assert await ask(URL, MARK) == b"other"
        assert [head.split()[:2] for head in said.asked] == 2 * [[b"GET", b"/trace"]]


ELSEWHERE = b"HTTP/1.1 302 Found\r\nLocation: /more\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http(b"x" * (LARGEST_BYTES + 1)), "more than 4096 bytes"),
        (http(b"192.0.2.1", "503 Busy"), "it says 503"),
        (http(b"192.0.2.1", length=99), "payload"),
        (ELSEWHERE, "it says 302"),
        (b"SSH-2.0-x\r\n\r\n", "HTTP"),
        (b"", ""),
    ],
    ids=["long", "busy", "cut", "elsewhere", "no-http", "nothing"],
)
async def test_what_is_no_whole_answer_is_none(
    ways: Ways, answer: bytes, why: str
) -> None:
    async with page(ways.ends[0], SERVICE, b"") as said:
        said.answer = answer
        with pytest.raises(AddressError, match=f"asking .*{why}"):
            await ask(URL, MARK)
        assert {head.split()[1] for head in said.asked} == {b"/trace"}


async def test_what_is_just_not_too_long_is_taken(ways: Ways) -> None:
    async with page(ways.ends[0], SERVICE, b"x" * LARGEST_BYTES):
        assert await ask(URL, MARK) == b"x" * LARGEST_BYTES


async def test_who_says_nothing_is_not_waited_for(ways: Ways) -> None:
    async with page(ways.ends[0], SERVICE, b"") as said:
        said.answer = None
        with pytest.raises(AddressError, match="no answer in"):
            await ask(URL, MARK, patience_s=0.2)
