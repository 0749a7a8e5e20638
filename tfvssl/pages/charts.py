"""Charts of the report as HTML and inline SVG.

Lines are drawn in SVG that stretches with the page; words stand beside it as
HTML, so that they keep their size on a phone. Names come in escaped.
"""

from collections.abc import Sequence
import json
import math

import numpy as np

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 1000, 400


def bars(rows: Sequence[tuple[str, float, str, str]]) -> str:
  """Returns horizontal bars for (name, share, kind, remark)."""
  chance = next((share for _, share, kind, _ in rows if kind == "chance"), None)
  mark = (
    ""
    if chance is None
    else (f'<i class="chance-mark" style="left:{100 * chance:.2f}%"></i>')
  )
  return (
    '<div class="bars">'
    + "".join(
      f'<div class="bar {kind}"><span class="name">{name}'
      f"<small>{remark}</small></span>"
      f'<span class="track">{mark}'
      f'<i class="fill" style="width:{100 * share:.2f}%"></i></span>'
      f"<b>{100 * share:.1f} %</b></div>"
      for name, share, kind, remark in rows
    )
    + "</div>"
  )


def lines(series: dict[str, Points]) -> str:
  """Returns a line chart over steps, from zero up; names are the legend.

  Values that are not finite are left out; names with "mean" are dashed.
  """
  finite = {
    name: [(x, y) for x, y in points if math.isfinite(y)]
    for name, points in series.items()
  }
  every = [point for points in finite.values() for point in points]
  last = max((x for x, _ in every), default=1) or 1
  top = _round_up(max((y for _, y in every), default=1))
  paths, legend = [], []
  for number, (name, points) in enumerate(finite.items()):
    style = f"line c{number}" + (" dashed" if "mean" in name else "")
    place = " ".join(
      f"{_WIDTH * x / last:.1f},{_HEIGHT * (1 - y / top):.1f}"
      for x, y in points
    )
    paths.append(f'<polyline class="{style}" points="{place}"/>')
    end = f"{points[-1][1]:.2f}" if points else "none"
    legend.append(
      f'<li><svg viewBox="0 0 24 4" aria-hidden="true"><polyline'
      f' class="{style}" points="0,2 24,2"/></svg>{name} <b>{end}</b></li>'
    )
  data = json.dumps(list(finite.values())).replace('"', "&quot;")
  return (
    f'<ul class="legend">{"".join(legend)}</ul><div class="plot"'
    f' data-points="{data}" data-last="{last}" data-top="{top}">'
    f"{_y_labels(top)}"
    f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none"'
    f' role="img" aria-label="loss over steps">{_grid()}{"".join(paths)}'
    f"</svg><output></output>{_x_labels(last)}</div>"
  )


def _round_up(value):
  """Returns the next of 1, 2, 4, 5, 8 or 10 times a power of ten."""
  if value <= 0:
    return 1.0
  power = 10.0 ** math.floor(math.log10(value))
  steps = (1, 2, 4, 5, 8, 10)
  return next(step * power for step in steps if step * power >= value * 0.999)


def _grid():
  return "".join(
    f'<line class="grid" x1="0" x2="{_WIDTH}" y1="{y}" y2="{y}"/>'
    for y in (0, _HEIGHT // 4, _HEIGHT // 2, 3 * _HEIGHT // 4, _HEIGHT)
  )


def _y_labels(top):
  return (
    '<div class="y">'
    + "".join(f"<span>{top * part / 4:g}</span>" for part in (4, 3, 2, 1, 0))
    + "</div>"
  )


def _x_labels(last):
  return '<div class="x"><span>0</span>' + (
    f"<span>{last / 2:g}</span><span>step {last:g}</span></div>"
  )


def matrix(names: Sequence[str], counts: np.ndarray) -> str:
  """Returns a confusion matrix as a table; rows are true, shares shown."""
  totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
  shares = counts / totals
  head = "".join(f"<th><span>{name}</span></th>" for name in names)
  rows = []
  for row, name in enumerate(names):
    cells = "".join(
      f'<td style="--share:{shares[row, column]:.3f}"'
      f"{' class=hit' if row == column else ''}"
      f' title="{name} taken for {names[column]}:'
      f' {counts[row, column]} of {counts[row].sum()}">'
      f"{100 * shares[row, column]:.0f}</td>"
      for column in range(len(names))
    )
    rows.append(f"<tr><th>{name}</th>{cells}</tr>")
  return (
    '<div class="scroll"><table class="matrix"><tr><th></th>'
    f"{head}</tr>{''.join(rows)}</table></div>"
  )
