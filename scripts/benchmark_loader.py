"""How fast windows are read, beside how fast the model consumes them, on this machine.

python scripts/benchmark_loader.py --corpus results/corpus/demo/pretrain/train --workers 0 1 2
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch
from genescribe.corpus.reader import WindowSampler
from genescribe.corpus.store import Corpus
from genescribe.model import GeneScribeConfig, GeneScribeModel
from genescribe.model.generation import is_fast_in_bfloat16
from genescribe.training.batches import denominators, training_batches
from genescribe.training.config import TrainingConfig
from genescribe.training.optimizers import make_optimizers
from genescribe.training.state import Position
from torch import Tensor

Consume = Callable[[dict[str, Tensor]], None]


def windows_per_second(
    batches: int, config: TrainingConfig, sampler: WindowSampler, consume: Consume
) -> float:
    """Windows per second over `batches` batches, after two that are not counted."""
    patch = GeneScribeConfig().patch
    began, windows = 0.0, 0
    for number, batch in enumerate(islice(training_batches(config, sampler, Position(), patch), batches + 2)):
        if number == 2:
            began, windows = time.perf_counter(), 0
        consume(batch)
        windows += len(batch["valid"])
    return windows / (time.perf_counter() - began)


def model_step(config: TrainingConfig, device: str) -> Consume:
    """One training step of the model that ships, as the training loop does it."""
    torch.manual_seed(0)
    model = GeneScribeModel(GeneScribeConfig()).train()
    torch.nn.Module.to(model, torch.device(device))
    optimizers = make_optimizers(model, config)

    def step(batch: dict[str, Tensor]) -> None:
        counts = denominators(batch)
        with torch.autocast(device, torch.bfloat16, enabled=is_fast_in_bfloat16(torch.device(device))):
            losses = model(**{name: tensor.to(device) for name, tensor in batch.items()})
        total = sum(getattr(losses, name) / max(count, 1.0) for name, count in counts.items())
        total.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of shards")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[0, 1, 2], help="numbers of processes to try"
    )
    parser.add_argument("--windows", type=int, default=4, help="windows in a batch")
    parser.add_argument("--batches", type=int, default=400, help="batches read for each figure")
    parser.add_argument("--steps", type=int, default=20, help="steps of the model")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 for its default")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    shape = GeneScribeConfig()
    tokens = options.windows * shape.window // shape.patch

    def settings(workers: int) -> TrainingConfig:
        return TrainingConfig(tokens=1, batch_tokens=tokens, workers=workers)

    sampler = WindowSampler(Corpus.open(options.corpus), shape.window, options.windows, seed=0)
    consumed = windows_per_second(
        options.steps, settings(0), sampler, model_step(settings(0), options.device)
    )
    sys.stdout.write(
        f"windows of {shape.window} bases, {options.windows} a batch, {torch.get_num_threads()} threads\n"
    )
    sys.stdout.write(f"model, training on {options.device}: {consumed:.1f} windows/s\n")
    for workers in options.workers:
        read = windows_per_second(options.batches, settings(workers), sampler, lambda batch: None)
        sys.stdout.write(
            f"loader, {workers} workers: {read:.0f} windows/s, {read / consumed:.0f} times as many\n"
        )


if __name__ == "__main__":
    main()
