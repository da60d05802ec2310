#!/usr/bin/env bash
# Everything about the renderer for NVIDIA GPUs that needs one: see the text below.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/gpu/check.sh [--help]

Builds gsplat for the GPU of this machine, and looks at the renderer that uses it: its pictures beside the processor's,
its gradients beside the processor's, the tests that need a GPU, and how fast it is. Prints one JSON object on standard
output, everything else on standard error. Aims at less than 8 minutes, most of which nvcc takes.

Needs an NVIDIA GPU with its driver, the CUDA toolkit (nvcc), and a Python with pip and a PyTorch that has CUDA. The
PyTorch may be of another version than wheels/engine.txt pins: gsplat is then built for the one that is there, and the
report lists what differs.

Environment:
  PYTHON        the Python (default: python3). Nothing is installed into it, but into an environment on top of it.
  WORK          where that environment, gsplat and compiled kernels are kept (default: .build/gpu). A second run finds
                them again and builds nothing.
  GSPLAT_SDIST  gsplat-1.5.3.tar.gz, for a machine without a network. Get it on another one with:
                  pip download gsplat==1.5.3 --no-deps --no-binary :all:   (BUILD_NO_CUDA=1 where there is no nvcc)
  WHEELHOUSE    a folder of wheels, for a machine without a network, of what its Python lacks. Get them on another one,
                for that Python, with:
                  pip download --only-binary :all: -d FOLDER numba scipy jaxtyping rich packaging ninja setuptools pytest
  CUDA_HOME     the toolkit, where it is neither on the path nor in /usr/local/cuda.
  MAX_JOBS      compilers at a time (default: as many as there are processors).

Exit codes: 0 all is well, 1 a check failed (see "failures"), 2 wrong usage, 3 something is missing on this machine.
TEXT
}

say() { echo "check.sh: $*" >&2; }

missing() {
    say "$*"
    exit 3
}

case "${1-}" in
    "") ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
work=${WORK:-$root/.build/gpu}
started=$SECONDS

command -v "$python" > /dev/null || missing "There is no $python. Set PYTHON to a Python that has PyTorch with CUDA."
"$python" -c 'import torch' 2> /dev/null \
    || missing "$python has no PyTorch. Set PYTHON to a Python that has one, with CUDA."
"$python" -c 'import sys, torch; sys.exit(torch.version.cuda is None)' \
    || missing "The PyTorch of $python is built without CUDA. Set PYTHON to a Python whose PyTorch has it."
"$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2> /dev/null \
    || missing "No NVIDIA GPU with a driver was found: these checks need one."
if [ -z "${CUDA_HOME-}" ]; then
    CUDA_HOME=/usr/local/cuda
    if nvcc=$(command -v nvcc); then CUDA_HOME=$(dirname "$(dirname "$(readlink -f "$nvcc")")"); fi
fi
export CUDA_HOME
[ -x "$CUDA_HOME/bin/nvcc" ] \
    || missing "There is no CUDA toolkit in $CUDA_HOME: gsplat is compiled with nvcc. Set CUDA_HOME."
[ -z "${GSPLAT_SDIST-}" ] || [ -f "$GSPLAT_SDIST" ] || missing "GSPLAT_SDIST is $GSPLAT_SDIST, which is no file."

mkdir -p "$work"
work=$(cd "$work" && pwd)
env=$work/env
if [ ! -x "$env/bin/python" ]; then
    say "making an environment over $python in $env"
    "$python" -m venv --system-site-packages --without-pip "$env" >&2 \
        || missing "$python has no module venv, with which an environment could be made."
fi
"$python" -m pip --version > /dev/null 2>&1 \
    || missing "$python has no pip, with which gsplat is built. Set PYTHON to a Python that has it."
# An environment over another one does not see that one's packages.
"$python" -c 'import site, sys; print("\n".join(p for p in sys.path if p.endswith("-packages")))' \
    > "$("$env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/under.pth"
export PATH="$env/bin:$PATH"

pip() { "$env/bin/python" -m pip --disable-pip-version-check "$@" >&2; }
from=()
if [ -n "${WHEELHOUSE-}" ]; then from=(--no-index --find-links "$WHEELHOUSE"); fi

wanted=()
for package in numba scipy jaxtyping rich packaging ninja setuptools pytest; do
    "$env/bin/python" -c "import $package" 2> /dev/null || wanted+=("$package")
done
if [ ${#wanted[@]} -gt 0 ]; then
    say "installing ${wanted[*]}"
    pip install -q "${from[@]}" "${wanted[@]}" \
        || missing "These packages could not be installed: ${wanted[*]}. Without a network, set WHEELHOUSE (see --help)."
fi

build_s=0
if ! "$env/bin/python" -c 'import torch; from gsplat import csrc' 2> /dev/null; then
    TORCH_CUDA_ARCH_LIST=$("$env/bin/python" -c 'import torch; print("%d.%d" % torch.cuda.get_device_capability())')
    MAX_JOBS=${MAX_JOBS:-$(nproc)}
    export TORCH_CUDA_ARCH_LIST MAX_JOBS
    say "building gsplat for compute capability $TORCH_CUDA_ARCH_LIST with $CUDA_HOME, $MAX_JOBS compilers at a time"
    build_started=$SECONDS
    pip install -q --no-deps --no-build-isolation --no-cache-dir --no-binary gsplat "${GSPLAT_SDIST:-gsplat==1.5.3}" \
        || missing "gsplat could not be built; the messages are above. Without a network, set GSPLAT_SDIST (see --help)."
    build_s=$((SECONDS - build_started))
fi

export NUMBA_CACHE_DIR=$work/numba
mkdir -p "$NUMBA_CACHE_DIR"
say "ready to check after $((SECONDS - started)) s"
cd "$root"
PYTHONPATH=$root exec "$env/bin/python" tests/gpu/check.py --build-seconds "$build_s"
