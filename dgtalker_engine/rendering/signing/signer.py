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
    "core": {"decode_identity_assertions": False},
}
"""Nothing of it uses the network. What was signed is read back by `_faults_of`, which says more."""
_ONLY_READ = {**_SETTINGS, "verify": {**_SETTINGS["verify"], "verify_after_reading": False}}
"""Whether a file is signed, well or badly, by whomever."""
_UNKNOWN_ISSUER = "signingCredential.untrusted"
"""Of what a check finds, what is no fault: whom to trust is for who looks at the file."""


class Signer:
    """Signs with one credential.

    Attributes:
        signed_by: what two signatures have in common: SHA-256 of the certificate, and whether they are time-stamped.
    """

    def __init__(self, asked: SigningCredential, *, proven: bool = False) -> None:
        """Signs a picture of one pixel, too: a key that does not fit its certificate shows only then.

        Args:
            proven: that was done before, by another of the same credential; a time-stamp server is not asked again.

        Raises:
            DGTalkerError: what signs is not installed, or the credential is of no use.
        """
        self._c2pa = library()
        self._credential = credential.load(asked)
        self.signed_by = f"{self._credential.fingerprint}{' with time' if asked.time_stamps else ''}"
        self._context = self._c2pa.Context(self._c2pa.Settings.from_dict(_SETTINGS))
        if proven:
            return
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

    def is_intact(self, path: Path) -> bool:
        """Whether a file is signed, by whomever, and as it was then."""
        try:
            with path.open("rb") as file:
                return not self._faults_of(media_type(path), file)
        except (OSError, self._c2pa.C2paError):
            return False

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
            faults = self._faults_of(kind, signed)
        except self._c2pa.C2paError as error:
            hint = f"C2PA says: {error}"
            if own.time_stamps:
                hint += f" Is {own.time_stamps} there?"
            raise DGTalkerError(f"{what} was not signed.", hint) from error
        if faults:
            raise DGTalkerError(f"{what} was not signed.", f"C2PA says of the signature: {', '.join(faults)}.")

    def _faults_of(self, kind: str, file: BinaryIO) -> list[str]:
        """Raises C2paError where nothing can be said."""
        file.seek(0)
        with self._c2pa.Reader(kind, file, context=self._context) as reader:
            return _faults(reader.get_validation_results())

    def _is_signed(self, kind: str, file: BinaryIO) -> bool:
        context = self._c2pa.Context(self._c2pa.Settings.from_dict(_ONLY_READ))
        try:
            with self._c2pa.Reader(kind, file, context=context):
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


def _faults(results: Mapping[str, Any] | None) -> list[str]:
    """Codes of what a validator found wrong (specification 2.2, section 15.2)."""
    active = (results or {}).get("activeManifest")
    if active is None:
        return ["nothing could be validated"]
    return [each["code"] for each in active["failure"] if each["code"] != _UNKNOWN_ISSUER]


def library() -> Any:
    """c2pa-python. Raises DGTalkerError where it is not installed, or does not work."""
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
