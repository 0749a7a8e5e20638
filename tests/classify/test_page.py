"""What is written: a table, and a page with every file below its label."""

import csv

import numpy as np
import pytest

from tfvssl.classify import run
from tfvssl.runtime import storage


@pytest.fixture(scope="module")
def written(tmp_path_factory):
  """The folder of labels.csv and labels.html, beside that of the files."""
  root = tmp_path_factory.mktemp("labels")
  rows = [
    ("<b>new.mp4", root / "new" / "<b>new.mp4", np.array([-0.25, 0.5, 0.125])),
    ("c.mp4", root / "new" / "c.mp4", np.array([2.0, -1.0, 0.0])),
    ("d.mp4", root / "new" / "d.mp4", np.array([-1.0, 1.5, 0.0])),
  ]
  table = run.Table(["blue", "<red>", "é"], rows, [], 0)
  (root / "out").mkdir()
  place = run.write(table, storage.Path(root / "out" / "labels.csv"))
  assert place == root / "out" / "labels.html"
  return root / "out"


def test_table_has_the_best_label_and_all_scores(written):
  with (written / "labels.csv").open(newline="", encoding="utf-8") as file:
    rows = list(csv.reader(file))
  assert rows == [
    ["path", "label", "score", "score_blue", "score_<red>", "score_é"],
    ["<b>new.mp4", "<red>", "0.500000", "-0.250000", "0.500000", "0.125000"],
    ["c.mp4", "blue", "2.000000", "2.000000", "-1.000000", "0.000000"],
    ["d.mp4", "<red>", "1.500000", "-1.000000", "1.500000", "0.000000"],
  ]


def test_page_has_the_files_below_their_labels_the_surest_first(written):
  text = (written / "labels.html").read_text(encoding="utf-8")
  _, blue, red, none = text.split("<h2>")
  assert blue.startswith("blue <small>1<") and ">c.mp4</a>" in blue
  assert red.startswith("&lt;red&gt; <small>2<")
  assert red.index(">d.mp4</a>") < red.index(">&lt;b&gt;new.mp4</a>")
  assert "<td>0.500</td><td>é 0.125</td>" in red
  assert none.startswith("é <small>0<") and "</a>" not in none
  assert "<b>" not in text
  assert 'href="../new/%3Cb%3Enew.mp4"' in text
