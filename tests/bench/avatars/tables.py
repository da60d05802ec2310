"""Tables of heads from videos, and the published ones beside which they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

PUBLISHED: list[Row] = [
    {"system": "GaussianTalker", "video": "minutes", "psnr": 37.08, "ssim": 0.9676, "lpips": 0.024, "lmd": 3.28},
    {"system": "D3-Talker", "video": "10 s", "psnr": 31.52, "lpips": 0.043, "lmd": 3.19},
    {"system": "D3-Talker", "video": "5 s", "psnr": 30.60, "lpips": 0.050, "lmd": 3.28},
    {"system": "InsTaG", "video": "10 s", "psnr": 31.13, "lpips": 0.042, "lmd": 3.20},
    {"system": "TalkingGaussian", "video": "10 s", "psnr": 30.83, "lpips": 0.039, "lmd": 3.47},
]
"""Rows of the papers' own tables, on other videos, with lips driven by sound: for the order of size alone."""

UNAVAILABLE = {"lpips": "unavailable", "fid": "unavailable", "sync_c": "unavailable"}
"""They need weights that are not public here."""

FIGURES = ("psnr", "psnr_head", "ssim", "lmd", "r_open", "auc", "minutes", "fps", "megabytes")
"""The columns of figures of a row; others of `HeadFigures` are in the JSON alone."""


def heads(rows: Sequence[Row]) -> str:
    """The rows of heads, each system's means where there are several clips, views from the side, the published rows."""
    names = ("system", "clip", "seconds", "protocol")
    by_protocol = [each for row in rows if row["protocol"] != "novel" for each in (row, *_refined(row))]
    shown = [*by_protocol, *_means(by_protocol)]
    lines = table(shown, (*names, *FIGURES))
    views = [row for row in rows if row["protocol"] == "novel"]
    if views:
        lines += ["", *table(views, ("system", "clip", "protocol", "yaw", "psnr", "ssim", "shift"))]
    lines += ["", "Published, of other videos, lips driven by sound:"]
    return "\n".join([*lines, *table(PUBLISHED, ("system", "video", "psnr", "ssim", "lpips", "lmd"))])


def table(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Lines with columns as wide as what is in them; numbers to the right."""
    cells = [[_shown(row.get(name)) for name in columns] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells), 1) for i, name in enumerate(columns)]
    words = [any(isinstance(row.get(name), str) for row in rows) for name in columns]
    return [
        "  ".join(cell.ljust(w) if left else cell.rjust(w) for cell, w, left in zip(line, widths, words, strict=True))
        for line in ([*columns], *cells)
    ]


def _refined(row: Row) -> list[Row]:
    """The figures of a row's final pictures, where its head has a refiner, as a row of their own."""
    common = {name: row[name] for name in ("system", "clip", "seconds")}
    return [common | {"protocol": "refined"} | row["refined"]] if "refined" in row else []


def _means(rows: Sequence[Row]) -> list[Row]:
    means: list[Row] = []
    for system, protocol in dict.fromkeys((row["system"], row["protocol"]) for row in rows):
        same = [row for row in rows if (row["system"], row["protocol"]) == (system, protocol)]
        if len(same) > 1:
            values = {name: [row[name] for row in same if math.isfinite(row.get(name, math.nan))] for name in FIGURES}
            means.append({"system": system, "clip": f"mean of {len(same)}", "protocol": protocol})
            means[-1] |= {name: sum(column) / len(column) for name, column in values.items() if column}
    return means


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10 else f"{value:.2f}"
    return "" if value is None else str(value)
