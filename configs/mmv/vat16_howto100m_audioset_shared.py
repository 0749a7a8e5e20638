"""MMV V-A-T, 16 frames: one space, on HowTo100M + AudioSet.

Paper: Table 1, row "(b) Shared".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vat16_howto100m_audioset_shared.py \\
      --config.data.train_records=HOWTO100M \\
      --config.data.second_train_records=AUDIOSET \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 84.7, HMDB51 60.2, ESC-50 88.5; zero-shot R@10 YouCook2
  20.8, MSRVTT 22.4.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import embedding_graph

from . import common

PAPER = common.ablation_rows(
  ("Table 1", "(b) Shared"),
  ucf101_linear=84.7,
  hmdb51_linear=60.2,
  youcook2_recall_at_10=20.8,
  msrvtt_recall_at_10=22.4,
  esc50_linear=88.5,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(
    {**common.ablation_audio(), **common.text()},
    video_head=embedding_graph.Head.NON_LINEAR,
    graph=embedding_graph.Graph.SHARED,
  )
