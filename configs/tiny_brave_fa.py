"""Tiny BraVe with broad views of flow and sound (V-FA), on two CPU cores.

Shrinks: the V-FA row of Table 6 (TSM-50, AudioSet). Differs from the paper as
  configs/tiny_brave.py and configs/tiny_brave_flow.py do.
Command (records with --modalities=rgb,audio,flow --flow_short_side=32):
  python -m tfvssl.train --config=configs/tiny_brave_fa.py --workdir=RUN \\
      --config.data.train_records=TRAIN --config.data.heldout_records=TEST
Expected: a finite loss that falls.
Cost: about six minutes on 2 CPU cores by the time of its step, without the
  flow's computation.
Reproduced here: it has no published number.
"""

from tfvssl.config import experiment

from . import tiny_brave
from . import tiny_brave_flow


def get_config() -> experiment.Experiment:
  """Returns the run."""
  method = tiny_brave.method()
  method.broad["flow"] = tiny_brave_flow.flow()
  return tiny_brave.experiment(method)
