"""The command line as a whole: help, completion, and what a new user does wrong."""

from __future__ import annotations

import bz2
import lzma
import os
import re
import shlex
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from genescribe import cli
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel

ROW = "c1\tx\tgene\t1\t60\t.\t+\t.\tID=g\n"
Run = Callable[[str], tuple[int, str]]
COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working directory with a genome, an annotation and a model that has learnt nothing."""
    monkeypatch.chdir(tmp_path)
    fasta = f">c1\n{'ACGTTGCA' * 300}\n"
    Path("genome.fna").write_text(fasta)
    Path("genes.gff3").write_text(f"##gff-version 3\n{ROW}")
    GeneScribeModel(
        GeneScribeConfig(window=1536, width=32, heads=2, encoder_layers=1, decoder_layers=1, channels=16)
    ).save_pretrained("model")
    Path("folder").mkdir()
    Path("folder", "letter.txt").write_text("Dear Sir\n")
    Path("past.bed").write_text("c1\t0\t9999\n")
    Path("other.bed").write_text("chr9\t0\t99\n")
    Path("genome.fna.bz2").write_bytes(bz2.compress(fasta.encode()))
    Path("genome.fna.xz").write_bytes(lzma.compress(fasta.encode()))
    Path("genome16.fna").write_text(fasta, encoding="utf-16")
    with zipfile.ZipFile("genome.zip", "w") as archive:
        archive.write("genome.fna")
    with tarfile.open("genome.tar.gz", "w:gz") as packed:
        packed.add("genome.fna")
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command line in this process: exit code and what stood on standard error."""

    def line(command: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["genescribe", *shlex.split(command)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0), capsys.readouterr().err

    return line


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("annotate genome.fna --model model --out genome.fna", "genome.fna: this file is read and would be"),
        ("annotate genome.fna --model model --out a --proteins ./a", "a: two results have this name"),
        ("annotate genome.fna --model model --out folder", "folder: this is a folder; name a file to write"),
        ("annotate genome.fna --model model --out genome.fna/a.gff3", "genome.fna: File exists; a file is"),
        ("annotate genome.zip --model model --out a", "genome.zip: this is a zip archive; unpack it"),
        ("annotate genome.fna.bz2 --model model --out a", "genome.fna.bz2: this is compressed with bzip2"),
        ("annotate genome.fna.xz --model model --out a", "genome.fna.xz: this is compressed with xz"),
        ("annotate genome.tar.gz --model model --out a", "genome.tar.gz:1: this is a tar archive; unpack it"),
        ("annotate genome16.fna --model model --out a", "genome16.fna: this is text in UTF-16; save it as"),
        (
            "annotate genome.fna --model model --out a --regions past.bed",
            "region c1:1-9999: c1 has 2400 bases; let the region end there",
        ),
        (
            "annotate genome.fna --model model --out a --regions other.bed",
            "region chr9:1-99: the genome has no such sequence (c1 ...); use its ids",
        ),
        (
            "annotate genome.fna --model model --out a --stride 100",
            "stride 100 does not fit windows of 1536: take a multiple of 12, at most 1536",
        ),
        (
            "stitch genes.gff3 --genome genome.fna --out genes.gff3",
            "genes.gff3: this file is read and would be overwritten; give the result another name",
        ),
        ("score genome.fna genes.gff3", "genome.fna:1: this looks like FASTA, not GFF3; give the annotation"),
        ("score genes.gff3 genes.gff3 --genes genes.gff3", "genes.gff3: this file is read and would be"),
        ("scoretable a.json", "a.json: no such file; `genescribe score --out` writes one"),
    ],
)
def test_mistake_is_one_line_that_says_what_to_do(command: str, message: str, here: Path, run: Run) -> None:
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    code, written = run(command)
    assert code == 2
    *progress, line = written.splitlines()
    assert line.startswith(f"genescribe: {message}")
    assert all("annotating" in one for one in progress)
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("anotate genome.fna", "No such command 'anotate'. Did you mean 'annotate'?"),
        ("annotate genome.fna", "Missing option '--out'"),
        ("annotate genome.fna --output a", "No such option: --output (Possible options: --out)"),
        ("annotate genome.fna --out a --min-score 90", "Invalid value for '--min-score'"),
    ],
)
def test_mistyped_command_line_points_to_the_help(command: str, message: str, here: Path, run: Run) -> None:
    code, written = run(command)
    assert code == 2
    assert message in written and "--help" in written


def test_folder_of_something_else_is_not_replaced(here: Path, ecoli_corpus: Path, run: Run) -> None:
    (here / "train.json").write_text('{"training": {"tokens": 1000}, "model": {"window": 1536}}')
    message = "genescribe: folder: this folder holds other things, such as letter.txt; name a new one"
    for command in (
        f"bundle --config train.json --train {ecoli_corpus} --out folder",
        f"train --config train.json --train {ecoli_corpus} --state state --out folder",
    ):
        code, written = run(command)
        assert (code, written.strip().splitlines()[-1]) == (2, message)
    assert (here / "folder" / "letter.txt").read_text() == "Dear Sir\n"


def test_without_a_command_the_commands_are_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        typer.main.get_command(cli.app)([])
    written = capsys.readouterr()
    assert "annotate" in written.out + written.err


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"version", "train"}))
def test_example_in_the_help_is_a_command_line_that_is_understood(name: str) -> None:
    text = " ".join((COMMANDS[name].help or "").split())
    example = re.search(r"Example: genescribe (\S+) (.*)$", text)
    assert example is not None and example[1] == name
    # Options and arguments are read and checked, nothing is run.
    COMMANDS[name].make_context(name, shlex.split(example[2]))


def test_completion_as_the_tutorial_installs_it(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    script = """
        genescribe --install-completion >&2
        source ~/.bash_completions/genescribe.sh
        press_tab() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _genescribe_completion genescribe
            echo "${COMPREPLY[@]}"
        }
        press_tab genescribe ann
        press_tab genescribe annotate --gen
        press_tab genescribe annotate --device c
    """
    result = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True)
    assert result.stdout.splitlines() == ["annotate", "--genetic-code", "cpu cuda"], result.stderr
