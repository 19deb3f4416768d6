# The worker. Build with `docker build -t kudo-worker .`
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes --requirement requirements/build.txt \
    && python -m venv /opt/kudo \
    && /opt/kudo/bin/pip install --no-cache-dir --require-hashes --requirement requirements/runtime.txt
COPY pyproject.toml README.md LICENSE worker.py ./
COPY kudo kudo
COPY workflows workflows
COPY activities activities
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/kudo/bin/pip install --no-deps /wheels/*.whl

FROM python:3.11-slim
COPY --from=build /opt/kudo /opt/kudo
ENV PATH=/opt/kudo/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --create-home kudo
USER 10001
# On SIGTERM, the worker hands its running tasks over to other workers.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=20s --retries=3 CMD ["kudo", "worker", "--check"]
CMD ["kudo", "worker"]
