"""No bytes on any topic raise anything, or make an agent obey what nobody ordered.

`make fuzz` goes on from here for a million payloads, led by coverage.
"""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.codec import encode
from bus.examples import example_of
from bus.interface import Subscription
from tests.fuzz.mutate import RAW, changed, mutate, seeds
from tests.fuzz.play import PAIRS, play
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
    whom, pause = draw(st.integers(0, 11)), draw(st.integers(0, 255))
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


def test_every_seed_makes_sense() -> None:
    for data in seeds():
        assert play(data) == len(list(split(data)))
