# One image that is any of compose.yaml's servers, for where no registry can be reached; docker/README.md.
# From the root of the checkout, on any base that has Python >= 3.10 with pip and venv:
#   docker build -f docker/servers.Dockerfile --build-arg BASE=my-base:1 -t tacenda-servers .
ARG BASE=python:3.12-slim
FROM ${BASE}
COPY pyproject.toml README.md LICENSE /src/
COPY shared /src/shared
COPY adapters /src/adapters
RUN python3 -m venv /opt/tacenda && /opt/tacenda/bin/pip install --no-cache-dir "/src[testing,azure,gcp]" && rm -r /src
COPY docker/serve /opt/tacenda/bin/serve
ENV HOME=/tmp PATH=/opt/tacenda/bin:$PATH
USER nobody
ENTRYPOINT ["sh", "/opt/tacenda/bin/serve"]
