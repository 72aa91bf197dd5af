"""`vpnchain peer` on a real file."""

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from agents.entry.admission import endpoint_of
from agents.entry.wgconf import WgConf, parse
from agents.settings_model import CLIENTS
from bus.secret import Secret
from cli.__main__ import main
from cli.wgkeys import new_pair, public_of

TEXT: Final = """\
[Interface]
Address = 10.13.13.1/24
ListenPort = 4500
PrivateKey = {key}

# phone
[Peer]
PublicKey = {phone}
AllowedIPs = 10.13.13.2/32
"""


class House:
    """A folder with settings and wg0.conf, and the command in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "wg0.conf"
        self.pair = new_pair()
        text = TEXT.format(key=self.pair.private.reveal(), phone=new_pair().public)
        self.file.write_text(text)
        self.file.chmod(0o600)
        self.settings = folder / "chain.toml"
        self.settings.write_text(
            f'[entry]\nwg_conf = "{self.file}"\nendpoint = "vpn.example.org"\n'
        )

    def run(self, *arguments: str) -> Result:
        where = ("--settings", str(self.settings))
        return CliRunner().invoke(main, ["peer", *arguments, *where])

    @property
    def conf(self) -> WgConf:
        return parse(self.file.read_text(), "wg0.conf", CLIENTS)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def values(config: str) -> dict[str, str]:
    lines = (line.split(" = ", 1) for line in config.splitlines() if " = " in line)
    return {key: value for key, value in lines}  # noqa: C416 - of lists


def test_a_client_gets_all_that_it_needs(house: House) -> None:
    result = house.run("add", "Alice's laptop")

    told, peer = values(result.output), house.conf.peers[-1]
    assert result.exit_code == 0
    assert peer.name == "Alice's laptop"
    assert peer.allowed_ips == ("10.13.13.3/32",) == (told["Address"],)
    assert told["PublicKey"] == house.pair.public
    assert peer.preshared_key is not None
    assert told["PresharedKey"] == peer.preshared_key.reveal()
    assert told["DNS"] == "10.13.13.1"
    assert told["MTU"] == "1400"
    assert told["Endpoint"] == "vpn.example.org:4500"
    assert told["AllowedIPs"] == "0.0.0.0/0, ::/0"


def test_its_private_key_is_kept_nowhere(house: House) -> None:
    private = values(house.run("add", "laptop").output)["PrivateKey"]

    assert private not in house.file.read_text()
    assert house.file.stat().st_mode & 0o777 == 0o600
    assert sorted(house.folder.iterdir()) == [house.settings, house.file]


def test_a_client_may_keep_its_private_key_to_itself(house: House) -> None:
    key = new_pair().public

    result = house.run("add", "laptop", "--public-key", key, "--no-preshared")

    assert house.conf.peers[-1].public_key == key
    assert values(result.output)["PrivateKey"].startswith("<")
    assert "PresharedKey" not in result.output


def test_a_program_gets_one_object(house: House) -> None:
    told = json.loads(house.run("add", "laptop", "--json").output)

    assert told["id"] == "laptop"
    assert told["public_key"] == house.conf.peers[-1].public_key
    assert told["config"].startswith("[Interface]\n")


def test_what_is_in_a_file_is_not_printed_as_well(house: House) -> None:
    file = house.folder / "laptop.conf"

    result = house.run("add", "laptop", "--json", "--out", str(file))

    secret = values(file.read_text())
    assert json.loads(result.output) == {
        "id": "laptop",
        "name": "laptop",
        "address": "10.13.13.3",
        "public_key": house.conf.peers[-1].public_key,
        "file": str(file),
    }
    assert public_of(Secret(secret["PrivateKey"])) == house.conf.peers[-1].public_key
    assert secret["PrivateKey"] not in result.output
    assert secret["PresharedKey"] not in result.output


def test_a_phone_reads_a_code_on_the_terminal(house: House) -> None:
    result = house.run("add", "tablet", "--qr")

    lines = result.output.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert set("".join(lines)) == set("█▀▄ ")
    assert lines[0] == "█" * len(lines[0])


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("laptop.conf", b"[Interface]\n"),
        ("tablet.png", b"\x89PNG\r\n"),
        ("tablet.SVG", b"<?xml"),
    ],
)
def test_a_file_is_for_its_owner_alone(house: House, name: str, begins: bytes) -> None:
    file = house.folder / name

    result = house.run("add", "tablet", "--out", str(file))

    assert (result.exit_code, result.output) == (0, "")
    assert file.read_bytes().startswith(begins)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_left_alone_and_nobody_is_added(house: House) -> None:
    before = house.file.read_text()

    result = house.run("add", "laptop", "--out", str(house.settings))

    assert result.exit_code == 1
    assert house.file.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["phone"], "there is one of this name"),
        (["a=b"], "a name has a letter"),
        (["x", "--address", "10.13.13.2"], "somebody has it"),
        (["x", "--public-key", "short"], "its public key is none"),
        (["x", "--endpoint", "a b"], "--endpoint"),
    ],
)
def test_what_cannot_be_added_leaves_the_file(
    house: House, arguments: list[str], why: str
) -> None:
    before = house.file.read_text()

    result = house.run("add", *arguments)

    assert result.exit_code == 1
    assert why in result.output
    assert house.file.read_text() == before


def test_clients_are_listed(house: House) -> None:
    house.run("add", "laptop")

    told = json.loads(house.run("list", "--json").output)
    words = house.run("list").output.splitlines()

    assert [one["name"] for one in told] == ["phone", "laptop"]
    assert [line.split()[0] for line in words] == ["peer", "phone", "laptop"]


def test_a_client_is_removed_by_name_or_id(house: House) -> None:
    house.run("add", "Alice's laptop")

    assert house.run("remove", "alice-s-laptop").exit_code == 0
    assert house.run("remove", "phone").output == "phone is removed\n"
    assert not house.conf.peers
    again = house.run("remove", "phone")
    assert (again.exit_code, again.output) == (
        1,
        "removing the peer phone: there is none\n",
    )


def test_a_file_that_is_wrong_is_told_as_the_entry_would(house: House) -> None:
    house.file.write_text("[Interface]\n")

    result = house.run("add", "laptop")

    assert result.exit_code == 2
    assert "PrivateKey: got nothing" in result.output


def test_without_a_file_one_line_says_so(house: House) -> None:
    house.file.unlink()

    result = house.run("list")

    assert result.exit_code == 2
    got = "got no such file or directory, wanted a readable file"
    assert result.output == f"{house.file}: file: {got}\n"


@pytest.mark.parametrize(
    ("said", "endpoint"),
    [
        ("vpn.example.org", "vpn.example.org:51820"),
        ("192.0.2.1:4242", "192.0.2.1:4242"),
        ("[2001:db8::1]", "[2001:db8::1]:51820"),
        ("[2001:db8::1]:4242", "[2001:db8::1]:4242"),
    ],
)
def test_an_endpoint_without_a_port_has_the_entrys(said: str, endpoint: str) -> None:
    assert endpoint_of(said, 51820) == endpoint


def test_the_client_is_told_the_entrys_own_key(house: House) -> None:
    assert public_of(house.conf.private_key) == house.pair.public
