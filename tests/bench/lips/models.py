"""What the bench compares: each model turns a sound into a Performance."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from scipy.ndimage import gaussian_filter1d

from dgtalker_engine import speech
from dgtalker_engine.capture.lip_tracks import TrackedClip
from dgtalker_engine.performance import Performance, perform
from dgtalker_engine.speech import front_end, sound, visemes
from dgtalker_engine.speech.analysis import activity
from dgtalker_engine.speech.lipsync import mouth, weights
from dgtalker_engine.speech.lipsync.encoders import CHANNELS, LipEncoder
from dgtalker_engine.speech.lipsync.features import SoundFeatures
from dgtalker_engine.speech.progress import NO_PROGRESS
from dgtalker_engine.speech.whisper import features as whisper
from dgtalker_engine.systems.lipsync import lip_training
from dgtalker_engine.systems.lipsync.config import LipsyncConfig

FPS = 100.0

Model = Callable[[np.ndarray, int], Performance]

_NAMES = tuple(sorted({name for pose in visemes.ARKIT.values() for name in pose}))
_SAME_SPEAKER = {"portrait_5s": "hdtf_wda_000", "seated_20s": "seated_10s"}
"""Clips of the development data that show a person whom another clip shows, too."""

# Rhubarb's mouth shapes: their pictures in its README, posed with ARKit's blendshapes.
_RHUBARB = {
    "X": {},
    "A": {"mouthPressLeft": 0.3, "mouthPressRight": 0.3},
    "B": {"jawOpen": 0.08, "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3, "mouthLowerDownLeft": 0.3,
          "mouthLowerDownRight": 0.3, "mouthUpperUpLeft": 0.2, "mouthUpperUpRight": 0.2},
    "C": {"jawOpen": 0.25, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "D": {"jawOpen": 0.5, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3},
    "E": {"jawOpen": 0.25, "mouthFunnel": 0.3, "mouthPucker": 0.2},
    "F": {"jawOpen": 0.08, "mouthPucker": 0.8},
    "G": {"jawOpen": 0.06, "mouthRollLower": 0.55, "mouthUpperUpLeft": 0.2, "mouthUpperUpRight": 0.2},
    "H": {"jawOpen": 0.25, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3, "tongueOut": 0.05},
}  # fmt: skip


def rules(samples: np.ndarray, rate: int) -> Performance:
    return perform(speech.animate(samples, rate, fps=FPS, encoders=None).take)


class Learned:
    """The learned model; where it learned from the clip's speaker, one that has never seen them."""

    def __init__(self, clips: Sequence[TrackedClip], speakers: Mapping[str, str]) -> None:
        """Takes all clips of the bench: the ones that the shipped model learned from teach those that are held out.

        Args:
            clips: of the bench.
            speakers: who speaks in which clip, where it is known.
        """
        self._shipped = weights.shipped()
        self._speakers = {clip.name: speakers.get(clip.name, clip.name) for clip in clips} | _SAME_SPEAKER
        self._known = {
            clip.name: lip_training.sample_of(clip, whisper.installed())
            for clip in clips
            if clip.name in self._shipped.clips
        }
        if len(self._known) < len(self._shipped.clips):
            count = f"{len(self._known)} of the {len(self._shipped.clips)} clips that the shipped model learned from"
            print(f"only {count} are here: speakers among them are judged by fewer lessons", file=sys.stderr)
        self._without: dict[str, LipEncoder] = {}

    def of(self, clip: TrackedClip) -> dict[str, Model]:
        """The models that may judge a clip: the whole, and the encoders alone, without phones."""
        encoders = self._shipped
        if any(self._speakers[name] == self._speakers[clip.name] for name in self._known):
            encoders = replace(encoders, lips=self._lips_without(self._speakers[clip.name]))

        def learned(samples: np.ndarray, rate: int) -> Performance:
            return perform(speech.animate(samples, rate, fps=FPS, encoders=encoders).take)

        def by_ear(samples: np.ndarray, rate: int) -> Performance:
            analysis = front_end.analyse(samples, rate, phones_known=[])
            rows = mouth.inputs(analysis, whisper.installed())
            by_sound = SoundFeatures(encoders.sound, encoders.scale).extract(analysis.samples)[:, : len(CHANNELS)]
            rows[:, : len(CHANNELS)] = by_sound * rows[:, -1:]  # in place of the rules' movement
            apart = 1.0 - np.clip(rows[:, [CHANNELS.index("closure")]], 0.0, 1.0)
            weights = mouth.movement(encoders.lips, rows) * apart @ visemes.arkit_matrix(_NAMES)
            return Performance(FPS, _NAMES, weights.astype(np.float32))

        return {"learned": learned, "by ear": by_ear}

    def _lips_without(self, speaker: str) -> LipEncoder:
        if speaker not in self._without:
            others = [one for name, one in self._known.items() if self._speakers[name] != speaker]
            self._without[speaker] = lip_training.fit(others, LipsyncConfig())
        return self._without[speaker]


def speakers(folders: Sequence[Path]) -> dict[str, str]:
    """Who speaks in which clip, by the columns `file` and `speaker` of tables beside folders of clips, or in them."""
    found: dict[str, str] = {}
    for folder in folders:
        for table in (folder / "table.csv", folder.parent / "table.csv"):
            if table.is_file():
                with table.open(encoding="utf-8", newline="") as lines:
                    rows = [row for row in csv.DictReader(lines) if Path(row["file"]).parent.name == folder.name]
                found |= {Path(row["file"]).stem: row["speaker"] for row in rows}
    return found


def loudness(samples: np.ndarray, rate: int) -> Performance:
    """The jaw opens as far as it is loud, as the simplest add-ons do it."""
    level = activity.loudness(sound.to_speech_rate(samples, rate, NO_PROGRESS))
    quiet, loud = np.percentile(level, [10, 95])
    jaw = gaussian_filter1d(np.clip((level - quiet) / max(loud - quiet, 1e-6), 0, 1), 3)
    return Performance(1 / activity.HOP, ("jawOpen",), (0.5 * jaw[:, None]).astype(np.float32))


def rhubarb(executable: Path) -> Model:
    """Rhubarb Lip Sync: its shapes held from cue to cue."""

    def run(samples: np.ndarray, rate: int) -> Performance:
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "sound.wav"
            soundfile.write(wav, samples, rate)
            command = [str(executable), "--quiet", "-f", "json", "--extendedShapes", "GHX", str(wav)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
        names = tuple(sorted({name for pose in _RHUBARB.values() for name in pose}))
        weights = np.zeros((int(len(samples) / rate * FPS) + 1, len(names)), np.float32)
        for cue in json.loads(answer.stdout)["mouthCues"]:
            pose = [_RHUBARB[cue["value"]].get(name, 0.0) for name in names]
            weights[round(cue["start"] * FPS) : round(cue["end"] * FPS)] = pose
        return Performance(FPS, names, weights)

    return run
