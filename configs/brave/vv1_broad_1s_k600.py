"""BraVe V-V: the broad view spans 1.3 s as the narrow one, on Kinetics-600.

Paper: Table 2, row "K600, RGB+RC, 1.3s, 1.3s".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/brave/vv1_broad_1s_k600.py \\
      --config.data.train_records=K600 --config.runtime.strategy=tpu
Expected: linear HMDB51 59.8, UCF101 89.5, K600 67.1.
Cost: 300k steps of 512 clips, 16 Cloud TPUs (paper A.1), hours unknown.
Left open by the paper: frames, rate and size of this broad view. It is that of
  the narrow view here: the pixels of 64 frames of 112 px, as Sec. 3.2 keeps
  their number constant. Appendix A.2 has 6.25 frames per second for broad
  views, which would be 8 frames in 1.3 s.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.config import experiment
from tfvssl.config import paper_rows

from . import common

PAPER = (
  paper_rows.Row(
    table="Table 2",
    row="K600, RGB+RC, 1.3s, 1.3s",
    values=paper_rows.linear(hmdb51=59.8, ucf101=89.5, k600=67.1),
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.video_only(
    common.rgb_broad(num_frames=16, frame_step=2, image_size=224)
  )
