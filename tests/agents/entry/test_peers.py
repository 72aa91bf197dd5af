"""The rules about peers: who is connected, and what is said of them."""

from dataclasses import replace

from agents.entry.decide import decide
from agents.entry.events import Adopted, Polled
from agents.entry.model import Action, Policy, SayEvent, SayPeer, State
from agents.entry.peer_model import PeerName, PeerSeen
from bus.messages.entries import EntryEventKind, PeerReport

WALL = 1_000_000.0
NAMES = (PeerName("phone", "Alice's phone", "KEY1"), PeerName("pad", "pad", "KEY2"))
POLICY = Policy(peers=NAMES, handshake_timeout_s=180.0, report_every_s=10.0)
PHONE = PeerSeen("KEY1", WALL - 5, 100, 200, "198.51.100.3:1000")
PAD = PeerSeen("KEY2")


class Polls:
    """An entry that only polls; each answer: what was said of peers."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.state, _ = decide(State(), Adopted(0.0, None, None, "nft"), policy)

    def sees(
        self, at_s: float, *peers: PeerSeen, wall_at: float | None = None
    ) -> tuple[Action, ...]:
        """What is said of this poll; the wall clock goes like ours unless told."""
        event = Polled(at_s, WALL + at_s if wall_at is None else wall_at, peers)
        self.state, done = decide(self.state, event, self.policy)
        return tuple(one for one in done if isinstance(one, SayEvent | SayPeer))


def reports(said: tuple[Action, ...]) -> dict[str, PeerReport]:
    return {one.peer: one.report for one in said if isinstance(one, SayPeer)}


def events(said: tuple[Action, ...]) -> list[tuple[EntryEventKind, str]]:
    return [(one.kind, one.peer) for one in said if isinstance(one, SayEvent)]


def test_every_peer_is_said_at_the_first_look_and_none_is_news() -> None:
    said = Polls().sees(0.0, PHONE, PAD)

    assert events(said) == []
    assert reports(said) == {
        "phone": PeerReport(
            name="Alice's phone",
            connected=True,
            handshake_at=WALL - 5,
            received_bytes=100,
            sent_bytes=200,
        ),
        "pad": PeerReport(name="pad", connected=False),
    }


def test_endpoint_and_key_are_said_only_if_asked_for() -> None:
    policy = replace(POLICY, show_endpoints=True, show_keys=True)

    report = reports(Polls(policy).sees(0.0, PHONE, PAD))["phone"]

    assert (report.endpoint, report.public_key) == ("198.51.100.3:1000", "KEY1")


def test_a_first_handshake_is_news() -> None:
    polls = Polls()
    polls.sees(0.0, PHONE, PAD)

    said = polls.sees(3.0, PHONE, replace(PAD, handshake_at=WALL + 2))

    assert events(said) == [(EntryEventKind.PEER_CONNECTED, "pad")]
    assert reports(said)["pad"].connected


def test_a_peer_is_gone_when_its_handshake_is_too_old() -> None:
    polls = Polls()
    polls.sees(0.0, replace(PHONE, handshake_at=WALL))

    assert events(polls.sees(179.9, replace(PHONE, handshake_at=WALL))) == []
    said = polls.sees(180.0, replace(PHONE, handshake_at=WALL))

    assert events(said) == [(EntryEventKind.PEER_GONE, "phone")]
    assert not reports(said)["phone"].connected


def test_an_old_handshake_that_was_left_is_no_connection() -> None:
    said = Polls().sees(0.0, replace(PHONE, handshake_at=WALL - 180))

    assert not reports(said)["phone"].connected


def test_a_wall_clock_that_jumps_ends_no_connection() -> None:
    polls = Polls()
    polls.sees(0.0, PHONE)

    assert events(polls.sees(3.0, PHONE, wall_at=WALL + 1e6)) == []


def test_a_handshake_from_the_future_counts_as_now() -> None:
    polls = Polls()
    polls.sees(0.0, replace(PHONE, handshake_at=WALL + 1000))

    said = polls.sees(180.0, replace(PHONE, handshake_at=WALL + 1000))

    assert events(said) == [(EntryEventKind.PEER_GONE, "phone")]


def test_peers_are_gone_with_wg0() -> None:
    polls = Polls()
    polls.sees(0.0, PHONE)

    said = polls.sees(3.0)

    assert events(said) == [(EntryEventKind.PEER_GONE, "phone")]
    assert reports(said)["phone"].handshake_at is None


def test_when_wireguard_does_not_say_nobody_is_gone() -> None:
    polls = Polls()
    polls.sees(0.0, PHONE)

    polls.state, done = decide(polls.state, Polled(3.0, WALL, None), POLICY)

    assert done == ()


def test_bytes_are_said_now_and_then() -> None:
    polls = Polls()
    polls.sees(0.0, PHONE)

    assert polls.sees(3.0, replace(PHONE, received_bytes=300)) == ()
    said = polls.sees(10.0, replace(PHONE, received_bytes=400))

    assert reports(said)["phone"].received_bytes == 400


def test_a_connected_peer_is_said_again_in_time_one_that_is_away_is_not() -> None:
    polls = Polls()
    polls.sees(0.0, PHONE, PAD)

    assert set(reports(polls.sees(10.0, PHONE, PAD))) == {"phone"}


def test_a_peer_that_moves_is_said_at_once_if_that_shows() -> None:
    polls = Polls(replace(POLICY, show_endpoints=True))
    polls.sees(0.0, PHONE)

    said = polls.sees(3.0, replace(PHONE, endpoint="192.0.2.1:7"))

    assert reports(said)["phone"].endpoint == "192.0.2.1:7"


def test_a_peer_that_is_not_in_the_file_is_not_spoken_of() -> None:
    assert set(reports(Polls().sees(0.0, PeerSeen("OTHER", WALL)))) == {"phone", "pad"}
