"""The files behind the sections: what is read, and one clear error for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from genescribe.errors import InputError
from genescribe.genomes.records import LeftOut
from genescribe.report.calibration import calibration_views
from genescribe.report.config import load_config
from genescribe.report.gene_tables import Status, read_gene_table
from genescribe.report.gffcompare import gffcompare_table
from genescribe.report.left_out import by_reason, kept_sentences
from genescribe.report.model_facts import read_model_facts
from genescribe.report.run_times import read_run_times
from genescribe.report.scores import label, order, read_score, score_table
from genescribe.report.strata import strata
from genescribe.report.training_curves import MOST_POINTS, read_metrics, stage_curves

NO_MORE: dict[str, object] = {"strata": [], "calibration": None}
TABLE = "side\tid\tkind\tlength\tclass\tpartner\n"


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_whole_configuration_is_accepted(run: Path) -> None:
    assert load_config(run / "report.json").species[0].name == "Escherichia coli"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titel": "x"}, "key titel: Extra inputs are not permitted"),
        ({"title": 3}, "key title: Input should be a valid string"),
        ({"species": []}, "key species: is empty; name at least one species"),
        ({"species": [{"name": "x"}]}, "key species.0.genome: Field required"),
        ({"model": "nowhere"}, "key model: no such folder: nowhere; make it first or leave the key out"),
        (
            {"training": [{"stage": "a", "metrics": "no.jsonl"}]},
            "key training.0.metrics: no such file: no.jsonl",
        ),
        ({"benchmarks": {"train": "no.tsv"}}, "key benchmarks.train: no such file: no.tsv"),
    ],
)
def test_a_wrong_key_is_named(
    config: dict[str, Any], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        load_config(write(tmp_path / "report.json", config | change))
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "key", ["regions", "reference", "left_out", "summary", "predictions", "gene_tables", "gffcompare"]
)
def test_every_missing_file_is_named(config: dict[str, Any], tmp_path: Path, key: str) -> None:
    absent = str(tmp_path / "absent")
    nested = isinstance(config["species"][0][key], dict)
    config["species"][0][key] = {"genescribe": absent} if nested else absent
    with pytest.raises(InputError, match=rf"key species\.0\.{key}.*: no such file: .*absent; make it first"):
        load_config(write(tmp_path / "report.json", config))


def test_no_json_names_the_line(tmp_path: Path) -> None:
    path = write(tmp_path / "report.json", '{\n "title": "x",\n}')
    with pytest.raises(InputError, match=r"report\.json:3: is not valid JSON"):
        load_config(path)
    with pytest.raises(InputError, match="no such file"):
        load_config(tmp_path / "absent.json")


def test_verdicts_of_a_table_with_quoted_names(tmp_path: Path) -> None:
    quoted = '"<a ""b"">"'
    rows = [
        f"reference\tr1\tprotein_coding\t300\twrong_start\t{quoted}",
        "reference\tr2\ttRNA\t76\tmissed\t",
        f"predicted\t{quoted}\tprotein_coding\t330\twrong_start\tr1",
        "predicted\tp2\tprotein_coding\t90\textra\t",
        "predicted\tp3\tprotein_coding\t90\tneutral\t",
    ]
    verdicts = read_gene_table(write(tmp_path / "t.tsv", TABLE + "\n".join(rows) + "\n"))
    assert verdicts.predicted == {
        '<a "b">': (Status.PARTLY, "r1"),
        "p2": (Status.EXTRA, ""),
        "p3": (Status.NOT_SCORED, ""),
    }
    # The tRNA gene is not missed: this predictor writes no RNA genes.
    assert verdicts.reference == {"r1": (Status.PARTLY, '<a "b">')}
    assert not verdicts.by_structure


def test_a_predictor_of_rna_genes_can_miss_them(tmp_path: Path) -> None:
    rows = "reference\tr2\ttRNA\t76\tmissed\t\npredicted\tp1\trRNA\t1500\textra\t\n"
    assert read_gene_table(write(tmp_path / "t.tsv", TABLE + rows)).reference == {"r2": (Status.MISSED, "")}


def test_of_two_programs_one_may_write_no_rna_genes(tmp_path: Path) -> None:
    rows = "reference\tr1\tprotein_coding\t300\tmissed\t\npredicted\tp1\ttRNA\t76\textra\t\n"
    path = write(tmp_path / "t.tsv", TABLE + rows)
    assert read_gene_table(path, is_pair=True).predicted == {}
    assert read_gene_table(path).predicted == {"p1": (Status.EXTRA, "")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("side\tid\n", "has no column kind"),
        (TABLE + "reference\tr\ttRNA\t76\tfine\t\n", r":2: unknown side or class"),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_gene_table(write(tmp_path / "t.tsv", text))


def test_predictors_are_ordered_and_named() -> None:
    names = ["dense_orf", "zcurve", "prodigal", "random_weights", "genescribe", "augustus"]
    ordered = sorted(names, key=order)
    assert ordered == ["genescribe", "augustus", "prodigal", "zcurve", "random_weights", "dense_orf"]
    assert [label(name) for name in ordered[2:4]] == ["Prodigal", "zcurve"]


def test_a_score_without_figures_shows_dashes(tmp_path: Path) -> None:
    counts = {"reference": 3, "predicted": 0, "matched": 0}
    row = {"metric": "exact", "class": "all", **counts, "precision": None, "recall": 0.0, "f1": 0.0}
    score = read_score(
        write(
            tmp_path / "s.json",
            {"predictor": "x", "reference": "r", "domain": "prokaryote", "metrics": [row], **NO_MORE},
        )
    )
    table = score_table([score])
    assert table.rows[0].figures == [["–", "0.0%", "0.0%"]]
    assert table.reference_genes == 3
    assert strata([score]).properties == []
    assert calibration_views([score]) == []


def test_verified_starts_are_shown_by_the_share_that_was_found(tmp_path: Path) -> None:
    counts = {"reference": 10, "predicted": 9, "matched": 8}
    row = {
        "metric": "verified_starts",
        "class": "all",
        **counts,
        "precision": 8 / 9,
        "recall": 0.8,
        "f1": 16 / 19,
    }
    content = {"predictor": "x", "reference": "r", "domain": "prokaryote", "metrics": [row], **NO_MORE}
    table = score_table([read_score(write(tmp_path / "s.json", content))])
    assert [column.title for column in table.columns] == ["Verified starts"]
    assert table.rows[0].figures == [["80.0%"]]


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"predictor": 3, "reference": "", "domain": "", "metrics": []}']
)
def test_no_score_file(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"s\.json"):
        read_score(write(tmp_path / "s.json", content))


def test_gffcompare_levels_without_figures_are_left_out(tmp_path: Path) -> None:
    empty = {"sensitivity": None, "precision": None}
    ran = {"program": "gffcompare", "version": "0.12.10", "reason": None,
           "levels": {"base": {"sensitivity": 90.0, "precision": None}, "intron_chain": empty}}  # fmt: skip
    table = gffcompare_table({"genescribe": write(tmp_path / "g.json", ran)})
    assert table is not None
    assert (table.program, table.levels) == ("gffcompare 0.12.10", ["Base"])
    assert table.rows == [("GeneScribe", [("90.0", "–")])]
    assert gffcompare_table({}) is None
    with pytest.raises(InputError, match="is not what"):
        gffcompare_table({"x": write(tmp_path / "h.json", {"program": "gffcompare"})})


def test_left_out_by_reason() -> None:
    rows = [LeftOut(f"p{n}", "s", n, n + 9, "+", "CDS", "pseudogene") for n in range(6)]
    rows.insert(0, LeftOut("t", "s", 0, 9, "+", "CDS", "trans_splicing"))
    reasons = by_reason(rows, None)
    assert [(reason.name, reason.count, len(reason.examples)) for reason in reasons] == [
        ("pseudogene", 6, 4),
        ("trans splicing", 1, 1),
    ]


def test_summary_in_words(tmp_path: Path) -> None:
    gffread = {"version": "0.12.7", "checked": 4241, "identical": 4238, "both_refuse": 3}
    path = write(
        tmp_path / "s.json", {"genes_by_kind": {"protein_coding": 4242, "tRNA": 86}, "gffread": gffread}
    )
    assert " ".join(kept_sentences(path)) == (
        "The whole annotation keeps 4,242 protein-coding genes and 86 tRNA genes. As a check, gffread 0.12.7 "
        "translated 4,241 proteins: 4,238 are the same as here and 3 are refused by both."
    )
    with pytest.raises(InputError, match="is no summary"):
        kept_sentences(write(tmp_path / "t.json", {}))


def test_run_times_of_repeats_and_of_short_jobs(tmp_path: Path) -> None:
    head = "s\th:m:s\tmax_rss\tcpu_time\n"
    one = write(tmp_path / "a.tsv", head + "10.0\t0:00:10\t100.0\t15.0\n20.0\t0:00:20\t300.0\t25.0\n")
    two = write(tmp_path / "b.tsv", head + "0.3\t0:00:00\t-\tNA\n")
    found = read_run_times({"b": two, "a": one})
    assert [(e.rule, e.seconds, e.cpu_seconds, e.memory, e.share) for e in found] == [
        ("a", 15.0, 20.0, 300.0, 1.0),
        ("b", 0.3, None, None, 0.02),
    ]


@pytest.mark.parametrize(("proportional", "memory"), [("250.0", 250.0), ("0.0", 300.0), ("-", 300.0)])
def test_memory_that_processes_share_counts_once(tmp_path: Path, proportional: str, memory: float) -> None:
    path = write(tmp_path / "a.tsv", f"s\tmax_rss\tmax_pss\tcpu_time\n10.0\t300.0\t{proportional}\t15.0\n")
    (found,) = read_run_times({"a": path})
    assert found.memory == memory


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n1\t2\n", "no column s"),
        ("s\tmax_rss\nx\t1\n", r":2: column s: 'x' is no number"),
        ("s\n-\n", "no number"),
    ],
)
def test_no_run_times(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_run_times({"a": write(tmp_path / "a.tsv", text)})


def test_model_facts(run: Path, tmp_path: Path) -> None:
    facts = read_model_facts(run / "model")
    assert facts.parameters == 3 * 5 + 7
    assert facts.settings == [("encoder.layers", "4"), ("introns", "False"), ("window", "6,144")]
    assert facts.calibrated_on == ["Vibrio cholerae"]
    with pytest.raises(InputError, match=r"config\.json: no such file"):
        read_model_facts(tmp_path)
    write(tmp_path / "config.json", "{")
    with pytest.raises(InputError, match=r"config\.json:1: is not valid JSON"):
        read_model_facts(tmp_path)
    write(tmp_path / "config.json", "{}")
    with pytest.raises(InputError, match=r"holds no \.safetensors file"):
        read_model_facts(tmp_path)
    write(tmp_path / "model.safetensors", "no tensors at all")
    with pytest.raises(InputError, match="is no safetensors file"):
        read_model_facts(tmp_path)


def test_a_bad_metrics_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "m.jsonl", '{"event": "train", "step": 1}\n\n[1]\n')
    with pytest.raises(InputError, match=r"m\.jsonl:3: is no JSON object"):
        read_metrics(path)
    with pytest.raises(InputError, match=r"n\.jsonl:1: is no JSON"):
        read_metrics(write(tmp_path / "n.jsonl", '{"event": "tr\n'))


def test_long_curves_are_averaged_and_not_finite_values_are_gaps(tmp_path: Path) -> None:
    count = 3 * MOST_POINTS
    lines = [
        f'{{"event": "train", "step": {n}, "bases": {n * 1000}, "token_loss": {n % 3}}}' for n in range(count)
    ]
    lines.append('{"event": "train", "step": 9, "bases": 1, "token_loss": NaN, "pointer_loss": Infinity}')
    curves = stage_curves("pretrain", read_metrics(write(tmp_path / "m.jsonl", "\n".join(lines))))
    assert [title for title, _, _ in curves.charts] == ["Gene words"]
    path = str(curves.charts[0][2]).split('class="line line-train" d="')[1].split('"')[0]
    assert path.count("L") == MOST_POINTS - 1
    # The mean of 0, 1 and 2 in every bin is a level line.
    assert len({point.split(" ")[1] for point in path.removeprefix("M").split("L")}) == 1


def test_curves_of_masked_language_modelling(tmp_path: Path) -> None:
    lines = [
        f'{{"event": "{event}", "step": {n}, "bases": {n}, "masked_loss": 1.3, "masked_accuracy": 0.375}}\n'
        for n in (1, 2)
        for event in ("train", "val")
    ]
    curves = stage_curves("masked", read_metrics(write(tmp_path / "m.jsonl", "".join(lines))))
    assert [title for title, _, _ in curves.charts] == ["Masked letters", "Masked letters right"]
    assert "37.5" in curves.charts[1][2]


def test_the_use_of_experts_is_drawn(tmp_path: Path) -> None:
    lines = [
        {"event": event, "step": step, "balance_loss": 1.5, "expert_shares": [[0.25, 0.75]]}
        | {"least_expert_share": 0.25}
        for event, step in (("train", 1), ("train", 2), ("val", 2))
    ]
    path = write(tmp_path / "m.jsonl", "\n".join(map(json.dumps, lines)))
    curves = stage_curves("x", read_metrics(path))
    assert [title for title, _, _ in curves.charts] == ["Balance of experts", "Least used expert"]
    assert "val: 25.0 at the start, 25.0 at the end" in curves.charts[1][2]


def test_curves_against_steps_where_nothing_else_is_known(tmp_path: Path) -> None:
    path = write(tmp_path / "m.jsonl", '{"event": "train", "step": 5, "learning_rate": 0.001}\n')
    curves = stage_curves("x", read_metrics(path))
    assert curves.facts == "5 steps"
    assert ">steps<" in curves.charts[0][2]
    assert stage_curves("empty", []).charts == []
