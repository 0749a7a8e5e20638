"""Views of captions as word ids."""

import dataclasses
import enum

from tfvssl.config import rules
from tfvssl.config import view


class Vocabulary(enum.Enum):
  """Whose rules turn a caption into word ids.

  DMVR: the file has one word a line, or "id word"; <pad>, <bos>, <eos> and
    <unk> are among them; an unknown word becomes <unk>.
  MIL_NCE: the file is dict.npy, an array of words; word k has the id k + 1, 0
    is padding; an unknown word is left out.
  """

  DMVR = "dmvr"
  MIL_NCE = "mil_nce"


@dataclasses.dataclass
class TextViewSpec(view.ViewSpec):
  """Captions near the pictures, as word ids.

  A clip without caption gives zeros and a mask of 0.

  Attributes:
    sync: with the narrow view; the captions nearest to it are taken.
    vocabulary: file of the words.
    vocabulary_format: whose it is.
    stop_words: file of words that are left out, one a line; empty for none.
    words_sha256: of the content of both files, which a run notes when it
      begins; empty where any will do.
    max_words: of a caption; more are cut, fewer padded.
    num_captions: candidates for the positive of MIL-NCE; where a clip has
      fewer, the last is repeated.
  Source: MMV paper Sec. 4.1 (16 words); the released lineage's five
  candidates, of which the paper gives no number.
  """

  sync: view.Sync = view.Sync.START
  optional: bool = dataclasses.field(default=True, kw_only=True)
  vocabulary: str = ""
  vocabulary_format: Vocabulary = Vocabulary.DMVR
  stop_words: str = ""
  words_sha256: str = ""
  max_words: int = 16
  num_captions: int = 5

  piece = "text"
  modalities = frozenset({view.Modality.TEXT})
  dtype = "int32"

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    rules.require_positive(name, self, "max_words", "num_captions")
    if not self.vocabulary:
      raise ValueError(
        f"`{name}.vocabulary` is empty; name the file of the words, or make"
        " one of your captions with tfvssl vocabulary."
      )

  @property
  def shape(self) -> tuple[int, ...]:
    """[K, L]."""
    return self.num_captions, self.max_words

  @property
  def words(self) -> str:
    """What it shows of a clip, for people."""
    return f"word ids of the {self.num_captions} nearest captions"

  @property
  def has_mask(self) -> bool:
    """Always: a caption may have no word of the vocabulary."""
    return True
