"""BraVe V-F: three broad views of optical flow, on Kinetics-600.

Paper: Table 6, row "BraVe: V <-> F x 3 (ours), TSM-50, K600".
Command (records with --modalities=rgb,flow):
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vf_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear UCF101 92.9, HMDB51 66.8, K600 68.1; fine-tuned UCF101 95.2,
  HMDB51 74.2.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Left open by the paper: how flow becomes the network's input; `scale_px` of
  FlowViewSpec is ours.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 6",
    row="BraVe: V <-> F x 3 (ours), TSM-50, K600",
    values={
      "ucf101_linear": 92.9,
      "ucf101_finetune": 95.2,
      "hmdb51_linear": 66.8,
      "hmdb51_finetune": 74.2,
      "k600_linear": 68.1,
    },
    parameters="23.5M",
    fine_tuned={
      "hmdb51": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.03, weight_decay=1e-7
      ),
      "ucf101": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.1, weight_decay=0.0
      ),
    },
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(common.flow_broad(num_views=3))
