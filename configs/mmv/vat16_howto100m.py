"""MMV V-A-T, 16 frames: fine and coarse spaces, on HowTo100M.

Paper: Table 1, row "(a) VAT (FAC)".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vat16_howto100m.py \\
      --config.data.train_records=HOWTO100M \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 84.7, HMDB51 57.3, ESC-50 78.7; zero-shot R@10 YouCook2
  32.2, MSRVTT 28.6.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import embedding_graph

from . import common

PAPER = common.ablation_rows(
  ("Table 1", "(a) VAT (FAC)"),
  ucf101_linear=84.7,
  hmdb51_linear=57.3,
  youcook2_recall_at_10=32.2,
  msrvtt_recall_at_10=28.6,
  esc50_linear=78.7,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    {**common.ablation_audio(), **common.text(weight=10.0)},
    video_head=embedding_graph.Head.NON_LINEAR,
  )
