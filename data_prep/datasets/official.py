"""What the official lists of a dataset say, and how they are read."""

from collections.abc import Callable, Iterator
import csv
import dataclasses
import io
import json
import math
import pathlib
from typing import Any

from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip

from ..prepare_records import sources

_MOST_PROBLEMS = 10
_MAX_LINE = 1 << 20


@dataclasses.dataclass(slots=True)  # lists have millions
class Entry:
  """One clip of an official list.

  Attributes:
    labels: names of its classes; none where the list gives none.
    split: name of the record folder it belongs to.
    names: names, without suffix, of a file that holds just this clip.
    videos: names, without suffix, of a file that holds the whole video.
    start_s: where the clip starts in the whole video, in seconds.
    end_s: where it ends; None for the end of the video.
    may_be_cut: see sources.ClipSource, for files named as in `videos`.
    sentences: that each say what is seen in all of it.
    captions_file: list of its captions; None without.
  """

  labels: tuple[str, ...]
  split: str
  names: tuple[str, ...] = ()
  videos: tuple[str, ...] = ()
  start_s: float = 0.0
  end_s: float | None = None
  may_be_cut: bool = False
  sentences: tuple[str, ...] = ()
  captions_file: pathlib.Path | None = None


@dataclasses.dataclass
class OfficialList:
  """Everything that a dataset's lists say.

  Attributes:
    entries: of all splits, in the order of the lists.
    classes: names of the labels; a label's index is its place here.
    unused: clips that the lists put in no split.
  """

  entries: list[Entry]
  classes: list[str]
  unused: int = 0


@dataclasses.dataclass
class Definition:
  """A dataset that this program knows.

  Attributes:
    name: its word on the command line.
    num_splits: numbers of --dataset_split; 0 where there is only one split.
    read: maps the folder of the lists and the number of the split, 0 where
      there is only one, to what the lists say. Raises FileNotFoundError for a
      list that is not there and ValueError for lines that cannot be used.
    captions: maps an entry, and where problems of its list are to be told, to
      its captions in seconds of its file, the end of one that lasts to the
      file's end infinite; None for a dataset without. It is called for what
      is there only.
    images: whether the files are still pictures.
  """

  name: str
  num_splits: int
  read: Callable[[pathlib.Path, int], OfficialList]
  captions: (
    Callable[[Entry, "Lines"], tuple[encoded_clip.Caption, ...]] | None
  ) = None
  images: bool = False


def captions_of_all(
  entry: Entry, lines: "Lines"
) -> tuple[encoded_clip.Caption, ...]:
  """Returns the sentences of an entry as captions of its whole file."""
  del lines  # sentences were checked when they were read
  return tuple(
    encoded_clip.Caption(sentence, 0.0, math.inf)
    for sentence in entry.sentences
  )


class Lines:
  """Collects entries, and what is wrong with lines, of a dataset's lists.

  Attributes:
    entries: that were added.
    left_out: how many lines say nothing, such as captions without words.
  """

  def __init__(self) -> None:
    self.entries: list[Entry] = []
    self.left_out = 0
    self._places: dict[tuple, str] = {}
    self._problems: list[str] = []

  def add(self, entry: Entry, key: tuple, place: str) -> None:
    """Keeps an entry; `key` must differ from that of every other."""
    first = self._places.setdefault(key, place)
    if first is not place:
      self.refuse(place, f"the same clip is in {first}; remove one of them")
    else:
      self.entries.append(entry)

  def refuse(self, place: str, problem: str) -> None:
    """Keeps a problem; `problem` says the rule and the remedy."""
    self._problems.append(f"{place}: {problem}")

  def check(self) -> None:
    """Raises ValueError with the problems of all lines, or without entries.

    Call it once, at the end.
    """
    self._places.clear()  # as large as the lists
    self.check_problems()
    if not self.entries:
      raise ValueError(
        "the lists of `--annotations` name no clip; give them as distributed."
      )

  def check_problems(self) -> None:
    """Raises ValueError with the problems of all lines so far.

    Call it after a list without which every line of the others is wrong.
    """
    if not self._problems:
      return
    count = len(self._problems)
    more = count - _MOST_PROBLEMS
    raise ValueError(
      f"{count} line(s) of the lists cannot be used, nothing was decoded; "
      + "; ".join(self._problems[:_MOST_PROBLEMS])
      + (f"; and {more} more" if more > 0 else "")
    )


def find_lists(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
  """Returns the files of any depth below `folder` by their names.

  Raises:
    FileNotFoundError: there is no such folder.
  """
  if not folder.is_dir():
    raise FileNotFoundError(
      f"`--annotations` ({folder}) is not a folder; give that of the dataset's"
      " official lists."
    )
  found: dict[str, list[pathlib.Path]] = {}
  for path in streams.list_files(folder):
    found.setdefault(path.name, []).append(path)
  return found


def only_list(
  lists: dict[str, list[pathlib.Path]], *names: str
) -> pathlib.Path:
  """Returns the one list that has one of `names`.

  Args:
    lists: of `find_lists`.
    *names: it may have, as distributed.

  Raises:
    FileNotFoundError: there is none.
    ValueError: there are several.
  """
  found = [path for name in names for path in lists.get(name, [])]
  if not found:
    raise FileNotFoundError(
      f"`--annotations` holds no {' or '.join(names)}; give the folder of the"
      " dataset's official lists, as distributed."
    )
  if len(found) > 1:
    raise ValueError(
      f"`--annotations` holds {' and '.join(map(str, found))}; give the folder"
      " of only one."
    )
  return found[0]


def read_lines(path: pathlib.Path, lines: Lines) -> Iterator[tuple[str, str]]:
  """Yields (place, text) of every line that is not empty."""
  content = _text(path, lines)
  if content is None:
    return
  for number, text in enumerate(content.split("\n"), 1):
    if text.strip():
      yield _place(path, number), text.strip()


def read_json(path: pathlib.Path, lines: Lines) -> Any:
  """Returns what a JSON list holds; None, and says so, if it is none."""
  text = _text(path, lines)
  if text is None:
    return None
  try:
    return json.loads(text)
  except (ValueError, RecursionError) as error:
    lines.refuse(
      sources.printable(str(path)),
      f"it is no JSON ({error}); give the list as distributed",
    )
    return None


def read_rows(
  path: pathlib.Path, lines: Lines, columns: tuple[str, ...] = ()
) -> Iterator[tuple[str, list[str]]]:
  """Yields (place, cells) of every row of a csv that is not empty.

  Args:
    path: of the csv.
    lines: gets what is wrong with it.
    columns: that the header must have and that the cells are of, in this
      order; a name that begins with `?` may lack, which makes an empty cell.
      Without columns there is no header.
  """
  text = _text(path, lines)
  if text is None:
    return
  csv.field_size_limit(_MAX_LINE)
  reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
  try:
    header = [name.strip() for name in next(reader, [])] if columns else []
    chosen = _columns(path, header, columns, lines)
    for cells in reader:
      place = _place(path, reader.line_num)
      if sources.is_blank(cells):
        continue
      if columns and len(cells) != len(header):
        lines.refuse(
          place, f"{len(cells)} cells, the header has {len(header)}; mend it"
        )
      elif chosen is not None:
        cells = [cell.strip() for cell in cells]
        yield (
          place,
          [cells[i] if i >= 0 else "" for i in chosen] if columns else cells,
        )
  except csv.Error as error:
    lines.refuse(_place(path, reader.line_num), f"{error}; mend it")


def _columns(path, header, columns, lines):
  """Returns where `columns` stand, -1 for none; None if they cannot be used."""
  lacking = [name for name in columns if name[0] != "?" and name not in header]
  if lacking:
    lines.refuse(
      _place(path, 1),
      f"no column {', '.join(lacking)}; give the list as distributed",
    )
    return None
  names = [name.lstrip("?") for name in columns]
  return [header.index(name) if name in header else -1 for name in names]


def _place(path, line):
  return f"{sources.printable(str(path))} line {line}"


def _text(path, lines):
  """Returns the text of a list; None, and says so, if it is not UTF-8."""
  content = path.read_bytes()
  try:
    return content.decode("utf-8-sig")
  except UnicodeDecodeError as error:
    line = content.count(b"\n", 0, error.start) + 1
    lines.refuse(
      _place(path, line),
      f"byte {content[error.start]:#x} is not UTF-8; convert the file",
    )
    return None


def is_text(text: str) -> bool:
  """Returns whether a record can hold the text: JSON may hold half a pair."""
  return not any("\ud800" <= letter <= "\udfff" for letter in text)


def label_problem(label: str) -> str:
  """Returns why `label` cannot be one of the records', empty if it can."""
  if not label:
    return "the label is empty; give the list as distributed"
  return sources.label_problem(label)


def is_number(text: str) -> bool:
  """Returns if `text` is a whole number >= 0 of at most nine digits."""
  return text.isascii() and text.isdigit() and len(text) < 10


def stretch(start: str, end: str) -> tuple[float, float] | None:
  """Returns the seconds that two cells name, None where they name none.

  No video is longer than sources.MAX_SECONDS.
  """
  try:
    start_s, end_s = float(start), float(end)
  except ValueError:
    return None
  if not 0 <= start_s < end_s <= sources.MAX_SECONDS:
    return None
  return start_s, end_s
