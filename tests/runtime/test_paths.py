"""Which files may know that a place is a folder of this machine's disk.

All others take their paths, and write, through runtime/storage, so that
object stores are a matter of that file and of exit_codes.
"""

import ast

import pytest

from tests import source_tree

# Those that import pathlib, and why a local disk is right there.
_MEDIA = "media that ffmpeg reads, or inputs of a preparation"
_CODE = "files of the package itself, recipes among them"
MAY_IMPORT_PATHLIB = {
  "benchmarks/input.py": "records in a temporary folder",
  "configs/make_readme.py": _CODE,
  "data_prep/datasets/audioset.py": _MEDIA,
  "data_prep/datasets/esc50.py": _MEDIA,
  "data_prep/datasets/hmdb51.py": _MEDIA,
  "data_prep/datasets/howto100m.py": _MEDIA,
  "data_prep/datasets/kinetics.py": _MEDIA,
  "data_prep/datasets/msrvtt.py": _MEDIA,
  "data_prep/datasets/official.py": _MEDIA,
  "data_prep/datasets/presence.py": _MEDIA,
  "data_prep/datasets/ucf101.py": _MEDIA,
  "data_prep/datasets/voc2007.py": _MEDIA,
  "data_prep/datasets/youcook2.py": _MEDIA,
  "data_prep/generate_demo/__main__.py": "videos that ffmpeg writes",
  "data_prep/generate_demo/clips.py": "videos that ffmpeg writes",
  "data_prep/prepare_records/captions.py": _MEDIA,
  "data_prep/prepare_records/inputs.py": _MEDIA,
  "data_prep/prepare_records/preparation.py": _MEDIA,
  "data_prep/prepare_records/reuse.py": "records that lie beside the output",
  "data_prep/prepare_records/run.py": _MEDIA,
  "data_prep/prepare_records/sources.py": _MEDIA,
  "data_prep/prepare_records/still_picture.py": _MEDIA,
  "tfvssl/backbones/word_embedding.py": "the published table of words",
  "tfvssl/classify/clips.py": _MEDIA,
  "tfvssl/classify/page.py": _MEDIA,
  "tfvssl/classify/run.py": _MEDIA,
  "tfvssl/config/moved.py": _CODE,
  "tfvssl/config/recipes.py": _CODE,
  "tfvssl/data/media/claims.py": _MEDIA,
  "tfvssl/data/media/ffmpeg.py": _MEDIA,
  "tfvssl/data/media/header.py": _MEDIA,
  "tfvssl/data/media/mp4.py": _MEDIA,
  "tfvssl/data/media/pictures.py": _MEDIA,
  "tfvssl/data/media/sound.py": _MEDIA,
  "tfvssl/data/media/streams.py": _MEDIA,
  "tfvssl/data/media/stretch.py": _MEDIA,
  "tfvssl/data/text.py": "a vocabulary",
  "tfvssl/demo/plan.py": _CODE,
  "tfvssl/demo/report.py": "the demo's folder, of which it makes a page",
  "tfvssl/embed/embedder.py": _MEDIA,
  "tfvssl/embed/inputs.py": _MEDIA,
  "tfvssl/embed/run.py": _MEDIA,
  "tfvssl/import_weights/published_file.py": "a file that was downloaded",
  "tfvssl/pages/gallery.py": _MEDIA,
  "tfvssl/pages/template.py": _CODE,
  "tfvssl/runtime/places.py": "an output that is to appear on this disk",
  "tfvssl/runtime/storage.py": "what this test is about",
}
# Those that call `open`, os.replace, os.rename or os.open.
MAY_OPEN = {
  "data_prep/prepare_records/reuse.py": "a part of a shard that is there",
  "data_prep/prepare_records/shard_writer.py": (
    "inputs of a shard while it is made, each told whole by its digest"
  ),
  "data_prep/prepare_records/sources.py": _MEDIA,
  "data_prep/prepare_records/still_picture.py": _MEDIA,
  "tfvssl/data/media/claims.py": _MEDIA,
  "tfvssl/data/text.py": "a vocabulary",
  "tfvssl/import_weights/published_file.py": "a file that was downloaded",
  "tfvssl/runtime/storage.py": "what this test is about",
}
_CALLS = ("open", "os.open", "os.replace", "os.rename", "shutil.move")


def _calls(path):
  text = (source_tree.ROOT / path).read_text(encoding="utf-8")
  return {
    ast.unparse(node.func)
    for node in ast.walk(ast.parse(text))
    if isinstance(node, ast.Call)
  }


def _files():
  return [
    path for path in source_tree.python_files() if path.parts[0] != "tests"
  ]


def test_files_that_import_pathlib_are_listed():
  found = {
    str(path)
    for path in _files()
    if any(
      item.name.split(".")[0] == "pathlib"
      for item in source_tree.imports_of(path)
    )
  }
  assert found == set(MAY_IMPORT_PATHLIB)


def test_files_that_open_and_rename_are_listed():
  found = {str(path) for path in _files() if _calls(path) & set(_CALLS)}
  assert found == set(MAY_OPEN)


@pytest.mark.parametrize("call", ["fcntl.flock", "fcntl.lockf", "os.fsync"])
def test_only_storage_locks_and_synchronises(call):
  found = [str(path) for path in _files() if call in _calls(path)]
  assert found in (["tfvssl/runtime/storage.py"], [])
