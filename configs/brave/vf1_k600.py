"""BraVe V-F: one broad view of optical flow, on Kinetics-600.

Paper: Table 3, row "Flow".
Command (records with --modalities=rgb,flow):
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vf1_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 66.4, UCF101 92.1, K600 67.0.
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
    table="Table 3",
    row="Flow",
    values=paper_rows.linear(hmdb51=66.4, ucf101=92.1, k600=67.0),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(common.flow_broad())
