"""Exports of the smallest runs, for tests of what is done with them."""

import dataclasses
import pathlib

import numpy as np

from tests import tiny_mmv_runs
from tests import tiny_runs
from tfvssl.config import experiment as config
from tfvssl.deflate import networks
from tfvssl.export import writer
from tfvssl.methods import base
from tfvssl.train import weights

MAX_BATCH_SIZE = 4


def brave_experiment() -> config.Experiment:
  """Returns a run of the smallest BraVe."""
  return tiny_runs.experiment()


def mmv_experiment(words: str, **changes) -> config.Experiment:
  """Returns a run of the smallest MMV; arguments as of its method_config."""
  method = tiny_mmv_runs.method_config(words, **changes)
  return dataclasses.replace(tiny_runs.experiment(), method=method)


def method(experiment: config.Experiment) -> base.Method:
  """Returns a method whose weights are not those of its initialisation."""
  result = weights.fresh_method(experiment, 3)
  generator = np.random.default_rng(0)
  for variable in result.variables:
    if "moving_mean" in variable.name:
      variable.assign(generator.normal(size=variable.shape) * 0.1)
    if "moving_variance" in variable.name:
      variable.assign(generator.uniform(0.5, 2.0, variable.shape))
  return result


def export(
  experiment: config.Experiment,
  encoders: dict[str, base.Encoder],
  output: pathlib.Path,
  image: networks.Image = networks.Image.NONE,
) -> pathlib.Path:
  """Exports encoders of a run as its step 7 and returns its version folder."""
  writer.export(
    encoders,
    output,
    experiment=experiment,
    step=7,
    max_batch_size=MAX_BATCH_SIZE,
    image=image,
  )
  return output / "1"
