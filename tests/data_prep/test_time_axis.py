"""Pieces stand under the time that they are of."""

import re

import pytest

from data_prep import time_axis


def _places(page):
  found = re.findall(r"--start:([\d.]+)%;--share:([\d.]+)%", page)
  return [(float(start), float(share)) for start, share in found]


def test_pieces_are_placed_from_the_first_start_to_the_last_end():
  page = time_axis.aligned(
    [
      time_axis.Piece(2.5, 0.5, "<b>narrow</b>"),
      time_axis.Piece(2.0, 2.0, "<b>broad</b>"),
    ]
  )
  assert _places(page) == [(25.0, 25.0), (0.0, 100.0)]
  assert page.index("<b>narrow</b>") < page.index("<b>broad</b>")
  assert 'title="2.50 to 3.00 s"' in page


@pytest.mark.parametrize(
  ("start_s", "seconds", "ticks"),
  [
    (0.0, 0.32, "0 0.05 0.1 0.15 0.2 0.25 0.3"),
    (1.3, 2.0, "1.5 2 2.5 3"),
    (0.0, 10.24, "0 2 4 6 8 10"),
  ],
)
def test_ticks_are_round_times_at_their_places(start_s, seconds, ticks):
  page = time_axis.aligned([time_axis.Piece(start_s, seconds, "")])
  found = re.findall(r'left:([\d.]+)%">([\d.]+) s<', page)
  assert " ".join(tick for _, tick in found) == ticks
  for left, tick in found:
    place = 100 * (float(tick) - start_s) / seconds
    assert float(left) == pytest.approx(place, abs=0.01)
