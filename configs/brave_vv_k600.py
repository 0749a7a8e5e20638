"""BraVe V-V: RGB against three randomly convolved broad views, on Kinetics-600.

Paper: Table 6, row "BraVe: V <-> V x 3 (ours), TSM-50, K600".
Command:
  python -m tfvssl.train --config=configs/brave_vv_k600.py --workdir=RUN \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected (linear): UCF101 92.6, HMDB51 65.4, K600 70.8.
Cost: 300k steps of 512 clips; the paper gives neither hardware nor hours.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl import config
from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.methods import brave
from tfvssl.optim import lars


def get_config() -> config.Experiment:
  """Returns the run."""
  return config.Experiment(
    method=brave.BraveConfig(
      broad={
        "rgb": brave.Broad(
          view=views.RgbViewSpec(
            num_frames=64,
            frame_step=4,  # 6.25 frames per second
            image_size=112,
            augmentation=views.RgbAugmentation(random_convolution=True),
          ),
          backbone=tsm_resnet.TSMResNetConfig(),
          num_views=3,
        )
      },
    ),
    optimizer=lars.LarsConfig(),
    schedule=config.Schedule(peak=4.8),  # without sound, paper Sec. 4.1
    batch_size=512,
    steps=300_000,
  )
