"""MMV V-A, 16 frames: no video augmentation, on HowTo100M.

Paper: Table 9, row "None, None".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/va16_howto100m_no_augmentation.py \\
      --config.data.train_records=HOWTO100M --config.runtime.strategy=tpu
Expected: linear UCF101 70.6, HMDB51 47.9, ESC-50 77.0.
Cost: 500k steps of 512 clips, 20 hours on 16 Cloud TPUs (paper Sec. 4.2).
Left open by the paper: what "None" leaves. Here clips and squares are taken at
  random, and nothing is flipped, scaled or coloured; so are the views that the
  linear classifiers are fitted to.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import pictures

from . import common

PAPER = common.ablation_rows(
  ("Table 9", "None, None"),
  ucf101_linear=70.6,
  hmdb51_linear=47.9,
  esc50_linear=77.0,
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  video = common.ablation_video()
  video.crop = pictures.JitterCrop(scale=(1.0, 1.0), share=200 / 224)
  video.augmentation.flip_probability = 0.0
  video.augmentation.colour_probability = 0.0
  return common.ablation(common.ablation_audio(), video=video)
