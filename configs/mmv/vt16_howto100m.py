"""MMV V-T, 16 frames: linear heads, S3D-G, on HowTo100M.

Paper: Table 6, row "S3D-G, train: Vision+Text"; Table 8, row "Linear both,
  train: Vision+Text".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vt16_howto100m.py \\
      --config.data.train_records=HOWTO100M \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 81.0, HMDB51 52.0; zero-shot R@10 YouCook2 35.4, MSRVTT
  29.0.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment

from . import common

PAPER = common.ablation_rows(
  ("Table 6", "S3D-G, train: Vision+Text"),
  ("Table 8", "Linear both, train: Vision+Text"),
  ucf101_linear=81.0,
  hmdb51_linear=52.0,
  youcook2_recall_at_10=35.4,
  msrvtt_recall_at_10=29.0,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(common.text())
