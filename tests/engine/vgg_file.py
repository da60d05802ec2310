"""A file like torchvision's VGG-19, of small layers that have learned nothing."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
import torch


def write_vgg(folder: Path) -> Path:
    widths = {0: (4, 3), 2: (4, 4), 5: (6, 4), 7: (6, 6), 10: (8, 6), 12: (8, 8), 14: (8, 8), 16: (8, 8)}
    widths |= {19: (9, 8), 21: (9, 9)}
    state = {f"features.{i}.weight": torch.randn(*shape, 3, 3) for i, shape in widths.items()}
    state |= {f"features.{i}.bias": torch.zeros(shape[0]) for i, shape in widths.items()}
    path = folder / "vgg.safetensors"
    safetensors.torch.save_file(state, path)
    return path
