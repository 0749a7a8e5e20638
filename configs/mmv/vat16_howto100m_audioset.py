"""MMV V-A-T, 16 frames: fine and coarse spaces, on HowTo100M + AudioSet.

Paper: Table 1, row "(b) FAC".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vat16_howto100m_audioset.py \\
      --config.data.train_records=HOWTO100M \\
      --config.data.second_train_records=AUDIOSET \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 86.2, HMDB51 62.5, ESC-50 88.0; zero-shot R@10 YouCook2
  23.8, MSRVTT 23.5.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import embedding_graph

from . import common

PAPER = common.ablation_rows(
  ("Table 1", "(b) FAC"),
  ucf101_linear=86.2,
  hmdb51_linear=62.5,
  youcook2_recall_at_10=23.8,
  msrvtt_recall_at_10=23.5,
  esc50_linear=88.0,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    {**common.ablation_audio(), **common.text()},
    video_head=embedding_graph.Head.NON_LINEAR,
  )
