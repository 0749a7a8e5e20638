"""Colour changes with given factors against the released code's output."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import colour


@pytest.mark.parametrize("jit_compile", [False, True])
def test_colour_equals_released(golden, jit_compile):
  vectors = golden("color_augment")
  factors = vectors["factors_brightness_saturation_contrast_hue"]
  video = np.stack([vectors["video"]] * len(factors))

  @tf.function(jit_compile=jit_compile, autograph=False)
  def run(video, brightness, saturation, contrast, hue):
    changed = colour.adjust_colour(
      video,
      brightness=brightness,
      saturation=saturation,
      contrast=contrast,
      hue=hue,
    )
    return changed, colour.greyscale(changed)

  changed, grey = run(video, *tf.unstack(factors.astype(np.float32), axis=1))

  cases = 0
  for name, expected in vectors.items():
    match = re.fullmatch(r"case(\d+)_drop([01])", name)
    if match:
      cases += 1
      output = (changed, grey)[int(match[2])][int(match[1])]
      np.testing.assert_allclose(
        output, expected, rtol=0, atol=1e-6, err_msg=name
      )
  assert cases
