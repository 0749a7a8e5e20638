"""Networks of basic blocks; what they compute is tested in golden/stica."""

import numpy as np
import pytest
import tensorflow as tf

from tests.backbones import reference_3d
from tfvssl.backbones import basic_resnet
from tfvssl.backbones import residual_3d


def test_number_of_parameters():
  weights = reference_3d.number_of_weights(basic_resnet.BasicR3DConfig())
  # That of torchvision's r3d_18, 33,371,472, without 400 classes.
  assert weights["all"] == 33_371_472 - 513 * 400 == 33_166_272


@pytest.mark.parametrize(
  ("blocks", "expected"),
  [((1, 1, 1, 1), 4_899_520), ((3, 4, 6, 3), 21_278_400)],
)
def test_number_of_parameters_of_sound(blocks, expected):
  with tf.Graph().as_default():
    network = basic_resnet.BasicAudioResNetConfig(blocks=blocks).build("x")
    network(tf.zeros([1, 99, 257]))
    count = sum(v.shape.num_elements() for v in network.trainable_variables)
  assert count == expected


def test_frames_are_normalised_and_sound_is_not():
  frames, sound = (
    kind(blocks=(1,), width=0.0625).build("x").form
    for kind in (
      basic_resnet.BasicR3DConfig,
      basic_resnet.BasicAudioResNetConfig,
    )
  )
  assert (frames.input_mean, frames.input_scale) == (0.45, 0.225)
  assert (sound.input_mean, sound.input_scale) == (0.0, 1.0)


def test_one_frame_has_no_time_to_halve():
  config = basic_resnet.BasicAudioResNetConfig(blocks=(1, 1), width=0.0625)
  network = config.build("x")
  # 33 -> 17 -> 9 -> 5, and 20 -> 10 -> 5 -> 3.
  assert network.feature_map(tf.zeros([2, 33, 20])).shape == [2, 5, 3, 8]
  sizes = {layer.conv.kernel.shape[0] for layer in network.stem}
  sizes |= {x.conv.kernel.shape[0] for u in network.units for x in u[0].branch}
  assert sizes == {1}


def test_rules_are_checked():
  form = residual_3d.Form(input_scale=-1.0)
  with pytest.raises(ValueError, match="`form.input_scale`"):
    basic_resnet.BasicR3DConfig(form=form).build("x")
  with pytest.raises(ValueError, match="`blocks`"):
    basic_resnet.BasicAudioResNetConfig(blocks=()).build("x")


def test_sound_has_three_axes():
  network = basic_resnet.BasicAudioResNetConfig(blocks=(1,)).build("net")
  with pytest.raises(ValueError, match="B, S, M"):
    network(np.zeros([2, 8, 8, 1], np.float32))
