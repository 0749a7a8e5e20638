"""Tiny BraVe with a randomly convolved RGB broad view (V-V), on two CPU cores.

Shrinks: the V-V row of Table 6 (TSM-50, Kinetics-600, three broad views),
  with the paper's colour augmentation and random convolution, one broad view.
Command:
  python -m tfvssl.train --config=configs/tiny_brave_rgb.py --workdir=RUN \\
      --config.data.train_records=TRAIN --config.data.heldout_records=TEST
Expected: a finite loss that falls; no gain in accuracy at this length of
  training was ever seen.
Cost: about four minutes on 2 CPU cores.
Reproduced here: it has no published number.
"""

from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment
from tfvssl.config import pictures
from tfvssl.methods import brave

from . import tiny_brave


def get_config() -> experiment.Experiment:
  """Returns the run."""
  method = tiny_brave.method()
  method.narrow.augmentation = pictures.RgbAugmentation()
  method.broad = {
    "rgb": brave.Broad(
      view=views.RgbViewSpec(
        num_frames=16,
        frame_step=2,
        image_size=32,
        crop=pictures.Crop(area=(0.6, 1.0), aspect=(0.8, 1.25)),
        augmentation=pictures.RgbAugmentation(random_convolution=True),
      ),
      backbone=tsm_resnet.TSMResNetConfig(
        blocks=(1, 1, 1), width=0.25, shift_fraction=0.25
      ),
    )
  }
  return tiny_brave.experiment(method)
