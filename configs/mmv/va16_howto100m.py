"""MMV V-A, 16 frames: linear heads, S3D-G, on HowTo100M.

Paper: Table 6, row "S3D-G, train: Vision+Audio"; Table 7, row "NCE loss"; Table
  8, row "Linear both, train: Vision+Audio"; Table 9, row "Standard, None".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 71.1, HMDB51 49.1, ESC-50 80.0.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment

from . import common

PAPER = common.ablation_rows(
  ("Table 6", "S3D-G, train: Vision+Audio"),
  ("Table 7", "NCE loss"),
  ("Table 8", "Linear both, train: Vision+Audio"),
  ("Table 9", "Standard, None"),
  ucf101_linear=71.1,
  hmdb51_linear=49.1,
  esc50_linear=80.0,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(common.ablation_audio())
