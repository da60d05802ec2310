"""How far a mesh's lips are apart, measured on its shape keys, as a linear function of their values. NumPy only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FALLBACK = {
    "jawOpen": 1.0,
    "mouthClose": -1.2,
    "mouthLowerDownLeft": 0.2,
    "mouthLowerDownRight": 0.2,
    "mouthUpperUpLeft": 0.15,
    "mouthUpperUpRight": 0.15,
    "mouthPressLeft": -0.05,
    "mouthPressRight": -0.05,
    "mouthRollLower": -0.05,
    "mouthRollUpper": -0.05,
}
"""What opens and closes the lips of a face whose mesh cannot be measured."""

LEAST = 0.02
"""What a control must open at 1 to count."""

BRIDGED = 0.16
"""jawOpen that lips bridge at a closure, as `perform` keeps it."""

MIDDLE = 0.15
"""The part of the mouth's width around its middle in which the gap is measured."""


@dataclass(frozen=True)
class LipGap:
    """The gap between the lips above that at rest; 1 is what jawOpen 1 opens.

    Attributes:
        opens: what each shape key adds at 1, float64 (blocks,).
    """

    opens: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """Gaps (frames,) of shape key values (frames, blocks)."""
        return values @ self.opens

    def closing(self, values: np.ndarray, names: Sequence[str | None], free: Collection[str]) -> dict[str, np.ndarray]:
        """What to add to controls so that the lips meet, float (frames,) by control; only what is needed.

        What parts the lips goes first, then the jaw rises to where lips still bridge it, then mouthClose brings them
        together, and the jaw's rest is the last resort.

        Args:
            values: of the shape keys, (frames, blocks).
            names: the control of each block, None for other shape keys.
            free: the controls that may be changed.
        """
        left = np.maximum(self.of(values), 0.0)
        added: dict[str, np.ndarray] = {}
        column = {name: i for i, name in enumerate(names) if name is not None and name in free}
        parting = [name for name, i in column.items() if self.opens[i] > LEAST and name != "jawOpen"]
        fraction = np.zeros(len(values))
        if parting:
            columns = [column[name] for name in parting]
            total = np.maximum(values[:, columns], 0.0) @ self.opens[columns]
            fraction = np.minimum(left / np.maximum(total, 1e-9), 1.0)
            left = left - fraction * total
            added |= {name: -fraction * np.maximum(values[:, column[name]], 0.0) for name in parting}

        def move(name: str, room: np.ndarray) -> None:
            nonlocal left
            if name in column:
                reach = np.minimum(room, left / abs(self.opens[column[name]]))
                left = left - reach * abs(self.opens[column[name]])
                added[name] = added.get(name, 0.0) + reach * -np.sign(self.opens[column[name]])

        if "jawOpen" in column:
            jaw = values[:, column["jawOpen"]]
            move("jawOpen", np.maximum(jaw - BRIDGED, 0.0))
        if "mouthClose" in column and self.opens[column["mouthClose"]] < -LEAST:
            move("mouthClose", np.maximum(1.0 - values[:, column["mouthClose"]], 0.0))
        if "jawOpen" in column:
            move("jawOpen", np.clip(jaw, 0.0, BRIDGED))
        return {name: change for name, change in added.items() if np.any(change)}


def measured(rest: np.ndarray, deltas: Mapping[str, np.ndarray]) -> LipGap | None:
    """Finds both lips on a mesh by what moves them, and what every shape key does to the gap between them.

    The lower lip is what mouthClose brings back up after jawOpen (teeth and tongue stay), the upper lip what
    mouthUpperUp lifts. The seam is where the two are nearest to one another around the middle of the mouth.

    Args:
        rest: float (V, 3).
        deltas: float (V, 3) of every shape key, in the order of the blocks, by control where it is one.

    Returns:
        None where the controls or the lips are not to be found.
    """
    needed = ("jawOpen", "mouthClose", "mouthUpperUpLeft", "mouthUpperUpRight")
    if any(name not in deltas for name in needed):
        return None
    jaw, close = deltas["jawOpen"], deltas["mouthClose"]
    lift = deltas["mouthUpperUpLeft"] + deltas["mouthUpperUpRight"]
    fall, raised, lifted = (np.linalg.norm(move, axis=1) for move in (jaw, close, lift))
    if min(fall.max(), raised.max(), lifted.max()) <= 0.0:
        return None
    back = -np.einsum("vi,vi->v", jaw, close) / np.maximum(fall, 1e-9 * fall.max())
    lower = np.flatnonzero((back > 0.5 * back.max()) & (fall > 0.3 * fall.max()))
    upper = np.flatnonzero((lifted > 0.5 * lifted.max()) & (fall < 0.2 * fall.max()))
    if not len(lower) or not len(upper):
        return None
    down = jaw[lower].mean(axis=0)
    down /= np.linalg.norm(down)
    across = np.concatenate([rest[lower], rest[upper]])
    spread = across - across.mean(axis=0)
    side = np.linalg.svd(spread - np.outer(spread @ down, down), full_matrices=False)[2][0]
    width = np.ptp(across @ side)
    middle = np.median(across @ side)
    lower = lower[np.abs(rest[lower] @ side - middle) < MIDDLE * width]
    upper = upper[np.abs(rest[upper] @ side - middle) < MIDDLE * width]
    if not len(lower) or not len(upper):
        return None
    apart = np.linalg.norm(rest[lower][:, None] - rest[upper][None], axis=2)
    low, high = lower[apart.argmin(axis=0)[apart.min(axis=0).argmin()]], upper[apart.min(axis=0).argmin()]
    opens = np.array([(move[low] - move[high]) @ down for move in deltas.values()], np.float64)
    full = opens[list(deltas).index("jawOpen")]
    return LipGap(opens / full) if full > 0 else None


def usual(names: Sequence[str | None]) -> LipGap:
    """The gap by ARKit's meaning of the controls; `names` are each block's control, or None."""
    return LipGap(np.array([FALLBACK.get(name or "", 0.0) for name in names], np.float64))
