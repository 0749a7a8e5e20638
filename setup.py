"""Installation of tfvssl; docs/dependencies.md says what each package does.

TensorFlow 2.15 is the one line on which all listed packages import and every
Cloud TPU generation has a runtime. The requirement is a range, which the
TensorFlow of a Cloud TPU VM image (2.15.0 or 2.15.1, built for TPU) fulfils,
so that pip leaves it in place; a virtual environment there needs
`--system-site-packages`.
"""

import pathlib
import re

import setuptools

_REQUIRED = [
  "absl-py",
  "etils[epath]",
  "google-crc32c",
  "imageio-ffmpeg",
  "keras-cv==0.9.*",
  "ml_collections",
  "numpy<2",
  "protobuf",
  "scikit-image",
  "scikit-learn",
  "scipy",
  "setuptools<81",  # tensorflow_hub imports pkg_resources, gone from 81 on
  "tensorflow>=2.15,<2.16",
  "tensorflow-addons",
  "tensorflow-io",
  # Newer ones need protobuf 5 and silently break tensorflow-datasets, which
  # keras-cv and tf-models import.
  "tensorflow-metadata==1.15.0",
  "tf-models-official==2.15.*",
  "tqdm",
]

_DEV = ["mypy", "pytest", "pytest-xdist", "ruff"]

# Brings the libraries of CUDA; 2.15.0 asks for a TensorRT that pip cannot find.
_GPU = ["tensorflow[and-cuda]>=2.15.1,<2.16"]

_BINARIES = {
  "tfvssl-train": "tfvssl.train.__main__",
  "tfvssl-evaluate": "tfvssl.evaluate.__main__",
  "tfvssl-deflate": "tfvssl.deflate.__main__",
  "tfvssl-export": "tfvssl.export.__main__",
  "tfvssl-embed": "tfvssl.embed.__main__",
  "tfvssl-search": "tfvssl.search.__main__",
  "tfvssl-classify": "tfvssl.classify.__main__",
  "tfvssl-compare": "tfvssl.compare.__main__",
  "tfvssl-import-weights": "tfvssl.import_weights.__main__",
  "tfvssl-demo": "tfvssl.demo.__main__",
}
# Of data_prep, whose place the front command knows.
_PREPARATION = ("prepare", "inspect", "make-vocabulary", "generate-demo")

# Beside tfvssl in a clone; in the wheel tfvssl.bundled.NAME, so that nothing of
# a user's own has the name of ours.
_BUNDLED = ("configs", "data_prep")


def _packages() -> list[str]:
  bundled = setuptools.find_packages(
    include=[*_BUNDLED, *(f"{name}.*" for name in _BUNDLED)]
  )
  return [
    *setuptools.find_packages(include=["tfvssl", "tfvssl.*"]),
    *(f"tfvssl.bundled.{name}" for name in bundled),
  ]


def _version() -> str:
  text = pathlib.Path("tfvssl/__init__.py").read_text(encoding="utf-8")
  return re.findall(r'__version__ = "([^"]+)"', text)[0]


setuptools.setup(
  name="tfvssl",
  version=_version(),
  # No licence and no address: both are the owner's to choose.
  author="The maintainers of tfvssl",
  classifiers=[
    "Development Status :: 3 - Alpha",
    "Intended Audience :: Science/Research",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: Python :: 3.10",
    "Programming Language :: Python :: 3.11",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Typing :: Typed",
  ],
  description="Self-supervised video representation learning in TensorFlow.",
  long_description=pathlib.Path("README.md").read_text(encoding="utf-8"),
  long_description_content_type="text/markdown",
  python_requires=">=3.10,<3.12",
  packages=_packages(),
  package_dir={f"tfvssl.bundled.{name}": name for name in _BUNDLED},
  package_data={
    "tfvssl": [
      "py.typed",
      "pages/*.css",
      "pages/*.html",
      "pages/*.js",
      "search/*.html",
      "classify/*.html",
    ]
  },
  install_requires=_REQUIRED,
  extras_require={"dev": _DEV, "gpu": _GPU},
  entry_points={
    "console_scripts": [
      "tfvssl=tfvssl.__main__:console_main",
      *(
        f"{script}={module}:console_main"
        for script, module in _BINARIES.items()
      ),
      *(f"tfvssl-{name}=tfvssl.__main__:script_main" for name in _PREPARATION),
    ]
  },
)
