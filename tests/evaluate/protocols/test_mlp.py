"""The perceptron on frozen features: clips of several labels."""

import numpy as np
import pytest

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl.config import protocols
from tfvssl.evaluate.protocols import linear
from tfvssl.evaluate.protocols import mlp

RECIPE = protocols.ShallowMlp(
  hidden_dim=16, epochs=20, warmup_steps=2, learning_rate=0.02, batch_size=4
)


def _protocol(recipe=RECIPE):
  settings = grey_records.settings()
  return mlp.ShallowMlpProtocol("video", settings, recipe=recipe)


def _several(labels):
  """Dark clips are of class 0, bright ones of 1 and 2; 3 has no test clip."""
  rows = np.where(labels == 0, [[0, -1]], [[1, 2]])
  return rows


@pytest.fixture(scope="module")
def split(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  splits = _protocol().open_splits(
    [str(grey_records.bright_and_dark(root / "train", 12))],
    [str(grey_records.bright_and_dark(root / "test", 7, first=20))],
  )
  train = _several(splits[0].train_labels)
  train[0] = [0, 3]
  return splits[0]._replace(
    classes=["down", "right", "fast", "rare"],
    train_labels=train,
    test_labels=_several(splits[0].test_labels),
  )


def test_several_labels_are_told_apart(split):
  protocol = _protocol()
  encoder = grey_records.mean_colour_encoder(protocol.settings.spec)
  result = protocol.evaluate(encoder, [split])
  assert result["mean"] == {"mean_average_precision": 1.0}
  first = result["splits"][0]
  assert first["average_precision"] == {"down": 1, "right": 1, "fast": 1}
  assert (first["classes_averaged"], first["classes_known"]) == (3, 4)


def test_records_of_several_labels_are_taken(tmp_path):
  for folder, first in (("train", 0), ("test", 20)):
    encoded = [
      grey_records.grey_clip(f"{n}.mp4", n % 2, [40 + n + 120 * (n % 2)] * 12)
      for n in range(first, first + 6)
    ]
    for clip in encoded[1::2]:
      clip.other_label_indices = (0,)  # the bright ones are of both classes
    record_fixture.write_records(tmp_path / folder, encoded, num_shards=2)
  folders = [str(tmp_path / "train")], [str(tmp_path / "test")]
  protocol = _protocol()
  split = protocol.open_splits(*folders)[0]
  assert sorted(split.train_labels.tolist()) == [[0, -1]] * 3 + [[1, 0]] * 3
  result = protocol.evaluate(
    grey_records.mean_colour_encoder(protocol.settings.spec), [split]
  )
  assert result["splits"][0]["average_precision"] == {"down": 1, "right": 1}
  single = linear.LinearProtocol("video", protocol.settings)
  with pytest.raises(ValueError, match="has 2 labels; .* Use --protocol=mlp"):
    single.open_splits(*folders)


def test_guessing_finds_the_share_of_a_class(split):
  # 4 of 7 clips are of class 0, 3 of classes 1 and 2, none of class 3.
  chance = _protocol().baselines(split)["chance"]
  assert chance == pytest.approx((4 / 7 + 3 / 7 + 3 / 7) / 3)


def test_mean_is_that_of_the_splits():
  splits = [{"mean_average_precision": value} for value in (0.2, 0.6)]
  assert _protocol().mean(splits) == {
    "mean_average_precision": pytest.approx(0.4)
  }
  assert _protocol().mean([]) == {"mean_average_precision": None}


def test_every_choice_is_in_the_result():
  tree = _protocol().to_tree()
  assert tree["name"] == "mlp"
  assert (tree["replicas"], tree["clips_per_replica"]) == (1, 4)
  assert tree["recipe"]["hidden_dim"] == 16
  assert tree["optimizer"]["beta_2"] == 0.999
  assert tree["averaged"] == "sigmoid probabilities"
