"""BraVe V-A: RGB against 5 s of sound, on AudioSet.

Paper: Table 6, row "BraVe: V <-> A (ours), TSM-50, AS".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/va_audioset.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear UCF101 93.0, HMDB51 69.4, K600 70.6, ESC-50 93.0; fine-tuned
  UCF101 95.5, HMDB51 74.8; MLP AudioSet 36.4.
Cost: 620k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 6",
    row="BraVe: V <-> A (ours), TSM-50, AS",
    values={
      "ucf101_linear": 93.0,
      "ucf101_finetune": 95.5,
      "hmdb51_linear": 69.4,
      "hmdb51_finetune": 74.8,
      "k600_linear": 70.6,
      "esc50_linear": 93.0,
      "audioset_mlp": 36.4,
    },
    parameters="23.5M",
    fine_tuned={
      "hmdb51": paper_rows.FineTuned(
        dropout=0.8, learning_rate=0.03, weight_decay=1e-7
      ),
      "ucf101": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.1, weight_decay=0.0
      ),
    },
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.with_audio(common.audio_broad())
