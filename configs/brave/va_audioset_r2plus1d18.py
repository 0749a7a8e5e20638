"""BraVe V-A with R(2+1)D-18: RGB against 5 s of sound, on AudioSet.

Paper: Table 6, row "BraVe: V <-> A (ours), R(2+1)D-18, AS".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/va_audioset_r2plus1d18.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear UCF101 90.0, HMDB51 63.6, K600 64.0, ESC-50 91.9; fine-tuned
  UCF101 93.5, HMDB51 70.2; MLP AudioSet 36.5.
Cost: 620k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import r2plus1d
from tfvssl.config import experiment as config
from tfvssl.config import paper_rows
from tfvssl.optim import lars

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 6",
    row="BraVe: V <-> A (ours), R(2+1)D-18, AS",
    values={
      "ucf101_linear": 90.0,
      "ucf101_finetune": 93.5,
      "hmdb51_linear": 63.6,
      "hmdb51_finetune": 70.2,
      "k600_linear": 64.0,
      "esc50_linear": 91.9,
      "audioset_mlp": 36.5,
    },
    parameters="33.3M",
    fine_tuned={
      "hmdb51": paper_rows.FineTuned(
        dropout=0.8, learning_rate=0.3, weight_decay=1e-7
      ),
      "ucf101": paper_rows.FineTuned(
        dropout=0.8, learning_rate=0.1, weight_decay=1e-7
      ),
    },
  ),
)


def get_config() -> config.Experiment:
  """Returns the run."""
  experiment = common.with_audio(
    common.audio_broad(),
    narrow_backbone=r2plus1d.R2Plus1DConfig(),
  )
  # Paper Sec. 4.1.
  experiment.optimizer = lars.LarsConfig(weight_decay=1e-7)
  return experiment
