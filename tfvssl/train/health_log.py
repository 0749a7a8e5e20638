"""Whether a run ended collapsed, by its log."""

import json

from tfvssl.runtime import storage
from tfvssl.train import health


def of_log(log: storage.PathLike, clips: int) -> str:
  """Returns in a line how a run ended, by its metrics; empty if it is well.

  Args:
    log: metrics.jsonl of the run.
    clips: see health.problems.
  """
  lines = storage.Path(log).read_text(encoding="utf-8").splitlines()
  means = [_trained(json.loads(line)) for line in lines]
  *_, before, last = [{}, {}, *filter(None, means)]
  found = health.problems(last, clips)
  return health.ended(found) if found and health.problems(before, clips) else ""


def _trained(scalars):
  """Returns what a line of the log says of the training, by plain names."""
  prefix = "train/"
  return {
    name.removeprefix(prefix): value
    for name, value in scalars.items()
    if name.startswith(prefix)
  }
