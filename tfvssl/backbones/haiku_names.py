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


def checkpoint_key(name: str) -> str:
  """Returns the key of MMV's published checkpoints for one of our names.

  They give the module path and the leaf apart, here joined by a colon, and
  their batch norms have another class:
  "…/S3D/Conv2d_1a_7x7/batch_norm_1/~/mean_ema/average" is
  "…/S3D/Conv2d_1a_7x7/__cross_replica_batch_norm_1/~/mean_ema:average".

  Args:
    name: as `variables` gives it.
  Source: released models, as Haiku names their parts.
  """
  *modules, leaf = name.split("/")
  path = "/".join(
    f"__cross_replica_{module}" if module.startswith("batch_norm") else module
    for module in modules
  )
  return f"{path}:{leaf}"
