"""Where the processes that decode come from; does not import torch.

Importing torch and transformers takes seconds. Where the system can, a server process does it once, at the
same time as the process that asks for workers, and the workers fork from the server: they are there at once,
and share what was imported.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

FORK_SERVER = "forkserver"
PRELOADED = "genescribe.annotation.workers"


def usable_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_context() -> BaseContext:
    """How workers are started."""
    if FORK_SERVER not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context(FORK_SERVER)
    context.set_forkserver_preload([PRELOADED])
    return context


def start_server(workers: int, device: str) -> None:
    """Let the server begin its imports, if workers will probably be wanted.

    Args:
        workers: as for `workers.predict_with_workers`.
        device: likewise.
    """
    wanted = device in ("auto", "cpu") and (workers or usable_cores()) > 1
    if wanted and process_context().get_start_method() == FORK_SERVER:
        forkserver.ensure_running()
