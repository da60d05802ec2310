"""Files and messages that are broken in every way we know: one clear error each, or a result that is sound.

With a fixed seed; `build.py bench fuzz` does the same with others for as long as it is let.
"""

from __future__ import annotations

import broken_inputs
import numpy as np
import pytest

ROUNDS = 300


@pytest.mark.parametrize("name", broken_inputs.CASES)
def test_whatever_is_broken_is_one_clear_error_or_does_no_harm(name):
    valid, _, use = broken_inputs.CASES[name]
    use(valid)
    with np.errstate(all="ignore"):
        for seed in range(ROUNDS):
            broken_inputs.try_one(name, seed)
