"""Windows over sequences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from genescribe.annotation.tiling import (
    STEP,
    Window,
    chunk,
    is_covering,
    is_inside,
    is_overlapping,
    tile,
    tile_stretch,
)
from genescribe.corpus.stretches import Stretch
from genescribe.errors import InputError
from genescribe.genomes.regions import Region
from genescribe.language.bases import to_codes, to_letters
from hypothesis import given, settings
from hypothesis import strategies as st


def _places(windows: list[Window]) -> list[tuple[int, int]]:
    return [(window.start, window.length) for window in windows]


def test_the_last_window_is_cut_short_and_not_shifted() -> None:
    windows = tile_stretch(Stretch("s", 100, 200), window=48, stride=24)
    assert _places(windows) == [(100, 48), (124, 48), (148, 48), (172, 28)]


def test_no_window_follows_one_that_reaches_the_end() -> None:
    assert _places(tile_stretch(Stretch("s", 0, 72), 48, 24)) == [(0, 48), (24, 48)]
    assert _places(tile_stretch(Stretch("s", 0, 73), 48, 24)) == [(0, 48), (24, 48), (48, 25)]
    assert _places(tile_stretch(Stretch("s", 0, 49), 48, 24)) == [(0, 48), (24, 25)]
    assert _places(tile_stretch(Stretch("s", 0, 96), 48, 48)) == [(0, 48), (48, 48)]


@pytest.mark.parametrize("circular", [False, True])
def test_windows_are_read_on_both_strands_by_turns(circular: bool) -> None:
    windows = tile_stretch(Stretch("s", 0, 100, circular), 48, 24)
    assert [window.reverse for window in windows] == [False, True, False, True, False][: len(windows)]


@pytest.mark.parametrize("size", [30, 48])
def test_what_fits_into_one_window_is_read_on_both_strands(size: int) -> None:
    windows = tile_stretch(Stretch("s", 7, 7 + size), 48, 24)
    assert _places(windows) == [(7, size), (7, size)]
    assert [window.reverse for window in windows] == [False, True]


def test_windows_on_a_circle_wrap() -> None:
    windows = tile_stretch(Stretch("s", 0, 100, circular=True), 48, 24)
    assert _places(windows) == [(0, 48), (24, 48), (48, 48), (72, 48), (96, 48)]
    assert windows[-1].end == 144


def test_a_small_circle_has_two_windows_of_all_of_it() -> None:
    windows = tile_stretch(Stretch("s", 0, 70, circular=True), 240, 120)
    assert _places(windows) == [(0, 70), (24, 70), (48, 70)]
    assert is_overlapping(windows)


@settings(deadline=None)
@given(
    size=st.integers(60, 600),
    begin=st.integers(0, 100),
    window=st.integers(2, 20),
    stride=st.integers(1, 20),
    circular=st.booleans(),
)
def test_windows_cover_and_overlap(size: int, begin: int, window: int, stride: int, circular: bool) -> None:
    stride = min(stride, window - 1)
    begin = 0 if circular else begin
    windows = tile_stretch(Stretch("s", begin, begin + size, circular), window * STEP, stride * STEP)
    assert all(map(is_inside, windows))
    assert is_covering(windows)
    assert is_overlapping(windows)
    assert is_covering(windows[::-1])
    assert all((one.start - begin) % STEP == 0 for one in windows)
    if not circular:
        assert all((one.start - begin) % (stride * STEP) == 0 for one in windows)
        # An interval as long as the overlap lies inside some window, wherever it is.
        held = min((window - stride) * STEP, size)
        for start in range(begin, begin + size - held + 1, 7):
            assert any(one.start <= start and start + held <= one.end for one in windows)
    if len(windows) > 2:
        assert not is_overlapping(windows[:1] + windows[2:]) or window >= 2 * stride or circular


def test_a_missing_window_is_noticed() -> None:
    windows = tile_stretch(Stretch("s", 0, 200), 48, 24)
    assert is_covering([*windows[:1], *windows[2:]])
    assert not is_overlapping([*windows[:1], *windows[2:]])
    assert not is_covering([*windows[:1], *windows[3:]])
    assert not is_covering(windows[1:])
    assert not is_covering(windows[:-1])
    circle = tile_stretch(Stretch("s", 0, 200, circular=True), 48, 48)
    assert is_covering(circle)
    assert not is_covering(circle[:-1])
    with pytest.raises(ValueError, match="one piece"):
        is_covering([*windows, *circle])


def test_a_window_outside_its_piece_is_noticed() -> None:
    window = Window("s", (10, 100), 20, 50)
    assert is_inside(window)
    assert not is_inside(replace(window, start=5))
    assert not is_inside(replace(window, length=81))
    assert not is_inside(replace(window, length=0))
    circle = Window("s", (0, 100), 90, 100, True)
    assert is_inside(circle)
    assert not is_inside(replace(circle, start=100))
    assert not is_inside(replace(circle, length=101))


def test_gaps_and_regions_part_sequences_and_short_pieces_have_no_window() -> None:
    sequences = {"a": "C" * 100 + "N" * 50 + "C" * 59 + "N" * 50 + "C" * 60, "b": "C" * 300}
    windows = tile(sequences, circular=[], window=240)
    assert [(one.seqid, one.piece) for one in windows] == [
        ("a", (0, 100)), ("a", (0, 100)),
        ("a", (259, 319)), ("a", (259, 319)),
        ("b", (0, 300)), ("b", (0, 300)),
    ]  # fmt: skip
    inside = tile(sequences, [], 240, regions=[Region("b", 20, 120), Region("a", 270, 300)])
    assert inside == [Window("b", (20, 120), 20, 100), Window("b", (20, 120), 20, 100, reverse=True)]


@pytest.mark.parametrize(
    ("region", "message"),
    [(Region("b", 20, 301), "b has 300 bases"), (Region("c", 0, 10), r"the genome has no such sequence \(b")],
)
def test_a_region_outside_the_genome_is_refused(region: Region, message: str) -> None:
    with pytest.raises(InputError, match=f"region {region}: {message}"):
        tile({"b": "C" * 300}, [], 240, regions=[region])


def test_a_circle_with_a_gap_is_read_on_over_the_origin() -> None:
    sequence = "AC" * 40 + "N" * 60 + "GT" * 50
    window, reverse = tile({"c": sequence}, ["c"], window=240)
    assert replace(reverse, reverse=False) == window
    assert window == Window("c", (140, 320), 140, 180)
    assert to_letters(window.codes(to_codes(sequence))) == "GT" * 50 + "AC" * 40


def test_the_codes_of_a_window() -> None:
    codes = to_codes("ACGTACGTNN")
    np.testing.assert_array_equal(Window("s", (0, 10), 2, 4).codes(codes), codes[2:6])
    assert to_letters(Window("s", (0, 10), 8, 10, True).codes(codes)) == "NNACGTACGT"


@pytest.mark.parametrize(("window", "stride"), [(50, 24), (48, 25), (48, 0), (48, 60)])
def test_sizes_that_do_not_fit_are_refused(window: int, stride: int) -> None:
    with pytest.raises(InputError, match="multiple of 12"):
        tile({"s": "C" * 100}, [], window, stride)


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(1, 12))
def test_chunks_are_balanced_and_whole(size: int, count: int) -> None:
    windows = [Window("s", (0, 1000), start, 10) for start in range(size)]
    chunks = [chunk(windows, index, count) for index in range(count)]
    assert [window for part in chunks for window in part] == windows
    assert max(map(len, chunks)) - min(map(len, chunks)) <= 1


def test_a_chunk_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no chunk 3 of 3"):
        chunk([], 3, 3)
