"""BraVe V-V: two randomly convolved broad views, on Kinetics-600.

Paper: Table 4, row "K600, 2".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vv2_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 65.4, UCF101 91.8, K600 70.4.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 4",
    row="K600, 2",
    values=paper_rows.linear(hmdb51=65.4, ucf101=91.8, k600=70.4),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(common.rgb_broad(num_views=2))
