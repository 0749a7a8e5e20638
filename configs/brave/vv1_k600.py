"""BraVe V-V: one randomly convolved broad view, on Kinetics-600.

Paper: Table 1, row "K600, not synced, RGB+RC"; Table 2, row "K600, RGB+RC,
  1.3s, 10s"; Table 3, row "RGB+RC"; Table 4, row "K600, 1".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vv1_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 65.2, UCF101 91.7, K600 69.1.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 1",
    row="K600, not synced, RGB+RC",
    values=paper_rows.linear(hmdb51=65.2, ucf101=91.7, k600=69.1),
  ),
  paper_rows.Row(
    table="Table 2",
    row="K600, RGB+RC, 1.3s, 10s",
    values=paper_rows.linear(hmdb51=65.2, ucf101=91.7, k600=69.1),
  ),
  paper_rows.Row(
    table="Table 3",
    row="RGB+RC",
    values=paper_rows.linear(hmdb51=65.2, ucf101=91.7, k600=69.1),
  ),
  paper_rows.Row(
    table="Table 4",
    row="K600, 1",
    values=paper_rows.linear(hmdb51=65.2, ucf101=91.7, k600=69.1),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(common.rgb_broad())
