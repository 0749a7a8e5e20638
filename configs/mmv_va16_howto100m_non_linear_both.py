"""MMV V-A, 16 frames: non-linear heads, on HowTo100M.

Paper: Table 8, row "Non Linear both, train: Vision+Audio".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv_va16_howto100m_non_linear_both.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 73.4, HMDB51 51.0, ESC-50 79.5.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Reproduced here: no; never run beyond its construction.
"""

from configs import paper_mmv
from tfvssl import config
from tfvssl.methods import embedding_graph

PAPER = paper_mmv.ablation_rows(
  ("Table 8", "Non Linear both, train: Vision+Audio"),
  ucf101_linear=73.4,
  hmdb51_linear=51.0,
  esc50_linear=79.5,
)


def get_config() -> config.Experiment:
  """Returns the run."""
  head = embedding_graph.Head.NON_LINEAR
  return paper_mmv.ablation(paper_mmv.ablation_audio(head), video_head=head)
