"""Names of results, and that the file appears whole or not at all."""

import json
import re

import pytest

from tfvssl.evaluate import result_file


def _result(**changes):
  split = {
    "train_records": {"folder": "train", "shards_hash": "a"},
    "test_records": {"folder": "test", "shards_hash": "b"},
  }
  return {
    "protocol": {"name": "svm", "modality": "video", "seed": 0},
    "checkpoint_step": 7,
    "splits": [split],
    "seconds": 1.5,
    **changes,
  }


def test_only_a_repetition_has_the_same_name():
  name = result_file.name(_result(), ["/data/UCF 101/test"])
  assert name.startswith("svm_video_step_7_UCF-101-test_")
  assert name == result_file.name(_result(seconds=9.0), ["/data/UCF 101/test"])
  other_records = _result()
  other_records["splits"][0]["test_records"]["shards_hash"] = "c"
  other_choice = _result()
  other_choice["protocol"]["seed"] = 1
  names = {
    name,
    result_file.name(other_records, ["/data/UCF 101/test"]),
    result_file.name(other_choice, ["/data/UCF 101/test"]),
    result_file.name(_result(), ["/data/HMDB51/test"]),
    result_file.name(_result(checkpoint_step=8), ["/data/UCF 101/test"]),
  }
  assert len(names) == 5


def test_name_of_many_splits_stays_a_file_name():
  name = result_file.name(
    _result(), [f"/data/split {number}/../ä/test" for number in range(50)]
  )
  assert re.fullmatch(r"[A-Za-z0-9._-]{1,130}", name)


def test_result_without_training_records_has_a_name():
  result = _result()
  del result["splits"][0]["train_records"]
  name = result_file.name(result, ["/data/YouCook2/test"])
  assert name.startswith("svm_video_step_7_YouCook2-test_")
  assert name != result_file.name(_result(), ["/data/YouCook2/test"])


def test_file_is_whole_or_not_there(tmp_path):
  path = tmp_path / "results" / "one.json"
  result_file.write({"value": 0.5}, path)
  assert json.loads(path.read_text()) == {"value": 0.5}
  with pytest.raises(ValueError, match="Out of range float"):
    result_file.write({"value": float("nan")}, path)
  assert json.loads(path.read_text()) == {"value": 0.5}
  assert [p.name for p in path.parent.iterdir()] == ["one.json"]
