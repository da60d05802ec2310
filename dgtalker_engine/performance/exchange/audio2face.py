"""Audio2Face: a JSON with a matrix of weights, and a CSV with times in seconds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...errors import DGTalkerError
from ...rig import ARKIT_NAMES
from ..record import Performance
from . import names

_RATES = ("exportFps", "exportFPS", "fps")


def from_json(content: dict[str, Any], fps: float | None) -> Performance:
    """A performance from ``{"exportFps", "facsNames", "numPoses", "numFrames", "weightMat"}``.

    Args:
        content: of the file.
        fps: frames per second where the file, as the first versions of Audio2Face wrote it, does not say it.

    Raises:
        DGTalkerError: it is incomplete, or its counts do not fit its matrix.
    """
    try:
        controls = [names.canonical(str(name)) or str(name) for name in content["facsNames"]]
        names.check(controls)
        weights = np.array(content["weightMat"], np.float32)
        rate = float(next((content[key] for key in _RATES if key in content), fps) or 0.0)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DGTalkerError(f"This file of Audio2Face is incomplete: {error!r}.", "Export it again.") from error
    if weights.ndim != 2 or weights.shape[1] != len(controls) or content.get("numFrames", len(weights)) != len(weights):
        raise DGTalkerError(
            f"This file of Audio2Face promises {content.get('numFrames')} frames of {len(controls)} weights and holds "
            f"{' × '.join(map(str, weights.shape))}.",
            "Export it again.",
        )
    if rate <= 0.0:
        raise DGTalkerError("This file of Audio2Face does not say its frame rate.", "Give its frames per second.")
    return Performance(rate, tuple(controls), weights)


def json_text(performance: Performance) -> str:
    """A performance as Audio2Face exports it, of ARKit's 52 blendshapes; the head's turns are left out."""
    names.check(performance.names)
    weights = np.clip(performance.select(ARKIT_NAMES), 0.0, 1.0)
    content = {
        # Readers that take it for a whole number would stumble over "25.0".
        "exportFps": int(performance.fps) if performance.fps == int(performance.fps) else performance.fps,
        "trackPath": "",
        "numPoses": len(ARKIT_NAMES),
        "numFrames": performance.frames,
        "facsNames": list(ARKIT_NAMES),
        "weightMat": [[round(value, 6) for value in row] for row in weights.tolist()],
    }
    return json.dumps(content)


def csv_text(performance: Performance) -> str:
    """A performance as Audio2Face-3D's service writes its blendshapes; the head's turns are left out."""
    names.check(performance.names)
    rows = [",".join(["timeCode", *(f"blendShapes.{names.pascal_case(name)}" for name in ARKIT_NAMES)])]
    weights = np.clip(performance.select(ARKIT_NAMES), 0.0, 1.0)
    for i, row in enumerate(weights.tolist()):
        rows.append(",".join([f"{i / performance.fps:.6f}", *(f"{value:.9g}" for value in row)]))
    return "\n".join(rows) + "\n"
