"""MMV V-T, 16 frames: non-linear video head, on HowTo100M.

Paper: Table 1, row "(a) VT"; Table 8, row "Non Linear / Linear, train:
  Vision+Text".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vt16_howto100m_non_linear_video.py \\
      --config.data.train_records=HOWTO100M \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 82.7, HMDB51 55.9; zero-shot R@10 YouCook2 33.6, MSRVTT
  27.5.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import embedding_graph

from . import common

PAPER = common.ablation_rows(
  ("Table 1", "(a) VT"),
  ("Table 8", "Non Linear / Linear, train: Vision+Text"),
  ucf101_linear=82.7,
  hmdb51_linear=55.9,
  youcook2_recall_at_10=33.6,
  msrvtt_recall_at_10=27.5,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    common.text(),
    video_head=embedding_graph.Head.NON_LINEAR,
  )
