"""`genescribe convert`: what it says, and what it refuses; what it writes is tried in test_roundtrip.py."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]
ROWS = """
c gene 3 14 + . ID=g
c CDS 3 14 + 0 ID=cds-g;Parent=g
c repeat_region 1 9 + . ID=rep
m gene 1 9 + . ID=m
m CDS 1 9 + 0 ID=cds-m;Parent=m;transl_table=4
"""
FASTA = ">c\nCCATGGCTGCTTAACC\n>m\nATGTGATAA\n"


def convert(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "genescribe", "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


ROOT = Path(__file__).parents[2]


def test_the_command_of_the_page_writes_what_the_page_lists(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "formats.md").read_text()
    (command,) = re.findall(r"^    (genescribe convert (?:.*\\\n)*.*)$", page, flags=re.MULTILINE)
    words = shlex.split(command.replace("\\\n", " "))
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(r"^\| `--(\w+)` \|", page, flags=re.MULTILINE)
    assert listed == ["out", "gtf", "bed", "tsv", "proteins", "cds", "summary"]
    for option in listed:
        assert (tmp_path / words[words.index(f"--{option}") + 1]).stat().st_size > 0


@pytest.fixture
def inputs(write: Write, gff: Callable[..., str]) -> tuple[Path, Path]:
    return write(gff(ROWS), "in.gff3"), write(FASTA, "in.fna")


def test_it_says_what_is_left_out_and_uses_the_codes_of_the_annotation(
    inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    done = convert(*inputs, "--proteins", tmp_path / "p.faa")
    assert (done.returncode, done.stdout, done.stderr) == (0, "genes: 2\nleft out, not_a_gene: 1\n", "")
    assert (tmp_path / "p.faa").read_text() == (
        ">mrna-g gene=g c:3-14(+)\nMAA\n>mrna-m gene=m m:1-9(+)\nMW\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "nothing to write; give --out"),
        (["--bed", "x.bed", "--genetic-code", "11;x=4"], "there is no sequence 'x'"),
        (["--bed", "x.bed", "--genetic-code", "31"], "genetic code 31"),
    ],
)
def test_mistakes_are_one_line(
    inputs: tuple[Path, Path], tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    done = convert(*inputs, *(str(tmp_path / word) if word == "x.bed" else word for word in arguments))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("genescribe: ") and complaint in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.fna", "in.gff3"]
