"""Crops of a feature map, which cost a slice where crops of pixels cost a pass.

A crop in space keeps all of the time and a crop in time all of the space. Both
leave one vector per step of time, the mean over the crop's space; a cropped
time is a shorter sequence.
"""

import dataclasses
import enum
import math

import tensorflow as tf

from tfvssl.runtime import randomness


class Places(enum.Enum):
  """Where a crop may begin.

  UNIFORM: at every place, the last included; STiCA Sec. 3.2.
  RELEASED: not at the last one, so that a crop of 6x6 of 7x7 is always the
    first; the bound of released main_stica.py is exclusive.
  """

  UNIFORM = "uniform"
  RELEASED = "released"


@dataclasses.dataclass
class Family:
  """The crops of one kind, in space or in time, of every view.

  Attributes:
    large: how many large crops.
    large_size: steps of the feature map along each axis.
    small: how many small crops.
    small_size: likewise.
  """

  large: int
  large_size: int
  small: int
  small_size: int

  @property
  def sizes(self) -> list[int]:
    """The size of every crop, the large ones first."""
    return [self.large_size] * self.large + [self.small_size] * self.small

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    for kind in ("large", "small"):
      count, size = getattr(self, kind), getattr(self, f"{kind}_size")
      if count < 0 or size < 1:
        raise ValueError(
          f"`{name}.{kind}` ({count}) must be 0 or more, and"
          f" `{name}.{kind}_size` ({size}) 1 or more."
        )
    if self.small and not self.large:
      raise ValueError(
        f"`{name}.large` (0) must be 1 or more where there are small crops:"
        " two small ones are never compared."
      )
    if self.small and self.large_size < self.small_size:
      raise ValueError(
        f"`{name}.large_size` ({self.large_size}) must be at least"
        f" `{name}.small_size` ({self.small_size})."
      )

  def check_fits(self, name: str, lengths: tuple[int, ...]) -> None:
    """Raises ValueError where the crops do not fit a feature map.

    Args:
      name: of the field.
      lengths: of the axes that are cropped.
    """
    for kind in ("large", "small"):
      count, size = getattr(self, kind), getattr(self, f"{kind}_size")
      if not count:
        continue
      if size > min(lengths):
        raise ValueError(
          f"`{name}.{kind}_size` ({size}) must be at most {min(lengths)}, the"
          " length of the feature map."
        )
      number = math.prod(length - size + 1 for length in lengths)
      if count > number:
        raise ValueError(
          f"`{name}.{kind}` ({count}) must be at most {number}, the places that"
          f" a crop of {size} has; take fewer or smaller ones."
        )


def space_family() -> Family:
  """Returns 2x6^2 + 4x4^2 of 7x7; STiCA Table 1b and app. 6.1.1."""
  return Family(large=2, large_size=6, small=4, small_size=4)


def time_family() -> Family:
  """Returns 2x3 + 1x2 of 4 steps; STiCA Table 1b and app. 6.1.1."""
  return Family(large=2, large_size=3, small=1, small_size=2)


def _number_of_starts(size, length, places):
  last = length - size
  return max(1, last) if places == Places.RELEASED else last + 1


def draw_starts(
  keys: tf.Tensor, sizes: list[int], lengths: tuple[int, ...], places: Places
) -> tf.Tensor:
  """Returns where every crop of every clip begins, int32 [B, C, axes].

  Args:
    keys: uint32 [B, 2], of the clip and the view.
    sizes: of the C crops.
    lengths: of the axes that are cropped.
    places: where a crop may begin.
  """
  draws = randomness.uniform(keys, (len(sizes), len(lengths)))
  counts = [
    [_number_of_starts(size, length, places) for length in lengths]
    for size in sizes
  ]
  # A draw just below 1 times a count may round up to it.
  counts = tf.constant(counts, tf.int32)
  starts = tf.cast(draws * tf.cast(counts, tf.float32), tf.int32)
  return tf.minimum(starts, counts - 1)


def crop_space(
  feature_map: tf.Tensor, starts: tf.Tensor, sizes: list[int]
) -> tf.Tensor:
  """Returns the mean over every crop's space, [B, C, T, D].

  All crops are one product with masks, so that no map is gathered.

  Args:
    feature_map: float [B, T, H, W, D].
    starts: int32 [B, C, 2], of height and width.
    sizes: of the C crops.
  """
  height, width = feature_map.shape[2:4]
  rows = _inside(starts[..., 0], sizes, height)
  columns = _inside(starts[..., 1], sizes, width)
  area = tf.constant([size**2 for size in sizes], tf.float32)
  masks = rows[..., :, tf.newaxis] * columns[..., tf.newaxis, :]
  masks /= area[:, tf.newaxis, tf.newaxis]
  return tf.einsum(
    "bchw,bthwd->bctd", tf.cast(masks, feature_map.dtype), feature_map
  )


def crop_time(
  feature_map: tf.Tensor, starts: tf.Tensor, sizes: list[int]
) -> list[tf.Tensor]:
  """Returns the mean over space of every crop's steps, C of [B, size, D].

  Args:
    feature_map: float [B, T, H, W, D].
    starts: int32 [B, C, 1].
    sizes: of the C crops.
  """
  tokens = tf.reduce_mean(feature_map, axis=[2, 3])
  length = tokens.shape[1]
  crops = []
  for crop, size in enumerate(sizes):
    steps = starts[:, crop] + tf.range(size)
    chosen = tf.one_hot(steps, length, dtype=tokens.dtype)
    crops.append(tf.einsum("bst,btd->bsd", chosen, tokens))
  return crops


def _inside(starts, sizes, length):
  """Returns float32 [B, C, length], 1 inside of the crops and 0 outside."""
  places = tf.range(length)
  begins = starts[..., tf.newaxis]
  ends = begins + tf.constant(sizes, tf.int32)[:, tf.newaxis]
  return tf.cast((places >= begins) & (places < ends), tf.float32)


def stretch(tokens: tf.Tensor, count: int) -> tf.Tensor:
  """Returns [B, count, D]: step i is the mean of a window of [B, L, D].

  It is from floor(i L / count) to ceil((i + 1) L / count), PyTorch's adaptive
  average pooling. Source: released model.py, for a fixed number of steps; the
  paper describes a shorter sequence.
  """
  length = tokens.shape[1]
  weights = [[0.0] * length for _ in range(count)]
  for step in range(count):
    first = step * length // count
    last = -(-(step + 1) * length // count)
    weights[step][first:last] = [1 / (last - first)] * (last - first)
  return tf.einsum("sl,bld->bsd", tf.constant(weights, tokens.dtype), tokens)
