"""A wish that comes twice is granted once."""

from bus.replay import REMEMBERED_MOST, REMEMBERED_S, Transactions

LEVELS = {"agent": "exit-a", "verb": "reconnect"}


def test_the_second_of_a_minute_is_a_repetition() -> None:
    heard = Transactions()

    assert not heard.again(LEVELS, "t-1", 10.0)
    assert heard.again(LEVELS, "t-1", 10.0 + REMEMBERED_S - 0.1)


def test_a_person_may_type_the_same_again_after_a_minute() -> None:
    heard = Transactions()

    heard.again(LEVELS, "1", 10.0)
    heard.again(LEVELS, "1", 40.0)
    assert not heard.again(LEVELS, "1", 10.0 + REMEMBERED_S)


def test_another_verb_or_transaction_is_another_wish() -> None:
    heard = Transactions()

    heard.again(LEVELS, "1", 10.0)
    assert not heard.again({**LEVELS, "verb": "restart"}, "1", 10.0)
    assert not heard.again(LEVELS, "2", 10.0)


def test_no_flood_of_transactions_fills_the_memory() -> None:
    heard = Transactions()
    for number in range(REMEMBERED_MOST + 1):
        heard.again(LEVELS, f"t-{number}", 10.0)

    assert heard.again(LEVELS, f"t-{REMEMBERED_MOST}", 10.0)
    assert not heard.again(LEVELS, "t-0", 10.0)
