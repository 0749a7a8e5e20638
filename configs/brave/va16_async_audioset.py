"""BraVe V-A: sound and video start independently, on AudioSet.

Paper: Table 8, row "AS, Async, Audio".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/va16_async_audioset.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear HMDB51 67.4, UCF101 92.3, K600 69.1.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 8",
    row="AS, Async, Audio",
    values=paper_rows.linear(hmdb51=67.4, ucf101=92.3, k600=69.1),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.audio_ablation(common.audio_broad(sync=views.Sync.INDEPENDENT))
