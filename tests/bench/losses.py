"""Milliseconds of D-SSIM with its gradient: PyTorch's own operations beside the compiled kernels.

Run by `python build.py bench losses [--sizes WxH …] [--repeats N]`; prints JSON. The median, on one thread and on all
processors.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sequence import hardware, size

from dgtalker_engine.kernels import thread_pool
from dgtalker_engine.training import losses


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=size, nargs="+", default=[(512, 512)])
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args(argv)
    processors = thread_pool.thread_count()
    rows = []
    # The kernels first: threads that torch has started would take their time while they wait for work.
    for name, ssim in (("kernels", losses.ssim), ("torch", losses.ssim_reference)):
        for (width, height), threads in product(options.sizes, sorted({1, processors})):
            thread_pool.set_thread_count(threads)
            torch.set_num_threads(threads if name == "torch" else 1)
            generator = torch.Generator().manual_seed(0)
            wanted = torch.rand(height, width, 3, generator=generator)
            picture = torch.rand(height, width, 3, generator=generator).requires_grad_()
            milliseconds = median(ssim, picture, wanted, options.repeats)
            rows.append({"ssim": name, "width": width, "height": height, "threads": threads, "ms": milliseconds})
    print(json.dumps({"hardware": hardware(), "d_ssim": rows}, indent=1))
    return 0


def median(
    ssim: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    picture: torch.Tensor,
    wanted: torch.Tensor,
    repeats: int,
) -> float:
    ssim(picture, wanted).backward()  # compiles
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        ssim(picture, wanted).backward()
        times.append(time.perf_counter() - started)
    return round(1e3 * statistics.median(times), 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
