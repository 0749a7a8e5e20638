"""Fine-tuning: the network learns, every training starts alike."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.evaluation import grey_records
from tfvssl import protocols
from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.evaluation import finetune
from tfvssl.evaluation import svm
from tfvssl.methods import base

RECIPE = protocols.FineTune(
  epochs=4,
  warmup_epochs=1,
  batch_size=4,
  learning_rates=(3.0,),
  weight_decays=(0.0,),
  dropouts=(0.1,),
  test_short_side=18,
)


def _protocol(recipe=RECIPE):
  spec = grey_records.plain_spec()
  settings = grey_records.settings(
    finetune.training_spec(spec, recipe), spec, test_short_side=18
  )
  return finetune.FineTuneProtocol("video", settings, recipe=recipe)


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  train = str(grey_records.bright_and_dark(root / "train", 12))
  test = str(grey_records.bright_and_dark(root / "test", 7, first=20))
  swapped = str(
    grey_records.bright_and_dark(root / "swapped", 5, first=40, flip=True)
  )
  return _protocol().open_splits([train, train], [test, swapped])


def _encoder(seed=0):
  tf.keras.utils.set_random_seed(seed)
  network = tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125).build("f")
  network(np.zeros([1, 4, 16, 16, 3], np.float32))
  return base.Encoder(grey_records.plain_spec(), network, [])


def test_the_whole_network_is_trained_and_starts_alike_each_time(splits):
  encoder = _encoder()
  before = [variable.numpy() for variable in encoder.backbone.variables]
  result = _protocol().evaluate(encoder, [splits[0], splits[0]])
  for value, variable in zip(before, encoder.backbone.variables, strict=True):
    assert not np.array_equal(value, variable), variable.name
  assert result["splits"][0] == result["splits"][1]
  assert result["mean"]["top_1"] == result["splits"][0]["top_1"]
  assert result["sweep"] == []
  assert result["choice"] == {
    "learning_rate": 3.0,
    "weight_decay": 0.0,
    "dropout": 0.1,
  }


class _Told(finetune.FineTuneProtocol):
  """Trains nothing: a test says how accurate a choice is on a split."""

  def tell(self, right):
    self.right, self.trainings = right, []
    return self

  def _accuracy(self, encoder, start, split, choice):
    self.trainings.append((split.name, choice))
    labels = split.test_labels[:, 0]
    count = self.right(split, choice)
    given = np.where(np.arange(len(labels)) < count, labels, 1 - labels)
    return svm.accuracy_of(np.eye(2)[given], split.columns, labels)


def _told(recipe, right):
  return _Told("video", _protocol(recipe).settings, recipe=recipe).tell(right)


def test_grid_is_decided_on_the_first_split(splits):
  recipe = dataclasses.replace(
    RECIPE, learning_rates=(0.1, 1.0), dropouts=(0.1, 0.5)
  )
  protocol = _told(recipe, lambda split, choice: 3 * choice.learning_rate)
  result = protocol.evaluate(_encoder(), splits)
  assert [
    (point["learning_rate"], point["dropout"], point["top_1"])
    for point in result["sweep"]
  ] == [
    (0.1, 0.1, pytest.approx(1 / 7)),
    (0.1, 0.5, pytest.approx(1 / 7)),
    (1.0, 0.1, pytest.approx(3 / 7)),
    (1.0, 0.5, pytest.approx(3 / 7)),
  ]
  # Of equal accuracies the first of the grid; used for all splits, and not
  # trained again on the first.
  assert result["choice"] == {
    "learning_rate": 1.0,
    "weight_decay": 0.0,
    "dropout": 0.1,
  }
  assert [split["top_1"] for split in result["splits"]] == [
    pytest.approx(3 / 7),
    pytest.approx(3 / 5),
  ]
  assert [name for name, _ in protocol.trainings] == ["split 1"] * 4 + [
    "split 2"
  ]


def test_validation_share_uses_no_test_label(splits):
  recipe = dataclasses.replace(
    RECIPE, learning_rates=(0.1, 1.0), validation_share=0.3
  )

  def right(split, choice):
    held_out = "held out" in split.name
    assert held_out == (len(split.test_clips) == 4)  # 2 of 6 per class
    # The test clips would prefer the other rate.
    return 4 if held_out == (choice.learning_rate == 1.0) else 0

  protocol = _told(recipe, right)
  result = protocol.evaluate(_encoder(), splits[:1])
  assert result["choice"]["learning_rate"] == 1.0
  assert result["mean"]["top_1"] == 0.0
  assert [name for name, _ in protocol.trainings] == [
    "split 1, held out of its training clips",
    "split 1, held out of its training clips",
    "split 1",
  ]


def test_random_network_is_trained_from_its_beginning(splits):
  encoder = _encoder(seed=4)
  statistics = [v.numpy() for v in encoder.backbone.non_trainable_variables]
  _protocol().prepare_random(encoder, splits)
  for value, variable in zip(
    statistics, encoder.backbone.non_trainable_variables, strict=True
  ):
    np.testing.assert_array_equal(variable, value)


def test_training_view_has_jitter_and_flip_only():
  spec = finetune.training_spec(views.RgbViewSpec(), protocols.FineTune())
  assert spec.crop == views.JitterCrop((0.8, 1.2), 224 / 256)
  assert spec.augmentation.flip_probability == 0.5
  assert spec.augmentation.colour_probability == 0.0
  assert spec.augmentation.greyscale_probability == 0.0
  assert spec.augmentation.blur_probability == 0.0
  assert not spec.augmentation.random_convolution
  sound = views.AudioViewSpec()
  assert finetune.training_spec(sound, protocols.FineTune()) == sound


def test_dropout_keeps_the_mean_and_repeats():
  view = views.View(
    epoch=tf.constant([0, 0, 1], tf.int64),
    sample_index=tf.constant([5, 6, 5], tf.int64),
  )
  factors = finetune.dropout_factors(0.8, 4000, view, seed=3).numpy()
  assert set(np.unique(factors)) == {0.0, np.float32(1 / (1 - 0.8))}
  # Binomial, 4000 draws: 3 standard deviations of the share are 0.019.
  np.testing.assert_allclose((factors > 0).mean(axis=1), 0.2, atol=0.019)
  assert not np.array_equal(factors[0], factors[1])
  assert not np.array_equal(factors[0], factors[2])
  again = finetune.dropout_factors(0.8, 4000, view, seed=3).numpy()
  np.testing.assert_array_equal(factors, again)
  assert (finetune.dropout_factors(0.0, 9, view, 3).numpy() == 1.0).all()


def test_every_choice_is_in_the_result():
  grid = dataclasses.replace(RECIPE, dropouts=(0.1, 0.5))
  tree = _protocol(grid).to_tree()
  assert tree["recipe"]["dropouts"] == [0.1, 0.5]
  assert tree["chosen_on"] == "test clips of split 1"
  assert tree["train_view"]["crop"]["class"] == "tfvssl.views.JitterCrop"
  assert tree["batch_norm"] == "statistics of each replica alone"
  held = dataclasses.replace(grid, validation_share=0.2)
  assert "validation" in _protocol(held).to_tree()["chosen_on"]
