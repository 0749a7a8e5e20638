"""BraVe V-V with R3D-50: three broad views, on Kinetics-600.

Paper: Table 6, row "BraVe: V <-> V x 3 (ours), R3D50, K600".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vv_k600_r3d.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear UCF101 92.4, HMDB51 66.7, K600 70.0; fine-tuned UCF101 94.7,
  HMDB51 73.5.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Left open by the paper: how many frames a narrow R3D view has. It is 16 here
  (Sec. 4.1), which at its 6.25 per second are 2.6 s.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import r3d
from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 6",
    row="BraVe: V <-> V x 3 (ours), R3D50, K600",
    values={
      "ucf101_linear": 92.4,
      "ucf101_finetune": 94.7,
      "hmdb51_linear": 66.7,
      "hmdb51_finetune": 73.5,
      "k600_linear": 70.0,
    },
    parameters="31.8M",
    fine_tuned={
      "hmdb51": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.3, weight_decay=0.0
      ),
      "ucf101": paper_rows.FineTuned(
        dropout=0.1, learning_rate=0.1, weight_decay=1e-7
      ),
    },
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.rgb_broad(num_views=3),
    narrow=common.narrow(frame_step=4),  # paper Sec. 4.1
    narrow_backbone=r3d.R3DConfig(),
  )
