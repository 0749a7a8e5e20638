"""A classifier that is kept gives the scores that it gave, or is refused."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import keeping
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.classifiers import saved


def _classifier(layer, classes):
  return saved.Classifier(
    classes=np.array(classes),
    temporal_clips=2,
    spatial_crops=1,
    test_short_side=16,
    record_short_side=32,
    jpeg_quality=90,
    frame_rate_hz=25.0,
    network="abc",
    protocol="svm",
    **layer,
  )


def _features(*shape):
  return np.random.default_rng(0).normal(1, 2, shape).astype(np.float32)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_an_svm_gives_its_scores_after_it_was_read(tmp_path, num_classes):
  labels = np.arange(12) % num_classes
  samples = linear_svm.Samples(_features(12, 2, 5), labels, [], [])
  fitted = linear_svm.fit(samples, 0.1)
  classes = ["é", "b", "c"][:num_classes]
  path = tmp_path / "svm.npz"
  saved.save(_classifier(keeping.of_svm(fitted), classes), path)
  found = saved.load(path)
  assert found.classes.tolist() == classes
  assert (found.network, found.softmax, found.frame_rate_hz) == (
    *("abc", False, 25.0),
  )
  np.testing.assert_allclose(
    [found.scores(views) for views in samples.features],
    fitted.scores(samples.features),
    rtol=1e-5,
    atol=1e-6,
  )


def test_a_linear_head_gives_its_mean_probabilities():
  head = heads.LinearHead(3)
  features = _features(4, 5)
  head(features)
  generator = np.random.default_rng(1)
  for variable in head.variables:
    variable.assign(generator.uniform(0.5, 2, variable.shape))
  found = _classifier(keeping.of_head(head), ["a", "b", "c"]).scores(features)
  expected = tf.nn.softmax(head(features)).numpy().mean(axis=0)
  np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"bias": np.zeros(3)}, "arrays that do not fit"),
    ({"scale": np.full(5, np.nan)}, "arrays that do not fit"),
    ({"format": "other"}, "has format other 1 or"),
    ({"format_version": 2}, "has format tfvssl-classifier 2 or"),
    ({"temporal_clips": 0}, "arrays that do not fit"),
    ({"classes": np.array(["a", None], object)}, "cannot be read as a class"),
  ],
)
def test_what_is_no_classifier_is_refused(tmp_path, change, message):
  samples = linear_svm.Samples(_features(8, 1, 5), np.arange(8) % 2, [], [])
  layer = keeping.of_svm(linear_svm.fit(samples, 1.0))
  saved.save(_classifier(layer, ["a", "b"]), tmp_path / "x.npz")
  with np.load(tmp_path / "x.npz") as stored:
    np.savez(tmp_path / "x.npz", **{**stored, **change})
  with pytest.raises(ValueError, match=message):
    saved.load(tmp_path / "x.npz")


def test_a_file_that_is_no_npz_is_refused(tmp_path):
  (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 but no more")
  with pytest.raises(ValueError, match="x.npz cannot be read as a classifier"):
    saved.load(tmp_path / "x.npz")
  with pytest.raises(FileNotFoundError, match="gone.npz is not a file; make"):
    saved.load(tmp_path / "gone.npz")
