"""Draws tracked and predicted lips over time.

Run by `tests/bench/speech.py` as `plot.py CURVES.npz PICTURE.png`. The file holds `times` (n,), `voiced` (n,),
`pbm` (k, 2), and `opening MODEL` and `width MODEL` (n,) for each model and for `tracked`; all curves are drawn in
standard deviations about their median, so that their shapes can be compared.
"""

from __future__ import annotations

import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot


def main(source: str, target: str) -> None:
    curves = dict(np.load(source))
    times, voiced = curves["times"], curves["voiced"]
    models = [name.removeprefix("opening ") for name in curves if name.startswith("opening ") and "tracked" not in name]
    size = (max(12.0, 2.2 * float(times[-1] - times[0])), 2.4 * 2 * len(models))
    figure, axes = pyplot.subplots(2 * len(models), 1, figsize=size, sharex=True, squeeze=False)
    for row, model in enumerate(models):
        for column, measure in enumerate(("opening", "width")):
            axis = axes[2 * row + column, 0]
            axis.fill_between(times, -3, 5, where=voiced > 0, color="0.95", step="mid")
            for start, end in curves["pbm"]:
                axis.axvspan(start, end, color="tab:red", alpha=0.15, linewidth=0)
            axis.plot(times, standard(curves[f"{measure} tracked"], voiced), "k", linewidth=1.2, label="tracked")
            axis.plot(times, standard(curves[f"{measure} {model}"], voiced), linewidth=1.2, label=model)
            axis.set_ylim(-3, 5)
            axis.set_ylabel(measure)
            axis.legend(loc="upper right", fontsize=8)
    axes[-1, 0].set_xlabel("seconds; red: P, B, M; grey: speech")
    figure.tight_layout()
    figure.savefig(target, dpi=70)


def standard(curve: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    spoken = curve[voiced > 0] if voiced.any() else curve
    return (curve - np.median(spoken)) / max(float(spoken.std()), 1e-9)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
