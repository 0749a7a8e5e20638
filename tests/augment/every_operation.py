"""Clips that are hard to augment alike, and the run that must be repeatable.

As a program it writes what a fresh process, two replicas and XLA make of
them: python -m tests.augment.every_operation OUTPUT.npz
"""

import sys

import numpy as np
import tensorflow as tf

from tests import two_replicas
from tfvssl.augment import rgb
from tfvssl.config import pictures

EPOCH = np.array([0, 0, 1, 1, 2, 2, 3, 2**33] * 3)
SAMPLE_INDEX = np.arange(24) * 7 + 2
SEED = 11


def clips() -> np.ndarray:
  """Returns uint8 [24, 2, 40, 48, 3].

  Noise, ramps, greys whose hue is rounding, dark and flat and saturated ones.
  """
  draw = np.random.RandomState(0)
  shape = (2, 40, 48, 3)
  ramp = np.linspace(0, 255, 48).astype(np.uint8)
  ramps = np.stack(
    [np.broadcast_to(x, shape[:3]) for x in (ramp, ramp[::-1], ramp // 2)],
    axis=-1,
  )
  kinds = [
    draw.randint(0, 256, shape),
    ramps,
    np.full(shape, 77) + draw.randint(0, 2, shape),
    draw.randint(0, 3, shape),
    np.full(shape, 255),
    np.zeros(shape),
    draw.randint(0, 2, shape) * 255,
    np.full(shape, 33),
  ]
  return np.stack(kinds * 3).astype(np.uint8)


def specs() -> dict[str, pictures.RgbAugmentation]:
  """Returns specs that switch every operation on, in both orders."""
  return {
    order.value: pictures.RgbAugmentation(
      random_convolution=True, blur_probability=0.9, order=order
    )
    for order in pictures.Order
  }


def augmentation(spec: pictures.RgbAugmentation):
  """Returns a function (video, epoch, sample_index) -> video."""

  def augment(video, epoch, sample_index):
    return rgb.augment(
      video,
      spec,
      seed=SEED,
      epoch=epoch,
      sample_index=sample_index,
      view="broad_video",
    )

  return augment


def compiled(
  spec: pictures.RgbAugmentation, *, jit_compile: bool
) -> np.ndarray:
  run = tf.function(
    augmentation(spec), jit_compile=jit_compile, autograph=False
  )
  return run(clips(), EPOCH, SAMPLE_INDEX).numpy()


def on_two_replicas(spec: pictures.RgbAugmentation) -> np.ndarray:
  strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
  if strategy.num_replicas_in_sync != 2:
    raise ValueError("there must be two logical CPUs.")

  @tf.function(autograph=False)
  def step(video, epoch, sample_index):
    return strategy.run(augmentation(spec), args=(video, epoch, sample_index))

  # Replica 0 gets the even clips, so that no one stands where it stood before.
  parts = [
    strategy.experimental_distribute_values_from_function(
      lambda context, x=x: tf.constant(x[context.replica_id_in_sync_group :: 2])
    )
    for x in (clips(), EPOCH, SAMPLE_INDEX)
  ]
  even, odd = strategy.experimental_local_results(step(*parts))
  return np.stack([even, odd], axis=1).reshape(-1, *even.shape[1:])


def main(argv: list[str]) -> None:
  """Writes what this process makes of the clips into the file `argv[1]`."""
  two_replicas.split_cpu()
  spec = specs()[pictures.Order.PAPER.value]
  np.savez(
    argv[1],
    restarted=compiled(spec, jit_compile=False),
    restarted_with_xla=compiled(spec, jit_compile=True),
    two_replicas=on_two_replicas(spec),
  )


if __name__ == "__main__":
  main(sys.argv)
