"""What tfvssl.evaluate does: a request in, a result out."""

import contextlib
import dataclasses
import importlib.metadata
import time
from typing import TYPE_CHECKING

from absl import logging

from tfvssl.config import experiment as config
from tfvssl.evaluate import assignments
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import known
from tfvssl.runtime import replicas
from tfvssl.train import restoring
from tfvssl.train import run_folder
from tfvssl.train import weights

if TYPE_CHECKING:
  from tfvssl.evaluate import progress as kept


def run(
  request: requests.Request, progress: "kept.Progress | None" = None
) -> dict:
  """Returns the result of an evaluation as a tree for the result file.

  Args:
    request: what is evaluated, and how.
    progress: keeps what is trained, to go on after a stop; None to keep
      nothing.

  Raises:
    ValueError: the request or the run's config is not to be had.
    FileNotFoundError: a folder does not exist.
    exit_codes.UserError: a run or records that cannot be used (3), or figures
      that are not finite (5).
  """
  protocol = known.check(request)
  with base.data_errors():
    experiment = run_folder.read_config(request.workdir)
  experiment, sections = assignments.assign(experiment, request.changes)
  settings = sections[protocol.NAME]
  experiment.validate()
  settings.validate(protocol.NAME)
  replicas.prepare_process(experiment)
  protocol.check_run(experiment, settings)
  with _scope(protocol, experiment):
    with base.data_errors():
      _, method, step = weights.load_method(
        request.workdir, experiment.runtime.precision
      )
    began = time.monotonic()
    measured = protocol.measure(
      base.Subject(
        request,
        experiment,
        settings,
        method,
        restoring.identity(request.workdir, step),
        progress,
      )
    )
  return {
    "protocol": measured.pop("protocol"),
    "checkpoint_step": step,
    **measured,
    "versions": _versions(),
    "seconds": round(time.monotonic() - began, 1),
  }


def _scope(protocol, experiment):
  """Returns the scope in which networks are made and run."""
  if protocol.ON_ONE_DEVICE:
    return contextlib.nullcontext()
  placement = experiment.runtime
  if placement.strategy == config.Strategy.MULTI_WORKER:
    logging.info("An evaluation runs on this host alone: mirrored.")
    placement = dataclasses.replace(
      placement, strategy=config.Strategy.MIRRORED
    )
  try:
    return replicas.build_strategy(placement).scope()
  except ValueError as error:
    raise ValueError(
      f"{error} To evaluate elsewhere than the run was trained:"
      " --set=runtime.strategy=cpu."
    ) from error


def _versions():
  return {
    name: importlib.metadata.version(name)
    for name in ("tensorflow", "scikit-learn", "numpy")
  }
