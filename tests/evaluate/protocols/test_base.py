"""What every protocol says of itself, and what one that says little gets."""

import dataclasses

import pytest

from tests import tiny_mmv_runs
from tests import tiny_runs
from tfvssl import views
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import classification
from tfvssl.evaluate.protocols import images
from tfvssl.evaluate.protocols import kept
from tfvssl.evaluate.protocols import svm
from tfvssl.evaluate.protocols import trained
from tfvssl.runtime import exit_codes


class _Empty(base.Protocol):
  NAME = "empty"
  Settings = protocols.Untrained


@pytest.mark.parametrize(
  ("call", "message"),
  [
    (lambda: _Empty.measure(None), "_Empty defines no `measure`."),
    (lambda: _Empty.summary({}), "_Empty defines no `summary`."),
    (
      lambda: classification.ClassificationProtocol("video", None).scores(0, 0),
      "ClassificationProtocol defines no `scores`.",
    ),
    (
      lambda: trained.TrainedProtocol("video", None).optimizer(),
      "TrainedProtocol defines no `optimizer`.",
    ),
    (
      lambda: trained.FrozenProtocol("video", None).training(3),
      "FrozenProtocol defines no `training`.",
    ),
    (
      lambda: trained.FrozenProtocol("video", None).head(3),
      "FrozenProtocol defines no `head`.",
    ),
    (
      lambda: kept._Kept("video", None).layer(),
      "_Kept defines no `layer`.",
    ),
    (
      lambda: images.ImageLinearProtocol("video", None)._hold_out(0),
      "ImageLinearProtocol defines no `_hold_out`.",
    ),
  ],
)
def test_what_a_protocol_lacks_is_named(call, message):
  with pytest.raises(TypeError) as caught:
    call()
  assert str(caught.value) == message


def test_settings_are_those_of_the_run_or_the_defaults():
  experiment = tiny_runs.experiment(svm=protocols.Svm(train_epochs=7))
  assert svm.SvmProtocol.settings_of(experiment) is experiment.svm
  assert _Empty.settings_of(experiment) == protocols.Untrained(batch_size=16)


def test_bad_data_has_an_exit_code_of_its_own():
  with pytest.raises(exit_codes.UserError, match="^no clips$") as caught:
    with base.data_errors():
      raise ValueError("no clips")
  assert caught.value.exit_code == exit_codes.DATA


def test_marks_of_difficult_images_are_no_classes():
  result = {"classes": ["cat", "dog", "difficult:dog"]}
  assert _Empty.size(result) == ("classes", 2)


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
