"""The pages of the tutorial: their commands are run as they stand, on 100 kb of the bundled *E. coli*."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from genescribe.language import vocabulary
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "tutorial"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)")
LENGTH, WHOLE = 100_000, 4_639_675
REGION = re.compile(r"(NC_000913\.2:)(\d+)-(\d+)")
TINY = {
    "tokens": 1600,
    "batch_tokens": 768,
    "warmup_tokens": 0,
    "validate_every_tokens": 800,
    "threads": 1,
    "width": 32,
    "heads": 2,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "chunks": 1,
    "controls": "[dense_orf]",
}
"""What configurations say in the copy, so that training takes seconds."""

Run = Callable[[str], str]


def scaled(text: str) -> str:
    """Regions of the bundled genome, moved to where they lie in the piece that is cut from it."""

    def move(region: re.Match[str]) -> str:
        first, last = int(region[2]), int(region[3])
        return f"{region[1]}{(first - 1) * LENGTH // WHOLE + 1}-{last * LENGTH // WHOLE}"

    return REGION.sub(move, text)


def shortened(text: str) -> str:
    """A configuration, or commands that write one, with the values of `TINY`."""
    for key, value in TINY.items():
        text = re.sub(rf"^( *{key}:).*$", rf"\1 {value}", text, flags=re.MULTILINE)
    return text


def small_weights(folder: Path) -> None:
    """A model that has learnt nothing, and is not silent."""
    torch.manual_seed(3)
    config = GeneScribeConfig(window=9216, width=32, heads=2, encoder_layers=1, decoder_layers=1, channels=16)
    model = GeneScribeModel(config)
    with torch.no_grad():
        model.token_head.bias[vocabulary.EOS] -= 4
        model.token_head.bias[vocabulary.KIND_TOKEN["protein_coding"]] += 3
    model.save_pretrained(folder)


@pytest.fixture
def house(
    checkout: Path, tmp_path: Path, ncbi: Any, bundled_stretch: Callable[[int], tuple[bytes, bytes]]
) -> Path:
    """A copy of the repository with small genomes, that asks a loopback server instead of NCBI.

    Its weights are those that come with GeneScribe, or random ones where there are none.
    """
    folder = tmp_path / "genescribe"
    shutil.copytree(checkout, folder, symlinks=True, ignore=shutil.ignore_patterns(".snakemake", "results"))
    (folder / "resources").unlink()
    weights = folder / "resources" / "models" / "prokaryotes"
    shipped = ROOT / "resources" / "models" / "prokaryotes"
    if (shipped / "config.json").is_file():
        shutil.copytree(shipped, weights)
    else:
        small_weights(weights)
    genome = folder / "resources" / "genomes" / "escherichia_coli_k12"
    genome.mkdir(parents=True)
    fasta, gff = bundled_stretch(LENGTH)
    # The reader tells compression by content.
    (genome / "genome.fna.gz").write_bytes(fasta)
    (genome / "annotation.gff3.gz").write_bytes(gff)
    ncbi.files["GCF_000009045.1"] = {"a_genomic.fna": fasta, "genomic.gff": gff}
    for path in (
        folder / "workflow/scripts/genescribe/genomes/ncbi.py",
        folder / "config/config.yaml",
    ):
        text = path.read_text()
        assert "https://api.ncbi.nlm.nih.gov/datasets/v2" in text
        path.write_text(text.replace("https://api.ncbi.nlm.nih.gov/datasets/v2", ncbi.api))
    for table in (folder / "config").glob("*.tsv"):
        table.write_text(scaled(table.read_text()))
    # Jobs of this size are done before Snakemake would ask for the first time.
    with (folder / "profiles/slurm/config.yaml").open("a") as profile:
        profile.write("slurm-init-seconds-before-status-checks: 2\n")
    for settings in (folder / "config").glob("*.yaml"):
        settings.write_text(shortened(settings.read_text()))
    return folder


@pytest.fixture
def run(house: Path, tmp_path: Path) -> Run:
    """Run every bash block of a page, in order; what they write to standard output."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(house / "workflow" / "scripts"),
        "HOME": str(tmp_path),
    }

    def page(name: str) -> str:
        blocks = BLOCK.findall((PAGES / name).read_text())
        assert blocks
        written = ""
        for block in blocks:
            result = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", shortened(scaled(block))],
                cwd=house,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            assert result.returncode == 0, f"{block}\n{result.stdout}\n{result.stderr}"
            written += result.stdout
        return written

    return page


def genes(path: Path) -> int:
    """Number of genes in a GFF3."""
    return path.read_text().count("\tgene\t")


def test_every_page_is_run() -> None:
    pages = {page.name for page in PAGES.glob("*.md")}
    assert pages == {"README.md", "annotate.md", "species.md", "cluster.md", "report.md"}
    contents = (PAGES / "README.md").read_text()
    assert all(f"]({page})" in contents for page in pages - {"README.md"})


@pytest.mark.parametrize(
    "page", [*sorted(PAGES.glob("*.md")), ROOT / "config/README.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_contents_page(run: Run) -> None:
    written = run("README.md")
    assert "--genetic-code" in written and "pretrain_all" in written


def test_annotate_page(run: Run, house: Path, ncbi: Any) -> None:
    written = run("annotate.md")
    assert genes(house / "ecoli.gff3") >= 5
    assert genes(house / "part.gff3") >= 3
    for name in (
        "part.faa",
        "part.ffn",
        "part.gtf",
        "verdicts.tsv",
        "genomes/bacillus_subtilis/annotation.gff3",
    ):
        assert (house / name).stat().st_size > 0, name
    # The same sequence under another name gives the same genes.
    assert genes(house / "bacillus.gff3") == genes(house / "ecoli.gff3")
    assert len(ncbi.downloads) == 1
    assert "Exact" in written


@pytest.mark.slow
def test_species_page(run: Run, house: Path) -> None:
    written = run("species.md")
    for program in ("genescribe", "augustus", "prodigal", "before"):
        assert re.search(rf"\b{program}\b", written, re.IGNORECASE), program
    models = house / "results" / "models" / "my_clade"
    assert (models / "finetune" / "calibration.json").is_file()
    assert not (models / "pretrain").exists()
    assert (house / "relative.gff3").read_text().startswith("##gff-version 3")


@pytest.mark.slow
def test_report_page(run: Run, house: Path) -> None:
    written = run("report.md")
    assert "<html" in (house / "results/report/demo.html").read_text()
    assert "augustus" in written.lower()


def answers() -> bool:
    """Whether there is a Slurm cluster here."""
    return (
        shutil.which("sinfo") is not None and subprocess.run(["sinfo"], capture_output=True).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.skipif(not answers(), reason="no Slurm answers; scripts/slurm_on_loopback.sh starts one")
def test_cluster_page(run: Run, house: Path) -> None:
    run("cluster.md")
    assert "<html" in (house / "results/report/demo.html").read_text()
    logs = "".join(path.read_text() for path in (house / ".snakemake" / "log").iterdir())
    jobs = set(re.findall(r"submitted with SLURM jobid \d+ \(log: \S*/rule_(\w+?)/", logs))
    assert {"train", "predict", "augustus", "score"} <= jobs
