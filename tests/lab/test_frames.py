from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.frames import Frame, Kind, Parser

frames = st.builds(
    Frame,
    st.sampled_from(Kind),
    st.integers(min_value=0, max_value=2**32 - 1),
    st.binary(max_size=200),
)


@given(st.lists(frames, max_size=5), st.lists(st.integers(0, 1200), max_size=6))
def test_frames_survive_any_cut_of_their_bytes(
    said: list[Frame], cuts: list[int]
) -> None:
    data = b"".join(frame.encode() for frame in said)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parser = Parser()

    heard = [
        frame
        for start, end in pairwise(places)
        for frame in parser.feed(data[start:end])
    ]

    assert heard == said


def test_noise_is_not_taken_for_a_frame() -> None:
    with pytest.raises(ValueError, match="bytes long"):
        list(Parser().feed(b"\xff" * 9))
