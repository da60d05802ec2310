"""Threads for the kernels.

Numba's own parallel loops are not used: of its threading layers, workqueue (the only one on macOS) ends the process
when two threads render at once, OpenMP's may meet another OpenMP in the process (torch's), and TBB is one more package.
Kernels release the GIL, so a pool of Python threads does the same work, and the caller's thread joins in.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from llvmlite import ir
from numba import types

from .compilation import instruction

_MOST_HELPERS = 256  # started when they are needed

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_chosen: int | None = None


def thread_count() -> int:
    """How many threads a picture is rendered with: all processors that this process may use, unless set."""
    return _chosen or _processors()


def set_thread_count(count: int | None) -> None:
    """Sets the number of threads for everything rendered from now on; None for all processors."""
    global _chosen
    _chosen = None if count is None else max(1, count)


def run(threads: int, task: Callable[..., None], *arguments: object) -> None:
    """Calls task(*arguments) in several threads at once, the caller's among them, and returns when all have ended.

    The tasks divide the work among themselves (see `atomic_increment`), none waits for another, so it does no harm
    when the pool's threads are busy with another picture: the caller's thread then does the work alone.
    """
    helpers: list[Future[None]] = [_executor().submit(task, *arguments) for _ in range(threads - 1)]
    try:
        task(*arguments)
    finally:
        for helper in helpers:
            helper.cancel()
        wait(helpers)
    for helper in helpers:
        if not helper.cancelled():
            helper.result()


@instruction
def atomic_increment(context, counter):
    """Adds 1 to an int64 array's first element, atomically between threads, and returns what it was."""

    def emit(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", data, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(counter), emit


def _executor() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max_workers=_MOST_HELPERS, thread_name_prefix="raster")
        return _pool


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
