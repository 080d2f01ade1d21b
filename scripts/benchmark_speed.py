"""Measure training, encoding and decoding of the compact model against the matmul peak of this machine.

The peak is the best square matmul of the same run and threads, in bfloat16 or float32, whichever is faster:
in that precision the model is measured too. FLOPs are those of matrix products
and convolutions (torch's FlopCounterMode), forward x 3 for training. Times are the best of several repeats;
on one thread, processor time, so that other work on the machine matters less.

Example: python scripts/benchmark_speed.py --model results/models/demo/finetune
    --genome results/genomes/Escherichia_coli_K12 --threads 1 --json speed.json
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from genescribe.annotation.predict import load_model, predict
from genescribe.annotation.target import read_target
from genescribe.annotation.tiling import tile
from genescribe.genomes.regions import Region
from genescribe.language import vocabulary
from genescribe.model.configuration import FRAME_CLASSES, GeneScribeConfig
from genescribe.model.generation import encode_windows, is_fast_in_bfloat16
from genescribe.model.modeling import GeneScribeModel, Losses
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

GENES_PER_WINDOW = 6
CPU = torch.device("cpu")


class Clock:
    """Times calls: processor time on one CPU thread, else the time on the wall."""

    def __init__(self, threads: int, repeats: int, device: torch.device = CPU) -> None:
        is_one_thread = threads == 1 and device.type == "cpu"
        self.read = time.process_time if is_one_thread else time.perf_counter
        self.repeats = repeats
        self.device = device

    def once(self, call: Callable[[], object]) -> float:
        """Seconds of one call."""
        began = self.read()
        call()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return self.read() - began

    def best(self, call: Callable[[], object]) -> float:
        """Seconds of the fastest of several calls after one that warms up."""
        call()
        return min(self.once(call) for _ in range(self.repeats))


def matmul_peak(clock: Clock, kind: torch.dtype) -> float:
    """FLOP/s of the best square matmul."""
    best = 0.0
    for size in (1024, 2048) if clock.device.type == "cpu" else (4096, 8192):
        left, right = (torch.randn(size, size, device=clock.device).to(kind) for _ in range(2))
        seconds = clock.best(lambda a=left, b=right: a @ b)  # type: ignore[misc]
        best = max(best, 2 * size**3 / seconds)
    return best


def flops(call: Callable[[], object]) -> int:
    """FLOPs of the matrix products and convolutions of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())


def training_batch(config: GeneScribeConfig, windows: int) -> dict[str, Tensor]:
    """A batch with the shapes of bacterial DNA: random bases, six genes in each window."""
    generator = torch.Generator().manual_seed(0)
    shape = (windows, config.window)
    gene = [vocabulary.PLUS, vocabulary.FIRST_KIND, vocabulary.LEFT, vocabulary.RIGHT, vocabulary.END]
    tokens = [vocabulary.BOS, *gene * GENES_PER_WINDOW, vocabulary.EOS]
    ends = torch.arange(2 * GENES_PER_WINDOW) * (config.window // (2 * GENES_PER_WINDOW))
    positions = torch.full((len(tokens),), vocabulary.NO_POSITION)
    positions[[index for index, token in enumerate(tokens) if token in gene[2:4]]] = ends
    return {
        "codes": torch.randint(0, 4, shape, generator=generator).to(torch.uint8),
        "tokens": torch.tensor([tokens] * windows),
        "positions": positions.repeat(windows, 1),
        "frame_class": torch.randint(0, len(FRAME_CLASSES), shape, generator=generator).to(torch.int8),
        "boundary": torch.zeros(shape, dtype=torch.uint8),
        "loss_mask": torch.ones(shape, dtype=torch.bool),
    }


def peak_memory() -> float:
    """Most memory that the process has held so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure_training(clock: Clock, peak: float, windows: int, rows: int) -> dict[str, Any]:
    """Whole steps: forward, backward, clipping, AdamW."""
    config = GeneScribeConfig()
    torch.manual_seed(0)
    model = GeneScribeModel(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    batch = training_batch(config, windows)

    def forward() -> Losses:
        with torch.autocast("cpu", torch.bfloat16, enabled=is_fast_in_bfloat16(CPU)):
            losses: Losses = model(**batch)
        return losses

    def step() -> None:
        losses = forward()
        total = losses.token / losses.tokens + losses.pointer / losses.pointers
        total = total + (losses.frame + losses.boundary) / losses.bases
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    seconds, work = clock.best(step), 3 * flops(forward)
    bases = windows * config.window
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    return {
        "windows": windows,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "seconds_per_step": seconds,
        "bases_per_second": bases / seconds,
        "tokens_per_second": bases / config.patch / seconds,
        "gflop_per_step": work / 1e9,
        "share_of_peak": work / seconds / peak,
        "peak_memory_gb": peak_memory(),
        "profile": largest_parts(profiler, rows),
    }


def largest_parts(profiler: profile, rows: int) -> dict[str, float]:
    """Share of the time of the operators that take most of it."""
    times = {str(event.key): float(event.self_cpu_time_total) for event in profiler.key_averages()}
    ranked = sorted(times.items(), key=lambda item: -item[1])[:rows]
    return {name: seconds / sum(times.values()) for name, seconds in ranked}


def measure_encoding(clock: Clock, peak: float, windows: int) -> dict[str, Any]:
    """Encoding as annotation does it."""
    config = GeneScribeConfig()
    model = GeneScribeModel(config).eval()
    codes = training_batch(config, windows)["codes"].numpy()

    def encode() -> object:
        return encode_windows(model, codes, [config.window] * windows)

    seconds, work, bases = clock.best(encode), flops(encode), windows * config.window
    return {
        "bases_per_second": bases / seconds,
        "tokens_per_second": bases / config.patch / seconds,
        "share_of_peak": work / seconds / peak,
    }


def measure_annotation(clock: Clock, folder: Path, genome: Path, lengths: list[int]) -> dict[str, Any]:
    """Windows at a stride of a half from encoding to genes, for stretches of a genome of several lengths."""
    model = load_model(folder, CPU)
    target = read_target(genome)
    seqid = next(iter(target.sequences))
    speeds: dict[str, float] = {}
    encoding = 0.0
    for length in lengths:
        size = min(length, len(target.sequences[seqid]))
        windows = tile(target.sequences, target.circular, model.config.window, None, [Region(seqid, 0, size)])

        def annotate(windows: list[Any] = windows) -> None:
            for _ in predict(model, target.sequences, target.genetic_codes, windows, batch=16):
                pass

        seconds = clock.once(annotate)
        speeds[str(size)] = size / seconds
        codes = np.zeros((len(windows), model.config.window), dtype=np.uint8)
        encoding = clock.once(lambda c=codes: encode_windows(model, c[:16], [c.shape[1]] * min(16, len(c))))  # type: ignore[misc]
        encoding *= len(windows) / min(16, len(windows)) / seconds
    return {
        "genome_bases_per_second_by_length": speeds,
        "share_of_encoding": encoding,
        "decoding_genome_bases_per_second": size / (seconds * (1 - encoding)),
        "peak_memory_gb": peak_memory(),
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    training, encoding, annotation = result["training"], result["encoding"], result.get("annotation")
    lines = [
        f"Threads: {result['threads']}; best square matmul: {result['peak_gflops_bfloat16']:,.0f} GFLOP/s in "
        f"bfloat16, {result['peak_gflops_float32']:.0f} in float32; torch {result['torch']}.",
        "",
        "| What | Bases/s | Tokens/s | Share of peak |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in (("Training", training), ("Encoding (inference)", encoding)):
        lines.append(
            f"| {name} | {row['bases_per_second']:,.0f} | {row['tokens_per_second']:,.0f} "
            f"| {row['share_of_peak']:.0%} |"
        )
    if annotation:
        for length, speed in annotation["genome_bases_per_second_by_length"].items():
            lines.append(
                f"| Annotation of {int(length):,} bases of genome, stride a half | {speed:,.0f} | | |"
            )
        lines.append(f"| Of it decoding alone | {annotation['decoding_genome_bases_per_second']:,.0f} | | |")
        lines += ["", f"Peak memory of annotation: {annotation['peak_memory_gb']:.2f} GB."]
    lines += ["", f"Peak memory of training ({training['windows']} windows a batch): "
              f"{training['peak_memory_gb']:.2f} GB.", "", "Where a training step goes:", ""]  # fmt: skip
    lines += [f"- {share:.0%} `{name}`" for name, share in training["profile"].items()]
    return "\n".join(lines) + "\n"


def write_between_marks(page: Path, name: str, text: str) -> None:
    """Replace what stands between the marks of this name in a page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    whole = page.read_text(encoding="utf-8")
    if begin not in whole or end not in whole:
        raise SystemExit(f"{page}: has no {begin} ... {end}")
    before, _, rest = whole.partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="model folder to annotate with")
    parser.add_argument("--genome", type=Path, help="genome to annotate, as `genescribe annotate` takes it")
    parser.add_argument("--lengths", type=int, nargs="+", default=[100_000, 200_000, 400_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--windows", type=int, default=8, help="windows in a training batch")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=12, help="lines of the profile")
    parser.add_argument("--json", type=Path, help="JSON to write")
    parser.add_argument("--page", type=Path, help="Markdown page to write the table into, between its marks")
    parser.add_argument("--machine", default="bf16", help="name of the marks in the page")
    arguments = parser.parse_args()
    if (arguments.model is None) != (arguments.genome is None):
        parser.error("--model and --genome belong together")

    torch.set_num_threads(arguments.threads)
    clock = Clock(arguments.threads, arguments.repeats)
    peaks = {kind: matmul_peak(clock, kind) for kind in (torch.bfloat16, torch.float32)}
    peak = max(peaks.values())
    result: dict[str, Any] = {
        "torch": torch.__version__,
        "threads": arguments.threads,
        "peak_gflops_bfloat16": peaks[torch.bfloat16] / 1e9,
        "peak_gflops_float32": peaks[torch.float32] / 1e9,
    }
    # Training last: the memory of a process is the most that it ever held.
    if arguments.model is not None:
        result["annotation"] = measure_annotation(clock, arguments.model, arguments.genome, arguments.lengths)
    result["encoding"] = measure_encoding(clock, peak, arguments.windows)
    result["training"] = measure_training(clock, peak, arguments.windows, arguments.rows)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if arguments.page is not None:
        write_between_marks(arguments.page, arguments.machine, table(result))


if __name__ == "__main__":
    main()
