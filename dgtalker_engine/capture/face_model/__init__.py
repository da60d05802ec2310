"""Linear face models: ours, which the engine ships, and FLAME from the user's own file, behind one interface."""

from .file import SHIPPED, load, read, to_bytes
from .flame import load_flame
from .model import LANDMARKS, FaceModel, Region
from .opening import open_model

__all__ = ["LANDMARKS", "SHIPPED", "FaceModel", "Region", "load", "load_flame", "open_model", "read", "to_bytes"]
