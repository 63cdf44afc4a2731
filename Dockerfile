# syntax=docker/dockerfile:1.7
# Two images: `runtime` is the program, the API with its dashboard, and Spark's master, workers and drivers; `airflow` is
# Airflow with the program beside it. docs/how-to/docker.md says how they are used.
# pgpq has no wheel for Linux on ARM: build for linux/amd64, as compose.yaml does.

FROM node:24-trixie-slim AS dashboard
WORKDIR /build/frontend
COPY .npmrc frontend/package.json frontend/package-lock.json ./
# not `npm ci`: it wants the packages of every system in the lock, and some are made for systems whose packages are not everywhere
RUN --mount=type=cache,target=/var/cache/npm \
    npm install --cache /var/cache/npm --no-save --ignore-scripts --no-audit --no-fund
COPY frontend ./
RUN NG_CLI_ANALYTICS=false npm run --silent build

FROM python:3.12.15-slim-trixie AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements-build.lock ./
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --cache-dir /var/cache/pip --no-deps --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY --from=dashboard /build/src/trade_ingest/api/static ./src/trade_ingest/api/static
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM python:3.12.15-slim-trixie AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements-image.lock deploy/docker/install.sh /build/
COPY --from=wheel /wheel /build/wheel
RUN --mount=type=cache,target=/var/cache/pip \
    /build/install.sh python3 /opt/trade-ingest --cache-dir /var/cache/pip

FROM python:3.12.15-slim-trixie AS runtime
RUN groupadd --gid 10001 trade \
    && useradd --uid 10001 --gid trade --no-create-home --home-dir /tmp --shell /usr/sbin/nologin trade \
    && install --directory --owner trade --group trade /var/lib/spark /srv/trade-ingest
COPY --from=packages /opt/trade-ingest /opt/trade-ingest
COPY deploy/docker/seed.py /opt/trade-ingest/share/
ENV PATH=/opt/trade-ingest/bin:$PATH \
    JAVA_HOME=/opt/trade-ingest/java \
    SPARK_HOME=/opt/trade-ingest/lib/python3.12/site-packages/pyspark \
    PYSPARK_PYTHON=/opt/trade-ingest/bin/python \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
USER 10001:10001
WORKDIR /srv/trade-ingest
# No HEALTHCHECK: what is healthy depends on what runs, the API or a process of Spark; compose.yaml has one for each.
ENTRYPOINT ["trade-ingest"]
CMD ["--help"]

FROM apache/airflow:3.3.2-python3.12 AS airflow
USER 0
COPY requirements-image.lock deploy/docker/install.sh /build/
COPY --from=wheel /wheel /build/wheel
# installed with this image's own Python, which lies elsewhere and is built for an older Debian
RUN --mount=type=cache,target=/var/cache/pip \
    PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 /build/install.sh python3.12 /opt/trade-ingest --cache-dir /var/cache/pip \
    && install --directory --owner airflow --group root --mode 0775 /opt/airflow/auth
ENV TRADE_INGEST_COMMAND=/opt/trade-ingest/bin/trade-ingest \
    JAVA_HOME=/opt/trade-ingest/java \
    PYSPARK_PYTHON=/opt/trade-ingest/bin/python
USER 50000
