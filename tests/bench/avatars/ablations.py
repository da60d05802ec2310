"""The papers' tables of their parts on our clips: a head is trained anew without each of the parts, all else alike.

What GaussianTalker's Table 3 says of "replace Universal Audio Encoder" is about the motion model that all people share,
which `python build.py train motion` makes of many videos: it is no switch of a head, and is not repeated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.training import Run
from dgtalker_engine.training.avatar_job import System
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.head_evaluation import evaluate

from . import protocols, sound_driven, tables

STEPS = 500
"""Of each training: a minute or less on two cores."""

FIGURES = ("psnr", "psnr_head", "ssim", "lmd", "r_open", "flicker", "sound_lmd", "sound_r")
"""Of each row; those by sound where it is learned."""

FULL = "full"
AGAIN = "full, other random numbers"


@dataclass(frozen=True)
class Ablation:
    """A row.

    Attributes:
        name: of it.
        changes: fields of the system's configuration.
        landmarks: whether face parameters are left as the landmarks tell them.
        paper: PSNR and LMD in Table 3, where it has the row.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    landmarks: bool = False
    paper: tuple[float, float] | None = None


GAUSSIANTALKER = (
    Ablation(FULL, paper=(38.37, 3.72)),
    Ablation(AGAIN, {"seed": 1}),
    Ablation(
        "without speaker-specific blendshapes",
        {"blend_position": False, "blend_rotation": False, "blend_colour": False},
        paper=(37.46, 3.78),
    ),
    Ablation("without fine-tuned face parameters", landmarks=True, paper=(36.87, 4.28)),
    Ablation("without semantic loss", {"semantic_weight": 0.0}, paper=(37.09, 3.97)),
    Ablation("without learnable barycentrics", {"learnable_barycentrics": False}),
    Ablation("without density control", {"density_control": False}),
    Ablation("without attribute losses", {"attribute_losses": False}),
    Ablation("without a shell for hair", {"hair_shell": False}),
    Ablation("face parameters tuned once more in training", {"tune_face": True}),
)

D3TALKER = (
    Ablation(FULL),
    Ablation(AGAIN, {"seed": 1}),
    Ablation("without pre-training", {"pretrained": False}),
    Ablation("one field, by motion", {"individual": False}),
    Ablation("without coarse-to-fine", {"coarse_to_fine": False}),
)

TABLES = {"gaussiantalker": GAUSSIANTALKER, "d3talker": D3TALKER}
COMMON: dict[str, Mapping[str, Any]] = {"gaussiantalker": {"manner": False}, "d3talker": {"coarse_to_fine": True}}
"""By system what all its rows have: none of what would take time and change no figure, and all parts of the paper."""


def with_priors(files: Sequence[Path]) -> tuple[Ablation, ...]:
    """D³-Talker's table, and a row for each file of what people share: with L_SC, without it, of other people."""
    return (
        *D3TALKER,
        *(Ablation(f"begun with {file.stem}", {"prior": str(file), "pretrained": True}) for file in files),
    )


def rows(
    table: Sequence[Ablation],
    clip: Clip,
    name: str,
    face_model: FaceModel,
    system: System,
    folder: Path,
    *,
    share: float,
    steps: int,
    say: Callable[[str], None],
) -> list[tables.Row]:
    """A row for each ablation, tracked faces driving the test frames, and sound where it is learned.

    Pictures by tracked faces are refined where the head has a refiner, pictures by sound are coarse.

    Args:
        table: of the system's `TABLES`.
        clip: captured.
        name: of it, for the rows.
        face_model: that it was captured with.
        system: whose configuration has the switches.
        folder: of the checkpoints; finished ones are not trained again.
        share: of the frames that train.
        steps: of each training.
        say: is told each row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    landmarks = protocols.by_landmarks(clip, face_model, folder / "landmarks.safetensors")
    result = []
    for each in table:
        shown = landmarks if each.landmarks else clip
        values = {"share": share, "steps": steps, **COMMON.get(system.name, {}), **each.changes}
        run = Run(folder=folder / each.name.replace(" ", "_").replace(",", ""))
        head = system.train(system.config.from_json(values), shown, face_model, run)
        frames = ClipFrames(shown, face_model, share=share)
        figures = evaluate(frames, protocols.refined(head, frames), frames.split.test).to_json()
        until = float(frames.tracks.times[frames.split.test[0]])
        heard = sound_driven.expressions(shown, face_model, head, until=until)
        if heard is not None:
            by_sound = evaluate(frames, protocols.heard(head, frames, heard[0]), frames.split.test)
            figures |= {"sound_lmd": by_sound.lmd, "sound_r": by_sound.r_open}
        result.append({"clip": name, "ablation": each.name, "steps": steps, **figures})
        say(f"{each.name}: {figures['psnr']:.2f} dB, SSIM {figures['ssim']:.4f}, LMD {figures['lmd']:.2f}")
    return result


def means(found: Sequence[tables.Row], table: Sequence[Ablation]) -> list[tables.Row]:
    """Each ablation's means over the clips, beside the paper's."""
    result = []
    for each in table:
        same = [row for row in found if row["ablation"] == each.name]
        row: tables.Row = {"ablation": each.name, "clips": len(same)}
        for figure in FIGURES:
            if all(figure in one for one in same):
                row[figure] = float(np.nanmean([one[figure] for one in same]))
        if each.paper is not None:
            row |= {"paper_psnr": each.paper[0], "paper_lmd": each.paper[1]}
        result.append(row)
    return result


def order(averages: Sequence[tables.Row]) -> dict[str, Any]:
    """Whether what the paper found to be better is better here, for each two rows of its table.

    A difference in PSNR that other random numbers make too tells nothing: `noise`, dB.
    """
    by_name = {row["ablation"]: row for row in averages}
    noise = abs(by_name[FULL]["psnr"] - by_name[AGAIN]["psnr"])
    published = sorted((row for row in averages if "paper_psnr" in row), key=lambda row: -row["paper_psnr"])
    pairs = []
    for i, better in enumerate(published):
        for worse in published[i + 1 :]:
            gain = better["psnr"] - worse["psnr"]
            verdict = "reproduced" if gain > noise else "reversed" if gain < -noise else "no difference"
            pairs.append({
                "better": better["ablation"],
                "worse": worse["ablation"],
                "paper": round(better["paper_psnr"] - worse["paper_psnr"], 2),
                "ours": round(gain, 2),
                "verdict": verdict,
            })  # fmt: skip
    return {"reproduced": all(p["verdict"] == "reproduced" for p in pairs), "noise": round(noise, 3), "pairs": pairs}


def shown(averages: Sequence[tables.Row], verdict: Mapping[str, Any]) -> str:
    """The table, and what it says of the paper's."""
    figures = [name for name in (*FIGURES, "paper_psnr", "paper_lmd") if any(name in row for row in averages)]
    lines = [*tables.table(averages, ("ablation", "clips", *figures)), ""]
    if not verdict["pairs"]:
        return "\n".join([*lines, f"Other random numbers make {verdict['noise']:.3f} dB."])
    words = "reproduced" if verdict["reproduced"] else "not reproduced"
    lines.append(f"The paper's order in PSNR is {words}; other random numbers make {verdict['noise']:.3f} dB.")
    lines += tables.table(verdict["pairs"], ("better", "worse", "paper", "ours", "verdict"))
    return "\n".join(lines)
