"""MMV FAC: TSM-50, on HowTo100M + AudioSet.

Paper: Table 2, row "MMV FAC (ours), TSM-50, AS+HT"; Table 3, rows "MMV TSM,
  n-def", "MMV TSM, def" and "MMV TSM, i-inf"; Table 4, row "MMV FAC (ours),
  TSM-50".
Command:
  python -m tfvssl.train --workdir=RUN \\
      --config=configs/mmv/vat_howto100m_audioset_tsm50.py \\
      --config.data.train_records=HOWTO100M \\
      --config.data.second_train_records=AUDIOSET \\
      --config.method.partners.text.view.vocabulary=WORDS.txt \\
      --config.method.partners.text.backbone.table=WORD2VEC.npy \\
      --config.runtime.strategy=tpu
Expected: linear UCF101 91.5, HMDB51 66.7, ESC-50 86.4; fine-tuned UCF101 94.9,
  HMDB51 73.2; zero-shot R@1, R@5, R@10 and MedR YouCook2 11.5, 30.2, 41.5, 16,
  MSRVTT 9.2, 22.4, 31.1, 37; images (PASCAL mAP, ImageNet top-1 and top-5)
  deflated 74.8, 50.4, 76.0, naively 34.4, 10.9, 24.6, inflated 75.7, 51.5,
  77.3.
Cost: 500k steps of 4096 clips, 3 days on 32 Cloud TPUs (paper Sec. 4.3).
Reproduced here: no; never run beyond its construction.
"""

from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment

from . import common

PAPER = (
  common.final_row(
    "MMV FAC (ours), TSM-50, AS+HT",
    "TSM-50",
    linear=(91.5, 66.7, 86.4),
    fine_tuned=(94.9, 73.2),
  ),
  *common.image_rows(
    "TSM",
    naive_deflation=(34.4, 10.9, 24.6),
    deflation=(74.8, 50.4, 76.0),
    input_inflation=(75.7, 51.5, 77.3),
  ),
  common.retrieval_row(
    "TSM-50", youcook2=(11.5, 30.2, 41.5, 16), msrvtt=(9.2, 22.4, 31.1, 37)
  ),
)


def get_config() -> experiment.Experiment:
  """Returns the run."""
  return common.final(
    {**common.audio(), **common.text()},
    video_backbone=tsm_resnet.TSMResNetConfig(),
  )
