"""MMV V-A, 16 frames: non-linear heads, on HowTo100M.

Paper: Table 8, row "Non Linear both, train: Vision+Audio".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m_non_linear_both.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 73.4, HMDB51 51.0, ESC-50 79.5.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import embedding_graph

from . import common

PAPER = common.ablation_rows(
  ("Table 8", "Non Linear both, train: Vision+Audio"),
  ucf101_linear=73.4,
  hmdb51_linear=51.0,
  esc50_linear=79.5,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  head = embedding_graph.Head.NON_LINEAR
  return common.ablation(common.ablation_audio(head), video_head=head)
