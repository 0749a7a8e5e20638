"""Speed of the batched augmentation beside a plain one, clip by clip.

  python -m benchmarks.augmentation

The plain one is what one writes first: tf.map_fn over the clips, tf.image and
tf.nn inside. Both run in this process, in turns, on the same clips, with every
operation switched on, and with the convolution alone. The plain one skips what
a clip does not draw; the batched one computes it and chooses.
"""

from collections.abc import Callable, Sequence
import time

from absl import app
from absl import flags
import tensorflow as tf

from tfvssl.augment import random_convolution
from tfvssl.augment import rgb
from tfvssl.config import pictures

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Clips.")
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 16, "Frames of a clip.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 112, "Height and width.")
_REPEATS = flags.DEFINE_integer("repeats", 3, "Timed runs of each.")
_JIT = flags.DEFINE_bool("jit", True, "Also with jit_compile.")

_SPEC = pictures.RgbAugmentation(random_convolution=True)


def batched(video: tf.Tensor, sample_index: tf.Tensor) -> tf.Tensor:
  """Returns uint8 [B, T, H, W, 3] augmented by this package, float32."""
  return rgb.augment(
    video,
    _SPEC,
    seed=0,
    epoch=tf.zeros_like(sample_index),
    sample_index=sample_index,
    view="broad_video",
  )


def plain(video: tf.Tensor, sample_index: tf.Tensor) -> tf.Tensor:
  """Returns uint8 [B, T, H, W, 3] augmented clip by clip, float32."""
  return tf.map_fn(
    lambda pair: _augment_clip(*pair),
    (video, sample_index),
    fn_output_signature=tf.TensorSpec(video.shape[1:], tf.float32),
  )


def _augment_clip(clip, sample_index):
  draws = tf.unstack(
    tf.random.stateless_uniform([9], tf.stack([0, sample_index]))
  )
  clip = tf.image.convert_image_dtype(clip, tf.float32)
  clip = _with_probability(0.5, draws[0], tf.image.flip_left_right, clip)
  clip = _with_probability(0.8, draws[1], lambda x: _colour(x, draws), clip)
  clip = _with_probability(
    0.2,
    draws[6],
    lambda x: tf.tile(tf.image.rgb_to_grayscale(x), [1, 1, 1, 3]),
    clip,
  )
  clip = _blur(clip, 0.1 + 1.9 * draws[7])
  return _convolve(clip, draws[8], sample_index)


def _with_probability(probability, draw, operation, clip):
  return tf.cond(draw < probability, lambda: operation(clip), lambda: clip)


def _colour(clip, draws):
  clip = tf.image.adjust_brightness(clip, (2 * draws[2] - 1) * 32 / 255)
  clip = tf.image.adjust_saturation(clip, 0.6 + 0.8 * draws[3])
  clip = tf.image.adjust_contrast(clip, 0.6 + 0.8 * draws[4])
  clip = tf.image.adjust_hue(clip, 0.4 * draws[5] - 0.2)
  return tf.clip_by_value(clip, 0.0, 1.0)


def _blur(clip, sigma):
  radius = clip.shape[2] // 10 // 2
  taps = tf.range(-radius, radius + 1, dtype=tf.float32)
  kernel = tf.nn.softmax(-tf.square(taps) / (2 * tf.square(sigma)))
  kernel = tf.tile(kernel[:, tf.newaxis, tf.newaxis, tf.newaxis], [1, 1, 3, 1])
  strides = [1, 1, 1, 1]
  clip = tf.nn.depthwise_conv2d(clip, kernel, strides, "SAME")
  kernel = tf.transpose(kernel, [1, 0, 2, 3])
  return tf.nn.depthwise_conv2d(clip, kernel, strides, "SAME")


def _convolve(clip, draw, sample_index):
  def branch(size):
    kernel = tf.random.stateless_truncated_normal(
      [size, size, 3, 3], tf.stack([1, sample_index])
    )
    kernel *= (2 / 3) ** 0.5 / size / 0.87962566
    return tf.nn.conv2d(clip, kernel, 1, "SAME")

  sizes = range(1, _SPEC.random_convolution_max_size + 1, 2)
  return tf.switch_case(
    tf.cast(draw * len(sizes), tf.int32),
    [lambda size=size: branch(size) for size in sizes],
  )


def convolve_plainly(video: tf.Tensor, kernels: tf.Tensor) -> tf.Tensor:
  """Returns float32 [B, T, H, W, 3], clip by clip with tf.nn.conv2d."""
  return tf.map_fn(
    lambda pair: tf.nn.conv2d(pair[0], pair[1], 1, "SAME"),
    (video, kernels),
    fn_output_signature=tf.float32,
  )


def main(argv: Sequence[str]) -> None:
  """Prints the table."""
  if len(argv) > 1:
    raise app.UsageError(f"unexpected arguments: {argv[1:]}")
  shape = [_BATCH_SIZE.value, _NUM_FRAMES.value]
  shape += [_IMAGE_SIZE.value, _IMAGE_SIZE.value, 3]
  bytes_ = tf.cast(tf.random.uniform(shape, 0, 256, tf.int32, seed=0), tf.uint8)
  sample_index = tf.range(shape[0], dtype=tf.int32)
  video = tf.cast(bytes_, tf.float32) / 255
  kernels = tf.random.normal([shape[0], 11, 11, 3, 3], seed=0)
  rows = [
    ("every operation", plain, batched, (bytes_, sample_index)),
    (
      "convolution 11",
      convolve_plainly,
      random_convolution.convolve,
      (video, kernels),
    ),
  ]
  device = tf.config.list_logical_devices()[-1].device_type
  print(
    f"uint8 {shape} on {device}; best of {_REPEATS.value} [ms per batch];"
    " first call [s]"
  )
  print(
    f"{'':32}{'plain':>7}{'batched':>9}{'plain / batched':>17}"
    f"{'first plain':>13}{'first batched':>15}"
  )
  for jit_compile in (False, True) if _JIT.value else (False,):
    for name, one, other, arguments in rows:
      mode = "jit_compile" if jit_compile else "no jit_compile"
      _print_row(
        f"{name}, {mode}",
        _Timed(one, arguments, jit_compile),
        _Timed(other, arguments, jit_compile),
      )


def _print_row(name, slow, fast):
  for _ in range(_REPEATS.value):
    slow.repeat()
    fast.repeat()
  print(
    f"{name:32}{slow.best_s * 1e3:7.0f}{fast.best_s * 1e3:9.0f}"
    f"{slow.best_s / fast.best_s:17.2f}"
    f"{slow.first_s:13.2f}{fast.first_s:15.2f}",
    flush=True,
  )


class _Timed:
  """A compiled function, its first and its best time in seconds."""

  def __init__(
    self,
    function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    arguments: tuple[tf.Tensor, tf.Tensor],
    jit_compile: bool,
  ):
    self._function = tf.function(
      function, jit_compile=jit_compile, autograph=False
    )
    self._arguments = arguments
    self.best_s = float("inf")
    self.first_s = self._time()

  def repeat(self) -> None:
    self.best_s = min(self.best_s, self._time())

  def _time(self):
    start = time.perf_counter()
    # The sum waits for the device and copies one number.
    float(tf.reduce_sum(self._function(*self._arguments)))
    return time.perf_counter() - start


if __name__ == "__main__":
  app.run(main)
