"""Every protocol by its name, with the views of its paper."""

import dataclasses
import pathlib

import pytest
import tensorflow as tf

from tests import tiny_mmv_runs
from tests import tiny_runs
from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.config import pictures
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import known
from tfvssl.methods import mmv


def _protocol(name, image=None, workdir=pathlib.Path()):
  experiment = tiny_runs.experiment()
  experiment = dataclasses.replace(
    experiment,
    finetune_sgd=dataclasses.replace(experiment.finetune_sgd, image_size=240),
  )
  kind = known.named(name)
  request = requests.Request(workdir=workdir, protocol=name, image=image)
  settings = kind.settings_of(experiment)
  subject = base.Subject(request, experiment, settings, tf.keras.Model())
  return kind.build(subject, mmv.video_view())


@pytest.mark.parametrize(
  ("name", "train_size", "test_size", "colour", "flip"),
  [
    ("svm", 200, 200, 1.0, 0.5),
    ("linear", 200, 256, 1.0, 0.5),
    ("finetune", 200, 200, 0.0, 0.5),
    ("finetune_sgd", 240, 240, 1.0, 0.5),
    ("mlp", 200, 200, 1.0, 0.5),
    ("pascal", 200, 200, 0.0, 0.0),
    ("imagenet", 200, 200, 1.0, 0.0),
  ],
)
def test_views_of_training_and_test(name, train_size, test_size, colour, flip):
  protocol = _protocol(name, "naive")
  assert protocol.NAME == protocol.to_tree()["name"] == name
  spec, test_spec = protocol.settings.spec, protocol.settings.test_spec
  assert (spec.image_size, test_spec.image_size) == (train_size, test_size)
  draws = spec.augmentation
  assert (draws.colour_probability, draws.flip_probability) == (colour, flip)
  if name == "finetune_sgd":
    assert spec.crop == pictures.JitterCrop((0.8, 1.2), share=240 / 256)


def test_all_but_retrieval_are_known():
  tested = test_views_of_training_and_test.pytestmark[0].args[1]
  names = [case[0] for case in tested]
  assert [*names, "retrieval"] == known.names()
  assert list(config.protocol_sections()) == known.names()


def test_trained_deflation_must_be_there(tmp_path):
  with pytest.raises(FileNotFoundError, match="holds no deflated network"):
    _protocol("pascal", "trained", tmp_path)


def test_frames_must_hold_the_view(tmp_path):
  words = tiny_mmv_runs.vocabulary(tmp_path)
  view = tiny_mmv_runs.method_config(words).video
  experiment = tiny_runs.experiment()
  chosen = dataclasses.replace(experiment.svm, test_short_side=14)
  with pytest.raises(
    ValueError,
    match=r"`svm.test_short_side` \(14\) must be at least the view's"
    r" `image_size` \(16\); try --set=svm.test_short_side=18.",
  ):
    base.check_short_side(view, chosen, "svm")


@pytest.mark.parametrize(
  ("short_side", "messages"),
  [
    (
      44,
      [
        "`svm.test_short_side` (44) lets the network see 73 % of the short"
        " side, training 98 %; --set=svm.test_short_side=33 shows as much."
      ],
    ),
    (33, []),
    (36, []),
  ],
)
def test_another_scale_than_in_training_is_said(caplog, short_side, messages):
  view = views.RgbViewSpec(
    image_size=32, crop=pictures.JitterCrop(scale=(1.0, 1.0), share=0.98)
  )
  svm_settings = tiny_runs.experiment().svm
  chosen = dataclasses.replace(svm_settings, test_short_side=short_side)
  base.check_short_side(view, chosen, "svm")
  assert [record.getMessage() for record in caplog.records] == messages
