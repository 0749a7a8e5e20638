"""BraVe V-V: the broad view starts with the narrow one, on Kinetics-600.

Paper: Table 1, row "K600, synced, RGB+RC".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave_vv1_synced_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 64.3, UCF101 87.5, K600 60.5.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from configs import paper
from tfvssl import config
from tfvssl import paper_results
from tfvssl import views

PAPER = (
  paper_results.Row(
    table="Table 1",
    row="K600, synced, RGB+RC",
    values=paper_results.linear(hmdb51=64.3, ucf101=87.5, k600=60.5),
  ),
)


def get_config() -> config.Experiment:
  """Returns the run."""
  return paper.video_only(paper.rgb_broad(sync=views.Sync.START))
