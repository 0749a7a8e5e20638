"""MMV V-A, 16 frames: linear heads, TSM-50, on HowTo100M.

Paper: Table 6, row "TSM Res50, train: Vision+Audio".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m_tsm50.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 75.8, HMDB51 52.5, ESC-50 78.0.
Cost: 500k steps of 512 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment

from . import common

PAPER = common.ablation_rows(
  ("Table 6", "TSM Res50, train: Vision+Audio"),
  network="TSM-50",
  ucf101_linear=75.8,
  hmdb51_linear=52.5,
  esc50_linear=78.0,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    common.ablation_audio(),
    video_backbone=tsm_resnet.TSMResNetConfig(),
  )
