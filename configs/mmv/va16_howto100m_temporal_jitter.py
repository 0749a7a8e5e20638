"""MMV V-A, 16 frames: sound up to 0.8 s away from the pictures, on HowTo100M.

Paper: Table 9, row "Standard, Temporal".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m_temporal_jitter.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 67.6, HMDB51 45.8, ESC-50 79.0.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment

from . import common

PAPER = common.ablation_rows(
  ("Table 9", "Standard, Temporal"),
  ucf101_linear=67.6,
  hmdb51_linear=45.8,
  esc50_linear=79.0,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(common.ablation_audio(temporal_jitter_s=0.8))
