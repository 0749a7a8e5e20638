"""MMV's recipes have every number of the paper's tables, and no other."""

from configs import make_readme
from tfvssl.config import recipes as recipe_files

# Every row of MMV's own, typed off the paper once more; the columns in its
# order, - where it has none.
_COLUMNS = {
  "Table 1": "ucf101_linear hmdb51_linear youcook2_recall_at_10"
  " msrvtt_recall_at_10 esc50_linear",
  "Table 2": "ucf101_linear ucf101_finetune hmdb51_linear hmdb51_finetune"
  " esc50_linear",
  "Table 7": "ucf101_linear hmdb51_linear esc50_linear",
  "Table 9": "ucf101_linear hmdb51_linear esc50_linear",
}
_TABLES = {
  "Table 1": {
    "(a) VT": "82.7 55.9 33.6 27.5 -",
    "(a) VA": "75.5 51.6 - - 79.0",
    "(a) VAT (FAC)": "84.7 57.3 32.2 28.6 78.7",
    "(b) Shared": "84.7 60.2 20.8 22.4 88.5",
    "(b) Disjoint": "85.1 59.3 25.0 22.5 87.0",
    "(b) FAC": "86.2 62.5 23.8 23.5 88.0",
  },
  "Table 2": {
    "VA only (ours), S3D-G, AS": "84.7 90.1 60.4 68.2 86.1",
    "VA only (ours), S3D-G, AS+HT": "86.2 91.1 61.5 68.3 87.2",
    "MMV FAC (ours), S3D-G, AS+HT": "89.6 92.5 62.6 69.6 87.7",
    "MMV FAC (ours), TSM-50, AS+HT": "91.5 94.9 66.7 73.2 86.4",
    "MMV FAC (ours), TSM-50x2, AS+HT": "91.8 95.2 67.1 75.0 88.9",
  },
  "Table 7": {
    "NCE loss": "71.1 49.1 80.0",
    "Logistic loss": "69.9 47.5 80.7",
  },
  "Table 9": {
    "None, None": "70.6 47.9 77.0",
    "Standard, None": "71.1 49.1 80.0",
    "Standard, Temporal": "67.6 45.8 79.0",
    "Standard, SpecAugment weak": "71.3 49.2 79.0",
    "Standard, SpecAugment strong": "70.8 48.4 76.2",
    "Standard, Gaussian noise": "72.8 48.4 78.2",
  },
}
# Tables 6 and 8: Vision+Text, then Vision+Audio.
_WIDE_TABLES = {
  "Table 6": {
    "S3D-G": "81.0 52.0 35.4 29.0 71.1 49.1 80.0",
    "TSM Res50": "82.9 56.0 37.7 33.3 75.8 52.5 78.0",
    "TSM Res50x2": "86.8 55.1 43.4 32.9 77.1 53.6 79.2",
  },
  "Table 8": {
    "Linear both": "81.0 52.0 35.4 29.0 71.1 49.1 80.0",
    "Non Linear / Linear": "82.7 55.9 33.6 27.5 75.5 51.6 79.0",
    "Non Linear both": "83.0 54.4 31.1 28.7 73.4 51.0 79.5",
  },
}
# PASCAL mAP, ImageNet top-1 and top-5.
_TABLE_3 = {
  "MMV S3D-G, n-def": "41.8 20.7 40.5",
  "MMV S3D-G, def": "71.4 45.2 71.3",
  "MMV S3D-G, i-inf": "72.1 46.7 72.5",
  "MMV TSM, n-def": "34.4 10.9 24.6",
  "MMV TSM, def": "74.8 50.4 76.0",
  "MMV TSM, i-inf": "75.7 51.5 77.3",
  "MMV TSMx2, n-def": "45.6 20.3 39.9",
  "MMV TSMx2, def": "77.4 56.6 81.4",
  "MMV TSMx2, i-inf": "77.4 57.4 81.7",
}
# R@1, R@5, R@10 and MedR on YouCook2, then on MSRVTT.
_TABLE_4 = {
  "MMV FAC (ours), S3D-G": "9.0 25.7 37.2 20 8.2 21.0 29.3 44",
  "MMV FAC (ours), TSM-50": "11.5 30.2 41.5 16 9.2 22.4 31.1 37",
  "MMV FAC (ours), TSM-50x2": "11.7 33.4 45.4 13 9.3 23.0 31.1 38",
}


def _expected():
  """Returns (table, row) to {benchmark: printed number}."""
  found = {}
  for table, rows in _TABLES.items():
    for row, printed in rows.items():
      cells = zip(_COLUMNS[table].split(), printed.split(), strict=True)
      found[table, row] = {k: float(v) for k, v in cells if v != "-"}
  text = "ucf101_linear hmdb51_linear youcook2_recall_at_10 msrvtt_recall_at_10"
  audio = "ucf101_linear hmdb51_linear esc50_linear"
  for table, rows in _WIDE_TABLES.items():
    for row, printed in rows.items():
      numbers = list(map(float, printed.split()))
      found[table, f"{row}, train: Vision+Text"] = dict(
        zip(text.split(), numbers[:4], strict=True)
      )
      found[table, f"{row}, train: Vision+Audio"] = dict(
        zip(audio.split(), numbers[4:], strict=True)
      )
  strategies = {
    "n-def": "naive_deflation",
    "def": "deflation",
    "i-inf": "input_inflation",
  }
  for row, printed in _TABLE_3.items():
    name = strategies[row.split(", ")[1]]
    columns = [f"voc2007_{name}", f"imagenet_{name}", f"imagenet_top_5_{name}"]
    numbers = map(float, printed.split())
    found["Table 3", row] = dict(zip(columns, numbers, strict=True))
  for row, printed in _TABLE_4.items():
    columns = [
      f"{data_set}_{name}"
      for data_set in ("youcook2", "msrvtt")
      for name in (
        "recall_at_1",
        "recall_at_5",
        "recall_at_10",
        "median_rank",
      )
    ]
    numbers = map(float, printed.split())
    found["Table 4", row] = dict(zip(columns, numbers, strict=True))
  return found


def test_every_row_of_the_tables_has_the_papers_numbers():
  recipes = map(recipe_files.load, make_readme.recipes("mmv"))
  rows = [row for recipe in recipes for row in recipe.PAPER]
  found = {(row.table, row.row): row.values for row in rows}
  assert len(found) == len(rows) == 43
  assert found == _expected()
