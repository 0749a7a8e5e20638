"""Results beside the paper's numbers, with all that makes them unfair."""

import dataclasses
import json

import pytest

from tests import source_tree
from tests import tiny_runs
from tfvssl.compare import comparison
from tfvssl.config import paper_rows
from tfvssl.config import protocols
from tfvssl.config import recipes
from tfvssl.config import tree
from tfvssl.runtime import exit_codes
from tfvssl.train import run_folder

_ROWS = [
  paper_rows.Row(
    "Table 2",
    "AS, 5s",
    {"ucf101_linear": 92.7, "esc50_linear": 93.0, "hmdb51_finetune": 70.0},
    fine_tuned={"hmdb51": paper_rows.FineTuned(0.8, 0.3, 1e-7)},
  ),
  paper_rows.Row("Table 8", "AS, Start", {"ucf101_linear": 92.0}),
]


def _result(name="svm", modality="video", **protocol):
  """Returns what the paper's evaluation on UCF101 would have written."""
  return {
    "protocol": {
      "name": name,
      "modality": modality,
      "train_view": {"num_frames": 32},
      "train_epochs": 10,
      "temporal_clips": 10,
      "spatial_crops": 3,
      "test_short_side": 256,
      "grid_c": [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
      "choose_c": "first_test",
      **protocol,
    },
    "checkpoint_step": 12,
    "classes": [f"class {number}" for number in range(101)],
    "splits": [
      {"train_clips_left_out": 0, "test_clips_left_out": 0} for _ in range(3)
    ],
    "pretrained": {"mean": {"top_1": 0.9, "top_5": None}},
    "random_initialisation": {"mean": {"top_1": 0.125, "top_5": None}},
  }


def _differences(result, name="ucf101_linear"):
  return comparison.differences(result, tiny_runs.experiment(), _ROWS[0], name)


def test_equal_protocol_has_no_difference():
  assert _differences(_result()) == []


def test_every_difference_is_told():
  result = _result(
    train_view={"num_frames": 4},
    train_epochs=2,
    temporal_clips=1,
    grid_c=[1e-3, 1e-2],
    choose_c="cross_validation",
  )
  result["checkpoint_step"] = 3
  result["classes"] = ["a", "b"]
  result["splits"] = [
    {"train_clips_left_out": 2, "test_clips_left_out": {"rgb": 4, "audio": 1}}
  ]
  assert sorted(_differences(result)) == [
    ("C chosen by", "cross_validation", "first_test"),
    ("checkpoint step", 3, 12),
    ("classes", 2, 101),
    ("clips left out", 7, 0),
    ("frames of a view", 4, 32),
    ("grid c", [1e-3, 1e-2], [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]),
    ("splits", 1, 3),
    ("temporal clips", 1, 10),
    ("train epochs", 2, 10),
  ]


def test_sound_is_tested_on_one_window():
  # Paper appendix B: "For ESC-50 we use a single window of 5s at test time".
  result = _result(modality="audio", train_view={"seconds": 5.0})
  result["classes"] = ["x"] * 50
  result["splits"] *= 2
  assert set(_differences(result, "esc50_linear")) == {
    ("splits", 6, 5),
    ("temporal clips", 10, 1),
  }


def test_fine_tuning_is_held_against_table_7_of_its_data_set():
  result = _result(
    name="finetune",
    spatial_crops=1,
    recipe={
      "dropouts": [0.8],
      "learning_rates": [0.1],
      "weight_decays": [1e-7],
      "epochs": 600,
    },
  )
  result["classes"] = ["x"] * 51
  assert _differences(result, "hmdb51_finetune") == [
    comparison.Difference("learning rates", [0.1], [0.3])
  ]


def test_batch_norm_of_fewer_clips_is_told():
  # Paper appendix B: 256 clips, or 128, over 32 workers.
  result = _result("finetune", spatial_crops=1, clips_per_replica=256)
  result["classes"] = ["x"] * 51
  told = comparison.Difference("clips per replica", 256, 8)
  assert _differences(result, "hmdb51_finetune") == [told]
  recipe = tiny_runs.experiment()
  recipe.finetune.batch_size = 128
  found = comparison.differences(result, recipe, _ROWS[0], "hmdb51_finetune")
  assert found == [told._replace(paper=4)]
  result["protocol"]["clips_per_replica"] = 8
  assert _differences(result, "hmdb51_finetune") == []


def test_what_a_search_chose_is_held_against_table_7():
  result = _result(
    "finetune",
    spatial_crops=1,
    recipe={"learning_rates": [0.03, 0.1, 0.3], "dropouts": [0.1, 0.5, 0.8]},
  )
  result["classes"] = ["x"] * 51
  result["pretrained"]["choice"] = {
    "learning_rate": 0.3,
    "weight_decay": 1e-7,
    "dropout": 0.5,
  }
  assert _differences(result, "hmdb51_finetune") == [
    comparison.Difference("dropouts", [0.5], [0.8])
  ]


_MMV = paper_rows.Paper(
  image_sizes={"ucf101_linear": 224},
  fine_tuned_by_sgd={"ucf101_finetune": protocols.FINE_TUNE_SGD_UCF101},
)
_MMV_ROW = paper_rows.Row(
  "Table 4",
  "FAC",
  {
    "ucf101_linear": 89.6,
    "ucf101_finetune": 92.5,
    "esc50_linear": 87.7,
    "youcook2_recall_at_10": 37.2,
    "youcook2_median_rank": 20,
  },
  test_seconds=2.0,
  paper=_MMV,
)


def _mmv_differences(result, name, **row):
  row = dataclasses.replace(_MMV_ROW, **row)
  return comparison.differences(result, tiny_runs.experiment(), row, name)


def test_size_of_view_is_told_where_the_paper_tells_it():
  result = _result(test_view_size=200)
  told = comparison.Difference("pixels of a view", 200, 224)
  assert _mmv_differences(result, "ucf101_linear") == [told]
  assert _differences(result) == []  # of another paper
  result = _result(test_view_size=224)
  assert _mmv_differences(result, "ucf101_linear") == []


def test_length_of_sound_is_told_where_the_paper_tells_it():
  result = _result(modality="audio", train_view={"seconds": 3.2})
  result["classes"], result["splits"] = ["x"] * 50, [{}] * 5
  # Ten windows, as of pictures: the single one is BraVe's.
  assert _mmv_differences(result, "esc50_linear") == [
    comparison.Difference("seconds of a view", 3.2, 2.0)
  ]
  assert _mmv_differences(result, "esc50_linear", test_seconds=None) == []


def test_number_of_the_first_split_is_held_against_one_split():
  told = comparison.Difference("splits", 3, 1)
  result = _result()
  assert _mmv_differences(result, "ucf101_linear", first_split=True) == [told]
  result["splits"] = result["splits"][:1]
  assert _mmv_differences(result, "ucf101_linear", first_split=True) == []


def test_protocol_of_another_kind_is_told_instead_of_its_values():
  result = _result(
    name="finetune", recipe={"epochs": 1}, test_view_size=200, temporal_clips=1
  )
  assert _mmv_differences(result, "ucf101_finetune") == [
    comparison.Difference("protocol", "finetune", "finetune_sgd")
  ]
  result["protocol"]["name"] = "finetune_sgd"
  assert comparison.measured(result, "ucf101_finetune") == 90.0
  assert _differences(result, "ucf101_finetune")[-1] == (
    "protocol",
    "finetune_sgd",
    "finetune",
  )


def test_fine_tuning_by_sgd_is_compared_with_table_5():
  recipe = dataclasses.asdict(protocols.FINE_TUNE_SGD_UCF101)
  recipe["decay_steps"] = list(recipe["decay_steps"])
  result = _result(name="finetune_sgd", recipe=recipe, spatial_crops=1)
  del result["protocol"]["choose_c"]
  assert _mmv_differences(result, "ucf101_finetune") == []
  recipe |= dataclasses.asdict(protocols.FineTuneSgd())  # those of HMDB51
  recipe["decay_steps"] = list(recipe["decay_steps"])
  told = {
    item.name: item.paper
    for item in _mmv_differences(result, "ucf101_finetune")
  }
  assert told == {
    "decay steps": [6250, 12_500, 18_750],
    "steps": 25_000,
    "weight decay": 1e-7,
  }


def _retrieval_result():
  """Returns what the paper's retrieval on YouCook2 would have written."""
  result = _result(name="retrieval", spatial_crops=1, test_short_side=224)
  del result["protocol"]["choose_c"]
  about = {"queries": 3190, "gallery": 3190}
  result["classes"] = []
  result["splits"] = [
    {"test_clips_left_out": 0, "directions": {"text_to_video": about}}
  ]
  figures = {
    "text_to_video_recall_at_10": 0.25,
    "text_to_video_median_rank": 31.0,
  }
  result["pretrained"]["mean"] = figures
  chance = {name: 2 * value for name, value in figures.items()}
  result["random_initialisation"]["mean"] = chance
  return result


@pytest.mark.parametrize(
  ("name", "title", "values"),
  [
    ("youcook2_recall_at_10", "YouCook2 R@10, per cent", "25.0 37.2 50.0"),
    ("youcook2_median_rank", "YouCook2 MedR, rank", "31.0 20.0 62.0"),
  ],
)
def test_recall_is_per_cent_and_a_rank_is_a_rank(name, title, values):
  text = comparison.evaluation_text(
    _retrieval_result(), tiny_runs.experiment(), [_MMV_ROW], name
  )
  first, *rows = text.splitlines()[:4]
  assert first == title
  assert " ".join(row.split()[1] for row in rows) == values
  assert text.endswith("  in nothing that the result tells")


def test_retrieval_among_fewer_videos_is_told():
  result = _retrieval_result()
  result["splits"][0]["directions"]["text_to_video"]["gallery"] = 48
  result["protocol"]["temporal_clips"] = 1
  assert _mmv_differences(result, "youcook2_recall_at_10") == [
    comparison.Difference("videos to search", 48, 3190),
    comparison.Difference("temporal clips", 1, 10),
  ]


def test_images_are_compared_by_the_way_they_are_seen():
  recipe = dataclasses.asdict(protocols.Pascal())
  result = _result(
    name="pascal", image="trained", recipe=recipe, spatial_crops=1
  )
  result["protocol"] |= {"temporal_clips": 1, "test_short_side": 224}
  result["protocol"]["train_view"]["num_frames"] = 1
  del result["protocol"]["choose_c"]
  result["classes"] = ["cat"] * 20 + ["difficult:cat"] * 20
  result["splits"] = result["splits"][:1]
  result["pretrained"]["mean"] = {"mean_average_precision": 0.7}
  assert comparison.measured(result, "voc2007_deflation") == pytest.approx(70)
  assert not _mmv_differences(result, "voc2007_deflation")
  result["protocol"]["recipe"]["epochs"] = 3
  assert _mmv_differences(result, "voc2007_deflation") == [
    comparison.Difference("epochs", 3, 30)
  ]


def test_text_tells_figures_and_differences():
  recipe = tiny_runs.experiment()
  result = _result(grid_c=[1e-5, 1e-4, 1e-3, 1e-2])
  lines = comparison.evaluation_text(
    result, recipe, _ROWS, "ucf101_linear"
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
    _result(), recipe, _ROWS[:1], "ucf101_linear"
  )
  assert same.endswith("  in nothing that the result tells")


@pytest.mark.parametrize(
  ("result", "name", "message"),
  [
    (_result("linear"), "ucf101_linear", "--protocol=svm; .* has linear"),
    (_result(modality="audio"), "ucf101_linear", "--modality=video; .* audio"),
    (_result(), "imagenet_linear", "is measured by no --protocol"),
    (_result(), "voc2007_deflation", "--protocol=pascal; .* has svm"),
    (
      _result("pascal", image="naive"),
      "voc2007_deflation",
      "is measured with --image=trained; the result has naive",
    ),
    (_result(), "msrvtt_median_rank", "--protocol=retrieval; .* has svm"),
    (
      _result("mlp", "audio"),
      "audioset_mlp",
      "is about `mean_average_precision`; the result has: top_1, top_5",
    ),
    (_result(), "ucf_linear", "did you mean ucf101_linear?"),
  ],
)
def test_result_of_something_else_is_refused(result, name, message):
  with pytest.raises(ValueError, match=message):
    comparison.measured(result, name)


def test_missing_and_foreign_files_are_named(tmp_path):
  path = tmp_path / "x.json"
  with pytest.raises(FileNotFoundError, match="x.json does not exist; tfvssl"):
    comparison.read_result(path)
  for text in ("{", "[1]", '{"protocol": {}}', "7"):
    path.write_text(text)
    with pytest.raises(exit_codes.UserError, match="is not a result") as error:
      comparison.read_result(path)
    assert error.value.exit_code == exit_codes.DATA
  path.write_text(json.dumps(_result()))
  assert comparison.read_result(path) == _result()


def _changed(*place, value=None):
  """Returns a result with another value at a place, or without it."""
  result = part = _result()
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
  result = _result(grid_c=["x", 1])
  assert _differences(result)[0].here == ["x", 1]
  text = comparison.evaluation_text(
    result, tiny_runs.experiment(), _ROWS[:1], "ucf101_linear"
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
