"""MMV V-T, 16 frames: linear heads, TSM-50, on HowTo100M.

Paper: Table 6, row "TSM Res50, train: Vision+Text".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vt16_howto100m_tsm50.py \\
      --config.data.train_records=HOWTO100M \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 82.9, HMDB51 56.0; zero-shot R@10 YouCook2 37.7, MSRVTT
  33.3.
Cost: 500k steps of 512 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment

from . import common

PAPER = common.ablation_rows(
  ("Table 6", "TSM Res50, train: Vision+Text"),
  network="TSM-50",
  ucf101_linear=82.9,
  hmdb51_linear=56.0,
  youcook2_recall_at_10=37.7,
  msrvtt_recall_at_10=33.3,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    common.text(),
    video_backbone=tsm_resnet.TSMResNetConfig(),
  )
