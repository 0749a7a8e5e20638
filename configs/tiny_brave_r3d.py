"""Tiny BraVe with an R3D as narrow backbone (V-A), on two CPU cores.

Shrinks: the R3D50 rows of Table 6 (Kinetics, broad views of RGB or flow).
  Differs from the paper as configs/tiny_brave.py does, and has its broad view
  of sound. The narrow view is sampled at 6.25 frames per second, as the
  paper's.
Command:
  python -m tfvssl.train --config=configs/tiny_brave_r3d.py --workdir=RUN \\
      --config.data.train_records=TRAIN --config.data.heldout_records=TEST
Expected: a falling loss; on the demo's clips, from 0.99 to 0.63 within the
  first 110 steps of a run of 120.
Cost: that of configs/tiny_brave.py; on one CPU core, the loss and gradients of
  a step take 0.51 s, against 0.48 s there.
Reproduced here: it has no published number.
"""

from tfvssl.backbones import r3d
from tfvssl.config import experiment

from . import tiny_brave


def get_config() -> experiment.Experiment:
  """Returns the run."""
  method = tiny_brave.method()
  method.narrow.frame_step = 4  # paper Sec. 4.1
  # Three units, so that the last one sees more than one frame at a time.
  method.narrow_backbone = r3d.R3DConfig(blocks=(1, 1, 1), width=0.25)
  return tiny_brave.experiment(method)
