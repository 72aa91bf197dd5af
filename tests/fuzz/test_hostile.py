"""No bytes on any topic raise anything, or make an agent obey what nobody ordered.

`make fuzz` goes on from here for a million payloads, led by coverage.
"""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.run import ROLES
from bus.codec import encode
from bus.commands import Verb
from bus.examples import example_of
from bus.interface import Received, Subscription
from bus.topics import REQUEST
from tests.fuzz.__main__ import Run
from tests.fuzz.door import Door
from tests.fuzz.mutate import RAW, WISH, changed, mutate, seeds
from tests.fuzz.play import PAIRS, WHOM, name_of, play
from tests.fuzz.records import MOST, PART, Record, join, split
from tests.fuzz.targets import TARGETS

HISTORIES = int(os.environ.get("VPNCHAIN_HISTORIES", "1500"))


def payloads(number: int) -> st.SearchStrategy[bytes]:
    """What might be said on the topic of that number: sense, almost sense, nonsense."""
    _, pair = PAIRS[number]
    if not isinstance(pair, Subscription):
        return st.just(b"")
    sense = encode(example_of(pair.topic.payload))
    # Numbers as seeds would not do: few of them come up, and those again and again.
    seeded = st.randoms(use_true_random=True)
    almost = seeded.map(lambda chance: changed(sense, chance))
    return st.one_of(almost, st.just(sense), almost, st.sampled_from(RAW), st.binary())


@st.composite
def records(draw: st.DrawFn, role: str) -> Record:
    numbers = [number for number, (of, _) in enumerate(PAIRS) if of == role]
    number = draw(st.sampled_from(numbers))
    raw = draw(payloads(number)).replace(PART, b"")
    whom, pause = draw(st.integers(0, WHOM - 1)), draw(st.integers(0, 255))
    return Record(number, whom, pause, raw, draw(st.booleans()))


STORIES = st.sampled_from(sorted(TARGETS)).flatmap(
    lambda role: st.lists(records(role), min_size=1, max_size=MOST)
)


@settings(max_examples=HISTORIES, deadline=None)
@given(STORIES)
def test_nothing_that_is_said_does_harm(said: list[Record]) -> None:
    play(join(said))


@given(st.binary(max_size=2_000))
def test_no_bytes_are_without_meaning_to_the_player(data: bytes) -> None:
    play(data)


@given(STORIES)
def test_an_input_is_read_as_it_was_written(said: list[Record]) -> None:
    assert [one.raw for one in split(join(said))] == [one.raw for one in said]


@pytest.mark.parametrize("seed", range(40))
def test_what_the_mutator_makes_can_be_played(seed: int) -> None:
    for data in seeds():
        play(mutate(data, 8_192, seed, lambda raw, most: raw[:most]))


def test_every_agent_that_listens_is_spoken_to() -> None:
    assert set(TARGETS) == set(ROLES)


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_is_asked_of_everybody(verb: Verb) -> None:
    for role, pair in PAIRS:
        if isinstance(pair, Subscription) and pair.topic is REQUEST:
            named = {name_of(pair, whom).split("/")[-1] for whom in range(WHOM)}
            assert verb in named, role


def test_a_client_who_asks_comes_in_once() -> None:
    door = Door()
    wish = Received(
        REQUEST, {"agent": "entry", "verb": Verb.ADD_PEER}, WISH, retained=False
    )

    assert door.takes(wish)
    assert door.takes(wish)
    assert [peer.name for peer in door.conf.peers] == ["phone", WISH.peer]


@pytest.mark.parametrize(
    ("said", "took_s", "status"),
    [(999, 59.9, None), (1_000, 59.9, 0), (1_016, 61.0, 0), (999, 60.0, 1)],
)
def test_a_run_has_only_held_if_all_was_said(
    said: int, took_s: float, status: int | None
) -> None:
    verdict = Run(payloads=1_000, seconds=60).verdict(said, took_s)

    assert (verdict and verdict[0]) == status
    assert verdict is None or str(said) in verdict[1]


def test_every_seed_makes_sense() -> None:
    for data in seeds():
        assert play(data) == len(list(split(data)))
