from collections.abc import Sequence

import pytest

from agents.exit.ikecause import Attempt
from agents.exit.ipsec import IpsecError, IpsecTunnel
from agents.exit.presets import PRESETS
from bus.secret import Secret

# As charon 5.9.8 says it.
OFFER = "generating ID_PROT request 0 [ SA V V V V V ]"
EXCHANGE = "generating ID_PROT request 0 [ KE No NAT-D NAT-D ]"
IDENTITY = "generating ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]"
QUICK = "generating QUICK_MODE request 3431682487 [ HASH SA No ID ID ]"
NO_PROPOSAL = "received NO_PROPOSAL_CHOSEN error notify"
REFUSED = "received AUTHENTICATION_FAILED error notify"
INVALID_ID = "received INVALID_ID_INFORMATION error notify"
UNREADABLE = "could not decrypt payloads"
GIVING_UP = "giving up after 3 retransmits"
NO_SAD = "unable to install inbound and outbound IPsec SA (SAD) in kernel"

WHOLE = (OFFER, EXCHANGE, IDENTITY, QUICK)


def attempt(lines: Sequence[str], *, pfs: bool = False) -> Attempt:
    psk = Secret("x")
    tunnel = IpsecTunnel(
        "192.0.2.1", "203.0.113.2", psk, PRESETS["ancient"], "vpn.example.net", pfs
    )
    attempt = Attempt(tunnel)
    for line in lines:
        attempt.note(line)
    return attempt


def facts(error: IpsecError | None) -> tuple[str, bool, bool] | None:
    if error is None:
        return None
    return error.cause, error.permanent, error.refused


@pytest.mark.parametrize(
    ("lines", "cause", "permanent", "refused"),
    [
        pytest.param(
            (OFFER, NO_PROPOSAL),
            "ike: no proposal chosen (offered 3des-sha1-modp1024, 3des-sha1-modp2048)",
            False,
            True,
            id="no_proposal_in_the_key_exchange",
        ),
        pytest.param(
            (*WHOLE, NO_PROPOSAL),
            "ipsec: no proposal chosen (offered 3des-sha1, without PFS)",
            False,
            True,
            id="no_proposal_for_esp",
        ),
        pytest.param(
            (OFFER, EXCHANGE, IDENTITY, UNREADABLE),
            "ike: no answer to the key exchange (wrong PSK?)",
            True,
            False,
            id="an_answer_under_another_key",
        ),
        pytest.param(
            (OFFER, EXCHANGE, IDENTITY, REFUSED),
            "ike: authentication failed (PSK or identity)",
            True,
            False,
            id="authentication_failed",
        ),
        pytest.param(
            (OFFER, EXCHANGE, IDENTITY, INVALID_ID),
            "ike: refused by the server (INVALID_ID_INFORMATION)",
            True,
            False,
            id="identity_refused",
        ),
        pytest.param(
            (*WHOLE, INVALID_ID),
            "ipsec: refused by the server (INVALID_ID_INFORMATION)",
            False,
            False,
            id="traffic_refused",
        ),
        pytest.param(
            (OFFER, EXCHANGE, "IDir '10.0.0.1' does not match to 'vpn.example.net'"),
            "ike: the server calls itself 10.0.0.1, not vpn.example.net",
            True,
            False,
            id="another_identity_than_wanted",
        ),
        pytest.param(
            (*WHOLE, "received netlink error: Protocol not supported (93)", NO_SAD),
            "kernel: ESP not taken (Protocol not supported)",
            True,
            False,
            id="kernel_without_esp",
        ),
        pytest.param(
            (*WHOLE, "received netlink error: Function not implemented (38)", NO_SAD),
            "kernel: cipher unknown to it (offered 3des-sha1)",
            True,
            True,
            id="kernel_without_this_cipher",
        ),
        pytest.param(
            (*WHOLE, "received DELETE for IKE_SA provider[1]"),
            "ipsec: ended by the server",
            False,
            False,
            id="server_thinks_better_of_it",
        ),
    ],
)
def test_a_line_decides(
    lines: Sequence[str], cause: str, permanent: bool, refused: bool
) -> None:
    assert facts(attempt(lines).error) == (cause, permanent, refused)


@pytest.mark.parametrize(
    ("lines", "cause", "permanent"),
    [
        ((OFFER,), "ike: no answer from 203.0.113.2", False),
        ((OFFER, EXCHANGE), "ike: no answer from 203.0.113.2", False),
        (
            (OFFER, EXCHANGE, IDENTITY),
            "ike: no answer to the key exchange (wrong PSK?)",
            True,
        ),
        (WHOLE, "ipsec: no answer from 203.0.113.2", False),
    ],
)
def test_silence_means_what_was_asked_last(
    lines: Sequence[str], cause: str, permanent: bool
) -> None:
    followed = attempt((*lines, GIVING_UP))

    assert followed.error is None
    assert facts(followed.verdict()) == (cause, permanent, False)


def test_what_follows_a_decisive_line_changes_nothing() -> None:
    followed = attempt((OFFER, NO_PROPOSAL, UNREADABLE, INVALID_ID))

    assert followed.verdict().refused


def test_noise_before_our_identity_went_out_is_no_wrong_key() -> None:
    assert attempt((OFFER, EXCHANGE, UNREADABLE)).error is None


def test_forward_secrecy_is_part_of_what_was_offered() -> None:
    error = attempt((*WHOLE, NO_PROPOSAL), pfs=True).error

    assert error is not None
    assert "3des-sha1-modp1024, 3des-sha1-modp2048, with PFS" in error.cause
