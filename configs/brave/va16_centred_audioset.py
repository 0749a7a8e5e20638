"""BraVe V-A: sound and video have the same centre, on AudioSet.

Paper: Table 8, row "AS, Center, Audio".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/va16_centred_audioset.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear HMDB51 67.3, UCF101 92.2, K600 70.6.
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
    row="AS, Center, Audio",
    values=paper_rows.linear(hmdb51=67.3, ucf101=92.2, k600=70.6),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.audio_ablation(common.audio_broad(sync=views.Sync.CENTRE))
