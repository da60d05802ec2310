"""The CPU rasterizer: projection, tiles, blending, each divided among threads; and the same backwards.

The picture is bitwise the same for any number of threads: the Gaussians of a tile are sorted by depth and, within a
depth, by number, and a tile is blended by one thread. So are the gradients: what a Gaussian gets from its tiles is
added in the order of the tiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...kernels import thread_pool
from ...kernels.compilation import kernel
from ...kernels.thread_pool import atomic_increment
from ..arrays import CloudArrays
from .binning import bin_tiles
from .blending import blend_tiles
from .blending_gradients import SUMS, blend_tiles_gradients
from .projection import empty_records, project
from .projection_gradients import gather, project_gradients
from .view import Framebuffer, View

_LEAST_CHUNK = 512  # Gaussians
_MOST_COUNTS = 2**23  # of tiles' counters, for all chunks: 64 MiB
_MOST_PAIRS = 2**25  # of Gaussians and tiles, held at a time: 256 MiB


class Projected(NamedTuple):
    """Gaussians in the picture: what the first stage hands to the second.

    Attributes:
        records, depths: of `projection.project`.
        counts: int64 (chunks, tiles), how many Gaussians of each chunk touch each tile.
    """

    records: np.ndarray
    depths: np.ndarray
    counts: np.ndarray


class TilePairs(NamedTuple):
    """What was blended into some of the tiles: the arguments of `blend_tiles`, sorted."""

    pairs: np.ndarray
    starts: np.ndarray
    order: np.ndarray


class ForwardState(NamedTuple):
    """What gradients need to know of how a picture was rendered.

    Attributes:
        records, depths: of `projection.project`.
        tile_pairs: every tile once; nothing where it was not kept.
    """

    records: np.ndarray
    depths: np.ndarray
    tile_pairs: list[TilePairs]


def rasterize(view: View, cloud: CloudArrays, frame: Framebuffer, *, keep: bool = False) -> ForwardState | None:
    """Renders a cloud into the frame.

    Args:
        keep: whether `differentiate` will be called.

    Returns:
        None where the cloud has values that are not finite, or a quaternion of length 0; nothing is written then.
    """
    projected = project_cloud(view, cloud)
    if projected is None:
        return None
    return ForwardState(projected.records, projected.depths, blend(view, projected, frame, keep=keep))


def differentiate(
    view: View, cloud: CloudArrays, frame: Framebuffer, state: ForwardState, gradients: Framebuffer
) -> CloudArrays:
    """Gradients of a loss by the cloud, from those by the picture.

    Args:
        view, cloud, frame: of `rasterize`, as it left them.
        state: what it returned.
        gradients: those of the loss by rgb, alpha and depth, like the frame's.

    Returns:
        Arrays like those of the cloud.
    """
    return project_cloud_gradients(view, cloud, state, blend_gradients(view, frame, state, gradients))


def project_cloud(view: View, cloud: CloudArrays) -> Projected | None:
    """The first stage: Gaussians to ellipses, and into how many tiles they fall; None as `rasterize`."""
    threads = thread_pool.thread_count()
    total, tiles = len(cloud.means), view.columns * view.rows
    chunks = min(4 * threads, max(1, _MOST_COUNTS // tiles), -(-total // _LEAST_CHUNK))
    records = empty_records(total)
    depths = np.empty(total, np.uint32)
    counts = np.zeros((chunks, tiles), np.int64)
    unusable = np.zeros(chunks, np.bool_)
    chunk = _chunk_size(total, chunks)
    thread_pool.run(min(threads, chunks), _project, view, cloud, chunk, records, depths, counts, unusable, _counter())
    return None if unusable.any() else Projected(records, depths, counts)


def blend(view: View, projected: Projected, frame: Framebuffer, *, keep: bool) -> list[TilePairs]:
    """The second stage: ellipses to pixels. Returns what was blended where it is to be kept."""
    records, depths, counts = projected
    threads, chunks, tiles = thread_pool.thread_count(), len(counts), counts.shape[1]
    chunk = _chunk_size(len(depths), chunks)
    kept: list[TilePairs] = []
    starts = np.zeros(tiles + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=starts[1:])
    # Where each chunk's Gaussians begin in each tile's list: after those of the chunks before it.
    offsets = starts[:-1] + np.cumsum(counts, axis=0) - counts
    begin = 0
    while begin < tiles:
        end = max(begin + 1, int(np.searchsorted(starts, starts[begin] + _MOST_PAIRS, side="right")) - 1)
        here = starts - starts[begin]
        sizes = np.diff(here[begin : end + 1])
        pairs = np.empty(here[end], np.uint64)
        places = offsets - starts[begin]
        thread_pool.run(
            min(threads, chunks), _list, view, records, depths, chunk, places, pairs, begin, end, _counter()
        )
        order = begin + np.argsort(-sizes, kind="stable")
        longest = int(sizes.max())
        thread_pool.run(
            min(threads, end - begin), blend_tiles, view, records, pairs, here, order, longest, frame, keep, _counter()
        )
        if keep:
            kept.append(TilePairs(pairs, here, order))
        begin = end
    return kept


def blend_gradients(view: View, frame: Framebuffer, state: ForwardState, gradients: Framebuffer) -> np.ndarray:
    """The second stage backwards: float32 (N, SUMS), see `blending_gradients`."""
    threads, total = thread_pool.thread_count(), len(state.depths)
    chunk = max(1, -(-total // threads))
    sums = np.zeros((total, SUMS), np.float32)
    for pairs, starts, order in state.tile_pairs:
        pair_sums = np.zeros((len(pairs), SUMS), np.float32)
        arguments = view, state.records, pairs, starts, order, frame, gradients, pair_sums
        thread_pool.run(min(threads, len(order)), blend_tiles_gradients, *arguments, _counter())
        thread_pool.run(threads, _gather, pairs, pair_sums, chunk, sums, _counter())
    return sums


def project_cloud_gradients(view: View, cloud: CloudArrays, state: ForwardState, sums: np.ndarray) -> CloudArrays:
    """The first stage backwards: from the sums of `blend_gradients` to arrays like those of the cloud."""
    result = CloudArrays(*(np.empty_like(array) for array in cloud))
    arguments = view, cloud, _LEAST_CHUNK, state.records, state.depths, sums, result
    thread_pool.run(thread_pool.thread_count(), _project_gradients, *arguments, _counter())
    return result


def _chunk_size(total: int, chunks: int) -> int:
    return -(-total // max(chunks, 1))


def _counter() -> np.ndarray:
    return np.zeros(1, np.int64)


@kernel
def _project(view, cloud, chunk, records, depths, counts, unusable, counter):
    """Projects chunk after chunk until none is left, and counts its Gaussians in each tile."""
    begin, none = np.int64(0), np.empty(0, np.uint64)
    while True:
        taken = atomic_increment(counter)
        if taken >= len(counts):
            return
        first, last = taken * chunk, min((taken + 1) * chunk, len(depths))
        unusable[taken] = not project(view, cloud, first, last, records, depths)
        if not unusable[taken]:
            bin_tiles(view, records, depths, first, last, counts[taken], none, begin, counts.shape[1])


@kernel
def _list(view, records, depths, chunk, places, pairs, begin, end, counter):
    """Lists the Gaussians of the tiles begin to end, chunk after chunk, until none is left."""
    while True:
        taken = atomic_increment(counter)
        if taken >= len(places):
            return
        first, last = taken * chunk, min((taken + 1) * chunk, len(depths))
        bin_tiles(view, records, depths, first, last, places[taken], pairs, begin, end)


@kernel
def _gather(pairs, pair_sums, chunk, sums, counter):
    """Adds up the sums of chunk after chunk of Gaussians until none is left."""
    while True:
        first = atomic_increment(counter) * chunk
        if first >= len(sums):
            return
        gather(pairs, pair_sums, first, min(first + chunk, len(sums)), sums)


@kernel
def _project_gradients(view, cloud, chunk, records, depths, sums, gradients, counter):
    """Writes the gradients of chunk after chunk of Gaussians until none is left."""
    while True:
        first = atomic_increment(counter) * chunk
        if first >= len(sums):
            return
        project_gradients(view, cloud, first, min(first + chunk, len(sums)), records, depths, sums, gradients)
