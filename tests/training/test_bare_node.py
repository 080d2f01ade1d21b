"""A GPU node: one folder, and python with torch, transformers, accelerate, safetensors and numpy alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import torch
from genescribe.annotation.predict import load_model
from genescribe.errors import InputError
from genescribe.training.bundle import bundle
from packaging.requirements import Requirement

THERE = ("torch", "transformers", "accelerate", "safetensors", "numpy")
NOT_THERE = ("pandas", "Bio", "pybedtools", "pyrodigal", "snakemake", "jsonschema", "hypothesis", "pytest")


@pytest.fixture(scope="session")
def bare_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of links to the five distributions and what they declare to need, and to nothing else."""
    site = tmp_path_factory.mktemp("site")
    waiting, found = list(THERE), set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found.add(name)
        try:
            here = distribution(name)
        except PackageNotFoundError:
            assert name not in THERE
            continue
        for file in here.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(Path(str(here.locate_file(top))))
        requirements = map(Requirement, here.requires or ())
        waiting += [
            one.name for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
    return site


def on_the_node(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run with no site-packages but those of the node, and with no variable of this process."""
    python = folder.parent / "python3"
    # -S: no site-packages; the node's folder is added instead, as an installation would have it.
    python.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{site}" exec {sys.executable} -S -s "$@"\n')
    python.chmod(0o755)
    return subprocess.run(
        command,
        cwd=folder.parent,
        env={"PATH": f"{python.parent}:/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def settings(folder: Path, **training: object) -> Path:
    path = folder / "settings.json"
    values = {
        "tokens": 6 * 128, "batch_tokens": 128, "threads": 1, "workers": 1, "ema_decay": 0.9,
        "validate_every_tokens": 3 * 128, "validation_windows": 4, **training,
    }  # fmt: skip
    sizes = {"width": 96, "heads": 2, "channels": 16, "encoder_layers": 3, "decoder_layers": 1}
    model = {"window": 1536, "potential_channels": 24, **sizes}
    path.write_text(json.dumps({"training": values, "model": model}))
    return path


def test_the_node_lacks_what_it_should_lack(bare_site: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from importlib.util import find_spec;"
        "sys.stdout.write(' '.join(name for name in sys.argv[1:] if find_spec(name)))"
    )
    (tmp_path / "x").mkdir()
    run = on_the_node(bare_site, tmp_path / "x", "python3", "-c", code, *NOT_THERE, *THERE, "genescribe")
    assert run.stdout.split() == list(THERE), run.stderr


def test_one_folder_trains_on_a_bare_node_goes_on_elsewhere_and_is_brought_back_in_pieces(
    bare_site: Path, ecoli_corpus: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "here" / "run", tmp_path / "elsewhere" / "run"
    config = settings(tmp_path)
    bundle(config, ecoli_corpus, ecoli_corpus, None, first, pieces_mib=2)
    run = on_the_node(bare_site, first, "sh", "-c", "cd run && sha256sum --check --quiet SHA256SUMS")
    assert run.returncode == 0, run.stdout + run.stderr

    # The time limit does not belong to what determines the result.
    limited = json.loads((first / "config.json").read_text())
    limited["training"]["max_seconds"] = 1e-9
    whole = (first / "config.json").read_text()
    (first / "config.json").write_text(json.dumps(limited))
    run = on_the_node(bare_site, first, "sh", "run/run.sh", "--device", "cpu")
    assert run.returncode == 75, run.stderr
    assert not (first / "model").exists()

    (first / "config.json").write_text(whole)
    second.parent.mkdir()
    first.rename(second)
    run = on_the_node(bare_site, second, "sh", "run/run.sh", "--device", "cpu")
    assert run.returncode == 0, run.stderr
    assert "continuing at step 1" in run.stderr

    for made, most in (("state", 4), ("model", 2)):
        files = list((second / made).rglob("*.safetensors"))
        assert len(files) >= most
        assert max(file.stat().st_size for file in files) <= 2 * 2**20
    model = load_model(second / "model", torch.device("cpu"))
    assert model.config.window == 1536
    metrics = [json.loads(line) for line in (second / "model" / "metrics.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in metrics if entry["event"] == "train"] == [1, 2, 3, 4, 5, 6]

    # Fine-tuning starts from the pieces, on the node as well.
    tuned = tmp_path / "tuned" / "run"
    only = tmp_path / "tuned.json"
    only.write_text(json.dumps({"training": {"tokens": 128, "batch_tokens": 128, "threads": 1}}))
    bundle(only, ecoli_corpus, None, second / "model", tuned, pieces_mib=0)
    run = on_the_node(bare_site, tuned, "sh", "run/run.sh", "--device", "cpu")
    assert run.returncode == 0, run.stderr
    card = (tuned / "model" / "README.md").read_text()
    assert "1. Up to 768 tokens of ecoli" in card and "2. Up to 128 tokens of the same genomes" in card


def test_same_inputs_give_the_same_folder(ecoli_corpus: Path, tmp_path: Path) -> None:
    config = settings(tmp_path)
    sums = []
    for name in ("a", "b"):
        bundle(config, ecoli_corpus, ecoli_corpus, None, tmp_path / name, pieces_mib=15)
        sums.append((tmp_path / name / "SHA256SUMS").read_text())
    assert sums[0] == sums[1]
    names = {line.split("  ")[1] for line in sums[0].splitlines()}
    files = {
        file.relative_to(tmp_path / "a").as_posix() for file in (tmp_path / "a").rglob("*") if file.is_file()
    }
    assert names == files - {"SHA256SUMS"}
    assert not any(
        name.startswith(("genescribe/benchmark", "genescribe/report", "genescribe/cli")) for name in names
    )


def test_what_would_fail_there_is_told_here(ecoli_corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown key training"):
        bundle(settings(tmp_path, wrong=1), ecoli_corpus, None, None, tmp_path / "out", 0)
    with pytest.raises(InputError, match="not a model folder"):
        bundle(settings(tmp_path), ecoli_corpus, None, tmp_path, tmp_path / "out", 0)
    assert not (tmp_path / "out").exists()
