"""Signing, by c2pa-python: the bytes of a picture before they are written, or a file that is there."""

from __future__ import annotations

import importlib
import io
import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import DGTalkerError
from ...files import is_file, printable, replacing
from ...wire import provenance
from ...wire.signing import MEDIA_TYPES, SigningCredential, media_type
from . import credential

NOT_INSTALLED = "no_signing"
"""The code of errors that an installation mends."""

COMPOSITE = provenance.SOURCE_TYPE.rsplit("/", 1)[0] + "/compositeWithTrainedAlgorithmicMedia"
AVATARS = "org.dgtalker.avatars"
"""The assertion that says who is seen: content hashes, and the status of their consent."""

_SETTINGS = {
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}
"""Nothing of it uses the network. What was signed is read back by `_check`, which says more."""
_UNKNOWN_ISSUER = "signingCredential.untrusted"
"""Of what a check finds, what is no fault: whom to trust is for who looks at the file."""


class Signer:
    """Signs with one credential.

    Attributes:
        fingerprint: SHA-256 of the signer's certificate.
    """

    def __init__(self, asked: SigningCredential) -> None:
        """Signs a picture of one pixel, too: a key that does not fit its certificate shows only then.

        Raises:
            DGTalkerError: what signs is not installed, or the credential is of no use.
        """
        self._c2pa = _library()
        self._credential = credential.load(asked)
        self.fingerprint = self._credential.fingerprint
        self._context = self._c2pa.Context(self._c2pa.Settings.from_dict(_SETTINGS))
        try:
            self.sign(_PIXEL, "image/png", manifest({}))
        except DGTalkerError as error:
            raise DGTalkerError(
                f"Nothing can be signed with this certificate and this key: {error.hint or error.message}",
                "See the preferences. C2PA takes no self-signed certificate, and one for signing only.",
            ) from error

    def sign(self, data: bytes, kind: str, claims: Mapping[str, Any]) -> bytes:
        """A file's bytes with a signature.

        Args:
            kind: media type.
            claims: of `manifest`.

        Raises:
            DGTalkerError: it was not signed.
        """
        signed = io.BytesIO()
        self._sign("The picture", kind, io.BytesIO(data), signed, claims)
        return signed.getvalue()

    def sign_file(self, path: Path, claims: Mapping[str, Any]) -> None:
        """Signs a file, which stays as it was where that fails.

        Raises:
            DGTalkerError: it was not signed.
        """
        check_kind(path)
        if not is_file(path):
            raise DGTalkerError(f"{printable(path)} is not there, and is not signed.", "Check the path.")
        with replacing(path) as temporary, path.open("rb") as unsigned, temporary.open("r+b") as signed:
            if self._is_signed(media_type(path), unsigned):
                raise DGTalkerError(
                    f"{printable(path)} is signed already, and stays as it is.", "A second signature would hide it."
                )
            self._sign(printable(path), media_type(path), unsigned, signed, claims)
            unsigned.close()  # Windows replaces no file that is open
            signed.close()

    def _sign(self, what: str, kind: str, unsigned: BinaryIO, signed: BinaryIO, claims: Mapping[str, Any]) -> None:
        own = self._credential
        try:
            unsigned.seek(0)
            info = self._c2pa.C2paSignerInfo(own.algorithm, own.chain, own.key, own.time_stamps or None)
            with (
                self._c2pa.Signer.from_info(info) as signer,
                self._c2pa.Builder(json.dumps(claims), self._context) as builder,
            ):
                builder.sign(signer, kind, unsigned, signed)
            signed.flush()
            signed.seek(0)
            with self._c2pa.Reader(kind, signed, context=self._context) as reader:
                faults = _faults(reader.get_validation_results() or {})
        except self._c2pa.C2paError as error:
            hint = f"C2PA says: {error}"
            if own.time_stamps:
                hint += f" Is {own.time_stamps} there?"
            raise DGTalkerError(f"{what} was not signed.", hint) from error
        if faults:
            raise DGTalkerError(f"{what} was not signed.", f"C2PA says of the signature: {', '.join(faults)}.")

    def _is_signed(self, kind: str, file: BinaryIO) -> bool:
        try:
            with self._c2pa.Reader(kind, file, context=self._context):
                return True
        except self._c2pa.C2paError.ManifestNotFound:
            return False
        except self._c2pa.C2paError as error:
            raise DGTalkerError("The file cannot be read, and is not signed.", f"C2PA says: {error}") from error


def manifest(avatars: Mapping[str, str], composite: bool = False) -> dict[str, Any]:
    """What a signature says of a file: made by a trained model, with what, and who is seen. No path, no name.

    Args:
        avatars: the status of their consent by content hash.
        composite: whether it shows more than trained heads.
    """
    software = {"name": "DGTalker", "version": provenance.version()}
    action = {
        "action": "c2pa.created",
        "digitalSourceType": COMPOSITE if composite else provenance.SOURCE_TYPE,
        "softwareAgent": software,
    }
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]
    if avatars:
        seen = [{"hash": hash, "consent": status} for hash, status in sorted(avatars.items())]
        assertions.append({"label": AVATARS, "data": {"avatars": seen}})
    return {"claim_generator_info": [software], "assertions": assertions}


def check_kind(path: Path | str) -> None:
    """Raises DGTalkerError where C2PA signs no files of this kind."""
    if not media_type(path):
        raise DGTalkerError(
            f"C2PA cannot sign {Path(path).suffix or 'files without an ending'}.",
            f"It signs {', '.join(MEDIA_TYPES)}.",
        )


def _faults(results: Mapping[str, Any]) -> list[str]:
    """Codes of what a validator found wrong (specification 2.2, section 15.2)."""
    found = results.get("activeManifest", {}).get("failure", [])
    return [each["code"] for each in found if each["code"] != _UNKNOWN_ISSUER]


def _library() -> Any:
    try:
        return importlib.import_module("c2pa")
    except (ImportError, OSError, RuntimeError) as error:
        raise DGTalkerError(
            f"What signs pictures is not installed: {error}.",
            "Press Install for Signing in the preferences of Blender's extension DGTalker (or install "
            "wheels/signing.txt).",
            NOT_INSTALLED,
        ) from error


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_PIXEL = b"".join(
    [
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress(b"\0\0\0\0")),
        _chunk(b"IEND", b""),
    ]
)
