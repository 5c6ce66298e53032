"""A certificate authority of the tests: certificates for whom and when they are wanted, in PEM files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC).replace(microsecond=0)


class Pair(NamedTuple):
    """A certificate and its key; `expiry` is in seconds since the epoch."""

    cert: str
    key: str
    expiry: float


class Authority:
    """Its own certificate is `ca`, a PEM file."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self._folder = folder
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named(name)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = _blank(self._name, self._name, self._key, 3650, -3650).add_extension(constraints, critical=True)
        self.ca = str(folder / f"{name}.pem")
        Path(self.ca).write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def certificate(self, *names: str, days: int = 30, since: int = -365, file: str = "peer") -> Pair:
        """For these names and addresses (localhost and 127.0.0.1 unless given), valid for `days` from now."""
        names = names or ("localhost", "127.0.0.1")
        key = ec.generate_private_key(ec.SECP256R1())
        made = _blank(_named(names[0]), self._name, key, days, since).add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
        )
        signed = made.sign(self._key, hashes.SHA256())
        cert, key_file = self._folder / f"{file}.crt", self._folder / f"{file}.key"
        cert.write_bytes(signed.public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Pair(str(cert), str(key_file), signed.not_valid_after_utc.timestamp())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)


def _blank(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int, since: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=since))
        .not_valid_after(NOW + timedelta(days=days))
    )
