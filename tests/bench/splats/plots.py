"""The figures of `bench raster` as pictures: over Gaussians, over pixels, over threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

STAGES = {"forward": "#2a6fdb", "backward": "#d1495b", "pose": "#3a8f5c", "pose dense": "#8fbf9f"}


def draw(rows: list[dict], folder: Path) -> None:
    """Writes benchmarks_gaussians.png, _pixels.png and _threads.png."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = [row for row in rows if row["backend"] == "numba"]
    most = max(row["threads"] for row in ours)
    square = [row for row in ours if row["threads"] == most and (row["width"], row["height"]) in ((512, 512), (0, 0))]
    figure = over(square, lambda row: row["gaussians"] / 1000, "thousand Gaussians", f"512 × 512, {most} threads")
    figure.savefig(folder / "benchmarks_gaussians.png", dpi=110)
    head = [row for row in ours if row["threads"] == most and row["gaussians"] == 30_000 and row["width"]]
    title = f"30,000 Gaussians, {most} threads"
    figure = over(head, lambda row: row["width"] * row["height"] / 1e6, "million pixels", title)
    figure.savefig(folder / "benchmarks_pixels.png", dpi=110)
    usual = [row for row in ours if (row["width"], row["gaussians"]) in ((512, 30_000), (0, 50_000))]
    title = "512 × 512, 30,000 Gaussians; pose of 50,000"
    figure = over(usual, lambda row: row["threads"], "threads", title)
    figure.savefig(folder / "benchmarks_threads.png", dpi=110)


def over(rows: list[dict], place: Callable[[dict], float], label: str, title: str) -> Figure:
    """One line for each stage: least milliseconds over whatever `place` says, both logarithmic."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for stage, colour in STAGES.items():
        points = sorted({place(row): row["least_ms"] for row in rows if row["stage"] == stage}.items())
        if len(points) > 1:
            axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=stage)
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel="milliseconds (least)", title=title)
    ticks = sorted({place(row) for row in rows})
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
