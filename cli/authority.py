"""An authority of the chain's own, and the broker's certificate. See RFC 5280."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LASTS: Final = timedelta(days=3650)  # nobody would notice that it ran out but by that
SKEW: Final = timedelta(days=1)  # of clocks that are behind


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes


def new_authority() -> Identity:
    """An authority that is trusted by nobody but who is given its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("vpnchain broker authority")
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    usage = _usage(signs_certificates=True)
    builder = (
        _builder(name, name, key.public_key())
        .add_extension(constraints, critical=True)
        .add_extension(usage, critical=True)
    )
    return _identity(builder.sign(key, hashes.SHA256()), key)


def new_server(authority: Identity, hosts: tuple[str, ...]) -> Identity:
    """A certificate of the authority for a server of these names and addresses."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("an authority of ours has a key on an elliptic curve")
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        issuer_key.public_key()
    )
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = (
        _builder(_name(hosts[0]), issuer.subject, key.public_key())
        .add_extension(names, critical=False)
        .add_extension(constraints, critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(purpose, critical=False)
        .add_extension(signed_by, critical=False)
    )
    return _identity(builder.sign(issuer_key, hashes.SHA256()), key)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _identity(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Identity:
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Identity(certificate.public_bytes(pem), key.private_bytes(pem, *plain))
