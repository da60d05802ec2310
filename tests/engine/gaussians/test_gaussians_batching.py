"""What is drawn at once, and what happens when memory runs out; the processor's renderer draws the batches here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.gaussians.cuda import batching
from dgtalker_engine.gaussians.cuda.batching import Batch, TooLargeError, draw_all


def arrays_of(image):
    return image.rgb, image.alpha, image.depth


def draw(batch: Batch):
    frames = zip(batch.clouds, batch.cameras, strict=True)
    return [arrays_of(render(cloud, camera, region=batch.region, backend="cpu")) for cloud, camera in frames]


class Gpu:
    """Draws batches of so many pixels, and notes what it was asked for."""

    def __init__(self, pixels: float = float("inf"), error: Exception | None = None):
        self.pixels, self.error = pixels, error or torch.OutOfMemoryError("CUDA out of memory.")
        self.asked, self.freed = [], 0

    def draw(self, batch: Batch):
        self.asked.append((len(batch), batch.region))
        if len(batch) * batch.region[2] * batch.region[3] > self.pixels:
            raise self.error
        return draw(batch)

    def free(self):
        self.freed += 1

    def render(self, clouds, cameras, region=None):
        return draw_all(clouds, cameras, region, self.draw, self.free)


@pytest.fixture(scope="module")
def shot(head, look):
    """Clouds and cameras of seven frames, 40 × 30."""
    return [head(300, seed=seed) for seed in range(7)], [look((0.1 * i, -1, 0), 40, 30) for i in range(7)]


def same(found, clouds, cameras, region=None):
    expected = [arrays_of(render(c, k, region=region, backend="cpu")) for c, k in zip(clouds, cameras, strict=True)]
    return len(found) == len(expected) and all(
        np.array_equal(a, b)
        for one, other in zip(found, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def test_frames_that_are_alike_are_drawn_at_once(shot):
    gpu = Gpu()
    assert same(gpu.render(*shot), *shot)
    assert gpu.asked == [(7, (0, 0, 40, 30))]
    assert gpu.freed == 0


def test_no_frames():
    assert Gpu().render([], []) == []


def test_frames_that_differ_are_not_drawn_at_once(shot, head, look):
    clouds, cameras = [list(part) for part in shot]
    clouds[2] = head(301)
    clouds[4] = head(300, degree=1)
    cameras[6] = replace(cameras[6], near=0.5)
    gpu = Gpu()
    assert same(gpu.render(clouds, cameras), clouds, cameras)
    assert [count for count, _ in gpu.asked] == [2, 1, 1, 1, 1, 1]
    cameras = [look((0, -1, 0), 40, 30, orthographic=i > 3) for i in range(7)]
    gpu = Gpu()
    assert same(gpu.render(shot[0], cameras), shot[0], cameras)
    assert [count for count, _ in gpu.asked] == [4, 3]
    cameras = [look((0, -1, 0), 40 if i < 5 else 50, 30) for i in range(7)]
    gpu = Gpu()
    assert same(gpu.render(shot[0], cameras), shot[0], cameras)
    assert gpu.asked == [(5, (0, 0, 40, 30)), (2, (0, 0, 50, 30))]


def test_batches_are_bounded_by_pixels_and_by_gaussians(shot, monkeypatch):
    region = (3, 4, 20, 10)
    for name, most, counts in (("MOST_PIXELS", 3 * 200, [3, 3, 1]), ("MOST_GAUSSIANS", 2 * 300 + 50, [2, 2, 2, 1])):
        with monkeypatch.context() as context:
            context.setattr(batching, name, most)
            gpu = Gpu()
            assert same(gpu.render(*shot, region), *shot, region)
            assert [count for count, _ in gpu.asked] == counts
            context.setattr(batching, name, 1)
            gpu = Gpu()
            assert same(gpu.render(*shot, region), *shot, region)
            assert [count for count, _ in gpu.asked] == [1] * 7


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        torch.AcceleratorError("CUDA error: out of memory"),
        TooLargeError(),
    ],
)
def test_a_batch_that_is_too_large_is_halved_once_and_later_ones_too(shot, error):
    clouds, cameras = shot[0] + shot[0], shot[1] + shot[1]
    gpu = Gpu(7 * 1200, error)
    assert same(gpu.render(clouds, cameras), clouds, cameras)
    assert [count for count, _ in gpu.asked] == [14, 7, 7]
    assert gpu.freed == 1
    gpu = Gpu(4 * 1200, error)
    assert same(gpu.render(*shot), *shot)
    assert [count for count, _ in gpu.asked] == [7, 3, 4]


def test_one_frame_that_is_too_large_is_drawn_in_two_bands(shot):
    gpu = Gpu(20 * 9)
    found = gpu.render(shot[0][:1], shot[1][:1], (3, 4, 20, 17))
    assert same(found, shot[0][:1], shot[1][:1], (3, 4, 20, 17))
    assert gpu.asked == [(1, (3, 4, 20, 17)), (1, (3, 4, 20, 8)), (1, (3, 12, 20, 9))]


def test_what_does_not_fit_in_halves_either_is_a_clear_error(shot):
    for frames, region, asked in ((7, None, 2), (1, None, 2), (1, (0, 0, 40, 1), 2)):
        gpu = Gpu(1)
        with pytest.raises(DGTalkerError) as caught:
            gpu.render(shot[0][:frames], shot[1][:frames], region)
        assert caught.value.code == "gpu_memory"
        assert "300 Gaussians" in caught.value.message
        assert "DGTALKER_BACKEND" in caught.value.hint
        assert (len(gpu.asked), gpu.freed) == (asked, 1)


def test_memory_is_let_go_of_before_the_second_try(shot):
    """The first try's arrays hang on its error's traceback."""
    held = []

    class Large:
        def __init__(self):
            held.append(1)

        def __del__(self):
            held.pop()

    def draw_once(batch):
        large = Large()
        if len(batch) == 7:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        del large
        return draw(batch)

    assert same(draw_all(*shot, None, draw_once, lambda: held and pytest.fail("still held")), *shot)


def test_a_gpu_that_has_failed_is_no_matter_of_memory(shot):
    gpu = Gpu(0, torch.AcceleratorError("CUDA error: an illegal memory access was encountered\nCompile with …"))
    with pytest.raises(DGTalkerError) as caught:
        gpu.render(*shot)
    assert caught.value.code == "gpu_failed"
    assert "illegal memory access" in caught.value.message
    assert "Compile" not in caught.value.message
    assert (len(gpu.asked), gpu.freed) == (1, 0)


def test_errors_that_are_meant_for_the_user_pass(shot):
    gpu = Gpu(0, DGTalkerError("1 of 300 Gaussians have means that are not finite numbers."))
    with pytest.raises(DGTalkerError, match="not finite") as caught:
        gpu.render(*shot)
    assert caught.value.code == "error"
