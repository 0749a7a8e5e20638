"""MMV V-A: vision and audio only, S3D-G, on AudioSet.

Paper: Table 2, row "VA only (ours), S3D-G, AS".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va_audioset.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear UCF101 84.7, HMDB51 60.4, ESC-50 86.1; fine-tuned UCF101 90.1,
  HMDB51 68.2.
Cost: 500k steps of 4096 clips; devices and hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment

from . import common

PAPER = (
  common.final_row(
    "VA only (ours), S3D-G, AS",
    "S3D-G",
    linear=(84.7, 60.4, 86.1),
    fine_tuned=(90.1, 68.2),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.final(common.audio())
