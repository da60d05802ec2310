"""Whose signature files get, and what it says of them: both sides name files of certificates, never their content.

Standard library only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any, cast

from ..errors import DGTalkerError

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/avi",
}
"""What C2PA can sign of what Blender and the engine write, by the endings of files' names."""


def media_type(path: PurePath | str) -> str:
    """The media type of a file, or of an ending, that can be signed; empty for any other."""
    name = str(path)
    return MEDIA_TYPES.get(name[name.rfind(".") :].lower(), "")


@dataclass(frozen=True, kw_only=True)
class SigningCredential:
    """Where the user's certificate and key lie.

    Attributes:
        certificates: absolute path, PEM: the signer's certificate, then those of who issued it.
        key: absolute path, PEM: the signer's private key.
        time_stamps: address of a time-stamp authority (RFC 3161); empty for none, and then the network is not used.
    """

    certificates: str
    key: str
    time_stamps: str = ""

    def __post_init__(self) -> None:
        for what, path in (("certificate", self.certificates), ("private key", self.key)):
            if not path:
                raise DGTalkerError(f"Signing needs a {what}, and none is named.", "Name its PEM file.")
            if not PurePath(path).is_absolute() or "\0" in path:
                raise DGTalkerError(f"The path of the {what} is not absolute.", "Name its PEM file anew.")
        if self.time_stamps and not self.time_stamps.startswith(("http://", "https://")):
            raise DGTalkerError("The time-stamp server has no address.", "It begins with https:// or http://.")

    @classmethod
    def from_header(cls, data: Any) -> SigningCredential:
        """Raises DGTalkerError where `asdict` made no such thing."""
        try:
            return cls(**{name: str(data[name]) for name in ("certificates", "key", "time_stamps")})
        except (KeyError, TypeError) as error:
            raise DGTalkerError("The request to sign cannot be read.") from error


@dataclass(frozen=True, kw_only=True)
class SignRequest:
    """Files to sign that are written already; none, before, to prove the credential.

    Attributes:
        files: absolute paths.
        credential: whose signature they get.
        composite: whether they show more than trained heads: another engine's picture, say, or a recording.
        avatars: who is seen: the status of their consent by content hash.
    """

    files: tuple[str, ...]
    credential: SigningCredential
    composite: bool = False
    avatars: dict[str, str] = field(default_factory=dict[str, str])

    def to_header(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> SignRequest:
        """Raises DGTalkerError when this is not such a request."""
        try:
            files, avatars = header["files"], header["avatars"]
            if not isinstance(files, list | tuple) or not isinstance(avatars, dict):
                raise TypeError("no files, or no avatars")
            return cls(
                files=tuple(str(file) for file in cast("list[object]", files)),
                credential=SigningCredential.from_header(header["credential"]),
                composite=bool(header["composite"]),
                avatars={str(name): str(status) for name, status in cast("dict[object, object]", avatars).items()},
            )
        except (KeyError, TypeError) as error:
            raise DGTalkerError("The request to sign cannot be read.") from error
