"""MMV V-A, 16 frames: logistic loss, on HowTo100M.

Paper: Table 7, row "Logistic loss".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m_logistic.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 69.9, HMDB51 47.5, ESC-50 80.7.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Left open by the paper: the form of the loss over a batch and its temperature;
  ours are in the docstring of `logistic_loss`.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.methods.parts import contrastive

from . import common

PAPER = common.ablation_rows(
  ("Table 7", "Logistic loss"),
  ucf101_linear=69.9,
  hmdb51_linear=47.5,
  esc50_linear=80.7,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.ablation(common.ablation_audio(loss=contrastive.Form.LOGISTIC))
