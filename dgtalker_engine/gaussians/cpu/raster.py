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
from .binning import bin_tiles
from .blending import blend_tiles
from .blending_gradients import SUMS, blend_tiles_gradients
from .projection import RECORD, project
from .projection_gradients import gather, project_gradients
from .view import Cloud, Target, View

_LEAST_CHUNK = 512  # Gaussians
_MOST_COUNTS = 2**23  # of tiles' counters, for all chunks: 64 MiB
_MOST_PAIRS = 2**25  # of Gaussians and tiles, held at a time: 256 MiB


class Tiles(NamedTuple):
    """What was blended into some of the tiles: the arguments of `blend_tiles`, sorted."""

    pairs: np.ndarray
    starts: np.ndarray
    order: np.ndarray


class Trace(NamedTuple):
    """What gradients need to know of how a picture was rendered.

    Attributes:
        records, depths: of `project`.
        parts: every tile once; nothing where it was not kept.
    """

    records: np.ndarray
    depths: np.ndarray
    parts: list[Tiles]


def rasterize(view: View, cloud: Cloud, target: Target, *, keep: bool = False) -> Trace | None:
    """Renders a cloud into the target.

    Args:
        keep: whether `differentiate` will be called.

    Returns:
        None where the cloud has values that are not finite, or a quaternion of length 0; nothing is written then.
    """
    threads = thread_pool.thread_count()
    total, tiles = len(cloud.means), view.columns * view.rows
    chunks = min(4 * threads, max(1, _MOST_COUNTS // tiles), -(-total // _LEAST_CHUNK))
    chunk = -(-total // max(chunks, 1))
    records = np.empty((total, RECORD), np.float32)
    depths = np.empty(total, np.uint32)
    counts = np.zeros((chunks, tiles), np.int64)
    unusable = np.zeros(chunks, np.bool_)
    thread_pool.run(min(threads, chunks), _project, view, cloud, chunk, records, depths, counts, unusable, _counter())
    if unusable.any():
        return None

    parts: list[Tiles] = []
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
            min(threads, end - begin), blend_tiles, view, records, pairs, here, order, longest, target, keep, _counter()
        )
        if keep:
            parts.append(Tiles(pairs, here, order))
        begin = end
    return Trace(records, depths, parts)


def differentiate(view: View, cloud: Cloud, target: Target, trace: Trace, gradients: Target) -> Cloud:
    """Gradients of a loss by the cloud, from those by the picture.

    Args:
        view, cloud, target: of `rasterize`, as it left them.
        trace: what it returned.
        gradients: those of the loss by rgb, alpha and depth, like the target's.

    Returns:
        Arrays like those of the cloud.
    """
    threads, total = thread_pool.thread_count(), len(cloud.means)
    chunk = max(1, -(-total // threads))
    sums = np.zeros((total, SUMS), np.float32)
    for pairs, starts, order in trace.parts:
        pair_sums = np.zeros((len(pairs), SUMS), np.float32)
        arguments = view, trace.records, pairs, starts, order, target, gradients, pair_sums
        thread_pool.run(min(threads, len(order)), blend_tiles_gradients, *arguments, _counter())
        thread_pool.run(threads, _gather, pairs, pair_sums, chunk, sums, _counter())
    result = Cloud(*(np.empty_like(array) for array in cloud))
    thread_pool.run(
        threads, _project_gradients, view, cloud, _LEAST_CHUNK, trace.records, trace.depths, sums, result, _counter()
    )
    return result


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
