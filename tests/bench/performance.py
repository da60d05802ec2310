"""How well an actor's face is captured: lips of the built-in head against the landmarks, blinks, flicker at rest.

    python build.py bench performance [--clips FOLDER] [--blinks-only]

Prints JSON. Lips: r of the opening and of the width between the lips of the built-in head that plays the captured
curves and the landmarks' (`capture.lip_tracks`), and how often lips that touch in the video (the landmarks' least
opening and 8 thousandths of an eye distance) do on the head. Blinks: recall and precision against those counted by hand
(performances/blinks.json), within 0.2 s. Rest: the greatest standard deviation of a curve, about its own straight line,
over stretches of half a second and more in which lips, lids and all keep still, in the mean over them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from lips.rig import RigLips  # noqa: E402
from lips.scores import TOUCHING, correlation  # noqa: E402

from dgtalker_engine.capture import performance_from_video as capturing  # noqa: E402
from dgtalker_engine.capture.face_curves import ObservedFace, gaps, solve  # noqa: E402
from dgtalker_engine.capture.face_curves.measures import Measures, measure  # noqa: E402
from dgtalker_engine.capture.face_curves.solve import NAMES  # noqa: E402
from dgtalker_engine.capture.plan import make_plan  # noqa: E402
from dgtalker_engine.capture.video import Video  # noqa: E402
from dgtalker_engine.errors import DGTalkerError  # noqa: E402
from dgtalker_engine.performance import Performance  # noqa: E402

NEAR = 0.2
STILL_LIPS, STILL_LIDS, STILL_SECONDS = 0.025, 0.35, 0.5
CLOSED = 0.008
VIDEOS = ("*.mp4", "*.mov", "*.webm")


def quiet(fraction: float, text: str) -> None:
    pass


def observed(path: Path) -> ObservedFace:
    video = Video.open(path)
    return capturing.observe(video, make_plan(video, 0.0, None, capturing.SIZE, quiet), 0.0, quiet)


def rest(weights: np.ndarray, measures: Measures, seen: np.ndarray, fps: float) -> list[np.ndarray]:
    """The standard deviations (55,) of each still stretch."""

    def spread(curve: np.ndarray) -> np.ndarray:
        window = round(STILL_SECONDS * fps) | 1
        return maximum_filter1d(curve, window) - minimum_filter1d(curve, window)

    lids = measures.lids.mean(axis=1)
    still = (spread(measures.lips) < STILL_LIPS) & (spread(lids / np.median(lids)) < STILL_LIDS) & seen
    deviations = []
    for first, after in gaps.runs(still):
        if after - first >= STILL_SECONDS * fps:
            row = np.arange(after - first)
            slope, offset = np.polyfit(row, weights[first:after], 1)
            deviations.append((weights[first:after] - np.outer(row, slope) - offset).std(axis=0))
    return deviations


def match(found: list[float], counted: list[float]) -> int:
    """How many counted blinks were found, each by one."""
    free, hits = list(found), 0
    for blink in counted:
        nearest = min(free, key=lambda each: abs(each - blink), default=None)
        if nearest is not None and abs(nearest - blink) <= NEAR + 1e-6:
            free.remove(nearest)
            hits += 1
    return hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("DGTALKER_DATA", HERE.parents[2] / "shared" / "data"))
    parser.add_argument("--clips", type=Path, default=data, help="the folder that blinks.json's videos lie in")
    parser.add_argument("--blinks-only", action="store_true", help="only the clips whose blinks were counted")
    options = parser.parse_args()
    counts = json.loads((HERE / "performances" / "blinks.json").read_text(encoding="utf-8"))["clips"]
    by_name = {clip["video"]: clip for clip in counts}
    found = {str(path.relative_to(options.clips)) for pattern in VIDEOS for path in options.clips.rglob(pattern)}
    rig, rows, still = RigLips(), [], []
    for name in sorted(found & set(by_name) if options.blinks_only else found):
        began = time.perf_counter()
        try:
            face = observed(options.clips / name)
            curves = solve(face)
        except DGTalkerError as error:
            rows.append({"video": name, "refused": str(error)})
            continue
        took = time.perf_counter() - began
        seen = face.seen
        measures = measure(gaps.filled(face.landmarks.astype(np.float64), seen))
        opening, width = rig.measure(Performance(face.fps, NAMES, curves.weights))
        closed = seen & (measures.lips < np.quantile(measures.lips[seen], 0.01) + CLOSED)
        row = {
            "video": name,
            "frames": len(seen),
            "seen": round(float(seen.mean()), 3),
            "r_open": round(correlation(opening[seen], measures.lips[seen]), 3),
            "r_width": round(correlation(width[seen], measures.corners[seen]), 3),
            "closed": round(float((opening[closed] < TOUCHING).mean()), 3),
            "blinks": len(curves.blinks),
            "ms_per_frame": round(1000 * took / len(seen), 1),
        }
        if name in by_name:
            clip = by_name[name]
            mine = [float(blink) for blink in curves.blinks / face.fps if blink < clip["until"]]
            row |= {"for_settings": clip["for_settings"], "counted": len(clip["blinks"]), "found": len(mine)}
            row["hits"] = match(mine, clip["blinks"])
        rows.append(row)
        still += rest(curves.weights, measures, seen, face.fps)
    print(json.dumps({"clips": rows, "all": summary(rows, still)}, indent=1))


def summary(rows: list[dict[str, object]], still: list[np.ndarray]) -> dict[str, object]:
    def total(key: str, chosen: list[dict[str, object]]) -> int:
        return sum(int(str(row[key])) for row in chosen)

    captured = [row for row in rows if "r_open" in row]
    result: dict[str, object] = {"clips": len(captured), "refused": len(rows) - len(captured)}
    for key in ("r_open", "r_width", "closed", "ms_per_frame"):
        values = [float(str(row[key])) for row in captured]
        result[key] = {"mean": round(float(np.mean(values)), 3), "least": min(values), "most": max(values)}
    for name, for_settings in (("settings", True), ("others", False)):
        counted = [row for row in captured if row.get("for_settings") is for_settings]
        result[f"blinks_{name}"] = {
            "counted": total("counted", counted),
            "recall": round(total("hits", counted) / max(total("counted", counted), 1), 3),
            "precision": round(total("hits", counted) / max(total("found", counted), 1), 3),
        }
    if still:
        mean = np.mean(still, axis=0)
        result["rest"] = {"stretches": len(still), "worst": NAMES[int(mean.argmax())], "deviation": float(mean.max())}
    return result


if __name__ == "__main__":
    main()
