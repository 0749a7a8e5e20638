"""Tiny BraVe with an R(2+1)D as narrow backbone (V-A), on two CPU cores.

Shrinks: the R(2+1)D-18 row of Table 6 (AudioSet, 5 s of sound). Differs from
  the paper as configs/tiny_brave.py does.
Command:
  python -m tfvssl.train --config=configs/tiny_brave_r2plus1d.py \\
      --workdir=RUN \\
      --config.data.train_records=TRAIN --config.data.heldout_records=TEST
Expected: a falling loss; on the demo's clips, from 0.97 to 0.80 in a run of 50
  steps.
Cost: twice that of configs/tiny_brave.py; on one CPU core, the loss and
  gradients of a step take 0.99 s, against 0.48 s there.
Reproduced here: it has no published number.
"""

from tfvssl.backbones import r2plus1d
from tfvssl.config import experiment as config
from tfvssl.optim import lars

from . import tiny_brave


def get_config() -> config.Experiment:
  """Returns the run."""
  method = tiny_brave.method()
  method.narrow_backbone = r2plus1d.R2Plus1DConfig(
    blocks=(1, 1, 1, 1), width=0.25
  )
  experiment = tiny_brave.experiment(method)
  # Source: paper Sec. 4.1, for R(2+1)D-18.
  experiment.optimizer = lars.LarsConfig(weight_decay=1e-7)
  return experiment
