"""The user's certificates and private key, read from PEM files and looked at before anything is signed with them.

Of X.509 (RFC 5280) and PKCS #8 (RFC 5958) as much as it takes to say what is wrong, and to find the algorithm.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import itertools
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from ...errors import DGTalkerError
from ...files import printable, read_file
from ...wire.signing import SigningCredential

_LARGEST = 1 << 20
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)

_SEQUENCE, _INTEGER, _OCTETS, _OBJECT = 0x30, 0x02, 0x04, 0x06
_UTC_TIME = 0x17
_RSA, _ED25519 = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2b6570")
_ELLIPTIC = bytes.fromhex("2a8648ce3d0201")
_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): "es256",
    bytes.fromhex("2b81040022"): "es384",
    bytes.fromhex("2b81040023"): "es512",
}
"""Object identifiers of P-256, P-384 and P-521, and what C2PA signs with them."""
_BARE_KEYS = (b"EC PRIVATE KEY", b"RSA PRIVATE KEY")
"""Without the algorithm around them that PKCS #8 has."""


@dataclass(frozen=True)
class Credential:
    """What files are signed with.

    Attributes:
        chain: PEM, the signer's certificate first.
        key: PEM, PKCS #8.
        algorithm: C2PA's name of it.
        fingerprint: SHA-256 of the signer's certificate.
        time_stamps: as `SigningCredential` has it.
    """

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: str
    fingerprint: str
    time_stamps: str


class _Part(NamedTuple):
    """Of DER: its tag, what is in it, and all of it."""

    tag: int
    content: bytes
    whole: bytes


class _Certificate(NamedTuple):
    der: bytes
    issuer: bytes
    subject: bytes
    begins: datetime.datetime
    ends: datetime.datetime
    algorithm: bytes
    """DER of the AlgorithmIdentifier of its public key."""


def load(asked: SigningCredential) -> Credential:
    """Reads both files.

    Raises:
        DGTalkerError: one of them cannot be read, is none of the kind, has run out, or has a password.
    """
    what = "The certificate"
    blocks = _blocks(asked.certificates, what)
    chain = [_certificate(der, asked.certificates) for kind, der in blocks if kind == b"CERTIFICATE"]
    if not chain:
        raise DGTalkerError(f"There is no certificate in {printable(asked.certificates)}.", "Name a PEM file of one.")
    for one, issuer in itertools.pairwise(chain):
        if one.issuer != issuer.subject:
            raise DGTalkerError(
                f"The certificates in {printable(asked.certificates)} do not follow each other.",
                "The signer's comes first, then that of who issued it, and so on.",
            )
    signer = chain[0]
    now = datetime.datetime.now(datetime.UTC)
    if not signer.begins <= now <= signer.ends:
        raise DGTalkerError(
            f"The certificate is valid from {signer.begins:%Y-%m-%d} to {signer.ends:%Y-%m-%d}, and not today.",
            "Have it renewed, or name another one in the preferences.",
        )
    return Credential(
        chain=b"".join(_pem(b"CERTIFICATE", each.der) for each in chain),
        key=_pem(b"PRIVATE KEY", _private_key(asked.key, signer.algorithm)),
        algorithm=_algorithm(signer.algorithm),
        fingerprint=hashlib.sha256(signer.der).hexdigest(),
        time_stamps=asked.time_stamps,
    )


def _private_key(path: str, algorithm: bytes) -> bytes:
    """PKCS #8, without a password."""
    for kind, der in _blocks(path, "The private key"):
        if kind == b"PRIVATE KEY":
            return der
        if kind in _BARE_KEYS:
            return _made(_SEQUENCE, _made(_INTEGER, b"\0") + algorithm + _made(_OCTETS, der))
    raise DGTalkerError(f"There is no private key in {printable(path)}.", "Name its PEM file.")


def _blocks(path: str, what: str) -> list[tuple[bytes, bytes]]:
    """The kinds and the DER of what is in a PEM file (RFC 7468), whatever stands between."""
    text = read_file(path, _LARGEST, what, "Name its PEM file.")
    found: list[tuple[bytes, bytes]] = []
    for kind, body in _BLOCK.findall(text):
        if b"ENCRYPTED" in kind or b"ENCRYPTED" in body:
            raise DGTalkerError(
                f"{what} {printable(path)} is protected by a password, which nobody could type on a farm.",
                "Keep a copy without one where only you can read it: openssl pkey -in KEY.pem -out NEW.pem",
            )
        try:
            found.append((kind, base64.b64decode(b"".join(body.split()), validate=True)))
        except binascii.Error as error:
            raise DGTalkerError(f"{what} {printable(path)} is damaged: {error}.", "Export it anew, as PEM.") from error
    return found


def _certificate(der: bytes, path: str) -> _Certificate:
    try:
        (outer,) = _parts(der)
        body = _parts(_parts(outer.content)[0].content)
        if body[0].tag == 0xA0:  # the version, which the oldest leave out
            body = body[1:]
        _serial, _signature, issuer, validity, subject, public = body[:6]
        begins, ends = map(_time, _parts(validity.content))
        algorithm = _parts(public.content)[0].whole
        return _Certificate(der, issuer.whole, subject.whole, begins, ends, algorithm)
    except (ValueError, IndexError) as error:
        raise DGTalkerError(f"A certificate in {printable(path)} is damaged.", "Export it anew, as PEM.") from error


def _algorithm(identifier: bytes) -> str:
    (outer,) = _parts(identifier)
    name, *more = _parts(outer.content)
    if name.content == _RSA:
        return "ps256"
    if name.content == _ED25519:
        return "ed25519"
    if name.content == _ELLIPTIC and more and more[0].content in _CURVES:
        return _CURVES[more[0].content]
    raise DGTalkerError(
        "The certificate's key is of a kind that C2PA does not know.", "It may be RSA, P-256, P-384, P-521 or Ed25519."
    )


def _time(part: _Part) -> datetime.datetime:
    text = part.content.decode("ascii").removesuffix("Z")
    if part.tag == _UTC_TIME:  # two digits of the year, from 1950 on
        text = ("19" if text >= "50" else "20") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=datetime.UTC)


def _parts(der: bytes) -> list[_Part]:
    """What follows each other in DER (ITU-T X.690).

    Raises:
        ValueError, IndexError: it is cut off.
    """
    parts: list[_Part] = []
    place = 0
    while place < len(der):
        tag, length, start = der[place], der[place + 1], place + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[place + 2 : start], "big")
        end = start + length
        if end > len(der):
            raise ValueError("it is cut off")
        parts.append(_Part(tag, der[start:end], der[place:end]))
        place = end
    return parts


def _made(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _pem(kind: bytes, der: bytes) -> bytes:
    text = base64.b64encode(der)
    lines = b"".join(text[i : i + 64] + b"\n" for i in range(0, len(text), 64))
    return b"-----BEGIN " + kind + b"-----\n" + lines + b"-----END " + kind + b"-----\n"
