"""BraVe V-F: RGB against three broad views of optical flow, on Kinetics-600.

Paper: Table 6, row "BraVe: V <-> F x 3 (ours), TSM-50, K600".
Command:
  python -m tfvssl.train --config=configs/brave_vf_k600.py --workdir=RUN \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected (linear): UCF101 92.9, HMDB51 66.8, K600 68.1.
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
        "flow": brave.Broad(
          view=views.FlowViewSpec(),
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
