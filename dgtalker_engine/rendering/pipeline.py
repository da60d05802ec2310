"""Items through stages, one after another for each item, many at the same time: whatever thread is free does what is
furthest on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

_TICK = 0.03


@dataclass(frozen=True)
class Stage:
    """One step of the work.

    Attributes:
        work: what came out of the stage before for some items → what comes out for each of them, in the same order.
        pool: the name of the threads that do it.
        batch: the most items at once.
    """

    work: Callable[[list[Any]], list[Any]]
    pool: str
    batch: int = 1


def run(
    items: Sequence[Any],
    stages: Sequence[Stage],
    *,
    threads: Mapping[str, int],
    ahead: int,
    finish: Sequence[str] = (),
    tick: Callable[[int], None],
) -> list[Any]:
    """Takes every item through all stages.

    Args:
        items: what the first stage gets.
        stages: in order.
        threads: how many each pool has.
        ahead: the most items that have been begun and are not finished, which bounds the memory.
        finish: the pools whose work is waited for when all ends early; others' is left to end by itself, unheeded.
        tick: is told how many items are finished, often and in the caller's thread. Whatever it raises ends all.

    Returns:
        What the last stage made of each item, in their order.

    Raises:
        The first error of any stage; then no stage is begun anew.
    """
    flow = _Flow(items, stages, ahead)
    executor = ThreadPoolExecutor(sum(threads.values()), thread_name_prefix="pipeline")
    futures = {executor.submit(flow.serve, pool): pool for pool, count in threads.items() for _ in range(count)}
    running = set(futures)
    try:
        while running and flow.error is None:
            tick(flow.finished)
            _, running = wait(running, _TICK, FIRST_EXCEPTION)
    finally:
        flow.stop()
        wait([future for future, pool in futures.items() if pool in finish])
        executor.shutdown(wait=False)
    if flow.error is not None:
        raise flow.error
    return flow.results


class _Flow:
    """What has been done and what is to be done; all threads share it."""

    def __init__(self, items: Sequence[Any], stages: Sequence[Stage], ahead: int) -> None:
        self.error: BaseException | None = None
        self.finished = 0
        self.results: list[Any] = [None] * len(items)
        self._stages = stages
        self._ahead = ahead
        self._begun = 0
        self._stopped = False
        self._changed = threading.Condition()
        # Before each stage the items that wait for it, with their indices.
        self._waiting: list[deque[tuple[int, Any]]] = [deque() for _ in stages]
        self._waiting[0].extend(enumerate(items))

    def serve(self, pool: str) -> None:
        """Works until everything is done or stopped."""
        try:
            while self._step(pool):
                pass
        except BaseException as error:
            with self._changed:
                self.error = self.error or error
            self.stop()
            raise

    def stop(self) -> None:
        """No thread takes anything more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _step(self, pool: str) -> bool:
        """Does one thing; False when nothing is left. A thread that waits for the next one holds nothing of it."""
        taken = self._take(pool)
        if taken is not None:
            stage, indices, values = taken
            self._give(stage, indices, self._stages[stage].work(values))
        return taken is not None

    def _take(self, pool: str) -> tuple[int, list[int], list[Any]] | None:
        with self._changed:
            while not self._stopped and self.finished < len(self.results):
                for stage in reversed(range(len(self._stages))):
                    count = self._possible(stage) if self._stages[stage].pool == pool else 0
                    if count:
                        taken = [self._waiting[stage].popleft() for _ in range(count)]
                        self._begun += count if stage == 0 else 0
                        return stage, [index for index, _ in taken], [value for _, value in taken]
                self._changed.wait()
            return None

    def _possible(self, stage: int) -> int:
        """How many items this stage can take now."""
        count = min(self._stages[stage].batch, len(self._waiting[stage]))
        return min(count, self._ahead - (self._begun - self.finished)) if stage == 0 else count

    def _give(self, stage: int, indices: list[int], values: list[Any]) -> None:
        with self._changed:
            if stage + 1 < len(self._stages):
                self._waiting[stage + 1].extend(zip(indices, values, strict=True))
            else:
                for index, value in zip(indices, values, strict=True):
                    self.results[index] = value
                self.finished += len(indices)
            self._changed.notify_all()
