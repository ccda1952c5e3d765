# One image for everything but the database: `studyhall` is its entry point. EXTRAS chooses what it can do:
#   docker build -t studyhall:cpu .
#   docker build -t studyhall:gpu --build-arg EXTRAS=postgres,s3,gpu .
# The packages, which are large and seldom change, are one layer; the sources, which are small, are another.

FROM python:3.11-slim-bookworm AS build
# Where another package index is wanted: --build-arg PIP_INDEX_URL=... . Nothing of this stage's is in the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
WORKDIR /build
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore uv && uv venv /opt/studyhall
ENV VIRTUAL_ENV=/opt/studyhall UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_HTTP_TIMEOUT=180 UV_INDEX_STRATEGY=unsafe-best-match
ARG EXTRAS=postgres,s3
COPY requirements.lock pyproject.toml ./
# Versions and hashes are the lock's; what only the extra `gpu` needs, CUDA's libraries, TensorFlow itself pins.
RUN UV_DEFAULT_INDEX=${PIP_INDEX_URL:-https://pypi.org/simple} UV_INDEX="$PIP_EXTRA_INDEX_URL" \
    UV_INSECURE_HOST="$PIP_TRUSTED_HOST" \
    uv pip install -c requirements.lock -r pyproject.toml $(printf ' --extra %s' $(echo "$EXTRAS" | tr , ' '))

FROM build AS wheel
RUN UV_DEFAULT_INDEX=${PIP_INDEX_URL:-https://pypi.org/simple} UV_INDEX="$PIP_EXTRA_INDEX_URL" \
    UV_INSECURE_HOST="$PIP_TRUSTED_HOST" uv venv /opt/hatch && \
    VIRTUAL_ENV=/opt/hatch uv pip install -c requirements.lock hatchling
COPY . .
RUN /opt/hatch/bin/python -m hatchling build -t wheel -d /dist

FROM python:3.11-slim-bookworm
# The folders that volumes are mounted on belong to the user that runs, and so do the volumes, which begin as copies.
RUN useradd --uid 1000 --create-home studyhall && \
    install -d -o studyhall -g studyhall /srv/artifacts /srv/keras /run/secrets
COPY --from=build /opt/studyhall /opt/studyhall
COPY --from=wheel /dist /dist
# pip compiles the bytecode; it works on the virtual environment from outside, which has no pip of its own.
RUN python -m pip --python /opt/studyhall/bin/python install --no-cache-dir --no-index --no-deps --quiet \
    --disable-pip-version-check --root-user-action=ignore /dist/*.whl
ENV PATH=/opt/studyhall/bin:$PATH PYTHONUNBUFFERED=1 \
    STUDYHALL_ARTIFACTS=/srv/artifacts KERAS_HOME=/srv/keras \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /srv
USER 1000:1000
ENTRYPOINT ["studyhall"]
CMD ["--help"]
