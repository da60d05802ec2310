"""The training loop: step after step, with progress, previews and checkpoints, until the end or until told to stop."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import Cancelled, DGTalkerError
from . import checkpoints, randomness
from .config import Config

Step = Callable[[int], Mapping[str, torch.Tensor | float]]
"""Does one step, counted from 0, gradients and optimiser included, and returns the terms of its loss."""

_SLOWER = "Train again with lower learning rates."


class Interrupted(DGTalkerError):
    """The system told the process to end; its checkpoint is written, and training can be resumed."""

    def __init__(self) -> None:
        super().__init__("The training was interrupted.", "Resume it: it goes on where it was.", code="interrupted")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a training is.

    Attributes:
        step: how many steps are done.
        of: how many there are.
        losses: by name the terms of the loss, averages over the steps since the last progress.
        seconds: that all steps took, those before a resume included.
        eta: seconds that are left at this session's speed.
        stage: of a work that has several (`Stages`), whose steps these are; its seconds and eta are the whole work's.
        fraction: of the whole work, 0 to 1; None where the steps are all of it.
    """

    step: int
    of: int
    losses: dict[str, float]
    seconds: float
    eta: float
    stage: str = ""
    fraction: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Seconds in milliseconds' precision, losses in six digits."""
        losses = {name: float(f"{value:.6g}") for name, value in self.losses.items()}
        fraction = self.step / self.of if self.fraction is None else self.fraction
        rounded = {"seconds": round(self.seconds, 3), "eta": round(self.eta, 3), "fraction": round(fraction, 4)}
        return asdict(self) | {"losses": losses} | rounded


def _ignore(_: Any) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Run:
    """What surrounds a training: where it keeps its checkpoint, whom it tells what, and how often.

    Attributes:
        folder: of the checkpoint; None to keep none.
        progress: is told how far it is.
        show: is given preview pictures.
        cancelled: says whether to stop; is asked between steps.
        progress_seconds, preview_seconds, checkpoint_seconds: between two of each.
        clock: seconds, which never go back.
    """

    folder: Path | None = None
    progress: Callable[[Progress], None] = _ignore
    show: Callable[[np.ndarray], None] = _ignore
    cancelled: Callable[[], bool] = _never
    progress_seconds: float = 0.5
    preview_seconds: float = 10.0
    checkpoint_seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic

    def check(self) -> None:
        """For long preparations before the loop.

        Raises:
            Cancelled: the user wants it to stop.
        """
        if self.cancelled():
            raise Cancelled


def run_loop(
    config: Config,
    step: Step,
    parts: checkpoints.Parts,
    run: Run,
    *,
    preview: Callable[[], np.ndarray] | None = None,
) -> None:
    """Steps until `config.steps` are done, from `run.folder`'s checkpoint on where there is one.

    When it ends is of no influence: on the processor, a training that was killed at any step and resumed gives bitwise
    the same parameters as one that was not. On a GPU it does as far as the step's operations repeat themselves.

    Args:
        config: of the training.
        step: does one.
        parts: by name everything that a step changes (`checkpoints.Parts`); what is not among them does not come back.
        run: what surrounds it.
        preview: draws a picture (H, W, 3), sRGB from 0 to 1; it may draw random numbers, and leaves `parts` alone.

    Raises:
        Cancelled: `run` said so; the checkpoint is written.
        Interrupted: SIGTERM came; the checkpoint is written.
        DGTalkerError: the loss or a parameter is no number any more, or the checkpoint cannot be read or written.
    """
    loop = _Loop(config, parts, run, preview)
    with _termination() as terminated:
        while loop.done < config.steps:
            if run.cancelled():
                loop.save()
                raise Cancelled
            if terminated.is_set():
                loop.save()
                raise Interrupted
            loop.add(step(loop.done))
            loop.report()
        loop.save()


class _Loop:
    def __init__(
        self, config: Config, parts: checkpoints.Parts, run: Run, preview: Callable[[], np.ndarray] | None
    ) -> None:
        self._config, self._parts, self._run, self._preview = config, parts, run, preview
        saved = checkpoints.restore(run.folder, config, parts) if run.folder else None
        self.done, self._before = saved or (0, 0.0)
        self._first = self._saved = self.done
        self._totals: dict[str, torch.Tensor | float] = {}
        self._steps = 0
        self._started = run.clock()
        self._told = -math.inf
        self._shown = self._started
        self._kept = self._started

    def add(self, terms: Mapping[str, torch.Tensor | float]) -> None:
        """Counts a step."""
        self.done += 1
        self._steps += 1
        for name, term in terms.items():
            # On a GPU a number that is read waits for the step; sums are read when they are told.
            value = term.detach() if isinstance(term, torch.Tensor) else term
            self._totals[name] = self._totals.get(name, 0.0) + value

    def report(self) -> None:
        """Tells, shows and saves what is due."""
        now, run = self._run.clock(), self._run
        if now - self._told >= run.progress_seconds or self.done == self._config.steps:
            self._tell(now)
            self._told = now
        if self._preview and now - self._shown >= run.preview_seconds:
            with _random_states_kept(self._parts), torch.no_grad():
                run.show(self._preview())
            self._shown = run.clock()
        if now - self._kept >= run.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Keeps a checkpoint of the steps done, unless the last one is."""
        now = self._run.clock()
        if self._run.folder and self.done > self._saved:
            if self._steps:
                self._tell(now)
            self._check_parameters()
            self._run.folder.mkdir(parents=True, exist_ok=True)
            checkpoints.save(self._run.folder, self._config, self._parts, step=self.done, seconds=self._seconds(now))
            self._saved = self.done
        self._kept = self._run.clock()

    def _seconds(self, now: float) -> float:
        return self._before + now - self._started

    def _tell(self, now: float) -> None:
        losses = {name: float(total) / self._steps for name, total in self._totals.items()}
        self._totals, self._steps = {}, 0
        bad = [name for name, loss in losses.items() if not math.isfinite(loss)]
        if bad:
            raise DGTalkerError(
                f"The training diverged before step {self.done}: its loss ({', '.join(bad)}) is no number any more.",
                _SLOWER,
            )
        left = (self._config.steps - self.done) * (now - self._started) / (self.done - self._first)
        self._run.progress(
            Progress(step=self.done, of=self._config.steps, losses=losses, seconds=self._seconds(now), eta=left)
        )

    def _check_parameters(self) -> None:
        """Losses are those before their step, which may be what spoils the parameters."""
        for name, part in self._parts.items():
            if isinstance(part, nn.Module):
                bad = [key for key, parameter in part.named_parameters() if not bool(parameter.isfinite().all())]
                if bad:
                    what = f"{name} ({', '.join(bad)}) is no number any more"
                    raise DGTalkerError(f"The training diverged before step {self.done}: {what}.", _SLOWER)


@contextlib.contextmanager
def _random_states_kept(parts: checkpoints.Parts) -> Iterator[None]:
    """Previews come by the clock, so what they draw must not move the numbers that steps draw."""
    generators = [part for part in parts.values() if isinstance(part, np.random.Generator)]
    kept, own = randomness.states(), [generator.bit_generator.state for generator in generators]
    try:
        yield
    finally:
        randomness.set_states(kept)
        for generator, state in zip(generators, own, strict=True):
            generator.bit_generator.state = state


@contextlib.contextmanager
def _termination() -> Iterator[threading.Event]:
    """An event that SIGTERM sets; only the main thread may ask for signals."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    usual = signal.signal(signal.SIGTERM, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGTERM, usual)
