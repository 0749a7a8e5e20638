"""Which commands the demo runs, for generated clips and for a user's videos."""

import dataclasses
import pathlib

from tfvssl import views
from tfvssl.data.media import streams
from tfvssl.data.records import manifest
from tfvssl.demo import stages as demo_stages
from tfvssl.runtime import exit_codes

SEARCH_NAME = "search.html"
_SHORT_SIDE = 64  # of the frames; the tiny views show 40 pixels
_LARGEST_BATCH, _SMALLEST_BATCH = 64, 4
_FEWEST_WITH_SOUND = 8
_FLOW_SHORT_SIDE = 32  # as configs/tiny_brave_flow.py
# Seconds of one core for a flow field of that size; what flow may cost.
_FLOW_FIELD_S, _FLOW_LIMIT_S = 0.005, 480.0


@dataclasses.dataclass
class Survey:
  """What a folder of videos holds, as far as its headers say.

  Attributes:
    videos: files with pictures.
    with_sound: those of them that also have sound.
    seconds: of all videos together.
  """

  videos: int = 0
  with_sound: int = 0
  seconds: float = 0.0


@dataclasses.dataclass
class Choice:
  """The configuration for a folder of videos.

  Attributes:
    config: name of a recipe.
    modalities: for tfvssl prepare.
    reason: a sentence for the log and the report.
  """

  config: str
  modalities: str
  reason: str


def survey(folder: pathlib.Path) -> Survey:
  """Returns what the headers of the files below `folder` say."""
  result = Survey()
  for path in streams.list_files(folder):
    try:
      info = streams.probe(path)
    except streams.MediaError:
      continue  # preparation quarantines it and says why
    if not info.has_video:
      continue
    result.videos += 1
    result.with_sound += info.has_audio
    result.seconds += info.duration_s or 0.0
  return result


def choose(found: Survey) -> Choice:
  """Returns V-A where most videos have sound, else V-F, else V-V.

  Raises:
    exit_codes.UserError: there is no video.
  """
  if not found.videos:
    raise exit_codes.UserError(
      exit_codes.DATA,
      "the folder of --videos holds no readable video; supported are files"
      " that ffmpeg can open, such as mp4, mkv, webm or avi.",
    )
  sound = f"{found.with_sound} of {found.videos} videos have sound"
  if (
    found.with_sound >= _FEWEST_WITH_SOUND
    and 2 * found.with_sound >= found.videos
  ):
    return Choice(
      "tiny_brave",
      "rgb,audio",
      f"{sound}, so the broad view is sound (V-A); videos without sound are"
      " left out of training.",
    )
  cost_s = found.seconds * views.FRAME_RATE_HZ * _FLOW_FIELD_S
  if cost_s <= _FLOW_LIMIT_S:
    return Choice(
      "tiny_brave_flow",
      "rgb,flow",
      f"only {sound}, so the broad view is optical flow (V-F).",
    )
  return Choice(
    "tiny_brave_rgb",
    "rgb",
    f"only {sound}, and optical flow of {found.seconds / 60:.0f} minutes of"
    " video would take too long for a demo, so the broad view is RGB with"
    " random convolution (V-V); at this length of training it is not"
    " expected to gain anything.",
  )


def generated(workdir: pathlib.Path, seed: int) -> list[demo_stages.Stage]:
  """Returns the stages up to the records, for generated clips."""
  videos = workdir / "videos"
  return [
    demo_stages.Stage(
      "generate",
      "tfvssl",
      ["generate-demo", f"--output={videos}", f"--seed={seed}"],
    ),
    demo_stages.Stage(
      "prepare",
      "tfvssl",
      [
        "prepare",
        f"--input={videos / 'clips.csv'}",
        f"--output={workdir / 'records'}",
        "--modalities=rgb,audio",
        f"--short_side={_SHORT_SIDE}",
      ],
    ),
  ]


def prepare(
  workdir: pathlib.Path, videos: pathlib.Path, choice: Choice
) -> demo_stages.Stage:
  """Returns the preparation of a user's videos."""
  flags = [
    "prepare",
    f"--input={videos}",
    f"--output={workdir / 'records'}",
    f"--modalities={choice.modalities}",
    "--test_share=0.25",
    f"--short_side={_SHORT_SIDE}",
  ]
  if "flow" in choice.modalities:
    flags.append(f"--flow_short_side={_FLOW_SHORT_SIDE}")
  return demo_stages.Stage(
    "prepare",
    "tfvssl",
    flags,
    # Inputs that are not videos are counted and stop nothing.
    accepted=(exit_codes.OK, exit_codes.SKIPPED),
  )


def usable_clips(records: pathlib.Path, modalities: str) -> int:
  """Returns how many clips of a record folder hold all of `modalities`.

  Silent sound counts as none, as it does where nobody asks for it.
  """
  needed = set(modalities.split(","))
  held = manifest.load_manifest(records).held(use_silent_sound=False)
  return sum(needed <= words for words in held)


def batch_size(train_clips: int) -> int:
  """Returns at most half of the clips, so that a batch has no clip twice.

  Raises:
    exit_codes.UserError: there are too few clips.
  """
  size = min(_LARGEST_BATCH, train_clips // 2)
  if size < _SMALLEST_BATCH:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"{train_clips} usable clips are too few to train on; the demo needs"
      f" at least {2 * _SMALLEST_BATCH} for training and a third as many for"
      " testing.",
    )
  return size


def train(
  workdir: pathlib.Path,
  config: str,
  *,
  seed: int,
  train_clips: int,
  test_clips: int,
) -> demo_stages.Stage:
  """Returns the pretraining; with a held-out loss if there are test clips."""
  size = batch_size(train_clips)
  records = workdir / "records"
  flags = [
    f"--config={config}",
    f"--workdir={workdir / 'run'}",
    f"--config.data.train_records={records / 'train'}",
    f"--config.seed={seed}",
  ]
  if test_clips:
    flags.append(f"--config.data.heldout_records={records / 'test'}")
  if size != _LARGEST_BATCH:
    flags.append(f"--config.batch_size={size}")
  return demo_stages.Stage("train", "tfvssl.train", flags)


def after_training(
  workdir: pathlib.Path, videos: pathlib.Path, *, labelled: bool
) -> list[demo_stages.Stage]:
  """Returns evaluation (where there are labels) to a search with one file."""
  records, run = workdir / "records", workdir / "run"
  evaluate = demo_stages.Stage(
    "evaluate",
    "tfvssl.evaluate",
    [
      f"--workdir={run}",
      "--protocol=svm",
      f"--train_records={records / 'train'}",
      f"--test_records={records / 'test'}",
      "--choose_c=cross_validation",
    ],
    optional=True,
  )
  export = demo_stages.Stage(
    "export",
    "tfvssl.export",
    [f"--workdir={run}", f"--output={workdir / 'export'}"],
    replaces=workdir / "export",
  )
  embed = demo_stages.Stage(
    "embed",
    "tfvssl.embed",
    [
      f"--model={workdir / 'export'}",
      f"--input={videos}",
      f"--output={workdir / 'embeddings.npz'}",
    ],
    accepted=(exit_codes.OK, exit_codes.SKIPPED),
  )
  return [
    *([evaluate] if labelled else []),
    export,
    embed,
    _search(workdir, videos),
  ]


def _search(workdir, videos):
  """Returns the search for what is like the first file that has pictures."""
  query = next(filter(_has_pictures, streams.list_files(videos)), videos)
  return demo_stages.Stage(
    "search",
    "tfvssl.search",
    [
      f"--model={workdir / 'export'}",
      f"--index={workdir / 'embeddings.npz'}",
      f"--query={query}",
      f"--output={workdir / SEARCH_NAME}",
    ],
    optional=True,
  )


def _has_pictures(path):
  try:
    return streams.probe(path).has_video
  except streams.MediaError:
    return False
