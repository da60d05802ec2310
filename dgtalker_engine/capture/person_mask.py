"""The person in a picture, cut out: MediaPipe's selfie segmenter, steadied over time."""

from __future__ import annotations

from types import TracebackType

import numpy as np

from . import packages

_STEADINESS = 0.7
"""How much of the last picture's matte is kept where the new one is undecided."""


class PersonMask:
    """Mattes of the pictures of a video, one after the other. A context manager.

    Args:
        before: the matte of the picture before the first one, uint8 (H, W), where there was one.
    """

    def __init__(self, before: np.ndarray | None = None) -> None:
        self._mediapipe = packages.load("mediapipe")
        vision = packages.load("mediapipe.tasks.python.vision")
        base = packages.load("mediapipe.tasks.python").BaseOptions(model_asset_buffer=packages.selfie_segmenter())
        options = vision.ImageSegmenterOptions(
            base_options=base, running_mode=vision.RunningMode.IMAGE, output_confidence_masks=True
        )
        with packages.loading():
            self._segmenter = vision.ImageSegmenter.create_from_options(options)
        self._last = None if before is None else before.astype(np.float32) / 255

    def __enter__(self) -> PersonMask:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._segmenter.close()

    def cut_out(self, picture: np.ndarray) -> np.ndarray:
        """The matte of a picture uint8 (H, W, 3) sRGB: uint8 (H, W), 255 where the person is."""
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        masks = self._segmenter.segment(image).confidence_masks
        matte = steadied(masks[-1].numpy_view().reshape(picture.shape[:2]), self._last)
        self._last = matte
        return np.rint(255 * matte).astype(np.uint8)


def steadied(matte: np.ndarray, last: np.ndarray | None) -> np.ndarray:
    """A matte (H, W) of 0 to 1 that takes after the last one where it is undecided itself.

    So that edges do not flicker, and what moves leaves no trail: where the segmenter is sure, its word counts.
    """
    if last is None:
        return matte.astype(np.float32)
    undecided = 1 - np.square(2 * matte - 1)
    return matte + (last - matte) * (_STEADINESS * undecided)
