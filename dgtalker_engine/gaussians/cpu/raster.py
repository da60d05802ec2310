"""The CPU rasterizer: projection, tiles, blending, each divided among threads.

The picture is bitwise the same for any number of threads: the Gaussians of a tile are sorted by depth and, within a
depth, by number, and a tile is blended by one thread.
"""

from __future__ import annotations

import numpy as np

from . import workers
from .binning import bin_tiles
from .blending import blend_tiles
from .compilation import kernel
from .projection import RECORD, project
from .view import Cloud, Target, View
from .workers import take

_LEAST_CHUNK = 512  # Gaussians
_MOST_COUNTS = 2**23  # of tiles' counters, for all chunks: 64 MiB
_MOST_PAIRS = 2**25  # of Gaussians and tiles, held at a time: 256 MiB


def rasterize(view: View, cloud: Cloud, target: Target) -> bool:
    """Renders a cloud into the target.

    Returns:
        False where the cloud has values that are not finite, or a quaternion of length 0; nothing is written then.
    """
    threads = workers.thread_count()
    total, tiles = len(cloud.means), view.columns * view.rows
    chunks = min(4 * threads, max(1, _MOST_COUNTS // tiles), -(-total // _LEAST_CHUNK))
    chunk = -(-total // max(chunks, 1))
    records = np.empty((total, RECORD), np.float32)
    depths = np.empty(total, np.uint32)
    counts = np.zeros((chunks, tiles), np.int64)
    unusable = np.zeros(chunks, np.bool_)
    workers.run(min(threads, chunks), _project, view, cloud, chunk, records, depths, counts, unusable, _counter())
    if unusable.any():
        return False

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
        workers.run(min(threads, chunks), _list, view, records, depths, chunk, places, pairs, begin, end, _counter())
        order = begin + np.argsort(-sizes, kind="stable")
        longest = int(sizes.max())
        workers.run(
            min(threads, end - begin), blend_tiles, view, records, pairs, here, order, longest, target, _counter()
        )
        begin = end
    return True


def _counter() -> np.ndarray:
    return np.zeros(1, np.int64)


@kernel
def _project(view, cloud, chunk, records, depths, counts, unusable, counter):
    """Projects chunk after chunk until none is left, and counts its Gaussians in each tile."""
    begin, none = np.int64(0), np.empty(0, np.uint64)
    while True:
        taken = take(counter)
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
        taken = take(counter)
        if taken >= len(places):
            return
        first, last = taken * chunk, min((taken + 1) * chunk, len(depths))
        bin_tiles(view, records, depths, first, last, places[taken], pairs, begin, end)
