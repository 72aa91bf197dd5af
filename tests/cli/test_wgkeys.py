"""Keys as WireGuard's own tool makes them."""

import subprocess

from cli.wgkeys import new_pair, new_shared, public_of
from tests.needs import need, tool


def test_a_public_key_is_what_wireguard_takes_it_for() -> None:
    wg = tool("wg")
    if wg is None:
        need("needs wg")
    pair = new_pair()

    done = subprocess.run(
        [wg, "pubkey"],
        input=pair.private.reveal(),
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )

    assert pair.public == public_of(pair.private) == done.stdout.strip()


def test_no_two_keys_are_one() -> None:
    made = [new_pair().private.reveal(), new_pair().private.reveal()]
    made += [new_shared().reveal(), new_shared().reveal()]

    assert len(set(made)) == 4
    assert all(len(key) == 44 for key in made)
