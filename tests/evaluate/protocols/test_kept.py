"""The classifier that is kept is that of the result, or is refused."""

import pathlib

import numpy as np
import pytest

from tests.evaluate import grey_records
from tfvssl.config import protocols
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.classifiers import saved
from tfvssl.evaluate.protocols import kept
from tfvssl.evaluate.protocols import known
from tfvssl.evaluate.samples import features

_RECIPE = protocols.Linear(
  epochs=12, warmup_epochs=1, learning_rate=5.0, batch_size=4
)


def _request(**changes):
  values = {
    "workdir": pathlib.Path("RUN"),
    "protocol": "svm",
    "train_records": ("a",),
    "test_records": ("b",),
    "save_classifier": "new/x.npz",
  }
  return requests.Request(**{**values, **changes})


@pytest.mark.parametrize(
  "recipe",
  [_RECIPE, protocols.Svm(train_epochs=1, grid_c=(0.1,))],
  ids=["linear", "svm"],
)
def test_the_layer_that_is_kept_gives_the_predictions(tmp_path, recipe):
  is_linear = recipe is _RECIPE
  train = grey_records.bright_and_dark(tmp_path / "train", 8)
  test = grey_records.bright_and_dark(tmp_path / "test", 5, first=20)
  kind = known.check(_request(protocol="linear" if is_linear else "svm"))
  protocol = kind("video", grey_records.settings(), recipe=recipe)
  protocol.path = str(tmp_path / "x.npz")
  splits = protocol.open_splits([str(train)], [str(test)])
  encoder = grey_records.mean_colour_encoder(grey_records.plain_spec())
  result = protocol.evaluate(encoder, splits)
  assert protocol.path is None  # what is evaluated after it is not kept
  layer = saved.load(tmp_path / "x.npz")
  assert (layer.protocol, layer.softmax) == (kind.NAME, is_linear)
  assert (layer.temporal_clips, layer.spatial_crops) == (2, 1)
  rows = features.test_features(encoder, splits[0].test, protocol.settings)
  scores = np.stack([layer.scores(views) for views in rows])
  np.testing.assert_allclose(scores.sum(axis=1), int(is_linear), atol=1e-9)
  labels = layer.classes[scores.argmax(axis=1)].tolist()
  assert labels == list(result["splits"][0]["predictions"].values())
  assert len(set(labels)) == 2
  if is_linear:
    first = protocol.first
    assert protocol.head(2) is not first and protocol.first is first


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (
      {"protocol": "finetune"},
      "--save_classifier has no meaning for --protocol=finetune; use"
      " --protocol=svm or linear, whose classifier is one linear layer on the"
      " exported network.",
    ),
    (
      {"modality": "audio"},
      "--save_classifier keeps classifiers of the video network, not of"
      " --modality=audio; leave one of the two out.",
    ),
    (
      {"save_classifier": "x.npy"},
      "--save_classifier=x.npy must end in .npz; for example"
      " --save_classifier=classifier.npz.",
    ),
  ],
)
def test_what_cannot_be_kept_is_refused(flags, message):
  with pytest.raises(ValueError) as caught:
    known.check(_request(**flags))
  assert str(caught.value) == message


def test_views_that_no_export_takes_are_refused():
  spec = grey_records.plain_spec()
  kept.check_views(spec, spec, "svm")
  larger = grey_records.plain_spec()
  larger.image_size = 20
  with pytest.raises(ValueError) as caught:
    kept.check_views(spec, larger, "linear")
  assert str(caught.value) == (
    "--save_classifier: the test views [4, 20, 20, 3] are not those that an"
    " export takes, [4, 16, 16, 3]; leave out --num_frames and --image_size and"
    " use --set=linear.test_short_side=16."
  )
