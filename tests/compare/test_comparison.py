"""Results beside the paper's numbers, with all that makes them unfair."""

import json

import pytest

from tests import paper_results as papers
from tests import source_tree
from tests import tiny_runs
from tfvssl.compare import comparison
from tfvssl.config import recipes
from tfvssl.config import tree
from tfvssl.evaluate import paper_figure
from tfvssl.runtime import exit_codes
from tfvssl.train import run_folder


@pytest.mark.parametrize(
  ("name", "title", "values"),
  [
    ("youcook2_recall_at_10", "YouCook2 R@10, per cent", "25.0 37.2 50.0"),
    ("youcook2_median_rank", "YouCook2 MedR, rank", "31.0 20.0 62.0"),
  ],
)
def test_recall_is_per_cent_and_a_rank_is_a_rank(name, title, values):
  text = comparison.evaluation_text(
    papers.retrieval_result(),
    tiny_runs.experiment(),
    [papers.MMV_ROW],
    name,
  )
  first, *rows = text.splitlines()[:4]
  assert first == title
  assert " ".join(row.split()[1] for row in rows) == values
  assert text.endswith("  in nothing that the result tells")


def test_text_tells_figures_and_differences():
  recipe = tiny_runs.experiment()
  result = papers.result(grid_c=[1e-5, 1e-4, 1e-3, 1e-2])
  lines = comparison.evaluation_text(
    result, recipe, papers.ROWS, "ucf101_linear"
  ).splitlines()
  assert lines[:5] == [
    "UCF101 linear, per cent",
    "  measured   90.0",
    '  paper      92.7   difference -2.7   Table 2, "AS, 5s"',
    '  paper      92.0   difference -2.0   Table 8, "AS, Start"',
    "  random     12.5   the same network, untrained",
  ]
  assert " ".join(lines[-1].split()) == (
    "grid c 4 of 1e-05 to 0.01 7 of 1e-05 to 0.01"
  )
  same = comparison.evaluation_text(
    papers.result(), recipe, papers.ROWS[:1], "ucf101_linear"
  )
  assert same.endswith("  in nothing that the result tells")


def test_missing_and_foreign_files_are_named(tmp_path):
  path = tmp_path / "x.json"
  with pytest.raises(FileNotFoundError, match="x.json does not exist; tfvssl"):
    comparison.read_result(path)
  for text in ("{", "[1]", '{"protocol": {}}', "7"):
    path.write_text(text)
    with pytest.raises(exit_codes.UserError, match="is not a result") as error:
      comparison.read_result(path)
    assert error.value.exit_code == exit_codes.DATA
  path.write_text(json.dumps(papers.result()))
  assert comparison.read_result(path) == papers.result()


def _changed(*place, value=None):
  """Returns a result with another value at a place, or without it."""
  result = part = papers.result()
  for name in place[:-1]:
    part = part[name]
  if value is None:
    del part[place[-1]]
  else:
    part[place[-1]] = value
  return json.dumps(result)


@pytest.mark.parametrize(
  ("text", "reason"),
  [
    ("[" * 100_000, "recursion"),
    (_changed("classes"), "'classes'"),
    (_changed("classes", value=7), "`classes` is not a list"),
    (_changed("checkpoint_step", value="3"), "`checkpoint_step` is not an int"),
    (_changed("protocol", "name"), "'name'"),
    (_changed("protocol", value=[1]), "`protocol` is not a dict"),
    (_changed("protocol", "train_view", value=3), "`protocol.train_view` is"),
    (
      _changed("protocol", "recipe", value=[]),
      "`protocol.recipe` is not a dict",
    ),
    (_changed("pretrained", "mean"), "'mean'"),
    (_changed("pretrained", "mean", "top_1", value="x"), "'top_1' of a `mean`"),
    (_changed("pretrained", "choice", value=[1]), "`pretrained.choice` is no"),
    (_changed("random_initialisation", value=[1]), "is not a dict"),
    (_changed("random_initialisation", "mean", "top_1", value=[]), "'top_1'"),
    (_changed("splits", value=[1]), "no attribute"),
    (
      _changed("splits", value=[{"test_clips_left_out": "1"}]),
      "`splits.test_clips_left_out` is not an int",
    ),
    (_changed("splits", value=[{"directions": [1]}]), "no attribute"),
    (
      _changed("splits", value=[{"directions": {"a": {"gallery": "9"}}}]),
      "`splits.directions.'a'` has no `gallery`",
    ),
    ('{"checkpoint_step": 1' + "0" * 400 + "}", "number of 401 digits"),
    ('{"checkpoint_step": NaN}', "NaN is not a number"),
  ],
)
def test_result_with_parts_of_other_kinds_is_one_line(tmp_path, text, reason):
  path = tmp_path / "x.json"
  path.write_text(text)
  with pytest.raises(exit_codes.UserError, match="is not a result") as error:
    comparison.read_result(path)
  assert reason in str(error.value)
  assert "\n" not in str(error.value)


def test_words_in_the_place_of_numbers_are_told():
  result = papers.result(grid_c=["x", 1])
  assert paper_figure.differences(
    result, tiny_runs.experiment(), papers.ROWS[0], "ucf101_linear"
  )[0].here == ["x", 1]
  text = comparison.evaluation_text(
    result, tiny_runs.experiment(), papers.ROWS[:1], "ucf101_linear"
  )
  assert "['x', 1]" in text


def test_training_is_compared_with_the_config_beside_the_result(tmp_path):
  path = tmp_path / "RUN" / "results" / "x.json"
  recipe = tiny_runs.experiment()
  assert "not known: " in comparison.training_text(path, recipe)
  path.parent.mkdir(parents=True)
  run = tiny_runs.experiment("records", seed=1)
  run_folder.write_config(run, tmp_path / "RUN")
  assert comparison.training_text(path, recipe).splitlines()[1:] == [
    "  seed: 0 -> 1"
  ]
  run.seed = 0
  run.svm.train_epochs = 3
  run.retrieval.temporal_clips = 3
  run_folder.write_config(run, tmp_path / "RUN")
  assert comparison.training_text(path, recipe).endswith("  in no setting")


def test_long_list_of_differences_is_cut(tmp_path):
  path = tmp_path / "results" / "x.json"
  recipe = recipes.load(
    source_tree.ROOT / "configs" / "brave" / "va_audioset.py"
  ).get_config()
  run_folder.write_config(tiny_runs.experiment(), tmp_path)
  lines = comparison.training_text(path, recipe).splitlines()
  assert len(lines) == 14
  assert lines[1] == "  batch_size: 512 -> 4"
  found = tree.differences(recipe, tiny_runs.experiment())
  assert lines[-1].startswith("  and ") and len(found) > 12
