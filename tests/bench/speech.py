"""Lips that the engine makes from sound, against lips tracked in real clips.

Run by `python build.py bench speech [--clips DIR…] [--tracked DIR] [--rhubarb PATH] [--plots DIR]`; prints JSON, and a
table of the means to stderr. For each clip with a face and sound, each model hears the sound alone and moves the
built-in head's rig; the rig's lips are compared with the tracked ones on the frames with speech. `rules` are the
phones' rules alone, `learned` the model that is shipped, `by ear` its encoders alone without any phones or words, as in
languages that nobody recognises. Both are judged without what they learned from the clip's speaker:

    r_open, r_width        correlation of the lips' opening and of the mouth's width, at zero lag
    r_open_best, lag_ms    the best correlation of the opening within ±120 ms, and its lag; positive: the model trails
    auc                    of finding the fifth of the frames where the tracked lips are most closed
    pbm_recall, pbm_chance the share of P, B, M at which the rig's lips touch, and of any stretch of speech as long
    jaw_rest … shut_vowels what is seen at once, see shapes.py: rest in silence, order of vowels, rounding, bites
    jitter                 of the opening, in standard deviations (see scores.py); jitter_tracked: of the tracked lips
    rtf                    seconds of work for a second of sound, models loaded before

Means weigh each clip by its frames with speech; `lag_abs_ms` is the mean of the lags' sizes.

When a P, B or M is said comes from aligning the transcript NAME.txt beside the clip where there is one (`pbm_from`:
transcript), else the words that the engine recognised (the rule model uses the same, so that its recall then shows
only that the rig closes where the model wants it to).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from lips import models, scores, shapes
from lips.rig import RigLips

from dgtalker_engine import speech
from dgtalker_engine.capture import lip_tracks
from dgtalker_engine.speech import front_end, visemes

BENCH = Path(__file__).resolve().parent
DATA = Path(os.environ.get("DGTALKER_DATA", BENCH.parents[2] / "shared" / "data"))
ENDINGS = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    everything = [DATA / "clips", DATA / "clips_more" / "short"]
    parser.add_argument("--clips", type=Path, nargs="+", default=everything, help="folders of videos")
    parser.add_argument("--tracked", type=Path, help="a folder that keeps tracked faces, and may have some already")
    parser.add_argument("--rhubarb", type=Path, help="the executable of Rhubarb Lip Sync, to compare with")
    parser.add_argument("--plots", type=Path, help="a folder for pictures of the curves")
    options = parser.parse_args(argv)
    videos = sorted(path for each in options.clips for path in each.glob("*") if path.suffix.lower() in ENDINGS)
    if not videos:
        parser.error(f"there are no videos in {', '.join(map(str, options.clips))}")
    contestants: dict[str, models.Model] = {"loudness": models.loudness, "rules": models.rules}
    if options.rhubarb:
        contestants["rhubarb"] = models.rhubarb(options.rhubarb)

    lips = RigLips()
    speech.warm_up()
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        tracked = options.tracked or Path(folder)
        missing = [video for video in videos if not (tracked / f"{video.stem}.npz").is_file()]
        if missing:
            in_process("-m", "dgtalker_engine.capture.landmarks", tracked, *missing)
        clips = {video: lip_tracks.read(tracked / f"{video.stem}.npz") for video in videos}
        for video in videos:
            if len(clips[video].samples) == 0 or len(clips[video].times) < 10:
                print(f"{video.name} was left out: it has no sound or hardly a face", file=sys.stderr)
                del clips[video]
        learned = models.Learned(list(clips.values()), models.speakers(options.clips))
        for done, (video, clip) in enumerate(clips.items()):
            print(f"{done + 1} of {len(clips)}: {clip.name}", file=sys.stderr, flush=True)
            contestants |= learned.of(clip)
            curves = Path(folder) / f"{video.stem}.curves.npz"
            rows += judge(clip, video.with_suffix(".txt"), contestants, lips, curves)
            if options.plots:
                options.plots.mkdir(parents=True, exist_ok=True)
                in_process(BENCH / "lips" / "plot.py", curves, options.plots / f"{video.stem}.png")
    means = {name: mean(rows, name) for name in contestants}
    print(json.dumps({"clips": rows, "mean": means}, indent=1))
    print(table(means), file=sys.stderr)
    return 0


def in_process(*arguments: object) -> None:
    """Runs Python in a process of its own: what tracks faces and draws keeps memory and threads."""
    words = [sys.executable, *map(str, arguments)]
    run = subprocess.run(words, cwd=BENCH.parents[1], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{run.stderr[-2000:]}")


def judge(
    clip: lip_tracks.TrackedClip,
    transcript: Path,
    contestants: dict[str, models.Model],
    lips: RigLips,
    curves_path: Path,
) -> list[dict]:
    """A row of figures for each model, and the curves written for the plots."""
    duration = len(clip.samples) / clip.sample_rate
    text = transcript.read_text(encoding="utf-8") if transcript.is_file() else ""
    passages = [speech.Passage(0.0, duration, transcript=text)] if text else []
    analysis = front_end.analyse(clip.samples, clip.sample_rate, passages)
    voiced = analysis.in_speech(clip.times)
    pbm = [(phone.start, phone.end) for phone in analysis.phones if phone.name in visemes.BILABIALS]
    spoken, opening, width = clip.times[voiced], clip.opening[voiced], clip.width[voiced]
    curves = {"times": clip.times, "voiced": voiced, "pbm": np.array(pbm).reshape(-1, 2)}
    curves |= {"opening tracked": clip.opening, "width tracked": clip.width}
    rows = []
    for name, model in contestants.items():
        started = time.perf_counter()
        performance = model(clip.samples, clip.sample_rate)
        seconds = time.perf_counter() - started
        clock = np.arange(performance.frames) / performance.fps
        rig_opening, rig_width = lips.measure(performance)
        at_zero = np.interp(spoken, clock, rig_opening)
        best, lag = scores.lagged(spoken, opening, clock, rig_opening)
        recall, chance = scores.closures(pbm, spoken, clock, rig_opening)
        figures = {
            "r_open": scores.correlation(opening, at_zero),
            "r_open_best": best,
            "lag_ms": 1000 * lag,
            "r_width": scores.correlation(width, np.interp(spoken, clock, rig_width)),
            "auc": scores.closed_auc(opening, at_zero),
            "pbm_recall": recall,
            "pbm_chance": chance,
            "jitter": scores.jitter(at_zero),
            "jitter_tracked": scores.jitter(opening),
            "rtf": seconds / duration,
        }
        figures |= shapes.figures(performance, analysis, lips)
        rows.append(
            {"name": clip.name, "model": name, "frames": len(spoken), "pbm": len(pbm)}
            | {"pbm_from": "transcript" if text else "recognised"}
            | {key: None if np.isnan(value) else round(value, 3) for key, value in figures.items()}
        )
        curves |= {f"opening {name}": np.interp(clip.times, clock, rig_opening)}
        curves |= {f"width {name}": np.interp(clip.times, clock, rig_width)}
    np.savez(curves_path, **curves)
    return rows


def mean(rows: list[dict], model: str) -> dict:
    """The mean of each figure over the clips that have it, weighed by their frames with speech."""
    mine = [row for row in rows if row["model"] == model]
    result: dict = {"clips": len(mine), "frames": sum(row["frames"] for row in mine)}
    for key, first in mine[0].items():
        known = [row for row in mine if row[key] is not None and row["frames"]]
        if isinstance(first, str) or key in ("frames", "pbm") or not known:
            continue
        weights = [row["frames"] for row in known]
        result[key] = round(float(np.average([row[key] for row in known], weights=weights)), 3)
        if key == "lag_ms":
            result["lag_abs_ms"] = round(float(np.average([abs(row[key]) for row in known], weights=weights)), 1)
    return result


def table(means: dict[str, dict]) -> str:
    """Figures of all models side by side, a line each."""
    names = [name for name in next(iter(means.values())) if name != "clips"]
    lines = [f"{'':14}" + "".join(f"{model:>10}" for model in means)]
    lines += [f"{name:14}" + "".join(f"{row.get(name, ''):>10}" for row in means.values()) for name in names]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
