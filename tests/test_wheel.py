"""The wheel holds all that `genescribe annotate` needs, the weights included."""

from __future__ import annotations

import re
import site
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from Bio import SeqIO

ROOT = Path(__file__).resolve().parent.parent
GENOME = ROOT / "resources" / "genomes" / "escherichia_coli_k12" / "genome.fna.gz"


def run(*arguments: str | Path, folder: Path) -> str:
    result = subprocess.run(
        list(map(str, arguments)), cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the wheel in it; of this environment it sees the other packages alone."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder / "dist", ROOT, folder=folder)
    (wheel,) = (folder / "dist").glob("genescribe-*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    target = sysconfig.get_path("purelib", vars={"base": str(folder / "env")})
    run(*pip, "install", "--no-deps", "--target", target, wheel, folder=folder)
    # A folder that a .pth file names is searched, but its own .pth files, such as that of an editable
    # install of this repository, are not read.
    (Path(target) / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return python


def test_an_installed_wheel_annotates_from_any_folder(python: Path, tmp_path: Path) -> None:
    from genescribe.genomes.fasta import read_fasta

    bases = read_fasta(GENOME)["NC_000913.2"].sequence[4_000_000:4_030_000]
    (tmp_path / "genome.fna").write_text(f">piece\n{bases}\n")
    where = run(python, "-c", "import genescribe; print(genescribe.__file__)", folder=tmp_path)
    assert where.startswith(str(python.parent.parent))
    run(
        python, "-m", "genescribe", "annotate", "genome.fna",
        "--out", "genes.gff3", "--proteins", "proteins.faa", folder=tmp_path,
    )  # fmt: skip
    rows = (tmp_path / "genes.gff3").read_text().splitlines()
    # The stretch has 28 genes in the annotation of the bundled genome.
    assert 15 <= sum("\tgene\t" in row for row in rows) <= 45
    # A gene over the stretch's edge has no start codon there.
    cut = {
        match[1]
        for row in rows
        if "\tmRNA\t" in row and "partial=true" in row and (match := re.search(r"ID=([^;]+)", row))
    }
    assert len(cut) <= 2
    proteins = list(SeqIO.parse(tmp_path / "proteins.faa", "fasta"))
    whole = [protein for protein in proteins if protein.id not in cut]
    assert len(proteins) - len(whole) == len(cut)
    assert all(str(protein.seq).startswith("M") for protein in whole)
