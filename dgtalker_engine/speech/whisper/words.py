"""Which words Whisper understands."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
import torch

from ..analysis.activity import Span
from ..progress import Stage
from ..recognition.pool import processors
from ..sound import RATE, excerpt
from . import vocabulary
from .encoder import HOP, STEP, log_mel
from .model import SILENT, Whisper, installed

_MOST_THREADS = 4
_TICK = 0.03
_AFTER = 0.5
"""Seconds of silence that a sound is given to end in."""

_TOKENS_A_SECOND, _MORE_TOKENS = 8, 8
"""Who speaks faster than that is not heard to the end: it would rather be a text that goes in circles."""


class _Stopped(Exception):
    """Nobody waits for the words any more."""


@dataclass(frozen=True)
class HeardWords:
    """A text, and how sure Whisper is of it.

    Attributes:
        text: as it is spoken, numbers in words; empty where nothing is said.
        likelihood: mean log-probability of its tokens, 0 at most.
    """

    text: str
    likelihood: float


def hear(samples: np.ndarray, spans: Sequence[Span], progress: Stage) -> list[HeardWords]:
    """The English words of some stretches of a recording, each by itself.

    Whisper was taught by stretches of 30 seconds. Of shorter ones, what it would hear in the silence after them is
    worked out once for all; without it, it tells a short text again and again.

    Args:
        samples: of the recording, at `sound.RATE`.
        spans: the stretches, of 29 seconds at most.

    Raises:
        DGTalkerError: the model is missing, or another one.
        Cancelled: from `progress`.
    """
    if not spans:
        return []
    progress.report(0.0)
    whisper, stopped = installed(), threading.Event()
    threads = min(processors(), _MOST_THREADS, len(spans))
    # One of PyTorch's threads each: on a busy machine, several that wait for each other take ten times as long.
    with ThreadPoolExecutor(threads, "whisper", torch.set_num_threads, (1,)) as pool:
        running = [pool.submit(_hear, whisper, samples, span, stopped) for span in spans]
        try:
            while left := wait(running, _TICK).not_done:
                progress.report(1.0 - len(left) / len(running))
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [each.result() for each in running]


def warm_up() -> None:
    """Loads the model, and works out what it hears in silence, so that the first recording need not wait for it.

    Raises:
        DGTalkerError: the model is missing, or another one.
    """
    whisper = installed()
    _ = whisper.silence, whisper.unspoken


@torch.inference_mode()
def _hear(whisper: Whisper, samples: np.ndarray, span: Span, stopped: threading.Event) -> HeardWords:
    sound = excerpt(samples, span.start, span.end).astype(np.float32)
    hop = STEP * HOP
    whole = -(-(len(sound) + int(_AFTER * RATE)) // hop) * hop
    energies = log_mel(np.pad(sound, (0, whole - len(sound))))
    heard = whisper.encoder(energies - energies.min() + SILENT)
    return _written(whisper, torch.cat([heard, whisper.silence[len(heard) :]]), span.end - span.start, stopped)


def _written(whisper: Whisper, heard: torch.Tensor, seconds: float, stopped: threading.Event) -> HeardWords:
    """The likeliest token, again and again."""
    listening = whisper.decoder.begin(heard)
    next_tokens, tokens, likelihood = [vocabulary.START, vocabulary.NO_TIMES], [], 0.0
    while len(tokens) < _TOKENS_A_SECOND * seconds + _MORE_TOKENS:
        if stopped.is_set():
            raise _Stopped
        scores = whisper.decoder(next_tokens, listening) + whisper.unspoken
        if not tokens:
            scores[[vocabulary.BLANK, vocabulary.END]] = -torch.inf
        token = int(scores.argmax())
        likelihood += float(scores[token] - scores.logsumexp(0))
        if token == vocabulary.END:
            break
        tokens.append(token)
        next_tokens = [token]
    said = vocabulary.text([whisper.tokens[token] for token in tokens]).strip()
    return HeardWords(said, likelihood / (len(tokens) + 1))
