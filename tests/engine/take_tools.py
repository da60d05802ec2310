"""Takes made by hand: what is said is known, and no recording has to be heard."""

from __future__ import annotations

import numpy as np

from dgtalker_engine.performance import Phone, Take

NAMES = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft")


def make_take(seconds: float = 60.0, fps: float = 25.0, seed: int = 5) -> Take:
    """Phrases of three seconds and pauses of one: B AA S UW, over and over, each fourth syllable stressed."""
    phones, utterances, pauses, syllables, closures, bites = [], [], [], [], [], []
    jaw, pucker = [], []
    begin = 0.5
    pauses.append((0.0, begin))
    while begin + 3.0 < seconds - 0.5:
        for i in range(6):
            start = begin + 0.5 * i
            for name, length in (("B", 0.08), ("AA", 0.17), ("F" if i % 2 else "S", 0.1), ("UW", 0.15)):
                phones.append(Phone(name, start, start + length))
                start += length
            closures.append((begin + 0.5 * i - 0.01, begin + 0.5 * i + 0.05))
            if i % 2:
                bites.append((begin + 0.5 * i + 0.26, begin + 0.5 * i + 0.32))
            syllables += [(begin + 0.5 * i + 0.16, 1.2 if i % 4 == 1 else 0.1, 2.0), (begin + 0.5 * i + 0.42, 0.0, 0.0)]
            jaw.append(begin + 0.5 * i + 0.16)
            pucker.append(begin + 0.5 * i + 0.42)
        utterances.append((begin, begin + 3.0))
        pauses.append((begin + 3.0, min(begin + 4.0, seconds)))
        begin += 4.0
    frames = int(np.ceil(seconds * fps))
    times = np.arange(frames) / fps

    def bumps(middles: list[float]) -> np.ndarray:
        curve = np.zeros(frames)
        for middle in middles:
            near = slice(max(int((middle - 0.4) * fps), 0), int((middle + 0.4) * fps) + 1)
            curve[near] += np.exp(-0.5 * ((times[near] - middle) / 0.06) ** 2)
        return curve

    opened, rounded = bumps(jaw), bumps(pucker)
    weights = np.stack(
        [0.5 * opened, 0.2 * rounded, 0.6 * rounded, 0.3 * opened, 0.3 * opened, 0.2 * opened], axis=1
    ).astype("f4")

    def events(rows: list[tuple[float, ...]], columns: int) -> np.ndarray:
        return np.array(rows, float).reshape(-1, columns)

    return Take(
        fps=fps,
        duration=seconds,
        names=NAMES,
        weights=weights,
        phones=tuple(phones),
        utterances=events(utterances, 2),
        pauses=events(pauses, 2),
        syllables=events(syllables, 3),
        closures=events(closures, 2),
        bites=events(bites, 2),
        seed=seed,
    )
