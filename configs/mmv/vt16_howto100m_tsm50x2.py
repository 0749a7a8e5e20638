"""MMV V-T, 16 frames: linear heads, TSM-50x2, on HowTo100M.

Paper: Table 6, row "TSM Res50x2, train: Vision+Text".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vt16_howto100m_tsm50x2.py \\
      --config.data.train_records=HOWTO100M \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 86.8, HMDB51 55.1; zero-shot R@10 YouCook2 43.4, MSRVTT
  32.9.
Cost: 500k steps of 512 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment

from . import common

PAPER = common.ablation_rows(
  ("Table 6", "TSM Res50x2, train: Vision+Text"),
  network="TSM-50x2",
  ucf101_linear=86.8,
  hmdb51_linear=55.1,
  youcook2_recall_at_10=43.4,
  msrvtt_recall_at_10=32.9,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    common.text(),
    video_backbone=tsm_resnet.TSMResNetConfig(width=2.0),
  )
