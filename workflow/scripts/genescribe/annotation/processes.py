"""Where the processes that decode come from; does not import torch.

Importing torch and transformers takes seconds. Where the system can, a server process does it once, while the
process that asks for workers reads its genome, and the workers fork from the server: they are there at once,
and share what was imported.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

FORK_SERVER = "forkserver"
PRELOADED = "genescribe.annotation.predict"


def usable_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_context() -> BaseContext:
    """How workers are started."""
    # Apple's frameworks, which torch loads, do not survive a fork.
    if sys.platform == "darwin" or FORK_SERVER not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context(FORK_SERVER)
    context.set_forkserver_preload([PRELOADED])
    return context


def start_server() -> None:
    """Let the server begin its imports; workers will be wanted."""
    if process_context().get_start_method() == FORK_SERVER:
        forkserver.ensure_running()
