"""DGTalker's engine: speech to facial motion, and Gaussian heads to pictures.

Blender imports `dgtalker_engine.wire`, `.performance` and `.rig` from this same package, so nothing heavy is
imported here.
"""

from __future__ import annotations
