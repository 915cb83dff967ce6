"""Data parallel training: processes that share the rows of every step and hold the same weights.

Every process draws the same step, since draws are a function of (seed, step), and computes its part of
the rows. Losses are shares of a mean over the whole step, so what the processes found is summed: losses
and, per task, gradients, before anything is made of them. From then on all compute the same, the
combination of the gradients and the optimiser's step among it, and end with the same bits. The first
process, which is the stage itself, alone evaluates, saves and reports.

Outside of `group` there is one process, and every function here gives back what it was given.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import multiprocessing
import os
import queue
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import distributed

from components.data.batches.batching import Batch, to_items
from components.data.encoding.split import EncodedSplit
from components.errors import EXIT_TRY_AGAIN, TryAgainError, UserError

Key = TypeVar("Key", bound=Hashable)
TIMEOUT = datetime.timedelta(minutes=30)  # the others wait as long while the first evaluates or saves
GO_ON = "run again: training goes on from the last checkpoint"
GRACE = 10.0  # seconds for a process to notice by itself that another is gone


# --- the processes ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A process's place in the group."""

    store: Path  # the file in which they meet
    rank: int
    count: int
    threads: int  # of torch, for all of them together


@contextlib.contextmanager
def group(count: int, work: Callable[..., object], *given: Any) -> Iterator[None]:
    """Within it this process is the first of `count`; the others call `work(*given)` meanwhile.

    Processes meet in a file, and talk on the loopback interface and between GPUs: one machine.

    Raises:
        UserError: there are fewer GPUs than processes.
        TryAgainError: another process has ended, naming it, or does not answer.
    """
    if count == 1:
        yield
        return
    _check_gpus(count)
    threads = torch.get_num_threads()
    others: list[BaseProcess] = []
    ends: queue.SimpleQueue[str] = queue.SimpleQueue()
    done = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        places = [Place(Path(folder) / "store", rank, count, threads) for rank in range(count)]
        try:
            for place in places[1:]:
                others.append(other := _start(place, work, given))
                threading.Thread(target=_watch, args=(other, ends, done), daemon=True).start()
            _join(places[0])
            yield
            distributed.destroy_process_group()  # as the others do
            for other in others:
                other.join(GRACE)
        except RuntimeError as error:
            if not isinstance(error, distributed.DistError) and "gloo/transport" not in str(error):
                raise  # not of a connection
            raise TryAgainError(_first(ends)) from error
        finally:
            done.set()
            _end(others)
            torch.set_num_threads(threads)


def _check_gpus(count: int) -> None:
    if torch.cuda.is_available() and torch.cuda.device_count() < count:
        found = torch.cuda.device_count()
        raise UserError(
            f"params.yaml: training.processes: found {count}, expected at most {found}, "
            f"the number of GPUs of this machine"
        )


def _start(place: Place, work: Callable[..., object], given: tuple[Any, ...]) -> BaseProcess:
    context = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
    name = f"training process {place.rank + 1} of {place.count}"
    other = context.Process(target=_follow, args=(place, work, given), daemon=True, name=name)
    other.start()
    return other


def _end(others: Sequence[BaseProcess]) -> None:
    for other in others:
        other.kill()  # it has nothing to save, and may be waiting where it heeds no other signal
        other.join()
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _follow(place: Place, work: Callable[..., object], given: tuple[Any, ...]) -> None:
    """The life of a process that is not the first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they reach all; the first decides
        signal.signal(number, signal.SIG_IGN)
    logging.disable(logging.WARNING)  # the first has the same to say
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _join(place)
    try:
        work(*given)
    except (UserError, FloatingPointError):
        sys.exit(1)  # of what all have alike: the first says it
    distributed.destroy_process_group()


def _join(place: Place) -> None:
    loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
    os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = loopback
    torch.set_num_threads(max(1, place.threads // place.count))
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(place.rank)
        backend = "cpu:gloo,cuda:nccl"
    meeting = place.store.as_uri()
    distributed.init_process_group(
        backend, init_method=meeting, rank=place.rank, world_size=place.count, timeout=TIMEOUT
    )


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 it was spawned
    parent.join()
    os._exit(1)


def _watch(other: BaseProcess, ends: queue.SimpleQueue[str], done: threading.Event) -> None:
    """Tell how another process failed, and end this one where it does not notice: it waits for a GPU, or
    at the start. Nobody else asks for the exit code, which the system gives once."""
    other.join()
    if not (code := other.exitcode):
        return
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    ends.put(f"{other.name} {how}; {GO_ON}")
    if not done.wait(GRACE):
        print(f"error: {other.name} {how}; {GO_ON}", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(EXIT_TRY_AGAIN)


def _first(ends: queue.SimpleQueue[str]) -> str:
    """How the first process that is gone has ended, if one is."""
    try:
        return ends.get(timeout=GRACE / 2)
    except queue.Empty:
        return f"a training process has not answered for {TIMEOUT.seconds // 60} minutes; {GO_ON}"


# --- what they do together ----------------------------------------------------------------------------


def alone() -> bool:
    """Is this the only process?"""
    return not distributed.is_initialized()


def rank() -> int:
    """This process's number, from 0."""
    return 0 if alone() else distributed.get_rank()


def own_rows(splits: Mapping[str, EncodedSplit], batch: Batch) -> Batch:
    """This process's rows of a step, none of a task maybe."""
    return batch if alone() else shard(splits, batch, rank(), distributed.get_world_size())


def shard(splits: Mapping[str, EncodedSplit], batch: Batch, rank: int, count: int) -> Batch:
    """A process's rows of a step: each row, from long to short, goes where there are the fewest tokens."""
    tokens = [0] * count
    own: dict[str, list[int]] = {}
    for item in sorted(
        (i for task in batch for i in to_items(splits[task], task, batch[task])), reverse=True
    ):
        fewest = tokens.index(min(tokens))
        tokens[fewest] += item.length * item.sequences
        if fewest == rank:
            own.setdefault(item.task, []).append(item.row)
    return {task: np.array(rows) for task, rows in own.items()}


def union(keys: Sequence[Key], own: Collection[Key]) -> list[Key]:
    """Those of `keys`, the same in every process, that are in any process's `own`."""
    if alone():
        return [key for key in keys if key in own]
    found = torch.tensor([key in own for key in keys], dtype=torch.int32)
    distributed.all_reduce(found)
    return [key for key, number in zip(keys, found.tolist(), strict=True) if number]


def summed(
    own: Mapping[Key, torch.Tensor], keys: Sequence[Key], zeros: Callable[[Key], torch.Tensor]
) -> Mapping[Key, torch.Tensor]:
    """The tensors' sums over the processes, in the order of `keys`; `zeros` of a key that a process lacks."""
    if alone():
        return own
    sums = {key: own[key].contiguous() if key in own else zeros(key) for key in union(keys, own)}
    for waiting in [distributed.all_reduce(tensor, async_op=True) for tensor in sums.values()]:
        waiting.wait()
    return sums


def sum_gradients(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Sum every `.grad` over the processes; it stays None where no process has one."""
    own = {parameter: parameter.grad for parameter in parameters if parameter.grad is not None}
    for parameter, gradient in summed(own, parameters, torch.zeros_like).items():
        parameter.grad = gradient


def sum_losses(own: dict[str, float]) -> dict[str, float]:
    """Sum every process's share of each loss; all have the same keys in the same order."""
    if alone():
        return own
    values = torch.tensor(list(own.values()), dtype=torch.float64)
    distributed.all_reduce(values)
    return dict(zip(own, values.tolist(), strict=True))


def gathered(own: torch.Tensor) -> list[torch.Tensor]:
    """Every process's tensor, in the order of the processes; the first dimension may differ."""
    if alone():
        return [own]
    sizes = [torch.zeros((), dtype=torch.int64) for _ in range(distributed.get_world_size())]
    distributed.all_gather(sizes, torch.tensor(len(own)))
    padded = own.new_zeros(int(max(sizes)), *own.shape[1:])
    padded[: len(own)] = own
    parts = [torch.empty_like(padded) for _ in sizes]
    distributed.all_gather(parts, padded)
    return [part[: int(size)] for part, size in zip(parts, sizes, strict=True)]


def broadcast_from_rank_zero(compute: Callable[[], Sequence[float]], count: int) -> list[float]:
    """The `count` numbers that the first process computes, in every process."""
    if alone():
        return list(compute())
    values = torch.zeros(count, dtype=torch.float64)
    if rank() == 0:
        values = torch.tensor(compute(), dtype=torch.float64)
    distributed.broadcast(values, 0)
    found: list[float] = values.tolist()
    return found


@contextlib.contextmanager
def rank_zero_first() -> Iterator[None]:
    """The first process runs the block before the others do."""
    if not alone() and rank() > 0:
        _meet()
    yield
    if not alone() and rank() == 0:
        _meet()


def _meet() -> None:
    distributed.all_reduce(torch.zeros(1))  # not barrier(), which would open a channel between the GPUs
