"""BraVe V-F with R3D-50: three views of optical flow, on Kinetics-400.

Paper: Table 6, row "BraVe: V <-> F x 3 (ours), R3D50, K400".
Command (records with --modalities=rgb,flow):
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vf_k400_r3d.py \\
      --config.data.train_records=K400 --config.runtime.strategy=tpu
Expected: linear UCF101 92.5, HMDB51 68.3, K600 66.9; fine-tuned UCF101 95.0,
  HMDB51 73.1.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Left open by the paper: how many frames a narrow R3D view has. It is 16 here
  (Sec. 4.1), which at its 6.25 per second are 2.6 s. Also how flow becomes the
  network's input; `scale_px` of FlowViewSpec is ours.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import r3d
from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 6",
    row="BraVe: V <-> F x 3 (ours), R3D50, K400",
    values={
      "ucf101_linear": 92.5,
      "ucf101_finetune": 95.0,
      "hmdb51_linear": 68.3,
      "hmdb51_finetune": 73.1,
      "k600_linear": 66.9,
    },
    parameters="31.8M",
    fine_tuned={
      "hmdb51": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.03, weight_decay=1e-7
      ),
      "ucf101": paper_rows.FineTuned(
        dropout=0.1, learning_rate=0.3, weight_decay=1e-7
      ),
    },
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.flow_broad(num_views=3),
    narrow=common.narrow(frame_step=4),  # paper Sec. 4.1
    narrow_backbone=r3d.R3DConfig(),
  )
