"""The clips of the demo: which there are, and the processes that write them.

Apart from the flags, as a worker process imports no `__main__` of a package.
"""

import concurrent.futures
import csv
import io
import json
import multiprocessing
import pathlib
import time

from absl import logging
import numpy as np

from tfvssl.data.media import mp4
from tfvssl.runtime import storage

from . import scenes

CSV_NAME = "clips.csv"
_SETTINGS_NAME = "settings.json"


def scene_of(
  seed: int, split: str, number: int, num_shots: int, captions: bool = False
) -> tuple[scenes.Scene, np.random.Generator]:
  """Returns the scene of a clip, and the generator for its noise."""
  split_number = ("train", "test").index(split)
  rng = np.random.default_rng([seed, split_number, number])
  label = scenes.CLASSES[number % len(scenes.CLASSES)]
  scene = scenes.draw_scene(label, num_shots, rng)
  if captions:
    words = np.random.default_rng([seed, split_number, number, 1])
    scene = scenes.with_caption(scene, words)
  return scene, rng


def clip_rows(train_clips: int, test_clips: int) -> list[dict[str, str]]:
  """Returns path, label and split of every clip, in the order of the csv."""
  rows = []
  for split, count in (("train", train_clips), ("test", test_clips)):
    for number in range(count):
      label = scenes.CLASSES[number % len(scenes.CLASSES)]
      path = f"{split}/{label}/{split}_{number:05d}.mp4"
      rows.append({"path": path, "label": label, "split": split})
  return rows


def _generate_clip(job):
  """Draws and writes one clip in a worker process."""
  seed, split, number, num_shots, captions, path = job
  scene, rng = scene_of(seed, split, number, num_shots, captions)
  frames = scenes.render_frames(scene, scenes.textures(seed))
  sound = scenes.render_sound(scene, rng)
  mp4.encode(
    frames,
    scenes.FRAME_RATE_HZ,
    path,
    sound=np.round(sound * 32767).astype(np.int16),
    sample_rate_hz=scenes.SAMPLE_RATE_HZ,
  )


def generate(
  output: pathlib.Path,
  *,
  train_clips: int,
  test_clips: int,
  num_shots: int,
  seed: int,
  workers: int,
  captions: bool = False,
) -> int:
  """Writes the missing clips and the csv; returns how many were missing.

  Raises:
    ValueError: the folder holds clips of other settings.
  """
  rows = clip_rows(train_clips, test_clips)
  _check_settings(
    output,
    {
      "train_clips": train_clips,
      "test_clips": test_clips,
      "shots": num_shots,
      "seed": seed,
      # Folders of before there were captions have no such setting.
      **({"captions": True} if captions else {}),
    },
  )
  for folder in {(output / row["path"]).parent for row in rows}:
    folder.mkdir(parents=True, exist_ok=True)
    storage.remove_unfinished(folder)
  jobs = []
  for row in rows:
    path = output / row["path"]
    number = int(path.stem.rpartition("_")[2])
    if captions:
      scene, _ = scene_of(seed, row["split"], number, num_shots, captions)
      row["caption"] = scene.caption
    if not path.exists():
      jobs.append((seed, row["split"], number, num_shots, captions, str(path)))
  _run(jobs, workers)
  _write_csv(output / CSV_NAME, rows)
  return len(jobs)


def _check_settings(output, settings):
  """Writes the settings beside the clips, or compares with those there."""
  output.mkdir(parents=True, exist_ok=True)
  path = output / _SETTINGS_NAME
  if path.exists():
    found = json.loads(path.read_text(encoding="utf-8"))
    if found != settings:
      raise ValueError(
        f"`output` ({output}) holds clips of other settings ({found});"
        " choose another folder or remove it."
      )
  storage.write_text(path, json.dumps(settings) + "\n")


def _run(jobs, workers):
  # 'spawn' is slower to start than 'fork', but safe where threads run.
  start_s, context = time.monotonic(), multiprocessing.get_context("spawn")
  with concurrent.futures.ProcessPoolExecutor(
    workers, mp_context=context
  ) as pool:
    for done, _ in enumerate(pool.map(_generate_clip, jobs, chunksize=4), 1):
      if done % 100 == 0 or done == len(jobs):
        rate = done / (time.monotonic() - start_s)
        logging.info(
          "%d of %d clips, %.1f a second, %.0f s left",
          done,
          len(jobs),
          rate,
          (len(jobs) - done) / rate,
        )


def _write_csv(path, rows):
  table = io.StringIO(newline="")
  writer = csv.DictWriter(table, list(rows[0]))
  writer.writeheader()
  writer.writerows(rows)
  storage.write_text(path, table.getvalue())
