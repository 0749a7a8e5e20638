"""BraVe V-A: 10 s of sound, narrow views of 16 frames, on AudioSet.

Paper: Table 2, row "AS, Audio, 1.3s, 10s".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/va16_broad_10s_audioset.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear HMDB51 67.1, UCF101 92.5, K600 70.0.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 2",
    row="AS, Audio, 1.3s, 10s",
    values=paper_rows.linear(hmdb51=67.1, ucf101=92.5, k600=70.0),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  # 64 frames at 6.25 per second, the paper's 10 s of video; as released.
  return common.audio_ablation(common.audio_broad(seconds=10.24))
