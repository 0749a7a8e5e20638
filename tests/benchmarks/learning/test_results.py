"""The cells that are kept here, and the table that is made of them."""

from benchmarks.learning import header
from benchmarks.learning import plan
from benchmarks.learning import table
from tests import source_tree

_RESULTS = source_tree.ROOT / "benchmarks" / "learning" / "results"


def test_table_is_what_its_cells_say():
  cells = plan.read_all(_RESULTS, ["generated", "real"])
  assert len(cells) == len(list((_RESULTS / "cells").iterdir())) == 74
  page = (_RESULTS / "table.md").read_text(encoding="utf-8")
  assert page == table.markdown(cells, header.lines(cells))
