"""The question to an IKE server, asked of a real one."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.exit.presets import PRESETS
from cli.doctor.ike import Answer, answer, question
from cli.doctor.servers import look
from tests.agents.exit.daemons import PROVIDER, PSK, provider, two_nodes
from tests.agents.netns import inside

COOKIE = b"12345678"


@pytest.mark.kernel
@pytest.mark.daemon
async def test_a_real_server_says_which_presets_it_takes(tmp_path: Path) -> None:
    with two_nodes() as (exit_, there):
        async with provider(there, tmp_path / "server") as server:
            compat = PRESETS["compat"]
            await server.offer(compat.ike, compat.esp, PSK)
            with inside(exit_):
                found = await look("exit-a", PROVIDER, list(PRESETS))

    assert found.address == PROVIDER
    assert (found.device, found.device_mtu) == ("eth0", 1500)
    assert found.answers is not None
    assert found.answers["compat"] is Answer.TAKEN
    assert found.answers["ancient"] is Answer.REFUSED


@pytest.mark.kernel
@pytest.mark.daemon
@pytest.mark.parametrize("name", PRESETS)
async def test_every_preset_is_asked_as_charon_means_it(
    tmp_path: Path, name: str
) -> None:
    preset = PRESETS[name]
    with two_nodes() as (exit_, there):
        async with provider(there, tmp_path / "server") as server:
            for proposal in preset.ike:
                await server.offer([proposal], preset.esp, PSK)
                with inside(exit_):
                    found = await look("exit-a", PROVIDER, [name])
                assert found.answers == {name: Answer.TAKEN}, proposal


@pytest.mark.kernel
async def test_a_server_that_is_silent_is_asked_no_further(tmp_path: Path) -> None:
    del tmp_path
    with two_nodes() as (exit_, _), inside(exit_):
        found = await look("exit-a", PROVIDER, list(PRESETS))

    assert found.answers == {"modern": Answer.NONE}


def test_the_question_is_as_long_as_it_says() -> None:
    for preset in PRESETS.values():
        raw = question(COOKIE, preset.ike)
        assert struct.unpack_from("!I", raw, 24) == (len(raw),)
        assert struct.unpack_from("!H", raw, 30) == (len(raw) - 28,)


def test_each_proposal_says_whether_another_follows() -> None:
    proposals = PRESETS["modern"].ike
    raw, at, follows = question(COOKIE, proposals), 48, []

    while at < len(raw):
        following, length = struct.unpack_from("!BxH", raw, at)
        follows.append(following)
        at += length

    assert at == len(raw)
    assert follows == [3] * (len(proposals) - 1) + [0]


@given(raw=st.binary(max_size=80), ours=st.booleans())
def test_no_datagram_upsets_the_reader(raw: bytes, *, ours: bool) -> None:
    said = answer(COOKIE, COOKIE + raw if ours else raw)

    assert said is Answer.NONE or ours or raw.startswith(COOKIE)
