"""Parameters, states and comparisons of MMV's golden files.

Rules: README.md beside the vectors. Parameters go by their published keys.
"""

import zlib

import numpy as np
import tensorflow as tf

from tfvssl.backbones import haiku_names

S3D_ROOT = "text_audio_video/visual_module/~/S3D"
TSM_ROOT = "text_audio_video/visual_module/~/TSMResNetV2"
AUDIO_ROOT = "text_audio_video/audio_module/~/res_net_v2"

_DECAY = 0.9
# Standard deviation of an output for inputs of 1; all others have sqrt(2).
_GAINS = {
  "conv_2": 0.3,
  "final_projection": 1.0,
  "final_projection_inner": 1.0,
  "self_gating": 1.0,
  "shortcut_conv": 1.0,
}


def value(key: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
  """Returns float32 [*shape], the value of the tensor with this key."""
  hashed = zlib.crc32(key.encode()) ^ (seed * 2654435761)
  normal = np.random.RandomState(hashed & 0xFFFFFFFF).standard_normal(shape)
  path, leaf = key.split(":")
  module = path.rsplit("/", 1)[-1]
  if leaf == "w":
    gain = _GAINS.get(module, np.sqrt(2))
    drawn = normal * gain / np.sqrt(np.prod(shape[:-1]))
  elif leaf == "b":
    drawn = 0.1 * normal + (1.0 if module == "self_gating" else 0.0)
  elif leaf == "scale":
    drawn = 1 + 0.1 * normal
  elif leaf == "embeddings":
    drawn = normal
  elif module == "var_ema":
    drawn = 0.7 * np.exp(0.2 * normal)
  else:
    assert leaf == "offset" or module == "mean_ema", key
    drawn = 0.1 * normal
  return drawn.astype(np.float32)


def fill(variables: dict[str, tf.Variable], seed: int) -> None:
  """Assigns every variable the value of its published key."""
  for name, variable in variables.items():
    key = haiku_names.checkpoint_key(name)
    variable.assign(value(key, tuple(variable.shape), seed))


def network(backbone, root: str, inputs: tf.Tensor, seed: int):
  """Returns the network of the config `backbone` with the rule's parameters."""
  built = backbone.build("backbone")
  built(inputs[:1])  # makes the weights
  fill(built.haiku_variables(root), seed)
  return built


def video(frames: np.ndarray) -> tf.Tensor:
  """Returns float32 in [0, 1] of uint8 frames, as the files were made."""
  return tf.cast(frames, tf.float32) / 255.0


def keys_and_shapes(backbone, root: str, example_shape) -> dict[str, list]:
  """Returns every key and the shape of its variable without ones.

  Nothing is allocated: the variables are made in a graph that never runs.
  """
  with tf.Graph().as_default():
    built = backbone.build("backbone")
    built(tf.zeros(example_shape))
    named = built.haiku_variables(root)
    assert len(named) == len(built.variables)
  return {
    haiku_names.checkpoint_key(name): without_ones(variable.shape)
    for name, variable in named.items()
  }


def published_keys_and_shapes(tensors: dict) -> dict[str, list]:
  """Returns every key and shape without ones of one model of the JSON file."""
  published = tensors["params"] | tensors["bn_state"]
  return {key: without_ones(shape) for key, shape in published.items()}


def without_ones(shape) -> list[int]:
  """Returns the sizes that are not 1."""
  return [size for size in shape if size != 1]


def cases(arrays: dict, prefix: str) -> list[str]:
  """Returns what follows `prefix` in the keys of a file; at least one."""
  found = [key.removeprefix(prefix) for key in arrays if key.startswith(prefix)]
  assert found, prefix
  return found


def check_endpoints(arrays: dict, endpoints: dict, *, atol: float) -> None:
  """Asserts all that a file holds of the endpoints.

  Args:
    arrays: of the file: `shape|`, `cmean|`, `cstd|` and `out|` of a name.
    endpoints: our array by that name.
    atol: of the largest value; of the largest mean for a deviation, since
      rounding grows with the values and not with how they spread.
  """
  for key in arrays:
    kind, _, name = key.partition("|")
    if not name:
      continue  # the input, or a mode outside the product
    scale = f"cmean|{name}" if kind == "cstd" else key
    np.testing.assert_allclose(
      _STATISTICS[kind](np.asarray(endpoints[name])),
      arrays[key],
      rtol=0,
      atol=atol * np.abs(arrays[scale]).max(),
      err_msg=key,
    )


def _channels_last(values):
  return values.reshape(-1, values.shape[-1])


_STATISTICS = {
  "shape": lambda values: values.shape,
  "cmean": lambda values: _channels_last(values).mean(axis=0),
  "cstd": lambda values: _channels_last(values).std(axis=0),
  "out": lambda values: values,
}


def check_close(ours, theirs, *, atol: float, name: str) -> None:
  """Asserts equality to `atol` of the largest value."""
  np.testing.assert_allclose(
    ours, theirs, rtol=0, atol=atol * np.abs(theirs).max(), err_msg=name
  )


class HaikuAverages:
  """Haiku's zero-debiased averages from a start at zero.

  hidden <- 0.9 hidden + 0.1 statistic, from 0, is what Keras keeps when its
  own averages start from 0; average = hidden / (1 - 0.9^counter).
  """

  def __init__(self, variables: dict[str, tf.Variable]):
    """Sets the averages among `variables` to zero."""
    self._variables = {
      haiku_names.checkpoint_key(name).removesuffix(":average"): variable
      for name, variable in variables.items()
      if name.endswith("/average")
    }
    self.counter = 0
    for variable in self._variables.values():
      variable.assign(tf.zeros_like(variable))

  def check(self, arrays: dict, prefix: str, *, tolerance) -> None:
    """Asserts that the state equals the keys `<prefix><path>:<leaf>`.

    Args:
      arrays: of the file.
      prefix: of the step.
      tolerance: function of a path to what is allowed of its largest value.
    """
    for key in cases(arrays, prefix):
      path, leaf = key.split(":")
      theirs = arrays[prefix + key]
      if leaf == "counter":
        assert theirs == self.counter, key
        continue
      ours = self._variables[path].numpy()
      if leaf == "average":
        ours = ours / (1 - _DECAY**self.counter)
      check_close(ours, theirs.ravel(), atol=tolerance(path), name=key)

  def use_averages(self) -> None:
    """Puts Haiku's averages where evaluation reads them."""
    for variable in self._variables.values():
      variable.assign(variable / (1 - _DECAY**self.counter))


def check_training(
  arrays: dict, backbone, variables: dict, inputs, *, atol: float, tolerance
) -> None:
  """Asserts outputs and averages of every training step, and what follows.

  Args:
    arrays: of the file.
    backbone: network with the rule's parameters.
    variables: of the network by their published names.
    inputs: function of the step's number.
    atol: of the largest output.
    tolerance: see `HaikuAverages.check`.
  """
  averages = HaikuAverages(variables)
  for step in sorted(int(number) for number in cases(arrays, "out_step")):
    output = backbone(inputs(step), training=True)
    averages.counter += 1
    key = f"out_step{step}"
    check_close(output, arrays[key], atol=atol, name=key)
    averages.check(arrays, f"step{step}|state|", tolerance=tolerance)
  averages.use_averages()
  if "out_eval_after" in arrays:
    output = backbone(inputs(1))
    check_close(output, arrays["out_eval_after"], atol=atol, name="after")
