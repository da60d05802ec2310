"""The options by which a command is told to sign what it writes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DGTalkerError
from ..wire.signing import SigningCredential

if TYPE_CHECKING:
    from ..rendering.signing.signer import Signer


def add_options(command: argparse.ArgumentParser, *, required: bool = False) -> None:
    group = command.add_argument_group("signing", "Content Credentials (C2PA), with your own certificate")
    text = "sign with this certificate: a PEM file, the signer's certificate first, then who issued it"
    group.add_argument("--sign-with", type=Path, required=required, metavar="CHAIN.pem", help=text)
    text = "the certificate's private key, a PEM file without a password"
    group.add_argument("--key", type=Path, required=required, metavar="KEY.pem", help=text)
    text = "a time-stamp server, which is asked over the network (default: none)"
    group.add_argument("--time-stamps", default="", metavar="URL", help=text)


def signer(options: argparse.Namespace) -> Signer | None:
    """What signs, proven; None where nothing is to be signed.

    Raises:
        DGTalkerError: half of it was said, or it is of no use.
    """
    if options.sign_with is None:
        if options.key is not None or options.time_stamps:
            raise DGTalkerError("What signs was said without --sign-with.", "Add the certificate's PEM file.")
        return None
    if options.key is None:
        raise DGTalkerError("Signing needs the certificate's private key.", "Add --key KEY.pem.")
    from ..rendering.signing.signer import Signer

    certificates, key = (str(path.absolute()) for path in (options.sign_with, options.key))
    return Signer(SigningCredential(certificates=certificates, key=key, time_stamps=options.time_stamps))
