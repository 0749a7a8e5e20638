import pytest

from tfvssl.runtime import storage
from tfvssl.runtime import upload


def test_upload_publishes_the_named_file_last(tmp_path):
  source = tmp_path / "source"
  (source / "deep").mkdir(parents=True)
  for name in ("a-manifest", "deep/b", "c"):
    (source / name).write_text(name)
  upload.folder(source, tmp_path / "target", last="a-manifest")
  copied = tmp_path / "target"
  assert storage.digests(copied) == storage.digests(source)
  last_ns = (copied / "a-manifest").stat().st_mtime_ns
  assert last_ns >= (copied / "deep" / "b").stat().st_mtime_ns
  assert last_ns >= (copied / "c").stat().st_mtime_ns


def test_upload_without_the_publishing_file_is_refused(tmp_path):
  (tmp_path / "a").write_text("")
  with pytest.raises(FileNotFoundError, match="has no file manifest.json"):
    upload.folder(tmp_path, tmp_path / "b", last="manifest.json")
  assert not (tmp_path / "b").exists()
