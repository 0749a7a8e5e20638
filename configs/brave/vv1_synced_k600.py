"""BraVe V-V: the broad view starts with the narrow one, on Kinetics-600.

Paper: Table 1, row "K600, synced, RGB+RC".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vv1_synced_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 64.3, UCF101 87.5, K600 60.5.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 1",
    row="K600, synced, RGB+RC",
    values=paper_rows.linear(hmdb51=64.3, ucf101=87.5, k600=60.5),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(common.rgb_broad(sync=views.Sync.START))
