"""Who may press buttons."""

from ipaddress import IPv4Network

import pytest

from agents.dashboard.access import SESSION_S, SESSIONS, TRIES, TRIES_S, Access
from bus.secret import Secret


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def door(clock: Clock) -> Access:
    return Access(Secret("right"), clock=clock)


def test_the_token_lets_in_until_the_session_is_over() -> None:
    clock = Clock()
    access = door(clock)

    session = access.log_in("right")

    assert session is not None
    assert access.may_act(session, "127.0.0.1", {})
    clock.now_s += SESSION_S + 1
    assert not access.may_act(session, "127.0.0.1", {})


def test_whoever_logs_out_is_out() -> None:
    access = door(Clock())
    session = access.log_in("right") or ""

    access.log_out(session)

    assert not access.may_act(session, "127.0.0.1", {})


@pytest.mark.parametrize("token", ["", "wrong", "right ", "ünïcode"])
def test_another_token_does_not(token: str) -> None:
    assert door(Clock()).log_in(token) is None


def test_without_a_token_in_the_settings_nobody_gets_in() -> None:
    access = Access()
    assert access.log_in("") is None
    assert not access.may_act("", "127.0.0.1", {})


def test_who_guesses_is_not_heard_for_a_while() -> None:
    clock = Clock()
    access = door(clock)

    for _ in range(TRIES):
        assert access.log_in("wrong") is None

    assert access.log_in("right") is None
    clock.now_s += TRIES_S
    assert access.log_in("right") is not None


def test_sessions_are_bounded_and_the_oldest_goes() -> None:
    access = door(Clock())

    first, *_, last = [access.log_in("right") or "" for _ in range(SESSIONS + 1)]

    assert not access.may_act(first, "", {})
    assert access.may_act(last, "", {})


@pytest.mark.parametrize(
    ("peer", "headers", "lets"),
    [
        ("10.0.0.7", {"X-User": "me"}, True),
        ("10.0.1.7", {"X-User": "me"}, False),
        ("10.0.0.7", {"X-User": ""}, False),
        ("10.0.0.7", {}, False),
        ("", {"X-User": "me"}, False),
    ],
)
def test_a_proxy_is_believed_only_from_where_it_lives(
    peer: str, headers: dict[str, str], *, lets: bool
) -> None:
    access = Access(header="X-User", proxies=(IPv4Network("10.0.0.0/24"),))
    assert access.may_act("", peer, headers) is lets
