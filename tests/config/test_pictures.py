"""Settings of pictures: the paper's values, and what they refuse.

The messages of windows stand in tests/config/test_experiment.py.
"""

import pytest

from tfvssl.config import pictures


def test_values_are_the_papers():
  strengths = pictures.RgbAugmentation()
  # Paper appendix A.1.
  assert strengths.brightness_delta == pytest.approx(0.1255, abs=1e-4)
  assert strengths.colour_probability == 0.8
  assert strengths.greyscale_probability == 0.2
  assert not strengths.random_convolution
  assert strengths.order.value == "paper"
  crop = pictures.Crop()
  assert (crop.area, crop.aspect) == ((0.3, 1.0), (0.5, 2.0))
  # Appendix B: a crop of 224 of a short side of 256.
  assert pictures.JitterCrop().share == 0.875
  for setting in (strengths, crop, pictures.JitterCrop()):
    setting.validate("it")


@pytest.mark.parametrize(
  ("change", "rule"),
  [
    (
      {"flip_probability": 1.5},
      "`it.flip_probability` (1.5) must be between 0 and 1.",
    ),
    ({"colour_probability": -0.1}, "`it.colour_probability` (-0.1) must be"),
    ({"greyscale_probability": 2}, "`it.greyscale_probability` (2) must be"),
    ({"blur_probability": -1}, "`it.blur_probability` (-1) must be between"),
    (
      {"brightness_delta": -0.1},
      "`it.brightness_delta` (-0.1) must be at least 0.",
    ),
    ({"hue_delta": -0.2}, "`it.hue_delta` (-0.2) must be at least 0."),
    ({"saturation": (1.4, 0.6)}, "`it.saturation` ((1.4, 0.6)) must be a"),
    ({"contrast": (-1.0, 1.0)}, "`it.contrast` ((-1.0, 1.0)) must be a lower"),
    ({"blur_sigma": (0.0, 1.0)}, "`it.blur_sigma` ((0.0, 1.0)) must be a"),
    (
      {"random_convolution_max_size": 4},
      "`it.random_convolution_max_size` (4) must be odd and above 0.",
    ),
    ({"random_convolution_max_size": -1}, "(-1) must be odd and above 0."),
  ],
)
def test_strengths_are_checked(change, rule):
  with pytest.raises(ValueError) as error:
    pictures.RgbAugmentation(**change).validate("it")
  assert rule in str(error.value)


@pytest.mark.parametrize("share", [0.0, 1.01])
def test_square_is_part_of_the_short_side(share):
  with pytest.raises(ValueError) as error:
    pictures.JitterCrop(share=share).validate("crop")
  assert str(error.value) == f"`crop.share` ({share}) must be in (0, 1]."
