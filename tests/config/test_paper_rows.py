"""The paper's numbers as data, and the config files that carry them."""

import types

import pytest

from tfvssl.config import paper_rows
from tfvssl.config import protocols

_ROW = paper_rows.Row("Table 3", "RGB", paper_rows.linear(1.0, 2.0, 3.0))
_SOUND = paper_rows.Row("Table 6", "V-A", {"esc50_linear": 4.0})


def test_columns_of_the_ablations_stand_in_the_papers_order():
  assert _ROW.values == {
    "hmdb51_linear": 1.0,
    "ucf101_linear": 2.0,
    "k600_linear": 3.0,
  }


def test_table_7_becomes_a_grid_of_one_value_each():
  found = paper_rows.FineTuned(
    dropout=0.8, learning_rate=0.03, weight_decay=1e-7
  )
  settings = found.settings(batch_size=128)
  settings.validate("finetune")
  assert settings.dropouts == (0.8,)
  assert settings.learning_rates == (0.03,)
  assert settings.weight_decays == (1e-7,)
  assert (settings.batch_size, settings.epochs) == (128, 600)


def test_rows_are_found_by_benchmark():
  rows = (_ROW, _SOUND, _ROW)
  assert paper_rows.rows_with(rows, "esc50_linear") == [_SOUND]
  assert paper_rows.rows_with(rows, "k600_linear") == [_ROW, _ROW]


@pytest.mark.parametrize(
  ("rows", "name", "message"),
  [
    ((_ROW,), "ucf101_liner", "'ucf101_liner' is .* mean ucf101_linear?"),
    ((_ROW,), "qqq", "'qqq' is unknown; known: ucf101_linear, ucf101_fine"),
    ((_SOUND,), "k600_linear", "no k600_linear .* it has: esc50_linear"),
    ((), "k600_linear", "it has: no number at all"),
  ],
)
def test_number_that_the_paper_has_not_is_named(rows, name, message):
  with pytest.raises(ValueError, match=message):
    paper_rows.rows_with(rows, name)


def test_row_of_an_unknown_benchmark_is_refused():
  with pytest.raises(ValueError, match="did you mean hmdb51_linear?"):
    paper_rows.Row("Table 1", "x", {"hmdb_linear": 1.0})


@pytest.mark.parametrize(
  ("name", "value", "printed"),
  [
    ("ucf101_linear", 93.0, "UCF101 linear 93.0"),
    ("youcook2_recall_at_10", 37.2, "YouCook2 R@10 37.2"),
    ("msrvtt_median_rank", 44.0, "MSRVTT MedR 44"),
    ("imagenet_top_5_naive_deflation", 40.5, "ImageNet top-5 40.5"),
  ],
)
def test_number_is_printed_as_in_the_tables(name, value, printed):
  assert paper_rows.benchmark(name).printed(value) == printed


def test_retrieval_is_read_off_the_results_of_its_protocol():
  # MMV paper Sec. 4.1: 3190 videos of YouCook2, 1K of MSRVTT.
  found = {
    name: (column.settings, column.metric, column.classes)
    for name, column in paper_rows.BENCHMARKS.items()
    if name.startswith(("youcook2", "msrvtt"))
  }
  assert found == {
    f"{data_set}_{figure}": (
      protocols.Retrieval,
      f"text_to_video_{figure}",
      videos,
    )
    for data_set, videos in (("youcook2", 3190), ("msrvtt", 1000))
    for figure in ("recall_at_1", "recall_at_5", "recall_at_10", "median_rank")
  }


def test_a_recipe_has_rows_or_none():
  assert paper_rows.rows_of(types.SimpleNamespace(PAPER=["a"])) == ("a",)
  assert paper_rows.rows_of(types.SimpleNamespace()) == ()
