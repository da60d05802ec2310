"""A model's Gaussians as sums: a base, what controls and latents add, and correctives where the sum is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...avatar.sparse import SparseDeltas
from ...gaussians.constants import SH_C0
from ...rig import Rig
from .source import WIDTHS, BakeSource

SQUARES = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "eyeBlinkLeft", "eyeBlinkRight")
TOGETHER = (
    ("jawOpen", "mouthClose"),
    ("jawOpen", "mouthFunnel"),
    ("jawOpen", "mouthPucker"),
    *(("jawOpen", f"mouthSmile{side}") for side in ("Left", "Right")),
    *(("mouthFunnel", f"mouthSmile{side}") for side in ("Left", "Right")),
    *(
        (f"eyeBlink{side}", f"{name}{side}")
        for side in ("Left", "Right")
        for name in ("eyeLookDown", "eyeLookUp", "eyeSquint", "eyeWide", "cheekSquint")
    ),
)
"""Products that may become correctives, as those of the built-in heads."""

LEAST_PIXELS, LEAST_COLOUR = 0.5, 4 / 255
"""What a corrective mends: of one in a hundred of the Gaussians that it touches, in a picture of 512² or in sRGB."""
VISIBLE_PIXELS, VISIBLE_COLOUR, VISIBLE_OPACITY = 0.06, 1 / 255, 0.005
"""What a delta has to change to be kept."""
MOST_BYTES = 9_000_000
"""Of all deltas in the file, so that the whole is below 12 MB; where there is more, the least visible ones go."""
SINGLE_WEIGHT, PULL = 3e-3, 1e-3
"""How much a single control at full weight counts in the fit, where all examples together count 1, and how much it is
held to what single controls do: examples are what the model has learned, full weights are far from them."""
_BATCH = 32  # poses in memory at once, some megabytes each
_MOST_EXAMPLES = 750  # a clip of minutes repeats itself

Names = tuple[str, ...]
Arrays = dict[str, np.ndarray]
Check = Callable[[float], None]


@dataclass(frozen=True)
class Blendshapes:
    """By attribute the base (N, …) and the deltas of the rig's controls, the correctives and the latents, in turn."""

    correctives: tuple[Names, ...]
    base: Arrays
    deltas: dict[str, SparseDeltas]


def fit(source: BakeSource, check: Check) -> Blendshapes:
    """The sums that are nearest to the model: exact at rest but for what the examples ask for.

    What each control does alone, and what products add to that, is measured at full weight and without latents; what
    latents do is measured at the examples' mean. Then a ridge regression moves all of it towards the examples,
    expressions that are many controls at once.

    Args:
        source: the model.
        check: is told the fraction done, and raises `Cancelled` to stop.
    """
    posed = _Posed(source)
    ends = list(_ends(source.rig))
    singles = {}
    for done, (name, end) in enumerate(ends):
        singles[name, end] = posed.change({name: end})
        check(0.4 * done / len(ends))
    linear: dict[str, Arrays] = {}
    squares: dict[Names, Arrays] = {}
    for control in source.rig.controls:
        linear[control.name], bent = _line_and_bend(control.name, control.minimum, control.maximum, singles, posed)
        if bent is not None and _matters(bent, 0.25, source, posed.base):
            squares[control.name, control.name] = bent
        elif bent is not None and control.minimum >= 0:
            linear[control.name] = singles[control.name, control.maximum]
    products = dict(squares)
    for names in TOGETHER:
        if set(names) <= set(source.rig.names):
            both = posed.change(dict.fromkeys(names, 1.0))
            for name in names:
                both = _minus(both, linear[name])
                both = _minus(both, squares[name, name]) if (name, name) in squares else both
            if _matters(both, 1.0, source, posed.base):
                products[names] = both
    check(0.6)
    blocks = [*linear.values(), *products.values(), *posed.by_latent()]
    correctives = tuple(products)
    fitted = _towards_examples(source, posed, correctives, blocks, [dict([end]) for end in ends], check)
    base = {name: array.copy() for name, array in posed.base.items()}
    for name, added in fitted.items():
        array = base["sh"][:, 0] if name == "sh" else base[name]
        array += added[0].reshape(array.shape)
    return Blendshapes(correctives, base, _visible({name: each[1:] for name, each in fitted.items()}, base, source))


def design(rig: Rig, correctives: Sequence[Names], weights: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """float64 (S, blocks + 1): a 1, the weights (S, C), the correctives' products, and the latents (S, K)."""
    index = {name: i for i, name in enumerate(rig.names)}
    products = [weights[:, [index[name] for name in names]].prod(axis=1) for names in correctives]
    return np.column_stack([np.ones(len(weights)), weights, *products, latents]).astype(float)


class _Posed:
    """The model's arrays at rest, and how others differ from them."""

    def __init__(self, source: BakeSource) -> None:
        self._source = source
        self.no_latents = np.zeros(len(source.latents or ()), np.float32)
        self.base = source.sculpted(np.zeros(len(source.rig.controls), np.float32), self.no_latents)
        lengths = np.linalg.norm(self.base["quats"], axis=1, keepdims=True)
        self.base["quats"] = self.base["quats"] / lengths
        self._known: dict[bytes, Arrays] = {}

    def change(self, values: dict[str, float]) -> Arrays:
        """What weights change without latents, see `change_at`, which then knows it: a model is slow."""
        weights = self._source.weights(**values)
        change = self._known[weights.tobytes()] = self.change_at(weights, self.no_latents)
        return change

    def by_latent(self) -> Iterator[Arrays]:
        """What 1 of each latent changes where the face has the mean of the examples' expressions."""
        mean = self._source.examples.mean(axis=0)
        without = self.change_at(mean, self.no_latents)
        for one in np.eye(len(self.no_latents), dtype=np.float32):
            yield _minus(self.change_at(mean, one), without)

    def change_at(self, weights: np.ndarray, latents: np.ndarray) -> Arrays:
        """By attribute float32 (N, width), quaternions in the hemisphere of those at rest."""
        key = weights.tobytes()
        if not latents.any() and key in self._known:
            return self._known[key]
        arrays = self._source.sculpted(weights, latents)
        same = np.sum(arrays["quats"] * self.base["quats"], axis=1, keepdims=True)
        arrays["quats"] = np.where(same < 0, -arrays["quats"], arrays["quats"])
        arrays["sh"], rest = arrays["sh"][:, 0], self.base | {"sh": self.base["sh"][:, 0]}
        count = len(arrays["means"])
        return {name: (arrays[name] - rest[name]).reshape(count, width) for name, width in WIDTHS.items()}


def _ends(rig: Rig) -> itertools.chain[tuple[str, float]]:
    pairs = ([(control.name, end) for end in (control.minimum, control.maximum) if end] for control in rig.controls)
    return itertools.chain.from_iterable(pairs)


def _line_and_bend(
    name: str, least: float, most: float, singles: dict[tuple[str, float], Arrays], posed: _Posed
) -> tuple[Arrays, Arrays | None]:
    """What a control adds per unit of weight and per unit of its square; no square where none is looked for."""
    if least < 0:
        low, high = singles[name, least], singles[name, most]
        square = _map(lambda a, b: (a / most - b / least) / (most - least), high, low)
        return _map(lambda a, b: a / most - most * b, high, square), square
    whole = singles[name, most]
    if name not in SQUARES:
        return _map(lambda a, _: a / most, whole, whole), None
    half = posed.change({name: most / 2})
    square = _map(lambda a, b: (2 * a - 4 * b) / most**2, whole, half)
    return _map(lambda a, b: a / most - most * b, whole, square), square


def _matters(change: Arrays, share: float, source: BakeSource, base: Arrays) -> bool:
    """Whether Gaussians would visibly be elsewhere, or of another colour, without `share` of a change."""
    seen = base["opacities"] > 0.05
    moved = np.linalg.norm(change["means"], axis=1)[seen] * source.pixels_per_metre()
    coloured = np.abs(change["sh"]).max(axis=1)[seen] * SH_C0
    touched = (moved > VISIBLE_PIXELS) | (coloured > VISIBLE_COLOUR)
    if not touched.any():
        return False
    most_moved, most_coloured = (float(np.quantile(each[touched], 0.99)) for each in (moved, coloured))
    return share * most_moved > LEAST_PIXELS or share * most_coloured > LEAST_COLOUR


def _towards_examples(
    source: BakeSource,
    posed: _Posed,
    correctives: Sequence[Names],
    blocks: list[Arrays],
    ends: list[dict[str, float]],
    check: Check,
) -> Arrays:
    """By attribute float32 (1 + blocks, N, width): what is to be added to the base, and the deltas."""
    rest = np.zeros((1, len(source.rig.controls)), np.float32)
    alone = np.array([source.weights(**end) for end in ends], np.float32)
    together = np.array([source.weights(**dict.fromkeys(names, 1.0)) for names in correctives], np.float32)
    single = np.concatenate([rest, alone, together.reshape(-1, rest.shape[1])])
    spread = np.linspace(0, len(source.examples) - 1, min(len(source.examples), _MOST_EXAMPLES)).round().astype(int)
    rows = np.concatenate([single, source.examples[spread]])
    counts = np.full(len(rows), SINGLE_WEIGHT)
    counts[len(single) :] = 1 / len(spread)
    latents = np.array([source.latents_at(each) for each in rows])
    latents[: len(single)] = 0
    x = design(source.rig, correctives, rows, latents)
    pull = PULL * np.eye(x.shape[1])
    solver = np.linalg.solve((x.T * counts) @ x + pull, x.T * counts).astype(np.float32)
    x = x.astype(np.float32)
    nothing = {name: np.zeros_like(each) for name, each in blocks[0].items()}
    sums = {name: np.stack([each, *(block[name] for block in blocks)]) for name, each in nothing.items()}
    added = {name: np.zeros_like(each) for name, each in sums.items()}
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        changes = [posed.change_at(row, latent) for row, latent in zip(rows[part], latents[part], strict=True)]
        for name in WIDTHS:
            missing = np.stack([change[name] for change in changes]) - np.tensordot(x[part], sums[name], 1)
            added[name] += np.tensordot(solver[:, part], missing, 1)
        check(0.6 + 0.35 * min(start + _BATCH, len(rows)) / len(rows))
    return {name: each + added[name] for name, each in sums.items()}


def _visible(dense: Arrays, base: Arrays, source: BakeSource) -> dict[str, SparseDeltas]:
    """By attribute the deltas (B, N, width) that can be seen, and no more than a file takes."""
    sizes = {name: _size(name, each, base, source.pixels_per_metre()) for name, each in dense.items()}
    least = 1.0
    # an entry is a row's index and its numbers, a byte each
    while sum(np.count_nonzero(size > least) * (2 + WIDTHS[name]) for name, size in sizes.items()) > MOST_BYTES:
        least *= 1.1
    kept = {name: np.where((size > least)[..., None], dense[name], 0) for name, size in sizes.items()}
    return {name: SparseDeltas.from_dense(each, 0) for name, each in kept.items() if each.any()}


def _size(name: str, dense: np.ndarray, base: Arrays, pixels_per_metre: float) -> np.ndarray:
    """How visible deltas (B, N, width) are, (B, N): 1 is what has to be kept."""
    if name == "quats":
        # a Gaussian that is turned by an angle moves its ends by that times its length
        length = 2 * base["scales"].max(axis=1) * pixels_per_metre
        return 2 * np.linalg.norm(dense, axis=2) * length / VISIBLE_PIXELS
    if name in ("means", "scales"):
        return np.linalg.norm(dense, axis=2) * pixels_per_metre / VISIBLE_PIXELS
    if name == "sh":
        return np.abs(dense).max(axis=2) * SH_C0 / VISIBLE_COLOUR
    return np.abs(dense[..., 0]) / VISIBLE_OPACITY


def _map(function: Callable[[np.ndarray, np.ndarray], np.ndarray], a: Arrays, b: Arrays) -> Arrays:
    return {name: function(a[name], b[name]).astype(np.float32) for name in WIDTHS}


def _minus(a: Arrays, b: Arrays) -> Arrays:
    return _map(np.subtract, a, b)
