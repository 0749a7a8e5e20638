"""MMV V-A, 16 frames: linear heads, TSM-50x2, on HowTo100M.

Paper: Table 6, row "TSM Res50x2, train: Vision+Audio".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m_tsm50x2.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 77.1, HMDB51 53.6, ESC-50 79.2.
Cost: 500k steps of 512 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment

from . import common

PAPER = common.ablation_rows(
  ("Table 6", "TSM Res50x2, train: Vision+Audio"),
  network="TSM-50x2",
  ucf101_linear=77.1,
  hmdb51_linear=53.6,
  esc50_linear=79.2,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    common.ablation_audio(),
    video_backbone=tsm_resnet.TSMResNetConfig(width=2.0),
  )
