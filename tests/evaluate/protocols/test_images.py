"""The linear layer on images: what counts, the rate, and the figures."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.evaluate.classifiers import average_precision
from tfvssl.evaluate.classifiers import difficult
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import rates
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import images
from tfvssl.evaluate.samples import splits
from tfvssl.methods import mmv
from tfvssl.runtime import exit_codes

_FEW = {"epochs": 40, "batch_size": 4, "validation_share": 0.25}
_SPEC = dataclasses.replace(grey_records.plain_spec(), num_frames=1)


def _settings():
  return grey_records.settings(_SPEC, temporal_clips=1)


def _pascal(rates=(0.3,), **changes):
  recipe = protocols.Pascal(learning_rates=rates, **{**_FEW, **changes})
  return images.PascalProtocol("video", _settings(), False, recipe, "repeated")


def _imagenet(rates=(0.3,), **changes):
  recipe = protocols.ImageNet(learning_rates=rates, **{**_FEW, **changes})
  return images.ImageNetProtocol("video", _settings(), False, recipe)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
  """Still pictures: dark ones of class 0, bright ones of class 1."""
  root = tmp_path_factory.mktemp("records")
  for folder, first, count in (("train", 0, 12), ("test", 20, 8)):
    clips = [
      grey_records.grey_clip(f"{n}.jpg", n % 2, [40 + n + 120 * (n % 2)])
      for n in range(first, first + count)
    ]
    record_fixture.write_records(root / folder, clips, num_shards=2)
  return _imagenet().open_splits([str(root / "train")], [str(root / "test")])[0]


_CLASSES = ["dark", "bright", "thing", "difficult:bright"]


def _pascal_split(split, hard_train=(), hard_test=()):
  """All bright images also show a thing; some are bright, but hardly."""

  def rows(labels, hard):
    found = np.where(labels == 0, [[0, -1]], [[1, 2]])
    for row in hard:
      found[row] = [2, 3]
    return found

  return split._replace(
    classes=_CLASSES,
    train_labels=rows(split.train_labels, hard_train),
    test_labels=rows(split.test_labels, hard_test),
  )


def test_defaults_are_the_papers():
  pascal, imagenet = protocols.Pascal(), protocols.ImageNet()
  assert (pascal.epochs, imagenet.epochs) == (30, 200)
  assert (pascal.test_short_side, pascal.spatial_crops) == (224, 1)
  adam = _imagenet().optimizer()
  assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.9, 0.999, 1e-8)
  spec, _ = images.PascalProtocol.views_of(mmv.video_view(), pascal)
  assert (spec.image_size, spec.crop) == (
    200,
    pictures.JitterCrop(scale=(1.0, 1.0), share=200 / 224),
  )
  draws = spec.augmentation
  assert draws.flip_probability == draws.colour_probability == 0
  spec, _ = images.ImageNetProtocol.views_of(mmv.video_view(), imagenet)
  assert spec.crop == mmv.video_view().crop
  draws = spec.augmentation
  assert (draws.flip_probability, draws.colour_probability) == (0, 1)


def test_the_layer_takes_the_schedule(split):
  """One step of Adam is the rate of that update, whatever the gradient."""
  network = tf.Module()
  network.kernel = weights = tf.Variable([[5.0, -5.0]], name="kernel")
  records = split.train
  moved = []

  def logits_of(view):
    return tf.ones_like(view.labels[:, :1], tf.float32) @ weights

  for steps in (1, 2):
    weights.assign([[5.0, -5.0]])
    classifier.train(
      logits_of,
      lambda logits, labels: logits[:, 0],
      [network],
      lambda share: classifier.training_batches(split, _settings(), share),
      records,
      classifier.Recipe(
        "pascal",
        _pascal().optimizer(),
        0.1,
        4,
        total_steps=steps,
        schedule=rates.InverseSquareRoot(0.1),
      ),
    )
    moved.append(5.0 - float(weights[0, 0]))
  np.testing.assert_allclose(moved, [0.1, 0.1 + 0.1 / math.sqrt(2)], rtol=1e-4)


def test_separable_images_are_told_apart(split):
  encoder = grey_records.mean_colour_encoder(_SPEC)
  result = _imagenet().evaluate(encoder, [split])
  assert result["mean"] == {"top_1": 1.0, "top_5": None}
  assert result["splits"][0]["confusion"] == [[4, 0], [0, 4]]
  assert (result["choice"], result["sweep"]) == ({"learning_rate": 0.3}, [])
  found = _pascal().evaluate(encoder, [_pascal_split(split)])
  assert found["mean"] == {"mean_average_precision": 1.0}
  assert found["splits"][0]["average_precision"] == {
    "dark": 1.0,
    "bright": 1.0,
    "thing": 1.0,
  }


@pytest.mark.slow
def test_rate_is_chosen_on_held_out_training_images(split):
  encoder = grey_records.mean_colour_encoder(_SPEC)
  protocol = _imagenet(rates=(1e-6, 0.3))
  result = protocol.evaluate(encoder, [split])
  reached = {row["learning_rate"]: row["top_1"] for row in result["sweep"]}
  assert reached[0.3] == 1.0
  assert reached[1e-6] < 1.0
  assert result["choice"] == {"learning_rate": 0.3}
  assert "held out" in protocol.to_tree()["chosen_on"]


@pytest.mark.slow
def test_rate_is_chosen_by_the_mean_average_precision(split):
  encoder = grey_records.mean_colour_encoder(_SPEC)
  found = _pascal(rates=(1e-6, 0.3)).evaluate(encoder, [_pascal_split(split)])
  assert found["choice"] == {"learning_rate": 0.3}


@pytest.mark.slow
def test_a_rate_that_diverges_is_out(split):
  encoder = grey_records.mean_colour_encoder(_SPEC)
  result = _imagenet(rates=(1e38, 0.3)).evaluate(encoder, [split])
  first, second = result["sweep"]
  assert (first["learning_rate"], first["top_1"]) == (1e38, None)
  assert "not finite" in first["error"]
  assert second["top_1"] == 1.0
  with pytest.raises(
    exit_codes.UserError, match=r"split 1: the layer diverged with all 2 rates"
  ) as caught:
    _imagenet(rates=(1e38, 2e38)).evaluate(encoder, [split])
  assert caught.value.exit_code == exit_codes.NUMERICAL


def test_difficult_images_count_neither_way(split):
  # Training rows are in the order of the records; any bright one will do.
  bright = np.flatnonzero(split.train_labels[:, 0] == 1)
  seen = np.flatnonzero(split.test_labels[:, 0] == 1)
  hard = _pascal_split(split, hard_train=bright[:2], hard_test=seen[:1])
  columns, targets = difficult.certain_targets(hard)
  assert [hard.classes[hard.columns[column]] for column in columns] == [
    "dark",
    "bright",
    "thing",
  ]
  assert targets[seen[0]].tolist() == [0, -1, 1]
  assert targets[seen[1]].tolist() == [0, 1, 1]
  assert np.bincount(targets[:, 1] + 1).tolist() == [1, 4, 3]
  chance = _pascal().baselines(hard)["chance"]
  assert chance == pytest.approx((4 / 8 + 3 / 7 + 4 / 8) / 3)

  logits = tf.constant([[0.3, -0.2, 0.7, 9.0]])
  labels = tf.constant([[2, 3]])  # a thing, hardly bright
  class_of = difficult.difficult_columns(hard)
  assert class_of.tolist() == [-1, -1, -1, 1]
  expected = np.log1p(np.exp(0.3)) + np.log1p(np.exp(-0.7))
  found = difficult.certain_loss(logits, labels, class_of)
  np.testing.assert_allclose(found, [expected], rtol=1e-6)
  both = difficult.certain_loss(logits, tf.constant([[1, 3]]), class_of)
  expected = sum(np.log1p(np.exp(x)) for x in (0.3, 0.2, 0.7))
  np.testing.assert_allclose(both, [expected], rtol=1e-6)


def test_difficult_in_the_test_alone_counts_neither_way(split):
  bright = np.flatnonzero(split.test_labels[:, 0] == 1)[0]
  hard = _pascal_split(split, hard_test=[bright])
  assert 3 not in hard.columns  # no training image is hardly bright
  _, targets = difficult.certain_targets(hard)
  assert targets[bright].tolist() == [0, -1, 1]
  # One that shows nothing else is still not of the other classes.
  train = np.array([[0, -1], [1, 2]])
  test = np.array([[3, -1], [0, -1]])
  kept = splits.keep_known(train, test, _CLASSES, "split 1")
  assert kept.test.tolist() == [True, True]
  assert not kept.unseen


def test_figures_are_the_eleven_point_ones(split):
  hard = _pascal_split(split, hard_test=[0])
  protocol = _pascal(epochs=1)
  encoder = grey_records.mean_colour_encoder(_SPEC)
  figures = protocol.evaluate(encoder, [hard])["splits"][0]
  columns, targets = difficult.certain_targets(hard)
  tf.keras.utils.set_random_seed(protocol.settings.seed)
  scores = classifier.scores_on_frozen(
    heads.PlainHead(len(hard.columns)),
    encoder,
    hard,
    protocol.settings,
    loss_of=lambda logits, labels: difficult.certain_loss(
      logits, labels, difficult.difficult_columns(hard)
    ),
    probabilities_of=tf.sigmoid,
    recipe=protocol._training(len(hard.train_clips), 0.3),
    progress=protocol.progress,
  )
  expected = average_precision.eleven_point_average_precision(
    scores[:, columns], targets
  )
  assert figures["mean_average_precision"] == expected.mean


def test_every_choice_is_in_the_result():
  tree = _pascal().to_tree()
  assert (tree["name"], tree["image"]) == ("pascal", "repeated")
  assert (tree["chosen_on"], tree["head"]) == ("given", "linear")
  assert tree["recipe"]["epochs"] == 40
  assert tree["optimizer"]["epsilon"] == 1e-8
