"""The conda environments: their form, and that they hold what the code of their rules imports."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml
from genescribe.workflow.code_files import code_files

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").iterdir())
PHASES = ("genomes", "corpus", "training", "annotation", "benchmark", "report")
# Import name -> conda package, where they differ; and what a package brings with it.
PACKAGES = {"Bio": "biopython", "markdown_it": "markdown-it-py", "torch": "pytorch-cpu"}
BRINGS = {"transformers": {"huggingface_hub", "numpy", "safetensors", "tokenizers"}}


def dependencies(name: str) -> dict[str, str]:
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    return dict(entry.split("=") for entry in content["dependencies"])


def rules() -> dict[str, str]:
    """Text of every rule of the rule files."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        parts = re.split(r"^(?:rule|use rule \w+ as) (\w+)(?: with)?:$", path.read_text(), flags=re.MULTILINE)
        found |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return found


RULES = rules()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_form(name: str) -> None:
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    assert list(content) == ["channels", "dependencies"]
    assert content["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    for entry in content["dependencies"]:
        assert re.fullmatch(r"[a-z0-9-]+=[0-9]+(\.[0-9]+)+", entry), entry


def test_every_phase_has_one() -> None:
    assert set(ENVIRONMENTS) == {*PHASES, "training-cuda", "annotation-cuda"}


@pytest.mark.parametrize("phase", ["training", "annotation"])
def test_cuda_differs_in_torch_alone(phase: str) -> None:
    cpu, cuda = dependencies(phase), dependencies(f"{phase}-cuda")
    assert cpu.pop("pytorch-cpu") == cuda.pop("pytorch-gpu")
    assert cpu == cuda


def test_one_package_has_one_version() -> None:
    versions: dict[str, set[str]] = {}
    for name in ENVIRONMENTS:
        for package, version in dependencies(name).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", RULES)
def test_rule_names_an_environment_that_has_what_it_imports(name: str) -> None:
    text = RULES[name]
    named = re.findall(r'conda:\s+f?"\.\./\.\./envs/([a-z]+)(?:\{TORCH\})?\.yaml"', text)
    if not named:
        inherited = re.search(
            rf"^use rule (\w+) as {name} with:$",
            "".join(p.read_text() for p in (ROOT / "workflow" / "rules").glob("*.smk")),
            flags=re.MULTILINE,
        )
        assert inherited is not None
        named = re.findall(r"envs/([a-z]+)", RULES[inherited.group(1)])
    assert len(named) == 1
    held = set(dependencies(named[0]))
    held |= {brought for package in held for brought in BRINGS.get(package, ())}
    entries = [
        f"genescribe.{entry}"
        for call in re.findall(r"code\(([^)]*)\)", text)
        for entry in call.split('"')[1::2]
    ]
    missing = set()
    for file in code_files(entries, ROOT / "workflow" / "scripts"):
        if file.endswith(".py"):
            missing |= {PACKAGES.get(name, name) for name in third_party(Path(file))} - held
    # Progress bars are drawn with rich where it is installed, and plain lines are printed where it is not.
    assert missing - {"rich"} == set()


def third_party(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"genescribe"}
