"""Runs a backbone as a golden file was made, and compares with the file."""

import dataclasses

import numpy as np
import tensorflow as tf

from tests.golden import golden_parameters


@dataclasses.dataclass
class Run:
  """What a backbone with the file's parameters gives for the file's input."""

  arrays: dict
  names: list
  embedding_eval: np.ndarray
  endpoints: dict
  embedding_train: np.ndarray
  averages: golden_parameters.HaikuAverages
  gradients: dict | None


def config_arguments(arrays: dict, block_pattern: str) -> dict:
  """Returns blocks and width that the names and sizes of a file tell.

  Args:
    arrays: of the file.
    block_pattern: part of the published names with {unit} and {block}.
  """
  names = list(arrays["param_names"])

  def holds(unit, block):
    part = block_pattern.format(unit=unit, block=block)
    return any(part in name for name in names)

  blocks = []
  while holds(len(blocks), 0):
    unit = len(blocks)
    blocks.append(next(n for n in range(1, 100) if not holds(unit, n)))
  last = 256 * 2 ** (len(blocks) - 1)
  return {
    "blocks": tuple(blocks),
    "width": arrays["embedding_eval"].shape[-1] / last,
  }


def run(arrays: dict, backbone: tf.keras.Model, inputs: tf.Tensor) -> Run:
  """Runs `backbone` once in each mode; gradients where the file has them."""
  first_name = str(arrays["param_names"][0])
  root = "/".join(first_name.split("/")[:2])
  backbone(inputs[:1])  # makes the weights
  variables = backbone.haiku_variables(root)
  golden_parameters.fill(variables, arrays["base_seed"])
  averages = golden_parameters.HaikuAverages(variables)
  parameters = {
    name: variable
    for name, variable in variables.items()
    if not name.endswith("/average")
  }
  embedding_eval = backbone(inputs).numpy()
  endpoints = backbone.endpoints(inputs)
  gradients = None
  with tf.GradientTape() as tape:
    embedding_train = backbone(inputs, training=True)
    if "cotangent" in arrays:
      scalar = tf.reduce_sum(embedding_train * arrays["cotangent"])
  if "cotangent" in arrays:
    gradients = {
      name: gradient.numpy()
      for name, gradient in tape.gradient(scalar, parameters).items()
    }
  averages.count_pass()
  return Run(
    arrays,
    sorted(parameters),
    embedding_eval,
    {name: endpoint.numpy() for name, endpoint in endpoints.items()},
    embedding_train.numpy(),
    averages,
    gradients,
  )


def check_training(result: Run) -> None:
  """Asserts moving statistics, and gradients where the file has them."""
  result.averages.check(result.arrays, "new_state:")
  if result.gradients is not None:
    golden_parameters.check_gradients(result.arrays, result.gradients)


def check_embeddings(result: Run) -> None:
  """Asserts both embeddings at the tolerances the README of the files allows.

  A second implementation differed by 9e-7 of the largest value in evaluation.
  In training the reference takes the variance of two examples as E[x^2] -
  E[x]^2, which loses digits: 1e-3.
  """
  for ours, key, tolerance in (
    (result.embedding_eval, "embedding_eval", 2e-6),
    (result.embedding_train, "embedding_train", 1e-3),
  ):
    theirs = result.arrays[key]
    np.testing.assert_allclose(
      ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max(), err_msg=key
    )


def check_endpoints(result: Run) -> None:
  """Asserts shape, mean and standard deviation per channel of every stage.

  Up to 16 blocks of float32 sums lie between input and stage: 1e-5 of the
  largest value.
  """
  prefix = "endpoint_shape:"
  keys = [key for key in result.arrays if key.startswith(prefix)]
  names = [key.removeprefix(prefix) for key in keys]
  if names:
    assert list(result.endpoints) == names
  for name in names:
    ours = result.endpoints[name]
    assert list(ours.shape) == list(result.arrays[prefix + name])
    ours = ours.reshape(-1, ours.shape[-1])
    for statistic in ("mean", "std"):
      theirs = result.arrays[f"endpoint_{statistic}_eval:{name}"]
      np.testing.assert_allclose(
        getattr(ours, statistic)(axis=0),
        theirs,
        rtol=0,
        atol=1e-5 * np.abs(theirs).max(),
        err_msg=f"{name} {statistic}",
      )
