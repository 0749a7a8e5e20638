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


@pytest.fixture(name="stored")
def _stored(tmp_path):
  """The arrays of a file of two classes and five features."""
  samples = linear_svm.Samples(_features(8, 1, 5), np.arange(8) % 2, [], [])
  layer = keeping.of_svm(linear_svm.fit(samples, 1.0))
  saved.save(_classifier(layer, ["a", "b"]), tmp_path / "x.npz")
  with np.load(tmp_path / "x.npz") as table:
    return dict(table)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"bias": np.zeros(3)}, r"`bias` must have shape \(2,\), not \(3,\)"),
    ({"weights": np.zeros([4, 2])}, r"`weights` must have shape \(5, 2\)"),
    ({"scale": np.full(5, np.nan)}, "`scale` must be finite"),
    ({"scale": np.zeros(5)}, "`scale` must be above 0"),
    ({"weights": np.full([5, 2], "1")}, "`weights` must not be of type <U1"),
    ({"mean": np.zeros(5, complex)}, "`mean` must not be of type complex128"),
    ({"softmax": "False"}, "`softmax` must not be of type <U5"),
    ({"network": b"abc"}, r"`network` must not be of type \|S3"),
    ({"frame_rate_hz": "x"}, "`frame_rate_hz` must not be of type <U1"),
    ({"frame_rate_hz": np.inf}, r"`frame_rate_hz` \(inf\) must be between"),
    ({"frame_rate_hz": np.nan}, r"`frame_rate_hz` \(nan\) must be between"),
    ({"temporal_clips": np.inf}, "`temporal_clips` must not be of type float"),
    ({"temporal_clips": 10**9}, r"\(1000000000\) must be between 1 and 1000"),
    ({"temporal_clips": 0}, r"`temporal_clips` \(0\) must be between 1 and"),
    ({"test_short_side": 24.5}, "`test_short_side` must not be of type float"),
    ({"jpeg_quality": 1000}, r"`jpeg_quality` \(1000\) must be between 1 and"),
    ({"classes": np.array(["a", "a"])}, r"`classes` \(2\) must be two diff"),
    ({"classes": np.array(["a", None], object)}, "cannot be read as .npz: Obj"),
    ({"format": "other"}, "must be of format tfvssl-classifier 1, not other 1"),
    ({"format_version": 2}, "must be of format .* not tfvssl-classifier 2"),
    ({"format_version": np.inf}, "must be of format .* not .* inf"),
    ({"format": np.zeros(2)}, "must be of format"),
  ],
)
def test_what_is_no_classifier_is_refused(tmp_path, stored, change, message):
  np.savez(tmp_path / "x.npz", **{**stored, **change})
  with pytest.raises(ValueError, match=message) as caught:
    saved.load(tmp_path / "x.npz")
  assert "x.npz" in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_missing_is_named(tmp_path, stored):
  del stored["scale"]
  np.savez(tmp_path / "x.npz", **stored)
  with pytest.raises(ValueError, match="`scale` is missing; make it again"):
    saved.load(tmp_path / "x.npz")


def test_compressed_arrays_are_not_unpacked(tmp_path, stored):
  np.savez_compressed(tmp_path / "x.npz", **stored)
  with pytest.raises(ValueError, match="is compressed, which tfvssl.evaluate"):
    saved.load(tmp_path / "x.npz")


def test_features_of_another_size_are_refused(stored):
  names = saved.Classifier.__dataclass_fields__
  layer = saved.Classifier(**{name: stored[name] for name in names})
  with pytest.raises(
    ValueError, match="gives 4 values, the classifier takes 5; make it again"
  ):
    layer.scores(_features(3, 4))


def test_a_file_that_is_no_npz_is_refused(tmp_path):
  (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 but no more")
  with pytest.raises(ValueError, match="x.npz cannot be read as .npz"):
    saved.load(tmp_path / "x.npz")
  with pytest.raises(FileNotFoundError, match="gone.npz is not a file; make"):
    saved.load(tmp_path / "gone.npz")
