"""What is to be prepared: a folder or a csv becomes a list of ClipSource.

A csv with errors is refused as a whole, with its bad lines in one report,
before anything is decoded.
"""

from collections.abc import Sequence
import csv
import dataclasses
import io
import os
import pathlib
import re
import unicodedata

from absl import logging
import tqdm

from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema
from tfvssl.runtime import storage

LABEL_SEPARATOR = "|"
COLUMNS = ("path", "id", "start_s", "end_s", "label", "split", "caption")
MAX_LINE = 1 << 20
MAX_SECONDS = 1e6  # of a time in a list: eleven days
# Without dots, so that no split is named like report.json and the like.
_SPLIT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_ESCAPE = re.compile(r"\\x[0-9a-f]{2}")
# Of unicodedata: controls, halves of pairs, ends of lines and of paragraphs.
_NO_LABEL = ("Cc", "Cs", "Zl", "Zp")


@dataclasses.dataclass
class ClipSource:
  """One input: a file, or a stretch of a file that a csv row names.

  Attributes:
    path: where it is.
    relative: the path as users know it, in valid UTF-8.
    clip_id: unique; the relative path unless a csv says otherwise.
    labels: names of its classes; none, one or several.
    split: name of the record folder it goes to, empty for the only one.
    caption: text that goes with all of it.
    captions: those of its file, in seconds of the file; the end of one that
      lasts to the file's end is infinite.
    start_s: where the stretch starts, in seconds.
    end_s: where it ends, None for the end of the file.
    may_be_cut: the file may hold nothing but the stretch; it does where it is
      no longer than that.
    refused: why it must not be opened; empty where it may.
    file: real path below the input folder, in valid UTF-8; empty if refused.
  """

  path: str
  relative: str
  clip_id: str
  labels: tuple[str, ...] = ()
  split: str = ""
  caption: str = ""
  captions: tuple[encoded_clip.Caption, ...] = ()
  start_s: float = 0.0
  end_s: float | None = None
  may_be_cut: bool = False
  refused: str = ""
  file: str = ""

  @property
  def label_text(self) -> str:
    """The labels as a record holds them; empty for none."""
    return LABEL_SEPARATOR.join(self.labels)


def read(path: pathlib.Path, labels_from_folders: bool) -> list[ClipSource]:
  """Returns the inputs of a folder or csv, in a fixed order.

  Raises:
    FileNotFoundError: neither a folder nor a file, or a folder without files.
    ValueError: rows of the csv that cannot be used, all in one message.
  """
  if path.is_dir():
    found = from_folder(path, labels_from_folders)
  elif path.is_file():
    found = from_csv(path)
  else:
    raise FileNotFoundError(
      f"`--input` ({path}) does not exist; give a folder of videos or a csv"
      " with the column `path`."
    )
  if not found:
    raise FileNotFoundError(f"`--input` ({path}) holds no files.")
  return found


def from_folder(root: pathlib.Path, labels: bool) -> list[ClipSource]:
  """Returns every regular file; the first-level sub-folder is the label.

  Raises:
    ValueError: the name of such a sub-folder cannot be a label.
  """
  root = pathlib.Path(os.path.realpath(root))
  found = []
  for path in streams.list_files(root):
    source = of_file(path, root)
    parts = path.relative_to(root).parts
    if labels and len(parts) > 1:
      label = printable(parts[0])
      if problem := label_problem(label):
        raise ValueError(
          f"sub-folder {label!r} of {root}: {problem}, or use --labels=none."
        )
      source.labels = (label,)
    found.append(source)
  return found


def of_file(path: pathlib.Path, root: pathlib.Path) -> ClipSource:
  """Returns the whole of a file below `root`, a real path, without a label."""
  relative = printable("/".join(path.relative_to(root).parts))
  refused = streams.refusal(path, root)
  file = "" if refused else _real(path, root)
  return ClipSource(str(path), relative, relative, refused=refused, file=file)


def _real(path, root):
  """Returns a file's path below `root`, a real path, without any link."""
  return printable(os.path.relpath(os.path.realpath(path), root))


def label_problem(label: str) -> str:
  """Returns why a text cannot be one label; empty if it can."""
  if LABEL_SEPARATOR in label:
    return (
      f"label {label!r:.80} must not hold `{LABEL_SEPARATOR}`, which stands"
      " between labels; rename it"
    )
  if _holds_controls(label):
    return f"label {label!r:.80} holds control characters; rename it"
  return ""


def _holds_controls(text):
  return any(unicodedata.category(letter) in _NO_LABEL for letter in text)


def printable(text: str) -> str:
  """Returns `text` with bytes that are no UTF-8 written as escapes.

  In names with something like an escape backslashes are doubled, so that two
  names never become the same text.
  """
  content = os.fsencode(text)
  shown = content.decode("utf-8", "backslashreplace")
  if not _ESCAPE.search(shown):
    return shown
  return content.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def seconds_text(seconds: float) -> str:
  """Returns seconds as in ids: to the microsecond, no zeros at the end."""
  return f"{seconds:.6f}".rstrip("0").rstrip(".")


def from_csv(path: pathlib.Path) -> list[ClipSource]:
  """Returns one source for every row; paths count from the csv's folder.

  Raises:
    ValueError: names every row that cannot be used, with its line.
  """
  rows, errors = read_rows(path, COLUMNS[:1])
  root = pathlib.Path(os.path.realpath(path.parent))
  found, lines = [], {}
  for line, row in rows:
    source, problems = _source(row, root)
    if not problems and source.clip_id in lines:
      problems = [
        f"id {source.clip_id!r:.80} is also on line {lines[source.clip_id]}"
      ]
    if not problems:
      lines[source.clip_id] = line
    errors += [(line, problem) for problem in problems]
    found.append(source)
  refuse(path, errors)
  return found


def refuse(path: pathlib.Path, errors: list[tuple[int, str]]) -> None:
  """Raises ValueError naming the bad lines of a csv, (line, what is wrong)."""
  if errors:
    raise ValueError(
      f"{path} has {len(errors)} error(s), nothing was decoded; "
      + "; ".join(f"line {line}: {text}" for line, text in sorted(errors))
    )


def ignored_columns(
  path: pathlib.Path, known: Sequence[str] = COLUMNS
) -> list[str]:
  """Returns the columns of the csv that nothing reads."""
  with open(path, encoding="utf-8-sig", newline="") as file:
    header = next(csv.reader(file), [])
  return [name for name in header if name.strip() not in known]


def read_rows(
  path: pathlib.Path, needed: Sequence[str]
) -> tuple[list[tuple[int, dict[str, str]]], list[tuple[int, str]]]:
  """Returns (line, text by column) of every row, and errors of the file.

  Args:
    path: of the csv.
    needed: columns without which there are no rows.
  """
  rows, errors = [], []
  content = path.read_bytes()
  try:
    text = content.decode("utf-8-sig")
  except UnicodeDecodeError as error:
    line = content.count(b"\n", 0, error.start) + 1
    return [], [(line, f"byte {content[error.start]:#x} is not UTF-8")]
  csv.field_size_limit(MAX_LINE)
  reader = csv.reader(io.StringIO(text, newline=""), strict=True)
  try:
    header = [name.strip() for name in next(reader, [])]
    errors += [(1, text) for text in _header_errors(header, needed)]
    for cells in reader:
      if is_blank(cells):
        continue
      if len(cells) != len(header):
        errors.append(
          (
            reader.line_num,
            f"{len(cells)} cells, the header has {len(header)}",
          )
        )
      elif set(needed) <= set(header):
        rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
  except csv.Error as error:
    errors.append((reader.line_num, str(error)))
  if not rows and not errors:
    errors.append((1, "there is no row below the header"))
  return rows, errors


def _header_errors(header, needed):
  if missing := [name for name in needed if name not in header]:
    found = ", ".join(map(repr, header))
    return [f"no column `{missing[0]}`; found: {found or 'none':.200}"]
  twice = sorted({name for name in header if header.count(name) > 1})
  return [f"column {name!r:.80} stands twice" for name in twice]


def is_blank(cells: list[str]) -> bool:
  """Returns if the cells are those of a line that holds only spaces."""
  return len(cells) < 2 and not "".join(cells).strip()


def _source(row, root):
  """Returns the ClipSource of a row, or None, and what is wrong with it."""
  relative = row["path"].strip()
  problems = _path_problems(relative, root)
  if not problems:
    relative = _plain(relative, root)
  start_s, end_s = stretch(row, problems)
  split = row.get("split", "").strip()
  if "split" in row and not _SPLIT_NAME.fullmatch(split):
    problems.append(
      f"`split` ({split!r:.80}) must be a plain word such as train or test,"
      " of at most 64 letters, digits, _ and -"
    )
  if "label" in row and _holds_controls(row["label"]):
    problems.append(f"`label` ({row['label']!r:.80}) holds control characters")
  labels = _labels(row, problems)
  size = sum(len(text.encode("utf-8")) for text in row.values())
  if size > schema.TEXT_BYTES:
    problems.append(
      f"its cells, `caption` included, hold {size} bytes, a record takes at"
      f" most {schema.TEXT_BYTES}"
    )
  cut = f"#{seconds_text(start_s)}" if start_s is not None else ""
  clip_id = row.get("id", "").strip() or printable(relative) + cut
  return ClipSource(
    path=str(root / relative) if not problems else "",
    relative=printable(relative),
    clip_id=clip_id,
    labels=labels,
    split=split,
    caption=row.get("caption", "").strip(),
    start_s=start_s or 0.0,
    end_s=end_s,
    file=_real(root / relative, root) if not problems else "",
  ), problems


def _plain(relative, root):
  """Returns one spelling for `a.mp4`, `./a.mp4` and `b/../a.mp4`."""
  if ".." not in pathlib.PurePath(relative).parts:
    return os.path.normpath(relative)
  folder, name = os.path.split(root / relative)
  return os.path.relpath(os.path.join(os.path.realpath(folder), name), root)


def _labels(row, problems):
  """Returns the labels of a row, which stand between `|`."""
  text = row.get("label", "").strip()
  if not text:
    return ()
  labels = tuple(label.strip() for label in text.split(LABEL_SEPARATOR))
  if "" in labels or len(set(labels)) < len(labels):
    problems.append(
      f"`label` ({text!r:.80}) holds an empty label or one twice; labels stand"
      f" between `{LABEL_SEPARATOR}`, which no label can hold"
    )
  return labels


def _path_problems(relative, root):
  if not relative:
    return ["`path` is empty"]
  if "\0" in relative:
    return [f"`path` ({relative!r:.80}) holds a zero byte"]
  if os.path.isabs(relative):
    return [f"`path` ({relative!r:.80}) must count from the folder of the csv"]
  if streams.refusal(root / relative, root):
    return [f"`path` ({relative!r:.80}) leaves the folder of the csv"]
  if not os.path.isfile(root / relative):  # False for names that are too long
    return [f"`path` ({relative!r:.80}) is not a file"]
  return []


def stretch(
  row: dict[str, str], problems: list[str]
) -> tuple[float | None, float | None]:
  """Returns `start_s` and `end_s` of a row; None where the cell is empty.

  Args:
    row: text by column.
    problems: what is wrong with the times is added.
  """
  start_s, end_s = (
    _seconds(row, name, problems) for name in ("start_s", "end_s")
  )
  if end_s is not None and end_s <= (start_s or 0.0):
    problems.append(f"`end_s` ({end_s:g}) must be above `start_s`")
  return start_s, end_s


def _seconds(row, name, problems):
  text = row.get(name, "").strip()
  if not text:
    return None
  try:
    value = float(text)
  except ValueError:
    value = -1.0
  if not 0 <= value <= MAX_SECONDS:
    problems.append(
      f"`{name}` ({text!r:.40}) must be a number of seconds >= 0, at most"
      f" {MAX_SECONDS:.0f}"
    )
    return None
  return value


def content_keys(sources: list[ClipSource]) -> dict[str, str]:
  """Returns path -> a key that files of equal content share.

  Only files of equal size are read. One that cannot be read has a key of its
  own; its decoding will tell why, and quarantine it.
  """
  by_size: dict[int, set[str]] = {}
  keys = {}
  for source in sources:
    if not source.refused:
      keys[source.path] = source.path
      by_size.setdefault(size_of(source), set()).add(source.path)
  doubtful = sorted(
    path
    for size, paths in by_size.items()
    if size >= 0 and len(paths) > 1
    for path in paths
  )
  tqdm.tqdm.monitor_interval = 0  # no thread: workers are forked
  for path in tqdm.tqdm(
    doubtful, "comparing files", unit="file", delay=3, dynamic_ncols=True
  ):
    try:
      keys[path] = storage.digest(path)
    except OSError as error:
      logging.warning("%s cannot be read: %s", path, error.strerror)
  return keys


def size_of(source: ClipSource) -> int:
  """Returns the bytes of the file, -1 where it must not or cannot be read."""
  try:
    return -1 if source.refused else os.path.getsize(source.path)
  except OSError:
    return -1
