"""Pieces of a clip under one axis of time, as HTML."""

from collections.abc import Sequence
import html
import math
from typing import NamedTuple

_MOST_TICKS = 8
STYLE = """
.axis { margin: .8em 0; }
.ticks { position: relative; height: 1.5em; border-bottom: 1px solid #999; }
.ticks span { position: absolute; height: 100%; border-left: 1px solid #999;
  padding-left: .3em; font-size: .8em; color: #555; white-space: nowrap; }
.bar { display: block; height: .4em; margin: .5em 0 .3em var(--start);
  width: var(--share); background: #0b7a75; }
.placed figure { margin: 0 0 0 min(var(--start), max(0%, 100% - 20em));
  width: max(var(--share), min(20em, 100%)); }
.placed img { width: 100%; }
.placed img.sound { height: 8em; }
"""


class Piece(NamedTuple):
  """What is shown of a stretch of the clip.

  Attributes:
    start_s: of the stretch, from the clip's start.
    seconds: how long it lasts.
    body: HTML of it.
  """

  start_s: float
  seconds: float
  body: str


def aligned(pieces: Sequence[Piece]) -> str:
  """Returns the pieces below each other, each under its part of the axis.

  The axis goes from the first start to the last end. A bar is as long as its
  piece lasts; what is shown begins below it, and is wider where it could not
  be seen otherwise.
  """
  first = min(piece.start_s for piece in pieces)
  last = max(piece.start_s + piece.seconds for piece in pieces)
  length = max(last - first, 1e-6)
  rows = [
    f'<div class="placed" style="--start:{100 * (start - first) / length:.2f}%;'
    f'--share:{100 * seconds / length:.2f}%"><i class="bar" title="'
    f'{html.escape(extent(start, seconds))}"></i>{body}</div>'
    for start, seconds, body in pieces
  ]
  ticks = [
    f'<span style="left:{100 * (tick - first) / length:.2f}%">{tick:g} s</span>'
    for tick in _ticks(first, last)
  ]
  return (
    f'<div class="axis"><div class="ticks">{"".join(ticks)}</div>'
    f"{''.join(rows)}</div>"
  )


def extent(start_s: float, seconds: float) -> str:
  """Returns from when to when, in words."""
  return f"{start_s:.2f} to {start_s + seconds:.2f} s"


def _ticks(first, last):
  """Returns round times between two, at most as many as can be read."""
  power = 10.0 ** math.floor(math.log10((last - first) / _MOST_TICKS))
  step = next(
    factor * power
    for factor in (1, 2, 5, 10)
    if (last - first) / (factor * power) <= _MOST_TICKS
  )
  begin, end = math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9)
  return [round(number * step, 6) for number in range(begin, end + 1)]
