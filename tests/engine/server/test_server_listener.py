"""Speech in a process that stays: what it heard before changes nothing of what it answers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from dgtalker_engine import speech
from dgtalker_engine.performance import Take
from dgtalker_engine.server.listener import Listener

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "sample.wav"


def test_a_process_that_has_listened_answers_as_a_new_one():
    sound = speech.read_speech(SAMPLE).astype("<f2")
    first, second = sound[: 2 * speech.RATE], sound[2 * speech.RATE : 4 * speech.RATE]

    def taken(listener: Listener, samples: np.ndarray) -> bytes:
        request = {"sample_rate": speech.RATE, "fps": 24.0}
        _, (take,) = listener.animate(request, bytearray(samples.tobytes()), b"", lambda fraction, text: None)
        return bytes(take)

    with closing(Listener()) as experienced, closing(Listener()) as new:
        assert Take.from_bytes(taken(experienced, first)).words
        assert taken(experienced, second) == taken(new, second)
