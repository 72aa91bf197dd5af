"""What the ends of connections tell together."""

from bus.endings import CALM_S, FLAPPING, FLAPPING_S, FLAPS, TAKEN, Endings

LIFE_S = 1.0


def broken(endings: Endings, at_s: float, *, lived_s: float = LIFE_S) -> str:
    """What is said of a connection that ends at this moment."""
    endings.up(at_s - lived_s)
    return endings.ended(at_s)


def taken(endings: Endings, at_s: float, *, lived_s: float = LIFE_S) -> str:
    """The same, of one that another client of the name has ended."""
    endings.up(at_s - lived_s)
    endings.taken_over()
    return endings.ended(at_s)


def test_a_theft_is_said_once() -> None:
    endings = Endings()

    assert taken(endings, 100.0) == TAKEN
    assert [taken(endings, 100.0 + 10 * n) for n in range(1, 20)] == [""] * 19


def test_a_theft_is_said_again_after_a_calm() -> None:
    endings = Endings()
    taken(endings, 100.0)

    assert taken(endings, 1000.0, lived_s=CALM_S) == TAKEN


def test_flapping_is_said_once() -> None:
    endings = Endings()
    said = [broken(endings, 100.0 + 2 * n) for n in range(20)]

    assert said[: FLAPPING - 1] == [""] * (FLAPPING - 1)
    assert said[FLAPPING - 1] == FLAPS
    assert said[FLAPPING:] == [""] * (20 - FLAPPING)


def test_flapping_is_said_again_after_a_calm() -> None:
    endings = Endings()
    for n in range(FLAPPING):
        broken(endings, 100.0 + n)
    broken(endings, 1000.0, lived_s=CALM_S)

    assert [broken(endings, 1001.0 + n) for n in range(FLAPPING)].count("") == 4


def test_breaks_that_are_rare_are_no_flapping() -> None:
    endings = Endings()
    apart_s = FLAPPING_S / (FLAPPING - 1) + 1

    assert not any(broken(endings, 100.0 + apart_s * n) for n in range(50))


def test_a_broker_that_is_away_is_no_flapping() -> None:
    endings = Endings()

    assert not any(endings.ended(100.0 + n) for n in range(50))


def test_a_theft_is_over_with_its_connection() -> None:
    endings = Endings()
    taken(endings, 100.0)

    assert broken(endings, 110.0) == ""
