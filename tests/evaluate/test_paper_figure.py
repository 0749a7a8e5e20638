"""Whether a result can be held against a paper's figure, and by which value."""

import dataclasses

import pytest

from tests import paper_results as papers
from tests import tiny_runs
from tfvssl.config import protocols
from tfvssl.evaluate import paper_figure


def _differences(result, name="ucf101_linear"):
  return paper_figure.differences(
    result, tiny_runs.experiment(), papers.ROWS[0], name
  )


def test_equal_protocol_has_no_difference():
  assert _differences(papers.result()) == []


def test_every_difference_is_told():
  result = papers.result(
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
  result = papers.result(modality="audio", train_view={"seconds": 5.0})
  result["classes"] = ["x"] * 50
  result["splits"] *= 2
  assert set(_differences(result, "esc50_linear")) == {
    ("splits", 6, 5),
    ("temporal clips", 10, 1),
  }


def test_fine_tuning_is_held_against_table_7_of_its_data_set():
  result = papers.result(
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
    paper_figure.Difference("learning rates", [0.1], [0.3])
  ]


def test_batch_norm_of_fewer_clips_is_told():
  # Paper appendix B: 256 clips, or 128, over 32 workers.
  result = papers.result("finetune", spatial_crops=1, clips_per_replica=256)
  result["classes"] = ["x"] * 51
  told = paper_figure.Difference("clips per replica", 256, 8)
  assert _differences(result, "hmdb51_finetune") == [told]
  recipe = tiny_runs.experiment()
  recipe.finetune.batch_size = 128
  found = paper_figure.differences(
    result, recipe, papers.ROWS[0], "hmdb51_finetune"
  )
  assert found == [told._replace(paper=4)]
  result["protocol"]["clips_per_replica"] = 8
  assert _differences(result, "hmdb51_finetune") == []


def test_what_a_search_chose_is_held_against_table_7():
  result = papers.result(
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
    paper_figure.Difference("dropouts", [0.5], [0.8])
  ]


def _mmv_differences(result, name, **row):
  row = dataclasses.replace(papers.MMV_ROW, **row)
  return paper_figure.differences(result, tiny_runs.experiment(), row, name)


def test_size_of_view_is_told_where_the_paper_tells_it():
  result = papers.result(test_view_size=200)
  told = paper_figure.Difference("pixels of a view", 200, 224)
  assert _mmv_differences(result, "ucf101_linear") == [told]
  assert _differences(result) == []  # of another paper
  result = papers.result(test_view_size=224)
  assert _mmv_differences(result, "ucf101_linear") == []


def test_length_of_sound_is_told_where_the_paper_tells_it():
  result = papers.result(modality="audio", train_view={"seconds": 3.2})
  result["classes"], result["splits"] = ["x"] * 50, [{}] * 5
  # Ten windows, as of pictures: the single one is BraVe's.
  assert _mmv_differences(result, "esc50_linear") == [
    paper_figure.Difference("seconds of a view", 3.2, 2.0)
  ]
  assert _mmv_differences(result, "esc50_linear", test_seconds=None) == []


def test_number_of_the_first_split_is_held_against_one_split():
  told = paper_figure.Difference("splits", 3, 1)
  result = papers.result()
  assert _mmv_differences(result, "ucf101_linear", first_split=True) == [told]
  result["splits"] = result["splits"][:1]
  assert _mmv_differences(result, "ucf101_linear", first_split=True) == []


def test_protocol_of_another_kind_is_told_instead_of_its_values():
  result = papers.result(
    name="finetune", recipe={"epochs": 1}, test_view_size=200, temporal_clips=1
  )
  assert _mmv_differences(result, "ucf101_finetune") == [
    paper_figure.Difference("protocol", "finetune", "finetune_sgd")
  ]
  result["protocol"]["name"] = "finetune_sgd"
  assert paper_figure.measured(result, "ucf101_finetune") == 90.0
  assert _differences(result, "ucf101_finetune")[-1] == (
    "protocol",
    "finetune_sgd",
    "finetune",
  )


def test_fine_tuning_by_sgd_is_compared_with_table_5():
  recipe = dataclasses.asdict(protocols.FINE_TUNE_SGD_UCF101)
  recipe["decay_steps"] = list(recipe["decay_steps"])
  result = papers.result(name="finetune_sgd", recipe=recipe, spatial_crops=1)
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


def test_retrieval_among_fewer_videos_is_told():
  result = papers.retrieval_result()
  result["splits"][0]["directions"]["text_to_video"]["gallery"] = 48
  result["protocol"]["temporal_clips"] = 1
  assert _mmv_differences(result, "youcook2_recall_at_10") == [
    paper_figure.Difference("videos to search", 48, 3190),
    paper_figure.Difference("temporal clips", 1, 10),
  ]


def test_images_are_compared_by_the_way_they_are_seen():
  recipe = dataclasses.asdict(protocols.Pascal())
  result = papers.result(
    name="pascal", image="trained", recipe=recipe, spatial_crops=1
  )
  result["protocol"] |= {"temporal_clips": 1, "test_short_side": 224}
  result["protocol"]["train_view"]["num_frames"] = 1
  del result["protocol"]["choose_c"]
  result["classes"] = ["cat"] * 20 + ["difficult:cat"] * 20
  result["splits"] = result["splits"][:1]
  result["pretrained"]["mean"] = {"mean_average_precision": 0.7}
  assert paper_figure.measured(result, "voc2007_deflation") == pytest.approx(70)
  assert not _mmv_differences(result, "voc2007_deflation")
  result["protocol"]["recipe"]["epochs"] = 3
  assert _mmv_differences(result, "voc2007_deflation") == [
    paper_figure.Difference("epochs", 3, 30)
  ]


@pytest.mark.parametrize(
  ("result", "name", "message"),
  [
    (
      papers.result("linear"),
      "ucf101_linear",
      "--protocol=svm; .* has linear",
    ),
    (
      papers.result(modality="audio"),
      "ucf101_linear",
      "--modality=video; .* audio",
    ),
    (papers.result(), "imagenet_linear", "is measured by no --protocol"),
    (
      papers.result(),
      "voc2007_deflation",
      "--protocol=pascal; .* has svm",
    ),
    (
      papers.result("pascal", image="naive"),
      "voc2007_deflation",
      "is measured with --image=trained; the result has naive",
    ),
    (
      papers.result(),
      "msrvtt_median_rank",
      "--protocol=retrieval; .* has svm",
    ),
    (
      papers.result("mlp", "audio"),
      "audioset_mlp",
      "is about `mean_average_precision`; the result has: top_1, top_5",
    ),
    (papers.result(), "ucf_linear", "did you mean ucf101_linear?"),
  ],
)
def test_result_of_something_else_is_refused(result, name, message):
  with pytest.raises(ValueError, match=message):
    paper_figure.measured(result, name)
