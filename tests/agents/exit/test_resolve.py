"""A name becomes an address, or a cause that a person understands."""

import pytest

from agents.exit.resolve import ResolveError, resolve


async def test_an_address_is_its_own_answer() -> None:
    assert await resolve("203.0.113.2") == "203.0.113.2"


async def test_a_known_name_is_resolved() -> None:
    assert await resolve("localhost") == "127.0.0.1"


async def test_an_unknown_name_is_told_and_may_be_known_tomorrow() -> None:
    with pytest.raises(ResolveError) as caught:
        await resolve("vpn.example.invalid")

    assert caught.value.cause.text.startswith("resolve: vpn.example.invalid: ")
    assert not caught.value.cause.permanent


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "vpn..example"])
async def test_an_impossible_name_is_said_to_be_one(name: str) -> None:
    with pytest.raises(ResolveError, match="no possible name"):
        await resolve(name)
