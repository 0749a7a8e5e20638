# tfvssl with its dependencies; docs/commands.md says how it is run. Not built
# where the tests run.
FROM python:3.11-slim

# [gpu] adds the libraries of CUDA.
ARG EXTRAS=""

WORKDIR /opt/tfvssl
COPY setup.py pyproject.toml README.md ./
COPY tfvssl tfvssl
COPY data_prep data_prep
COPY configs configs
RUN python -m pip install --no-cache-dir ".${EXTRAS}"

# Whoever runs it: caches of libraries need a home that can be written.
ENV HOME=/tmp
RUN useradd --no-create-home --shell /usr/sbin/nologin tfvssl
USER tfvssl
WORKDIR /work
ENTRYPOINT ["tfvssl"]
CMD ["--help"]
