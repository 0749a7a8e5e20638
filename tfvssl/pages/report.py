"""One self-contained HTML page about a run; knows no TensorFlow.

Everything is inside the file: styles, charts, pictures, clips. Whatever comes
from outside (ids, labels, reasons) is escaped here and nowhere else.
"""

import base64
import dataclasses
import html
import json

import numpy as np

from tfvssl.pages import charts
from tfvssl.pages import template
from tfvssl.runtime import storage

_TEMPLATE = storage.Path(__file__).with_name("report_template.html")
_CLIP_BUDGET_BYTES = 11_000_000  # of mp4, which base64 makes a third longer


@dataclasses.dataclass
class Stat:
  """A large number at the top of the page."""

  value: str
  meaning: str


@dataclasses.dataclass
class Row:
  """A bar of the accuracy table.

  Attributes:
    name: what was measured.
    share: accuracy, 0 to 1.
    kind: one of chance, raw, random, trained; chooses the colour.
    remark: a few words on how.
  """

  name: str
  share: float
  kind: str
  remark: str = ""


@dataclasses.dataclass
class Picture:
  """A PNG with its caption."""

  caption: str
  png: bytes


@dataclasses.dataclass
class PlayableClip:
  """A tile of the gallery.

  Attributes:
    name: of the clip.
    label: empty without labels.
    mp4: of H.264 and AAC, small.
    similarity: cosine with the query, None for the query itself.
  """

  name: str
  label: str
  mp4: bytes
  similarity: float | None = None


@dataclasses.dataclass
class Gallery:
  """A query and its nearest neighbours, nearest first."""

  query: PlayableClip
  neighbours: list[PlayableClip]


@dataclasses.dataclass
class Stage:
  """A command of the run, and how long it took; None where it was skipped."""

  name: str
  command: str
  seconds: float | None


@dataclasses.dataclass
class Content:
  """What the page shows; an empty piece is named in `missing` with a reason.

  Attributes:
    title: of the page.
    lead: one or two sentences below it.
    stats: at most four.
    verdict: whether it worked, why it may not have and what to do, in
      paragraphs.
    search_page: file beside the page that shows a search; empty for none.
    accuracy: bars, in order.
    accuracy_note: what must be said about them.
    curves: name to points (step, loss).
    curves_note: how to read them.
    views: the input of the networks.
    galleries: nearest neighbours.
    retrieval_note: how they were found.
    classes: names of the confusion matrix's rows and columns.
    confusion: counts [K, K], rows true.
    stages: commands in order.
    remarks: what was left out or chosen automatically, and why.
    missing: section (accuracy, curves, views, galleries, confusion) to reason.
  """

  title: str
  lead: str
  stats: list[Stat] = dataclasses.field(default_factory=list)
  verdict: list[str] = dataclasses.field(default_factory=list)
  search_page: str = ""
  accuracy: list[Row] = dataclasses.field(default_factory=list)
  accuracy_note: str = ""
  curves: dict[str, list[tuple[float, float]]] = dataclasses.field(
    default_factory=dict
  )
  curves_note: str = ""
  views: list[Picture] = dataclasses.field(default_factory=list)
  galleries: list[Gallery] = dataclasses.field(default_factory=list)
  retrieval_note: str = ""
  classes: list[str] = dataclasses.field(default_factory=list)
  confusion: np.ndarray | None = None
  stages: list[Stage] = dataclasses.field(default_factory=list)
  remarks: list[str] = dataclasses.field(default_factory=list)
  missing: dict[str, str] = dataclasses.field(default_factory=dict)


def write(content: Content, path: storage.PathLike) -> None:
  """Writes the page; it appears when it is complete."""
  storage.write_text(path, page(content))


def page(content: Content) -> str:
  """Returns the page as HTML."""
  pieces = {
    "title": _text(content.title),
    "lead": _text(content.lead),
    "stats": "".join(map(_stat, content.stats)),
    "verdict": _verdict(content.verdict),
    "search": _search(content.search_page),
    "accuracy": _section(
      content,
      "accuracy",
      charts.bars(
        [
          (_text(row.name), row.share, row.kind, _text(row.remark))
          for row in content.accuracy
        ]
      )
      if content.accuracy
      else "",
      content.accuracy_note,
    ),
    "curves": _section(
      content,
      "curves",
      charts.lines(
        {_text(name): points for name, points in content.curves.items()}
      )
      if any(content.curves.values())
      else "",
      content.curves_note,
    ),
    "views": _section(content, "views", "".join(map(_view, content.views))),
    "galleries": _section(
      content,
      "galleries",
      _galleries(content.galleries),
      content.retrieval_note,
    ),
    "confusion": _section(
      content,
      "confusion",
      ""
      if content.confusion is None
      else charts.matrix(
        [_text(name) for name in content.classes], content.confusion
      ),
    ),
    "stages": _stages(content.stages),
    "remarks": "".join(
      f"<li>{_text(line)}</li>"
      for line in content.remarks or ["No clip was left out."]
    ),
  }
  return template.fill(_TEMPLATE, pieces)


def _text(value):
  return html.escape(value, quote=True)


def _section(content, name, body, note=""):
  """Returns the body, or why there is none."""
  if not body:
    reason = content.missing.get(name, "nothing was measured.")
    return f'<p class="missing">Not shown: {_text(reason)}</p>'
  return body + (f'<p class="note">{_text(note)}</p>' if note else "")


def _stat(stat):
  return (
    f'<div class="stat"><b>{_text(stat.value)}</b>'
    f"<span>{_text(stat.meaning)}</span></div>"
  )


def _verdict(paragraphs):
  if not paragraphs:
    return ""
  lines = "".join(f"<p>{_text(line)}</p>" for line in paragraphs)
  return f"<section><h2>Did pretraining help?</h2>{lines}</section>"


def _search(page):
  if not page:
    return ""
  return (
    f'<p class="note"><a href="{_text(page)}">A search with one of them</a>, as'
    " tfvssl.search makes it of any clip.</p>"
  )


def _data_url(kind, content):
  return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _view(picture):
  return (
    f'<figure class="view"><img alt="{_text(picture.caption)}"'
    f' src="{_data_url("image/png", picture.png)}">'
    f"<figcaption>{_text(picture.caption)}</figcaption></figure>"
  )


def _galleries(galleries):
  """Returns rows of clips, as many as fit into the size of a page."""
  rows, used = [], 0
  for gallery in galleries:
    clips = [gallery.query, *gallery.neighbours]
    used += sum(len(clip.mp4) for clip in clips)
    if rows and used > _CLIP_BUDGET_BYTES:
      break
    tiles = "".join(_tile(clip, gallery.query) for clip in clips)
    rows.append(f'<div class="row">{tiles}</div>')
  return "".join(rows)


def _tile(clip, query):
  if clip is query:
    kind, mark = "query", "query"
  else:
    mark = f"{clip.similarity:.2f}" if clip.similarity is not None else ""
    kind = (
      ""
      if not query.label
      else ("same" if clip.label == query.label else "other")
    )
  name = clip.label or clip.name
  return (
    f'<figure class="tile {kind}" title="{_text(clip.name)}">'
    '<video controls loop muted playsinline preload="metadata"'
    f' src="{_data_url("video/mp4", clip.mp4)}"></video>'
    f"<figcaption><span>{_text(name)}</span><span>{mark}</span></figcaption>"
    "</figure>"
  )


def _stages(stages):
  lines = []
  for stage in stages:
    time = "–" if stage.seconds is None else f"{stage.seconds:.0f} s"
    lines.append(
      f"<tr><td>{_text(stage.name)}</td><td>{time}</td>"
      f"<td><code>{_text(stage.command)}</code></td></tr>"
    )
  return "".join(lines)


def read_curves(path: storage.PathLike) -> dict[str, list]:
  """Returns the loss curves in metrics.jsonl, name to points (step, loss).

  A line that is cut off, as by a kill, is left out.
  """
  names = {
    "train/loss/total": "training",
    "heldout/loss/total": "held-out",
    "train/loss/mean_embedding": "predicting the mean (training)",
    "heldout/loss/mean_embedding": "predicting the mean (held-out)",
  }
  curves = {name: [] for name in names.values()}
  log = storage.Path(path)
  lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
  for line in lines:
    try:
      values = json.loads(line)
    except ValueError:
      continue
    for key, name in names.items():
      if key in values:
        curves[name].append((values["step"], values[key]))
  return {name: points for name, points in curves.items() if points}
