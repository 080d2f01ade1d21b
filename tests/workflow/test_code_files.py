"""Which code a rule depends on."""

from __future__ import annotations

from pathlib import Path

import pytest
from genescribe.workflow.code_files import code_files


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of two folders, whose commands import inside functions."""
    files = {
        "__init__.py": "",
        "errors.py": "",
        "bench/__init__.py": "",
        "bench/commands.py": (
            "import json\n"
            "if TYPE_CHECKING:\n    from genescribe.bench import unused\n"
            "from genescribe.errors import Wrong\n"
            "def score():\n    from genescribe.bench import scorer\n"
            "def predict():\n    import genescribe.bench.predictor\n    _load()\n"
            "def _load():\n    from genescribe.files import read\n"
            "def _write():\n    from genescribe.bench import scorer\n"
        ),
        "bench/scorer.py": "import pandas\nfrom genescribe.files import read\n",
        "bench/predictor.py": "",
        "bench/page.css": "",
        "bench/unused.py": "from genescribe.bench import scorer\n",
        "files.py": "import genescribe.errors\n",
    }
    for name, text in files.items():
        path = tmp_path / "genescribe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def names(entry: str, package: Path) -> list[str]:
    return [str(Path(file).relative_to(package / "genescribe")) for file in code_files([entry], package)]


def test_module_brings_all_that_it_imports(package: Path) -> None:
    assert names("genescribe.bench.scorer", package) == [
        "__init__.py",
        "bench/__init__.py",
        "bench/page.css",
        "bench/scorer.py",
        "errors.py",
        "files.py",
    ]


def test_command_brings_what_it_and_its_helpers_import(package: Path) -> None:
    assert names("genescribe.bench.commands:predict", package) == [
        "__init__.py",
        "bench/__init__.py",
        "bench/commands.py",
        "bench/page.css",
        "bench/predictor.py",
        "errors.py",
        "files.py",
    ]


def test_several_entries_are_joined(package: Path) -> None:
    entries = ["genescribe.bench.predictor", "genescribe.bench.scorer"]
    assert set(code_files(entries, package)) == {
        str(package / "genescribe" / name)
        for name in (
            "__init__.py",
            "bench/__init__.py",
            "bench/page.css",
            "bench/predictor.py",
            "bench/scorer.py",
            "errors.py",
            "files.py",
        )
    }


@pytest.mark.parametrize("entry", ["genescribe.nothing", "genescribe.bench.commands:_load"])
def test_unknown_entry(entry: str, package: Path) -> None:
    with pytest.raises(ValueError, match="there is no"):
        code_files([entry], package)


def test_training_reads_no_torch_free_phase_and_no_command_line(root: Path) -> None:
    files = code_files(["genescribe.training.__main__"], root / "workflow" / "scripts")
    folders = {Path(file).parent.name for file in files}
    assert {"training", "model", "corpus", "language"} <= folders
    assert not folders & {"benchmark", "report", "annotation", "workflow"}
    assert not [file for file in files if file.endswith(("cli.py", "commands.py"))]
