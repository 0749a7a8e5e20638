"""The report page: self-contained, escaped, honest about what is missing."""

import html.parser
import re

import numpy as np

from tfvssl.pages import charts
from tfvssl.pages import report

EVIL = "<script>alert('x')</script>&\""


class _Elements(html.parser.HTMLParser):
  """Collects the tags and attributes of a page."""

  def __init__(self, page):
    super().__init__()
    self.tags = []
    self.feed(page)

  def handle_starttag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))


def clip(name="a/b.mp4", label="sway", similarity=None, size=10):
  return report.PlayableClip(name, label, b"m" * size, similarity)


def full_content(text="fine"):
  return report.Content(
    title=text,
    lead=text,
    stats=[report.Stat(text, text)],
    verdict=[text],
    search_page=text,
    accuracy=[
      report.Row("chance", 0.125, "chance"),
      report.Row(text, 0.5, "trained", text),
    ],
    accuracy_note=text,
    curves={"training": [(0, 4.0), (10, 2.0)], text: [(0, 3.0)]},
    curves_note=text,
    views=[report.Picture(text, b"png")],
    galleries=[
      report.Gallery(clip(text, text), [clip(text, text, 0.9), clip()])
    ],
    retrieval_note=text,
    classes=[text, "sway"],
    confusion=np.array([[3, 1], [0, 4]]),
    stages=[report.Stage(text, text, 1.0)],
    remarks=[text],
  )


def test_everything_from_outside_is_escaped():
  page = report.page(full_content(EVIL))
  assert "alert('x')" not in page
  assert page.count("<script>") == 1  # the template's own
  assert page.count("&lt;script&gt;") > 10


def test_page_loads_nothing_from_elsewhere():
  page = report.page(full_content())
  for _, attributes in _Elements(page).tags:
    for name in ("src", "href"):
      found = attributes.get(name, "data:")
      assert found.startswith("data:") or found == "fine"  # the search page
  assert not re.search(r"https?://|@import|url\(", page)


def test_no_placeholder_is_left():
  assert "{{" not in report.page(full_content())


def test_missing_pieces_are_named_with_their_reason():
  content = report.Content(title="t", lead="l")
  content.missing = {
    "accuracy": "no labels",
    "galleries": "no embeddings <here>",
  }
  page = report.page(content)
  assert "Not shown: no labels" in page
  assert "Not shown: no embeddings &lt;here&gt;" in page
  assert page.count("Not shown") == 5


def test_neighbours_are_marked_by_their_label():
  content = full_content()
  content.galleries = [
    report.Gallery(
      clip(label="sway"),
      [clip(label="sway", similarity=0.75), clip(label="bob", similarity=0.5)],
    )
  ]
  tiles = [
    attributes["class"]
    for tag, attributes in _Elements(report.page(content)).tags
    if tag == "figure" and "tile" in attributes["class"]
  ]
  assert tiles == ["tile query", "tile same", "tile other"]


def test_neighbours_without_labels_have_no_colour():
  content = full_content()
  content.galleries = [
    report.Gallery(clip("q.mp4", ""), [clip("n.mp4", "", 0.5)])
  ]
  page = report.page(content)
  assert 'class="tile "' in page
  assert "n.mp4" in page


def test_gallery_stops_at_the_size_limit():
  big = report._CLIP_BUDGET_BYTES // 3
  content = full_content()
  content.galleries = [
    report.Gallery(clip(size=big), [clip(size=big, similarity=1.0)])
    for _ in range(3)
  ]
  page = report.page(content)
  assert page.count('<div class="row">') == 1
  assert len(page) < 16e6


def test_curves_are_read_and_a_cut_line_is_left_out(tmp_path):
  path = tmp_path / "metrics.jsonl"
  path.write_text(
    '{"step": 10, "train/loss/total": 2.5,'
    ' "train/loss/mean_embedding": 3.0}\n'
    '{"step": 10, "heldout/loss/total": 2.75}\n'
    '{"step": 20, "train/lo'
  )
  assert report.read_curves(path) == {
    "training": [(10, 2.5)],
    "held-out": [(10, 2.75)],
    "predicting the mean (training)": [(10, 3.0)],
  }
  assert report.read_curves(tmp_path / "none.jsonl") == {}


def test_line_ends_where_the_loss_does():
  chart = charts.lines({"training": [(0, 4.0), (100, 1.0)]})
  assert 'points="0.0,0.0 1000.0,300.0"' in chart


def test_infinite_loss_does_not_break_the_chart():
  chart = charts.lines({"a": [(0, float("nan")), (10, 2.0)]})
  assert "nan" not in chart
  assert "inf" not in chart


def test_matrix_shows_shares_of_each_row():
  table = charts.matrix(["a", "b"], np.array([[3, 1], [0, 0]]))
  shown = re.findall(r">(\d+)</td>", table)
  assert shown == ["75", "25", "0", "0"]
  assert "a taken for b: 1 of 4" in table


def test_report_appears_whole(tmp_path):
  report.write(full_content(), tmp_path / "report.html")
  assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
