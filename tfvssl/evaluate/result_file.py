"""The file of a result: a name that only its like has, written whole."""

import hashlib
import json
import re

from tfvssl.runtime import storage

_NAME_LENGTH = 80  # of the records' part; file systems allow 255 in all


def name(result: dict, test_folders: list[str]) -> str:
  """Returns a file name that only an equal evaluation has.

  Args:
    result: of tfvssl.evaluate; its figures and times have no part in the name.
    test_folders: of the records; the folder's name and its parent's, as `test`
      alone says little.
  """
  names = [
    "-".join(storage.Path(folder).resolve().parts[-2:])
    for folder in test_folders
  ]
  words = re.sub(r"[^A-Za-z0-9.]+", "-", "+".join(names)).strip("-.")
  about = [
    result["protocol"],
    [(s.get("train_records"), s["test_records"]) for s in result["splits"]],
  ]
  digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
  protocol = result["protocol"]
  return (
    f"{protocol['name']}_{protocol['modality']}"
    f"_step_{result['checkpoint_step']}_{words[:_NAME_LENGTH]}"
    f"_{digest.hexdigest()[:8]}"
  )


def write(result: dict, path: storage.Path) -> None:
  """Writes the result; the file appears whole."""
  # NaN is no JSON; figures are never NaN.
  text = json.dumps(result, indent=1, allow_nan=False)
  path.parent.mkdir(parents=True, exist_ok=True)
  storage.write_text(path, text + "\n")


def summary(title: str, result: dict) -> str:
  """Returns a few lines for a person: per cent, mean over the splits.

  Args:
    title: of the protocol.
    result: of labelled clips.
  """
  first = result["splits"][0]
  rows = {
    "pretrained": result["pretrained"]["mean"],
    "random initialisation": result["random_initialisation"]["mean"],
  }
  metric = next(iter(rows["pretrained"]))
  what = f"{metric.replace('_', ' ')}, %"
  if metric == "top_1":
    what = "top-1 (top-5) %"
  lines = [f"{title}, {len(result['splits'])} split(s), {what}"]
  for row, mean in rows.items():
    if mean[metric] is not None:
      line = f"  {row:22} {100 * mean[metric]:5.1f}"
      if "top_5" in mean:
        top_5 = mean["top_5"]
        line += " (-)" if top_5 is None else f" ({100 * top_5:.1f})"
      lines.append(line)
  lines.append(f"  {'chance':22} {100 * first['chance']:5.1f}")
  if "majority" in first:
    majority = 100 * first["majority"]
    lines.append(f"  {'most frequent class':22} {majority:5.1f}")
  return "\n".join(lines)
