"""A name becomes an address, or a cause that a person understands."""

import pytest

from agents.exit.resolve import ResolveError, resolve


async def test_an_address_is_its_own_answer() -> None:
    assert await resolve("203.0.113.2") == "203.0.113.2"


async def test_a_known_name_is_resolved() -> None:
    assert await resolve("localhost") == "127.0.0.1"


async def test_an_unknown_name_is_not_repeated_it_may_be_a_secret() -> None:
    with pytest.raises(ResolveError) as caught:
        await resolve("vpn.example.invalid")

    text = caught.value.cause.text
    assert text.startswith("resolve: the name in vpn_server_ip: ")
    assert "example" not in text
    assert not caught.value.cause.permanent


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "vpn..example"])
async def test_an_impossible_name_is_said_to_be_one(name: str) -> None:
    with pytest.raises(ResolveError, match="no possible name"):
        await resolve(name)
