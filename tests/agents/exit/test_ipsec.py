"""Events as charon 5.9.8 sends them, cut down to what is read."""

from agents.exit.ipsec import (
    Associations,
    ChildDown,
    ChildUp,
    IkeDown,
    IkeUp,
    Section,
)


def ike(number: str, *children: str, up: bool) -> Section:
    sections = {f"l2tp-{child}": {"uniqueid": child} for child in children}
    message = {"provider": {"uniqueid": number, "child-sas": sections}}
    return {"up": "yes", **message} if up else message


def renewed(old: str, new: str) -> Section:
    return {"old": {"uniqueid": old}, "new": {"uniqueid": new}}


def test_the_key_up_is_absent_on_the_way_down() -> None:
    known = Associations()

    assert known.fold("ike-updown", ike("1", up=True)) == (IkeUp(),)
    assert known.fold("ike-updown", ike("1", up=False)) == (IkeDown(),)


def test_esp_goes_before_ike_and_comes_after_it() -> None:
    known = Associations()
    known.fold("ike-updown", ike("1", up=True))

    assert known.fold("child-updown", ike("1", "7", up=True)) == (ChildUp(),)
    assert known.fold("child-updown", ike("1", "7", up=False)) == (ChildDown(),)


def test_an_association_that_overlaps_its_successor_was_never_down() -> None:
    known = Associations()
    known.fold("ike-updown", ike("1", up=True))

    assert known.fold("ike-updown", ike("2", up=True)) == ()
    assert known.fold("ike-updown", ike("1", up=False)) == ()
    assert known.fold("ike-updown", ike("2", up=False)) == (IkeDown(),)


def test_renewal_is_no_news() -> None:
    known = Associations()
    known.fold("ike-updown", ike("1", up=True))
    known.fold("child-updown", ike("1", "7", up=True))
    child = {"provider": {"uniqueid": "1", "child-sas": {"l2tp-7": renewed("7", "8")}}}

    assert known.fold("ike-rekey", {"provider": renewed("1", "2")}) == ()
    assert known.fold("child-rekey", child) == ()
    assert known.fold("child-updown", ike("2", "7", up=False)) == ()
    assert known.fold("child-updown", ike("2", "8", up=False)) == (ChildDown(),)
    assert known.fold("ike-updown", ike("2", up=False)) == (IkeDown(),)


def test_an_end_without_a_beginning_is_no_news() -> None:
    assert Associations().fold("child-updown", ike("1", "7", up=False)) == ()
