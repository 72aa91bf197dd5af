"""The whole entry asks by https, and believes only who can show that it is the service.

The authority is told to it as to any program: by OpenSSL's SSL_CERT_FILE.
"""

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bus.messages.orders import Gate
from cli.authority import Identity, new_authority, new_server
from tests.agents.entry.chain import SERVICE, Chain
from tests.agents.entry.ear import order
from tests.agents.entry.looking import SEEN, Looking, looking_safely
from tests.agents.entry.secure_pages import SecurePage

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.broker]

STRANGER = "192.0.2.9"
DAY: Final = timedelta(days=1)


def elliptic(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def expired(authority: Identity, host: str) -> Identity:
    """All is well with it, but that it is of the day before yesterday."""
    server = new_server(authority, (host,))
    right = x509.load_pem_x509_certificate(server.certificate)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(right.subject)
        .issuer_name(right.issuer)
        .public_key(elliptic(server.key).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now - DAY)
    )
    for one in right.extensions:
        builder = builder.add_extension(one.value, critical=one.critical)
    signed = builder.sign(elliptic(authority.key), hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    return Identity(certificate=pem, key=server.key)


Wrong = Callable[[Identity], Identity]
REFUSED: Final[Mapping[str, tuple[Wrong, str]]] = {
    "unknown-authority": (
        lambda _: new_server(new_authority(), (SERVICE[0],)),
        "unable to get local issuer certificate",
    ),
    "wrong-name": (
        lambda authority: new_server(authority, ("203.0.113.99",)),
        "IP address mismatch",
    ),
    "expired": (
        lambda authority: expired(authority, SERVICE[0]),
        "certificate has expired",
    ),
}


class Authority:
    """One that the agent trusts, and what servers show."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.identity = new_authority()
        self.file = folder / "authority.pem"
        self.file.write_bytes(self.identity.certificate)

    def shown(self, server: Identity) -> ssl.SSLContext:
        """What a server with this certificate says first."""
        file = self._folder / "server.pem"
        file.write_bytes(server.certificate + server.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def right(self) -> ssl.SSLContext:
        """What the service shows."""
        return self.shown(new_server(self.identity, (SERVICE[0],)))


@pytest.fixture
def authority(tmp_path: Path, chain: Chain) -> Authority:
    one = Authority(tmp_path)
    chain.environment["SSL_CERT_FILE"] = str(one.file)
    return one


async def refusals(look: Looking[SecurePage], more: int) -> None:
    """The service of exit-a was left that often from now on for what it showed."""
    page = look.pages["exit-a"]
    wanted = page.refused + more
    while page.refused < wanted:
        await look.ear.listen(0.05)


async def test_who_shows_a_trusted_certificate_is_believed(
    chain: Chain, authority: Authority
) -> None:
    async with looking_safely(chain, authority.right()) as look:
        await look.leak()

        assert not any(page.refused for page in look.pages.values())


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_refused_certificate_is_no_answer_and_no_alarm(
    chain: Chain, authority: Authority, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make, why = REFUSED[kind]
    right = authority.right()
    async with looking_safely(chain, right) as look:
        await look.ear.order(order(1, "exit-a"))
        await look.known("exit-a")
        page = look.pages["exit-a"]
        page.tls = authority.shown(make(authority.identity))
        await refusals(look, 1)  # so nobody is still listening who trusted it
        page.says(STRANGER.encode())
        asked = len(page.asked)
        await refusals(look, 3)

        await look.ear.order(order(2, "exit-a"))
        report = await look.ear.until(epoch=2)
        assert (report.leak, report.gate) == ("", Gate.OPEN)
        assert report.public_address == SEEN["exit-a"]
        assert len(page.asked) == asked
        said = [line for line in capfd.readouterr().err.splitlines() if why in line]
        assert len(said) == 1
        assert f"asking https://{SERVICE[0]}" in said[0]

        page.tls = right
        report = await look.ear.until(gate=Gate.CLOSED)
        assert STRANGER in report.leak


async def test_who_was_never_trusted_was_seen_nowhere(chain: Chain) -> None:
    authority = Authority(chain.folder)
    async with looking_safely(chain, authority.right()) as look:
        await look.ear.order(order(1, "exit-a"))
        await refusals(look, 3)

        report = await look.ear.until(epoch=1, gate=Gate.OPEN)
        assert (report.leak, report.public_address) == ("", "")
        assert look.pages["exit-a"].asked == []
