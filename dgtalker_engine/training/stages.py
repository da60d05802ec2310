"""One progress over the stages of a long work: reading a video, tracking, training, writing a head."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..files import write_whole
from .loop import Progress, Run

PARTS = 1000
"""Steps of a stage that tells fractions."""

_FILE = "stages.json"
_MOST_PACE = 8.0


class Stages:
    """Stages that follow one another, each with a folder of its own; a stage ends when the next one begins.

    Args:
        run: of the whole work. `run.folder` keeps how long stages took, so that a resumed work knows where it is.
        costs: by stage, in their order, about how many seconds it takes; what stages took corrects the later ones.
    """

    def __init__(self, run: Run, costs: Mapping[str, float]) -> None:
        self._run = run
        self._costs = dict(costs)
        self._took = self._read()
        self._stage, self._seconds = "", 0.0
        self._fraction = 0.0

    def expect(self, stage: str, cost: float) -> None:
        """Corrects about how many seconds a stage takes, once more is known."""
        self._costs[stage] = cost

    def begin(self, stage: str) -> Run:
        """The run of a stage: what the stage tells it, the whole work's run is told as a part of the whole.

        Raises:
            Cancelled: the user wants it to stop.
            DGTalkerError: the disk does not take it.
        """
        self._run.check()
        self._end()
        self._stage, self._seconds = stage, 0.0
        folder = self._run.folder / stage if self._run.folder else None
        return replace(self._run, folder=folder, progress=self._tell)

    def _end(self) -> None:
        if self._stage and self._stage not in self._took:
            self._took[self._stage] = self._seconds
            if self._run.folder:
                self._run.folder.mkdir(parents=True, exist_ok=True)
                write_whole(self._run.folder / _FILE, json.dumps(self._took).encode())

    def _read(self) -> dict[str, float]:
        path = self._run.folder / _FILE if self._run.folder else None
        if path is None or not path.is_file():
            return {}
        return {name: seconds for name, seconds in json.loads(path.read_bytes()).items() if name in self._costs}

    def _tell(self, progress: Progress) -> None:
        """`progress` of the present stage, as a part of all."""
        self._seconds = progress.seconds
        names = list(self._costs)
        index = names.index(self._stage)
        done = {name: self._took[name] for name in names[:index] if self._took.get(name)}  # others had nothing to do
        past, planned = sum(done.values()), sum(self._costs[name] for name in done)
        # Machines go on being as much quicker or slower than expected as they were until now.
        pace = min(max(past / planned, 1 / _MOST_PACE), _MOST_PACE) if done else 1.0
        share = progress.step / progress.of
        left = progress.eta if progress.step else self._costs[self._stage] * pace
        here = left / (1 - share) if share < 1 else progress.seconds
        later = sum(self._costs[name] for name in names[index + 1 :]) * pace
        whole = past + here + later
        self._fraction = max(self._fraction, (past + here * share) / whole if whole else 0.0)
        self._run.progress(
            replace(
                progress,
                stage=self._stage,
                fraction=self._fraction,
                seconds=past + progress.seconds,
                eta=left + later,
            )
        )


def told_fractions(run: Run) -> Callable[..., None]:
    """A function that tells a run the fraction done of a work that has no steps, and raises Cancelled to stop it.

    It may be given words after the fraction, which nobody sees.
    """
    started = run.clock()
    first: list[float] = []
    told = [-math.inf]

    def tell(fraction: float, *_: str) -> None:
        run.check()
        # what was done before a resume took none of this session's time
        first[:] = first or [fraction]
        seconds = run.clock() - started
        if seconds - told[0] < run.progress_seconds and fraction < 1:
            return
        told[0] = seconds
        done = fraction - first[0]
        eta = seconds * (1 - fraction) / done if done > 0 else 0.0
        run.progress(Progress(step=round(PARTS * fraction), of=PARTS, losses={}, seconds=seconds, eta=eta))

    return tell


def consecutive(run: Run, steps: Sequence[int]) -> list[Run]:
    """The runs of works of so many steps that follow each other, and are told as the steps of one."""
    total, spent = sum(steps), [0.0] * len(steps)

    def teller(number: int) -> Callable[[Progress], None]:
        before = sum(steps[:number])

        def tell(progress: Progress) -> None:
            spent[number] = progress.seconds
            step, here = before + progress.step, progress.of - progress.step
            each = progress.eta / here if here else progress.seconds / progress.of
            run.progress(replace(progress, step=step, of=total, seconds=sum(spent), eta=each * (total - step)))

        return tell

    return [replace(run, progress=teller(number)) for number in range(len(steps))]
