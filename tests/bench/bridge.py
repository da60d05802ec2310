"""The extension's side of the wire for benches, without Blender and without the engine's heavy modules."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

ADDON = Path(__file__).resolve().parents[2] / "blender_addon"
package = types.ModuleType("blender_addon")  # without its __init__, which needs Blender
package.__path__ = [str(ADDON)]
sys.modules["blender_addon"] = package

from blender_addon.bridge.client import Client  # noqa: E402 (the package is made above)
from blender_addon.bridge.process import EngineProcess  # noqa: E402

PYTHON = Path(os.environ.get("DGTALKER_ENGINE_PYTHON", sys.executable))

__all__ = ["PYTHON", "Client", "EngineProcess"]
