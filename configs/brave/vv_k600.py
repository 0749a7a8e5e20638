"""BraVe V-V: three randomly convolved broad views, on Kinetics-600.

Paper: Table 4, row "K600, 3"; Table 6, row "BraVe: V <-> V x 3 (ours), TSM-50,
  K600".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vv_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear UCF101 92.6, HMDB51 65.4, K600 70.8; fine-tuned UCF101 94.8,
  HMDB51 74.4.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 4",
    row="K600, 3",
    values=paper_rows.linear(hmdb51=65.4, ucf101=92.6, k600=70.8),
  ),
  paper_rows.Row(
    table="Table 6",
    row="BraVe: V <-> V x 3 (ours), TSM-50, K600",
    values={
      "ucf101_linear": 92.6,
      "ucf101_finetune": 94.8,
      "hmdb51_linear": 65.4,
      "hmdb51_finetune": 74.4,
      "k600_linear": 70.8,
    },
    parameters="23.5M",
    fine_tuned={
      "hmdb51": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.03, weight_decay=1e-7
      ),
      "ucf101": paper_rows.FineTuned(
        dropout=0.1, learning_rate=0.1, weight_decay=1e-7
      ),
    },
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(common.rgb_broad(num_views=3))
