"""GeneScribe from Python: the lines of the README, and what they give."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import genescribe
import pytest
import torch
from genescribe.annotation.commands import annotate
from genescribe.errors import InputError
from genescribe.genomes.fasta import read_fasta, write_fasta
from genescribe.genomes.gff3 import read_gff3
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.model import GeneScribeConfig, GeneScribeModel

ROOT = Path(__file__).parents[2]
FASTA = "resources/genomes/escherichia_coli_k12/genome.fna.gz"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the repository after a demo run; the model's weights are random."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "resources").symlink_to(ROOT / "resources")
    torch.manual_seed(2)
    config = GeneScribeConfig(
        window=3072, width=32, heads=2, channels=16, encoder_layers=1, decoder_layers=1, potential_channels=8
    )
    GeneScribeModel(config).save_pretrained(folder / "results" / "models" / "demo" / "finetune")
    return folder


def test_the_lines_of_the_readme_print_what_the_command_writes(workplace: Path) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    body = [line for line in lines.splitlines() if line and not line.startswith(("from ", "import "))]
    assert len(body) <= 5
    run = subprocess.run(
        [sys.executable, "-c", lines], cwd=workplace, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    printed = [line.split(" ") for line in run.stdout.splitlines()]

    sequence = read_fasta(ROOT / FASTA)["NC_000913.2"].sequence[4_000_000:4_020_000]
    write_fasta(workplace / "part.fna", [("part", sequence)])
    gff3, proteins = workplace / "genes.gff3", workplace / "proteins.faa"
    annotate(workplace / "part.fna", gff3, proteins=proteins)
    genes = sorted(read_gff3(gff3).genes, key=lambda gene: (gene.start, gene.end, gene.strand, gene.kind))
    assert len(genes) >= 5
    assert sorted((int(p[0]), int(p[1]), p[2], p[3]) for p in printed) == [
        (gene.start, gene.end, gene.strand, gene.kind) for gene in genes
    ]
    assert all(0 <= float(fields[4]) <= 1 for fields in printed)
    coding = [fields[5] for fields in printed if fields[3] == PROTEIN_CODING]
    records = proteins.read_text().split(">")[1:]
    assert coding and sorted(coding) == sorted("".join(record.splitlines()[1:]) for record in records)


def test_importing_genescribe_is_light_and_offers_the_api() -> None:
    code = "import sys, genescribe; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert set(genescribe.__all__) == {"AnnotatedGene", "annotate_sequence", "load_model", "read_fasta"}
    assert all(callable(getattr(genescribe, name)) for name in genescribe.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        genescribe.nothing  # noqa: B018


def test_what_cannot_be_is_told_in_one_line(workplace: Path) -> None:
    model = genescribe.load_model(workplace / "results" / "models" / "demo" / "finetune", "cpu")
    with pytest.raises(InputError, match="the sequence is empty"):
        genescribe.annotate_sequence(model, "")
    with pytest.raises(InputError, match="not a model folder"):
        genescribe.load_model(workplace)


def test_lower_case_rna_and_short_sequences() -> None:
    model = genescribe.load_model(str(ROOT / "resources" / "models" / "prokaryotes"), "cpu")
    sequence = read_fasta(ROOT / FASTA)["NC_000913.2"].sequence[5_000:8_000]
    genes = genescribe.annotate_sequence(model, sequence)
    assert genes and genes == genescribe.annotate_sequence(model, sequence.lower().replace("t", "u"))
    for gene in genes:
        assert gene.segments[0][0] == gene.start and gene.segments[-1][1] == gene.end
        if gene.kind == PROTEIN_CODING and not gene.partial:
            assert gene.protein.startswith("M") and len(gene.protein) * 3 + 3 == gene.end - gene.start
    assert genescribe.annotate_sequence(model, "ACG") == []
