"""MMV V-A, 16 frames: non-linear video head, on HowTo100M.

Paper: Table 1, row "(a) VA"; Table 8, row "Non Linear / Linear, train:
  Vision+Audio".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m_non_linear_video.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 75.5, HMDB51 51.6, ESC-50 79.0.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import embedding_graph

from . import common

PAPER = common.ablation_rows(
  ("Table 1", "(a) VA"),
  ("Table 8", "Non Linear / Linear, train: Vision+Audio"),
  ucf101_linear=75.5,
  hmdb51_linear=51.6,
  esc50_linear=79.0,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    common.ablation_audio(),
    video_head=embedding_graph.Head.NON_LINEAR,
  )
