"""BraVe V-A: 1.3 s of sound, narrow views of 16 frames, on AudioSet.

Paper: Table 2, row "AS, Audio, 1.3s, 1.3s".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/va16_broad_1s_audioset.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear HMDB51 68.1, UCF101 92.3, K600 68.8.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 2",
    row="AS, Audio, 1.3s, 1.3s",
    values=paper_rows.linear(hmdb51=68.1, ucf101=92.3, k600=68.8),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  # The extent of the narrow view, 16 frames at 12.5 per second.
  return common.audio_ablation(common.audio_broad(seconds=1.28))
