"""The protocol that has a name, with the settings of a run."""

from absl import logging

from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.deflate import networks
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.protocols import base as protocol
from tfvssl.evaluate.protocols import finetune
from tfvssl.evaluate.protocols import finetune_sgd
from tfvssl.evaluate.protocols import images
from tfvssl.evaluate.protocols import linear
from tfvssl.evaluate.protocols import mlp
from tfvssl.evaluate.protocols import svm as svm_protocol
from tfvssl.evaluate.samples import features
from tfvssl.runtime import storage

# Of the short side; the paper's own settings differ by less.
_NOTED_DIFFERENCE = 0.1


def build(
  name: str,
  experiment: config.Experiment,
  view: views.ViewSpec,
  *,
  modality: str,
  same_paths_differ: bool,
  choose_c: linear_svm.ChooseC,
  image: networks.Image,
  workdir: storage.Path,
) -> protocol.Protocol:
  """Returns a protocol with all its choices.

  Args:
    name: one of config.PROTOCOLS but `retrieval`.
    experiment: of the run, with the protocols' settings.
    view: that the encoder was trained on.
    modality: name of the encoder.
    same_paths_differ: see clips.check_leakage.
    choose_c: how the SVM's C is chosen.
    image: how images go through the network, for `pascal` and `imagenet`.
    workdir: of the run, which says how its deflated network was trained.

  Raises:
    FileNotFoundError: no deflated network was trained.
    ValueError: frames are smaller than the view.
  """
  chosen = getattr(experiment, name)
  spec, test_spec = _specs(name, features.training_spec(view), chosen)
  settings = features.Settings(
    spec,
    test_spec,
    chosen,
    chosen.batch_size if name == "svm" else chosen.test_batch_size,
    views.FRAME_RATE_HZ,
    experiment.seed,
  )
  common = modality, settings, same_paths_differ
  if name == "svm":
    return svm_protocol.SvmProtocol(*common, chosen, choose_c)
  if name in ("pascal", "imagenet"):
    deflation = {}
    if image == networks.Image.TRAINED:
      deflation = networks.choices_of(workdir)
    seen = chosen, image, deflation
    if name == "pascal":
      return images.PascalProtocol(*common, *seen)
    return images.ImageNetProtocol(*common, *seen)
  kinds = {
    "linear": linear.LinearProtocol,
    "finetune": finetune.FineTuneProtocol,
    "finetune_sgd": finetune_sgd.FineTuneSgdProtocol,
    "mlp": mlp.ShallowMlpProtocol,
  }
  return kinds[name](*common, chosen)


def _specs(name, spec, chosen):
  """Returns the views of training and test."""
  if name == "finetune_sgd":
    spec = finetune_sgd.view_of(spec, chosen)
  check_short_side(spec, chosen, name)
  if name == "linear":
    return spec, linear.test_spec(spec, chosen.test_short_side)
  if name == "finetune":
    return finetune.training_spec(spec, chosen), spec
  if name in ("pascal", "imagenet"):
    return images.training_spec(spec, name), spec
  return spec, spec


def check_short_side(
  spec: views.ViewSpec, chosen: protocols.TestViews, name: str
) -> None:
  """Checks that the test frames suit the view.

  Logs where they show another share of the frame than training did: things
  then have a size that the network has not seen.

  Args:
    spec: of the view.
    chosen: settings of the protocol.
    name: of the protocol.

  Raises:
    ValueError: the frames are smaller than the view.
  """
  short_side = chosen.test_short_side
  if isinstance(spec, views.RgbViewSpec) and spec.image_size > short_side:
    near = round(spec.image_size * 256 / 224)
    raise ValueError(
      f"`{name}.test_short_side` ({short_side}) must be at least the view's"
      f" `image_size` ({spec.image_size}); try"
      f" --set={name}.test_short_side={near}."
    )
  if not isinstance(spec, views.RgbViewSpec):
    return
  if not isinstance(spec.crop, pictures.JitterCrop):
    return
  share = spec.image_size / short_side
  if abs(share - spec.crop.share) > _NOTED_DIFFERENCE:
    logging.warning(
      "`%s.test_short_side` (%d) lets the network see %.0f %% of the short"
      " side, training %.0f %%; --set=%s.test_short_side=%d shows as much.",
      name,
      short_side,
      100 * share,
      100 * spec.crop.share,
      name,
      round(spec.image_size / spec.crop.share),
    )
