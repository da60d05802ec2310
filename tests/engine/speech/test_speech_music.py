"""Where instruments set in, in recordings of any length."""

from __future__ import annotations

import numpy as np
import pytest
from made_sounds import organ

from dgtalker_engine.speech import RATE
from dgtalker_engine.speech.analysis import music
from dgtalker_engine.speech.progress import NO_PROGRESS


@pytest.mark.parametrize("minutes", [0.25, 10.25])
def test_instruments_set_in_when_they_do_however_late(minutes):
    hiss = np.random.default_rng(0).normal(0.0, 0.05, int(60 * minutes * RATE)).astype(np.float16)
    times = music.changes(np.concatenate([hiss, organ(12.0).astype(np.float16)]), NO_PROGRESS)
    assert times == [pytest.approx(60 * minutes, abs=0.2)]
