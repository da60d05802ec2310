"""report.html of a clip: what was tracked, laid over its frames, and what was left out and why."""
from __future__ import annotations
from .clip import Clip
from .face_model import FaceModel
from .observe import Observations
from .scan import Progress
def write(clip: Clip, model: FaceModel, found: Observations, progress: Progress) -> None:
    pass
