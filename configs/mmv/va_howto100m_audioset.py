"""MMV V-A: vision and audio only, S3D-G, on HowTo100M + AudioSet.

Paper: Table 2, row "VA only (ours), S3D-G, AS+HT".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va_howto100m_audioset.py \\
      --config.data.train_records=HOWTO100M \\
      --config.data.second_train_records=AUDIOSET \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 86.2, HMDB51 61.5, ESC-50 87.2; fine-tuned UCF101 91.1,
  HMDB51 68.3.
Cost: 500k steps of 4096 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment

from . import common

PAPER = (
  common.final_row(
    "VA only (ours), S3D-G, AS+HT",
    "S3D-G",
    linear=(86.2, 61.5, 87.2),
    fine_tuned=(91.1, 68.3),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.final(common.audio())
