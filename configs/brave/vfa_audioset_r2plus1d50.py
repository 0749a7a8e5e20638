"""BraVe V-FA with R(2+1)D-50: RGB against flow and sound, on AudioSet.

Paper: Table 6, row "BraVe: V <-> FA (ours), R(2+1)D-50, AS".
Command (records with --modalities=rgb,flow,audio):
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vfa_audioset_r2plus1d50.py \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected: linear UCF101 92.5, HMDB51 66.6, K600 68.7, ESC-50 92.3; fine-tuned
  UCF101 94.9, HMDB51 73.4; MLP AudioSet 35.5.
Cost: 620k steps of 512 clips, 32 Cloud TPUs (paper A.1), hours unknown.
Left open by the paper: the rate of this flow view: 6.25 frames per second by
  Sec. 4.1, which appendix A.2 says of "visual only models". Also how flow
  becomes the network's input; `scale_px` of FlowViewSpec is ours.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import r2plus1d
from tfvssl.config import experiment as config
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 6",
    row="BraVe: V <-> FA (ours), R(2+1)D-50, AS",
    values={
      "ucf101_linear": 92.5,
      "ucf101_finetune": 94.9,
      "hmdb51_linear": 66.6,
      "hmdb51_finetune": 73.4,
      "k600_linear": 68.7,
      "esc50_linear": 92.3,
      "audioset_mlp": 35.5,
    },
    parameters="46.9M",
    fine_tuned={
      "hmdb51": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.03, weight_decay=1e-7
      ),
      "ucf101": paper_rows.FineTuned(
        dropout=0.5, learning_rate=0.3, weight_decay=0.0
      ),
    },
  ),
)


def get_config() -> config.Experiment:
  """Returns the run."""
  experiment = common.with_audio(
    {**common.flow_broad(), **common.audio_broad()},
    narrow_backbone=r2plus1d.R2Plus1DConfig(
      blocks=(3, 4, 6, 3), residual=r2plus1d.Residual.BOTTLENECK
    ),
  )
  experiment.finetune.batch_size = 128  # paper appendix B
  return experiment
