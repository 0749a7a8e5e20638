"""BraVe V-V, broad RGB: nothing is shared, on Kinetics-600.

Paper: Table 5, row "own backbones, own projectors, own predictors".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/rgb_unshared_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 61.3, UCF101 89.9, K600 67.7.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows
from tfvssl.methods import brave

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 5",
    row="own backbones, own projectors, own predictors",
    values=paper_rows.linear(hmdb51=61.3, ucf101=89.9, k600=67.7),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.rgb_broad(random_convolution=False),
    sharing=brave.Sharing(projector=False, predictor=False),
  )
