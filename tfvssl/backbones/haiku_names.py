"""Published names of weights: Haiku module path and name to Keras variable."""

import tensorflow as tf


def variables(
  root: str, layers: dict[str, tf.keras.layers.Layer]
) -> dict[str, tf.Variable]:
  """Returns the variables of `layers` under the names of the released code.

  Convolutions (HWIO) and linear layers (in, out) have the layout of Keras;
  published batch-norm arrays are [1, ..., 1, C] and those of Keras [C].

  Args:
    root: module path before every name, such as
      "narrow_video_embedding/TSMResNetV2".
    layers: module path below `root` to convolution, linear layer or batch
      norm.

  Raises:
    ValueError: a layer has no weights yet.
  """
  named = {}
  for path, layer in layers.items():
    if not layer.built:
      raise ValueError(
        f"layer '{path}' has no weights yet; call the network once first."
      )
    for name, variable in _variables_of(layer).items():
      named[f"{root}/{path}/{name}"] = variable
  return named


def _variables_of(layer):
  if isinstance(layer, tf.keras.layers.BatchNormalization):
    return {
      "scale": layer.gamma,
      "offset": layer.beta,
      "~/mean_ema/average": layer.moving_mean,
      "~/var_ema/average": layer.moving_variance,
    }
  if layer.use_bias:
    return {"w": layer.kernel, "b": layer.bias}
  return {"w": layer.kernel}
