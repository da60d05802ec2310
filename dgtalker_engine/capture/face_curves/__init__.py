"""From what was measured of a face in each picture to the 52 curves of ARKit and the turns of the head.

MediaPipe's scores say which way a face moves, but they have offsets at rest, differ from person to person and hardly
know a closure. So what can be measured on the landmarks is: how far lips, lids, brows and corners of the mouth are
apart, in distances between the eyes' outer corners, without the head's motion.

`measures` measures, `scores` calibrates the scores to the person, `lids`, `gaze`, `mouth`, `brows` and `head` make the
curves, `filters` smooths them, and `gaps` bridges what was not seen.
"""

from __future__ import annotations

from .solve import FaceCurves, ObservedFace, solve

__all__ = ["FaceCurves", "ObservedFace", "solve"]
