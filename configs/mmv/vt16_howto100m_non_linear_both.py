"""MMV V-T, 16 frames: non-linear heads, on HowTo100M.

Paper: Table 8, row "Non Linear both, train: Vision+Text".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vt16_howto100m_non_linear_both.py \\
      --config.data.train_records=HOWTO100M \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 83.0, HMDB51 54.4; zero-shot R@10 YouCook2 31.1, MSRVTT
  28.7.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import embedding_graph

from . import common

PAPER = common.ablation_rows(
  ("Table 8", "Non Linear both, train: Vision+Text"),
  ucf101_linear=83.0,
  hmdb51_linear=54.4,
  youcook2_recall_at_10=31.1,
  msrvtt_recall_at_10=28.7,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  head = embedding_graph.Head.NON_LINEAR
  return common.ablation(common.text(head), video_head=head)
