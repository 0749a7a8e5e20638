"""BraVe V-V, broad RGB: everything is shared, on Kinetics-600.

Paper: Table 5, row "shared backbone, shared projector, shared predictor".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/rgb_share_all_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 62.7, UCF101 91.2, K600 69.3.
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
    row="shared backbone, shared projector, shared predictor",
    values=paper_rows.linear(hmdb51=62.7, ucf101=91.2, k600=69.3),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.rgb_broad(random_convolution=False),
    sharing=brave.Sharing(backbone=True),
  )
