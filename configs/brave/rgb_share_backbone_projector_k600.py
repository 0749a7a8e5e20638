"""BraVe V-V, broad RGB: all but the predictor is shared, on Kinetics-600.

Paper: Table 5, row "shared backbone, shared projector, own predictors".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/rgb_share_backbone_projector_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 63.7, UCF101 91.4, K600 69.4.
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
    row="shared backbone, shared projector, own predictors",
    values=paper_rows.linear(hmdb51=63.7, ucf101=91.4, k600=69.4),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.rgb_broad(random_convolution=False),
    sharing=brave.Sharing(backbone=True, predictor=False),
  )
