"""The losses of the motion translator, against what the paper's equations say."""

from __future__ import annotations

import math

import pytest
import torch

from dgtalker_engine.systems.gaussiantalker.motion import losses


def test_the_contrast_is_least_where_timbres_agree_and_segments_differ():
    anchor = torch.eye(4).repeat_interleave(3, dim=0)[None]
    best = losses.contrast(anchor, anchor, segments=4, temperature=0.1)
    muddled = losses.contrast(anchor, anchor.flip(1), segments=4, temperature=0.1)
    assert best == pytest.approx(math.log(1 + 3 * math.exp(-10)), abs=1e-5)
    assert muddled == pytest.approx(math.log(4), abs=1e-4)


def test_the_contrast_has_a_lower_bound_since_the_positive_is_in_the_denominator():
    anchor = torch.randn(2, 8, 5)
    assert losses.contrast(anchor, anchor, segments=2, temperature=1e-3) >= 0


def test_errors_count_only_where_a_face_was_tracked():
    wanted = torch.zeros(1, 4, 2)
    motion = torch.tensor([[[1.0, 1.0], [2.0, 2.0], [9.0, 9.0], [9.0, 9.0]]])
    weight = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    assert losses.reconstruction(motion, wanted, weight) == pytest.approx((1 + 4) / 2)
    assert losses.smoothness(motion, wanted, weight) == pytest.approx(1.0)


def test_a_motion_beside_the_wanted_one_by_a_constant_is_smooth():
    wanted = torch.rand(2, 6, 3)
    assert losses.smoothness(wanted + 0.5, wanted, torch.ones(2, 6)) == pytest.approx(0.0, abs=1e-10)


def test_words_are_kept_where_the_right_one_is_likely():
    words = torch.nn.functional.one_hot(torch.tensor([[0, 1, 2]]), 3).float()
    assert losses.text(10 * words, words) < 0.01 < losses.text(-words, words)


def test_a_text_is_kept_whenever_its_letters_come():
    """With CTC it counts in which order letters are read, not when."""
    blank = 3
    spelled = torch.nn.functional.one_hot(torch.tensor([[0, 0, 3, 0, 3, 1]]), 4).float()
    late = torch.nn.functional.one_hot(torch.tensor([[0, 3, 3, 0, 1, 1]]), 4).float()
    other = torch.nn.functional.one_hot(torch.tensor([[0, 1, 1, 0, 3, 3]]), 4).float()
    assert losses.ctc(12 * late, spelled, blank) < 0.1 < losses.ctc(12 * other, spelled, blank)
