"""Tests of vectors take their cases and counts from the files.

Files of the same format with fewer or more cases, or larger values, made from
ours, pass the same tests.
"""

import json

import numpy as np
import pytest

from tests.golden import test_lars
from tests.golden import test_view_sampling
from tests.golden.mmv import test_losses
from tests.golden.mmv import test_metrics
from tests.golden.mmv import test_text_branch
from tests.golden.mmv import test_tokens


@pytest.mark.parametrize("rows", [[0], [3, 1, 11], [*range(12)] * 2])
def test_any_number_of_sentences(mmv_dir, tmp_path, rows):
  golden = json.loads((mmv_dir / "tokens.json").read_text("utf-8"))
  for key in ("sentences", "ids"):
    golden[key] = [golden[key][row % len(golden[key])] for row in rows]
  (tmp_path / "tokens.json").write_text(json.dumps(golden), "utf-8")
  test_tokens.test_word_ids(tmp_path, tmp_path)


@pytest.mark.parametrize("rows", [slice(-1, None), slice(5, None)])
def test_any_number_of_texts(mmv_dir, mmv_golden, tmp_path, rows):
  tensors = json.loads((mmv_dir / "heads_tensors.json").read_text("utf-8"))
  # One model of several.
  name, model = list(tensors["tensors"].items())[-1]
  tensors["tensors"] = {name: model}
  (tmp_path / "heads_tensors.json").write_text(json.dumps(tensors), "utf-8")

  def read(name):
    arrays = mmv_golden(name)
    return {
      **arrays,
      "word_ids": arrays["word_ids"][rows],
      "text_repr": arrays["text_repr"][rows],
    }

  test_text_branch.test_representation(tmp_path, read)


@pytest.mark.parametrize("variant", test_lars._VARIANTS)
def test_optimiser_with_fewer_steps_of_larger_values(golden, variant):
  """All that LARS does grows with weights and gradients, by the same factor."""
  factor = np.float32(2**12)  # exact in float32
  arrays = {}
  for key, value in golden("lars").items():
    if value.dtype == np.float32 and ":" in key:
      value = value * factor
    arrays[key] = value
    if not key.startswith("init:") and key != "excluded_names":
      arrays[key] = value[:3]
  largest = max(np.abs(arrays[key]).max() for key in arrays if ":" in key)
  assert largest > 1000
  test_lars.test_parameters_after_each_step(arrays, variant, False)


def test_optimiser_that_is_wrong_by_a_hundred_thousandth_fails(golden):
  arrays = golden("lars")
  key = "paper_mask_update_factor:backbone/batch_norm/scale"
  arrays[key] = arrays[key] * np.float32(1 + 1e-5)
  with pytest.raises(AssertionError, match="batch_norm/scale after step"):
    test_lars.test_parameters_after_each_step(
      arrays, "paper_mask_update_factor", False
    )


def test_losses_of_some_cases(mmv_golden):
  vectors = {
    key: value
    for key, value in mmv_golden("losses").items()
    if key.split("|")[0] in ("nce_va_missing", "single_sample")
  }
  test_losses.test_every_value_of_every_case(vectors)


def test_measures_of_some_cases(mmv_golden):
  vectors = {
    key: value
    for key, value in mmv_golden("metrics").items()
    if not key.startswith(("retr_a", "voc_ties"))
  }
  test_metrics.test_ranks(vectors)
  test_metrics.test_recalls_and_median_rank(vectors)
  test_metrics.test_eleven_point_average_precision(vectors)
  test_metrics.test_area_is_another_measure(vectors)


def test_windows_of_some_cases(golden):
  table = golden("view_sampling")
  table["num_cases"] = np.array(2)
  cases = test_view_sampling.cases_of(table)
  assert len(cases) == 2
  test_view_sampling.test_bound_of_the_narrow_start(cases)
  test_view_sampling.test_frames_of_both_views(cases, "narrow")
