"""bedtools agrees with counting bases one by one."""

from __future__ import annotations

import pytest
from genescribe.benchmark.intervals import Interval, Shared, shared_bases, union
from genescribe.errors import InputError
from hypothesis import given, settings
from hypothesis import strategies as st

intervals = st.lists(
    st.builds(
        lambda seqid, start, length, name, strand: Interval(seqid, start, start + length, name, strand),
        st.sampled_from(["a|b.1", "c"]),
        st.integers(0, 40),
        st.integers(1, 20),
        st.integers(0, 2),
        st.sampled_from("+-"),
    ),
    max_size=20,
)


def positions(rows: list[Interval]) -> set[tuple[str, str, int]]:
    return {(row.seqid, row.strand, base) for row in rows for base in range(row.start, row.end)}


@settings(max_examples=8, deadline=None)
@given(intervals)
def test_union_covers_each_base_once(rows: list[Interval]) -> None:
    merged = union(rows)
    assert positions(merged) == positions(rows)
    assert sum(row.end - row.start for row in merged) == len(positions(rows))


@settings(max_examples=8, deadline=None)
@given(intervals, intervals)
def test_shared_bases_are_those_in_both(one: list[Interval], two: list[Interval]) -> None:
    expected: dict[tuple[int, int], int] = {}
    for first in one:
        for second in two:
            both = len(positions([first]) & positions([second]))
            if both:
                pair = first.name, second.name
                expected[pair] = expected.get(pair, 0) + both
    assert shared_bases(one, two) == [Shared(*pair, bases) for pair, bases in sorted(expected.items())]


def test_without_bedtools_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="bedtools is not on PATH"):
        union([Interval("a", 0, 5, 0, "+")])
