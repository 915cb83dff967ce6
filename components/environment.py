"""Environment variables that every process of the pipeline runs under.

Telemetry of every tool is off, model hubs are not asked, and torch's threads and malloc behave on
small machines (docs/decisions/0006-process-environment.md).
"""

from __future__ import annotations

import codecs
import gc
import locale
import os
import sys
from pathlib import Path

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "BENTOML_DO_NOT_TRACK": "True",  # BentoML ignores "1"
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # on a GPU, torch refuses deterministic products without it
    "TQDM_DISABLE": "1",  # Great Expectations' and transformers' bars; ours are rich's
}

# Read by libgomp and glibc once, when the process starts.
THREADS_AND_MEMORY = {
    "GOMP_SPINCOUNT": "100000",  # a waiting thread spins for a moment only: another stage may need the core
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
}

# Of a service, which gives back what a large request took, and has few threads that allocate.
SERVICE = {
    **THREADS_AND_MEMORY,
    "MALLOC_TRIM_THRESHOLD_": str(1 << 27),
    "MALLOC_TOP_PAD_": str(1 << 24),
    "MALLOC_ARENA_MAX": "2",
    # in large pages, where Linux gives them to who asks: a product reads weights of megabytes all over
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    # oneDNN keeps what it made for each number of tokens, a third of a megabyte: a thousand by default
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",
    "LRU_CACHE_CAPACITY": "64",
}


def quiet() -> None:
    """Switch telemetry and hub look-ups off, unless the caller's environment says otherwise."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def collect_seldom() -> None:
    """Let the garbage collector look for cycles after 20,000 new objects, not after 700: what libraries make
    while they are imported stays, and to look through it again and again is a sixth of a process's start."""
    gc.set_threshold(20_000, 20)


def settle_home(instead: Path) -> None:
    """Give this process a home folder where it has none: tools look there for settings, and some fail."""
    try:
        there = Path.home().is_dir()
    except RuntimeError:  # no HOME, and a user whom the system does not know
        there = False
    if not there:
        instead.mkdir(parents=True, exist_ok=True)
        os.environ["HOME"] = str(instead)


def restart_in_utf8() -> None:
    """Start this very process again in Python's UTF-8 mode where files would be named and read in another
    encoding or in none; what the terminal cannot show is a question mark there."""
    encodings = {codecs.lookup(name).name for name in (sys.getfilesystemencoding(), locale.getencoding())}
    if encodings == {"utf-8"} or sys.flags.utf8_mode or os.environ.get("PYTHONUTF8") == "1":
        return
    shown = getattr(sys.stdout, "encoding", "utf-8").partition(":")[0]
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": f"{shown}:replace"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


def restart_tuned() -> None:
    """Start this very process again under the thread and malloc settings, unless it has them.

    They are read before Python's first line runs, so setting them from inside is too late.
    """
    quiet()
    if all(name in os.environ for name in THREADS_AND_MEMORY):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**THREADS_AND_MEMORY, **os.environ}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606
