#!/usr/bin/env python3
"""Measure DNABERT-2 with its 117 million parameters against the matmul peak of this machine.

Inference gives the states of the last layer; training is a whole step of masked language modelling: forward,
backward, clipping, AdamW, in bfloat16 by autocast where the device multiplies that fast. Weights and tokens
are random; speed and memory do not depend on them. Peak and FLOPs are as in `benchmark_speed.py`. Each
measurement has a process of its own and tells its peak memory: of the process on a CPU, of tensors on a GPU.

Example: python scripts/benchmark_dnabert2.py --device cpu --threads 1 --page docs/dnabert2.md
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from benchmark_speed import Clock, flops, matmul_peak, peak_memory, write_between_marks
from genescribe.annotation.predict import choose_device
from genescribe.model.dnabert2 import IGNORED_LABEL, DnaBert2Config, DnaBert2ForMaskedLM
from genescribe.model.generation import is_fast_in_bfloat16
from torch import Tensor

MASKED_FRACTION = 0.15


@dataclass(frozen=True)
class Shape:
    """What is measured: rows of so many tokens, in inference or in training."""

    rows: int
    tokens: int
    training: bool


SHAPES = (
    Shape(8, 512, training=False),
    Shape(1, 4096, training=False),
    Shape(8, 512, training=True),
    Shape(1, 4096, training=True),
)


@dataclass(frozen=True)
class Measured:
    """The result for a shape."""

    shape: Shape
    device: str
    bfloat16: bool
    parameters: int
    peak_gflops: float
    tokens_per_second: float
    share_of_peak: float
    peak_memory_gb: float


def measure(shape: Shape, device_name: str, threads: int, repeats: int) -> Measured:
    """Measure one shape, in a process that has done nothing else."""
    device = choose_device(device_name)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    lower = is_fast_in_bfloat16(device)
    config = DnaBert2Config()
    model = DnaBert2ForMaskedLM(config).to(device).train(shape.training)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.randint(5, config.vocab_size, (shape.rows, shape.tokens), device=device)
    labels = ids.masked_fill(torch.rand(ids.shape, device=device) > MASKED_FRACTION, IGNORED_LABEL)

    def autocast() -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=lower)

    def forward() -> Tensor:
        with autocast():
            loss: Tensor = model(ids, labels=labels).loss
        return loss

    def step() -> None:
        forward().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def states() -> None:
        with torch.inference_mode(), autocast():
            model.bert(ids)

    call: Callable[[], None] = step if shape.training else states
    clock = Clock(threads, repeats, device)
    seconds = clock.best(call)
    memory = torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else peak_memory()
    # Counted and compared last: matrices of the peak are no memory of the model.
    work = 3 * flops(forward) if shape.training else flops(states)
    peak = matmul_peak(clock, torch.bfloat16 if lower else torch.float32)
    return Measured(
        shape,
        torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        lower,
        sum(parameter.numel() for parameter in model.parameters()),
        peak / 1e9,
        shape.rows * shape.tokens / seconds,
        work / seconds / peak,
        memory,
    )


def table(results: list[Measured], threads: int) -> str:
    """The results as Markdown."""
    first = results[0]
    where = (
        f"{threads} thread{'s' if threads > 1 else ''} of a CPU" if first.device == "cpu" else first.device
    )
    lines = [
        f"{first.parameters / 1e6:.1f} million parameters on {where}, torch {torch.__version__}; best square "
        f"matmul in {'bfloat16' if first.bfloat16 else 'float32'}: "
        f"{max(one.peak_gflops for one in results):,.0f} GFLOP/s.",
        "",
        "| What | Rows x tokens | Tokens/s | Share of peak | Peak memory, GB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for one in results:
        name = "Training" if one.shape.training else "Inference"
        lines.append(
            f"| {name} | {one.shape.rows} x {one.shape.tokens:,} "
            f"| {one.tokens_per_second:,.0f} | {one.share_of_peak:.0%} | {one.peak_memory_gb:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="JSON to write")
    parser.add_argument("--page", type=Path, help="Markdown page to write the table into, between its marks")
    arguments = parser.parse_args()
    results = []
    for shape in SHAPES:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            call = pool.submit(measure, shape, arguments.device, arguments.threads, arguments.repeats)
            results.append(call.result())
    text = table(results, arguments.threads)
    print(text)  # noqa: T201
    if arguments.json is not None:
        arguments.json.write_text(
            json.dumps([asdict(one) for one in results], indent=1) + "\n", encoding="utf-8"
        )
    if arguments.page is not None:
        kind = "cpu" if results[0].device == "cpu" else "cuda"
        write_between_marks(arguments.page, f"dnabert2-{kind}", text)


if __name__ == "__main__":
    main()
