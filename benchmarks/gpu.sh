#!/bin/sh
# Every check and timing that needs a GPU, in one command of less than eight minutes: benchmarks/gpu.sh
# With --dry-run a tiny one on the CPU. Each part ends with one line of JSON, its goals; a part that fails or takes
# too long is named, the others are still done, and the exit code is 1.
set -u
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
failed=0

part() { # seconds, command
    seconds=$1
    shift
    echo "== $*"
    timeout "$seconds" "$@" || { echo "failed or took more than $seconds s: $*" >&2; failed=1; }
}

if [ "${1:-}" = "--dry-run" ]; then
    part 300 "$python" -m benchmarks.gpu --dry-run
    exit "$failed"
fi
"$python" -m benchmarks.gpu --ready || exit 2 # before a minute of the GPU is spent
part 100 "$python" -m pytest -q -p no:cacheprovider -n 0 -k "kernel_itself or cuda" \
    tests/model/test_attention.py tests/training/optimisers/test_optimisers.py
part 200 "$python" -m benchmarks.gpu
part 120 "$python" -m benchmarks.throughput --precision bf16 --batch 256 --micro-batch 16384 --rounds 1
exit "$failed"
