"""Fine-tuning: the network learns, every training starts alike."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.evaluate.classifiers import diverged
from tfvssl.evaluate.classifiers import fine_tuned
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import finetune
from tfvssl.evaluate.samples import features
from tfvssl.methods import base
from tfvssl.runtime import exit_codes

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


@pytest.mark.slow
def test_network_learns_what_is_dark_and_bright(splits):
  recipe = dataclasses.replace(RECIPE, epochs=30, learning_rates=(1.0,))
  result = _protocol(recipe).evaluate(_encoder(), splits)
  assert [split["top_1"] for split in result["splits"]] == [1.0, 0.0]


@pytest.fixture
def trainings(monkeypatch):
  """Arguments of every training; none takes place."""
  calls = []

  def train(logits_of, loss_of, networks, batches, records, recipe, folder):
    del loss_of, records, folder
    variables = [v for each in networks for v in each.trainable_variables]
    view = next(iter(batches(features.Share(4))))
    calls.append((logits_of(view), variables, recipe))

  monkeypatch.setattr(classifier, "train", train)
  return calls


def test_each_training_has_its_rate_and_decay(splits, trainings):
  recipe = dataclasses.replace(RECIPE, weight_decays=(0.0, 1e-7))
  _protocol(recipe).evaluate(_encoder(), splits[:1])
  assert [
    (given.learning_rate, given.optimizer.weight_decay)
    for _, _, given in trainings
  ] == [(3.0, 0.0), (3.0, 1e-7)]
  # 12 clips in batches of 4.
  assert {given.total_steps for _, _, given in trainings} == {12}
  assert {given.warmup_steps for _, _, given in trainings} == {3}


def test_dropout_stands_before_the_last_layer(splits, trainings, monkeypatch):
  monkeypatch.setattr(
    fine_tuned,
    "dropout_factors",
    lambda rate, dim, view, seed: tf.zeros([4, dim]) + (rate - 0.1),
  )
  encoder = _encoder()
  _protocol().evaluate(encoder, splits[:1])
  logits, variables, _ = trainings[0]
  # All features are dropped and the bias is still zero.
  np.testing.assert_array_equal(logits, np.zeros([4, 2]))
  # The backbone's, and the head's scale, offset, weights and bias.
  assert len(variables) == len(encoder.backbone.trainable_variables) + 4


def test_batch_norms_are_local_before_they_are_traced(splits, monkeypatch):
  encoder, seen = _encoder(), []
  build_head = classifier.build_head

  def kept_head(*arguments):
    seen.append(build_head(*arguments))
    return seen[-1]

  def train(*arguments):
    del arguments
    seen.append([norm.local for norm in _norms(encoder.backbone, seen[0])])

  monkeypatch.setattr(classifier, "build_head", kept_head)
  monkeypatch.setattr(classifier, "train", train)
  assert not any(norm.local for norm in _norms(encoder.backbone))
  _protocol().evaluate(encoder, splits[:1])
  head, local = seen
  assert len(_norms(head)) == 1
  assert len(local) == len(_norms(encoder.backbone)) + 1 > 3
  assert all(local)


def _norms(*models):
  return [
    module
    for model in models
    for module in model.submodules
    if isinstance(module, tf.keras.layers.BatchNormalization)
  ]


class _Told(finetune.FineTuneProtocol):
  """Trains nothing: a test says how accurate a choice is on a split."""

  def tell(self, right):
    self.right, self.trainings = right, []
    return self

  def _accuracy(self, encoder, start, split, choice):
    self.trainings.append((split.name, choice))
    labels = split.test_labels[:, 0]
    count = self.right(split, choice)
    if count is None:
      raise diverged.Diverged(f"{choice} diverged")
    given = np.where(np.arange(len(labels)) < count, labels, 1 - labels)
    return linear_svm.accuracy_of(np.eye(2)[given], split.columns, labels)


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


def test_point_that_diverges_is_out(splits):
  recipe = dataclasses.replace(RECIPE, learning_rates=(0.1, 1.0, 3.0))
  right = {0.1: 2, 1.0: None, 3.0: 1}
  protocol = _told(recipe, lambda split, choice: right[choice.learning_rate])
  result = protocol.evaluate(_encoder(), splits[:1])
  assert result["choice"]["learning_rate"] == 0.1
  assert result["mean"]["top_1"] == pytest.approx(2 / 7)
  assert [point["top_1"] for point in result["sweep"]] == [
    pytest.approx(2 / 7),
    None,
    pytest.approx(1 / 7),
  ]
  assert result["sweep"][1]["learning_rate"] == 1.0
  assert result["sweep"][1]["error"].endswith(" diverged")
  assert "error" not in result["sweep"][0]


@pytest.mark.slow
def test_search_goes_on_after_a_real_divergence(splits):
  recipe = dataclasses.replace(RECIPE, learning_rates=(1e30, 3.0), epochs=2)
  result = _protocol(recipe).evaluate(_encoder(), splits[:1])
  diverged, trained = result["sweep"]
  assert diverged["top_1"] is None
  assert "not finite" in diverged["error"]
  alone = dataclasses.replace(recipe, learning_rates=(3.0,))
  expected = _protocol(alone).evaluate(_encoder(), splits[:1])
  assert trained["top_1"] == expected["mean"]["top_1"]
  assert result["splits"] == expected["splits"]


def test_search_without_any_training_fails(splits):
  recipe = dataclasses.replace(RECIPE, learning_rates=(0.1, 1.0))
  protocol = _told(recipe, lambda split, choice: None)
  with pytest.raises(
    exit_codes.UserError,
    match=r"split 1: all 2 trainings of the grid diverged; the last: .*1\.0",
  ) as caught:
    protocol.evaluate(_encoder(), splits)
  assert caught.value.exit_code == exit_codes.NUMERICAL
  later = _told(
    recipe, lambda split, choice: 1 if split.name == "split 1" else None
  )
  with pytest.raises(exit_codes.UserError, match=r"=0\.1, .* diverged"):
    later.evaluate(_encoder(), splits)


@pytest.mark.parametrize(
  ("code", "words"),
  [
    (exit_codes.DATA, "record 1 is damaged"),
    # A fault in the numbers, but not the rate's.
    (exit_codes.NUMERICAL, "the replicas do not hold the same weights"),
  ],
)
def test_fault_that_no_rate_has_ends_the_search(splits, code, words):
  recipe = dataclasses.replace(RECIPE, learning_rates=(0.1, 1.0))

  def broken(split, choice):
    raise exit_codes.UserError(code, words)

  with pytest.raises(exit_codes.UserError, match=words):
    _told(recipe, broken).evaluate(_encoder(), splits)


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
  assert spec.crop == pictures.JitterCrop((0.8, 1.2), 224 / 256)
  assert spec.augmentation.flip_probability == 0.5
  assert spec.augmentation.colour_probability == 0.0
  assert spec.augmentation.greyscale_probability == 0.0
  assert spec.augmentation.blur_probability == 0.0
  assert not spec.augmentation.random_convolution
  sound = views.AudioViewSpec()
  assert finetune.training_spec(sound, protocols.FineTune()) == sound


def test_every_choice_is_in_the_result():
  grid = dataclasses.replace(RECIPE, dropouts=(0.1, 0.5))
  tree = _protocol(grid).to_tree()
  assert tree["recipe"]["dropouts"] == [0.1, 0.5]
  assert tree["chosen_on"] == "test clips of split 1"
  assert tree["train_view"]["crop"]["class"] == (
    "tfvssl.config.pictures.JitterCrop"
  )
  assert tree["batch_norm"] == "statistics of each replica alone"
  assert tree["clips_per_replica"] == 4
  assert tree["replicas"] == 1
  assert tree["precision"] == "float32"
  assert _protocol().to_tree()["chosen_on"] == "given"
  held = dataclasses.replace(grid, validation_share=0.2)
  assert "validation" in _protocol(held).to_tree()["chosen_on"]
