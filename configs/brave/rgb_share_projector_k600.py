"""BraVe V-V, broad RGB: only the projector is shared, on Kinetics-600.

Paper: Table 5, row "own backbones, shared projector, own predictors".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/rgb_share_projector_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 61.7, UCF101 90.2, K600 68.6.
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
    row="own backbones, shared projector, own predictors",
    values=paper_rows.linear(hmdb51=61.7, ucf101=90.2, k600=68.6),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.rgb_broad(random_convolution=False),
    sharing=brave.Sharing(predictor=False),
  )
