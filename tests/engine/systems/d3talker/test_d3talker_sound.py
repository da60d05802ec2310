from __future__ import annotations

import torch

from dgtalker_engine.systems.d3talker.sound import FRAMES, SoundEncoder

WIDTH, CODE = 6, 4


def adapted(window: torch.Tensor, codes: torch.Tensor) -> SoundEncoder:
    encoder = SoundEncoder(WIDTH, CODE, 0.0)
    encoder.begin(window, codes, torch.eye(CODE))
    return encoder.eval()


def test_sound_that_says_nothing_of_the_mouth_moves_it_hardly_however_few_frames_there_are() -> None:
    torch.manual_seed(1)
    window, codes = torch.randn(80, FRAMES, WIDTH), torch.randn(80, CODE)
    with torch.no_grad():
        told = adapted(window, codes)(torch.randn(50, FRAMES, WIDTH))
    assert told.std(dim=0).max() < 0.15


def test_frames_too_few_to_be_left_out_in_turn_teach_nothing() -> None:
    torch.manual_seed(3)
    with torch.no_grad():
        told = adapted(torch.randn(9, FRAMES, WIDTH), torch.randn(9, CODE))(torch.randn(20, FRAMES, WIDTH))
    assert told.std(dim=0).max() < 1e-6


def test_sound_that_says_all_of_the_mouth_is_heard() -> None:
    torch.manual_seed(2)
    window = torch.randn(200, FRAMES, WIDTH)
    codes = 0.5 * window[:, 3, :CODE]
    other = torch.randn(50, FRAMES, WIDTH)
    with torch.no_grad():
        told = adapted(window, codes)(other)
    assert torch.corrcoef(torch.stack([told.flatten(), other[:, 3, :CODE].flatten()]))[0, 1] > 0.9
