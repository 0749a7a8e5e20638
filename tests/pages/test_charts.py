import json
import math
import re

import numpy as np
import pytest

from tfvssl.pages import charts


def test_bars_are_as_long_as_their_shares():
  html = charts.bars(
    [("ours", 0.625, "ours", "seed 1"), ("guess", 0.125, "chance", "of 8")]
  )
  assert re.findall(r'class="fill" style="width:([\d.]+)%', html) == [
    "62.50",
    "12.50",
  ]
  assert re.findall(r"<b>([\d.]+) %</b>", html) == ["62.5", "12.5"]
  # Chance is marked in every bar.
  assert html.count('<i class="chance-mark" style="left:12.50%"></i>') == 2
  assert '<div class="bar ours"><span class="name">ours<small>seed 1<' in html


def test_without_chance_there_is_no_mark():
  assert "chance-mark" not in charts.bars([("ours", 0.5, "ours", "")])


def _points(html):
  return [
    [tuple(map(float, point.split(","))) for point in line.split()]
    for line in re.findall(
      r'<polyline class="line[^>]*points="([^"]*)"/>', html
    )
    if line != "0,2 24,2"
  ]


def test_lines_reach_from_the_first_step_to_the_top():
  html = charts.lines({"loss": [(0, 4.0), (50, 2.0), (100, 0.0)]})
  (line,) = _points(html)
  assert line == [(0, 0), (500, 200), (1000, 400)]
  assert 'data-last="100" data-top="4.0"' in html
  labels = re.search(r'<div class="y">(.*?)</div>', html)[1]
  assert re.findall(r"<span>(.*?)</span>", labels) == ["4", "3", "2", "1", "0"]
  assert "<span>0</span><span>50</span><span>step 100</span>" in html


def test_values_that_are_not_finite_are_left_out():
  series = {"a": [(0, 1.0), (1, math.nan), (2, math.inf), (4, 0.5)], "b": []}
  html = charts.lines(series)
  data = re.search(r'data-points="([^"]*)"', html)[1].replace("&quot;", '"')
  assert json.loads(data) == [[[0, 1.0], [4, 0.5]], []]
  assert "</svg>a <b>0.50</b></li>" in html
  assert "</svg>b <b>none</b></li>" in html


def test_means_are_dashed_and_colours_follow_the_order():
  html = charts.lines({"loss": [(1, 1.0)], "mean of loss": [(1, 1.0)]})
  assert '<polyline class="line c0" points' in html
  assert '<polyline class="line c1 dashed" points' in html


@pytest.mark.parametrize(
  ("largest", "top"),
  [
    (0.0, 1),
    (-3.0, 1),
    (1.0, 1),
    (1.1, 2),
    (2.3, 4),
    (4.2, 5),
    (6, 8),
    (9, 10),
  ],
)
def test_top_of_the_axis_is_a_round_number(largest, top):
  for power in (1, 100):
    html = charts.lines({"loss": [(1, largest * power)]})
    expected = top * power if largest > 0 else 1
    assert float(re.search(r'data-top="([^"]*)"', html)[1]) == expected


def test_matrix_shows_shares_of_the_true_class():
  counts = np.array([[3, 1], [0, 0]])
  html = charts.matrix(["up", "down"], counts)
  cells = re.findall(
    r'<td style="--share:([\d.]+)"( class=hit)?[^>]*>(\d+)', html
  )
  assert cells == [
    ("0.750", " class=hit", "75"),
    ("0.250", "", "25"),
    ("0.000", "", "0"),
    ("0.000", " class=hit", "0"),
  ]
  assert 'title="up taken for down: 1 of 4"' in html
  assert 'title="down taken for up: 0 of 0"' in html
