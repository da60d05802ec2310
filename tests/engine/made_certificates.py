"""Certificates as an authority issues them for signing, made by the program openssl: nobody's, and of no worth."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

_EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=emailProtection
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


class Made(NamedTuple):
    """PEM files: the signer's certificate with its authority's after it, the signer's key, and the authority's own."""

    chain: Path
    key: Path
    authority: Path


def make(folder: Path, algorithm: str = "EC", days: int = 30) -> Made:
    """A chain of two.

    Args:
        algorithm: of the signer's key, as `openssl genpkey` names it; EC is on P-256.
        days: for which the signer's certificate is valid; negative for one that has run out.
    """
    if shutil.which("openssl") is None:
        pytest.skip("this machine has no openssl")
    folder.mkdir(parents=True, exist_ok=True)
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    key, request, certificate, chain = (folder / name for name in ("signer.key", "asked.csr", "one.pem", "chain.pem"))
    (folder / "extensions").write_text(_EXTENSIONS)
    _make_key(authority_key, "EC")
    _run(
        "req", "-x509", "-new", "-key", authority_key, "-days", 30, "-subj", "/O=Nobody/CN=Authority", "-out", authority
    )
    _make_key(key, algorithm)
    _run("req", "-new", "-key", key, "-subj", "/O=Nobody/CN=Signer", "-out", request)
    by = ["-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-extfile", folder / "extensions"]
    _run("x509", "-req", "-in", request, *by, "-days", days, "-out", certificate)
    chain.write_bytes(certificate.read_bytes() + authority.read_bytes())
    return Made(chain, key, authority)


def _make_key(path: Path, algorithm: str) -> None:
    curve = ["-pkeyopt", "ec_paramgen_curve:P-256"] if algorithm == "EC" else []
    _run("genpkey", "-algorithm", algorithm, *curve, "-out", path)


def _run(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
