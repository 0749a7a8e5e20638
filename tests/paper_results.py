"""Results as the papers' own evaluations would have written them."""

from tfvssl.config import paper_rows
from tfvssl.config import protocols

ROWS = [
  paper_rows.Row(
    "Table 2",
    "AS, 5s",
    {"ucf101_linear": 92.7, "esc50_linear": 93.0, "hmdb51_finetune": 70.0},
    fine_tuned={"hmdb51": paper_rows.FineTuned(0.8, 0.3, 1e-7)},
  ),
  paper_rows.Row("Table 8", "AS, Start", {"ucf101_linear": 92.0}),
]


def result(name="svm", modality="video", **protocol):
  """Returns what the paper's evaluation on UCF101 would have written."""
  return {
    "protocol": {
      "name": name,
      "modality": modality,
      "train_view": {"num_frames": 32},
      "train_epochs": 10,
      "temporal_clips": 10,
      "spatial_crops": 3,
      "test_short_side": 256,
      "grid_c": [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
      "choose_c": "first_test",
      **protocol,
    },
    "checkpoint_step": 12,
    "classes": [f"class {number}" for number in range(101)],
    "splits": [
      {"train_clips_left_out": 0, "test_clips_left_out": 0} for _ in range(3)
    ],
    "pretrained": {"mean": {"top_1": 0.9, "top_5": None}},
    "random_initialisation": {"mean": {"top_1": 0.125, "top_5": None}},
  }


_MMV = paper_rows.Paper(
  image_sizes={"ucf101_linear": 224},
  fine_tuned_by_sgd={"ucf101_finetune": protocols.FINE_TUNE_SGD_UCF101},
)
MMV_ROW = paper_rows.Row(
  "Table 4",
  "FAC",
  {
    "ucf101_linear": 89.6,
    "ucf101_finetune": 92.5,
    "esc50_linear": 87.7,
    "youcook2_recall_at_10": 37.2,
    "youcook2_median_rank": 20,
  },
  test_seconds=2.0,
  paper=_MMV,
)


def retrieval_result():
  """Returns what the paper's retrieval on YouCook2 would have written."""
  found = result(name="retrieval", spatial_crops=1, test_short_side=224)
  del found["protocol"]["choose_c"]
  about = {"queries": 3190, "gallery": 3190}
  found["classes"] = []
  found["splits"] = [
    {"test_clips_left_out": 0, "directions": {"text_to_video": about}}
  ]
  figures = {
    "text_to_video_recall_at_10": 0.25,
    "text_to_video_median_rank": 31.0,
  }
  found["pretrained"]["mean"] = figures
  chance = {name: 2 * value for name, value in figures.items()}
  found["random_initialisation"]["mean"] = chance
  return found
