"""Convolution, batch norm and pooling over [B, T, H, W, C] in NumPy, float64.

Written from their definitions; sizes and strides are those that the test
names, and weights are read by the position of their layer.
"""

import numpy as np
import tensorflow as tf

_EPSILON = 1e-5  # paper appendix A.1


def randomise(network: tf.keras.Model, seed: int) -> None:
  """Sets every batch norm's variables, which start at zeros and ones."""
  generator = np.random.default_rng(seed)
  for variable in network.variables:
    if "batch_norm" in variable.name:
      variable.assign(generator.uniform(0.5, 1.5, variable.shape))


def conv_norm(video, layer, size, stride, training=False):
  """Returns the convolution of the given size and stride, normalised."""
  kernel = layer.conv.kernel.numpy().astype(np.float64)
  assert kernel.shape[:3] == size
  x = sum(
    window @ kernel[offset]
    for offset, window in windows(video, size, stride, 0.0)
  )
  norm = layer.norm
  mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
  if training:
    mean, variance = x.mean((0, 1, 2, 3)), x.var((0, 1, 2, 3))
  x = (x - mean) / np.sqrt(variance + _EPSILON)
  return x * norm.gamma.numpy() + norm.beta.numpy()


def max_pool(video):
  """Returns the maximum of 1x3x3 windows, two pixels apart."""
  return np.max(
    [window for _, window in windows(video, (1, 3, 3), (1, 2, 2), -np.inf)],
    axis=0,
  )


def windows(video, size, stride, fill):
  """Yields every place in the kernel and the values it meets; SAME."""
  pads, counts = [(0, 0)], []
  for length, extent, step in zip(video.shape[1:4], size, stride):
    counts.append(-(-length // step))
    missing = max((counts[-1] - 1) * step + extent - length, 0)
    pads.append((missing // 2, missing - missing // 2))
  padded = np.pad(video, [*pads, (0, 0)], constant_values=fill)
  for offset in np.ndindex(*size):
    t, h, w = [
      slice(first, first + (count - 1) * step + 1, step)
      for first, count, step in zip(offset, counts, stride)
    ]
    yield offset, padded[:, t, h, w]


def relu(x):
  return np.maximum(x, 0)


def number_of_weights(network_config) -> dict[str, int]:
  """Returns how many trainable values a network has: all, and kernels only.

  Nothing is allocated: its variables are made in a graph that never runs.
  """
  with tf.Graph().as_default():
    network = network_config.build("backbone")
    output = network(tf.zeros([1, 1, 8, 8, 3]))
    assert output.shape == [1, network_config.output_dim]
    sizes = {
      v.name: v.shape.num_elements() for v in network.trainable_variables
    }
  return {
    "all": sum(sizes.values()),
    "kernels": sum(
      size for name, size in sizes.items() if name.endswith("kernel:0")
    ),
  }
