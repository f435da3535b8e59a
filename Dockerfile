# Memspan: API, workers and migrations in one image; the command says which.
#
#   docker build -t memspan .                            CPU workers and API
#   docker build -t memspan:cuda --build-arg DEVICE=cuda .       GPU workers
#
# DEVICE says which build of torch is wanted; where pip finds it is pip's configuration. A package index that knows only
# one build of torch for Linux knows the CUDA one, which pulls gigabytes of libraries. For a small CPU image name a
# place that has the CPU build (its version ends in +cpu, which pip prefers to the plain one), in one of these ways:
#   --build-arg PIP_EXTRA_INDEX_URL=<index with CPU builds of torch>
#   --build-arg PIP_FIND_LINKS=<page or folder of wheels, as seen from inside the build>
#   --build-arg PYTHON_IMAGE=<a Python image whose pip is set up already>
# The build tells which one it got: DEVICE=cuda with a CPU build ends it, DEVICE=cpu with a CUDA build warns (it works).
# The CUDA build brings its libraries along; the host needs NVIDIA's driver and container toolkit.
#
# Every file that is installed is one of those whose hashes stand in locks/. Where pip refuses a build of torch whose hash
# it does not know there, `make lock`, run where pip is set up for the same places, adds it.
ARG PYTHON_IMAGE=python:3.11-slim

# What Memspan stands on: a large layer that changes only with the lists.
FROM ${PYTHON_IMAGE} AS dependencies
ARG DEVICE=cpu
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ENV PATH=/opt/memspan/bin:$PATH PYTHONUNBUFFERED=1
COPY locks/run.lock locks/torch.lock locks/torch-cpu.lock /locks/
RUN case "$DEVICE" in cpu|cuda) ;; *) echo "DEVICE is '$DEVICE'; it may be cpu or cuda." >&2; exit 2 ;; esac \
 && python3 -m venv /opt/memspan \
 && locked() { python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps "$@"; } \
 && locked -r /locks/run.lock \
 && if [ "$DEVICE" = cpu ] && locked -r /locks/torch-cpu.lock 2>/tmp/why; then :; \
    elif [ "$DEVICE" = cpu ] && grep -q "DO NOT MATCH THE HASHES" /tmp/why; then cat /tmp/why >&2; exit 1; \
    else locked -r /locks/torch.lock; fi \
 && python -m pip check \
 && built=$(python -c "import torch; print('cuda' if torch.version.cuda else 'cpu')") \
 && if [ "$DEVICE" = cuda ] && [ "$built" = cpu ]; then \
        echo "DEVICE is cuda, and pip found a CPU build of torch: set PIP_INDEX_URL, PIP_EXTRA_INDEX_URL and" \
             "PIP_FIND_LINKS so that it finds a CUDA build." >&2; exit 1; \
    elif [ "$built" != "$DEVICE" ]; then \
        echo "WARNING: DEVICE is cpu, and pip found a CUDA build of torch. It works, and is gigabytes larger than" \
             "needed: see the head of the Dockerfile." >&2; \
    fi

# The package itself, made where its sources may lie about.
FROM dependencies AS package
COPY locks/build.lock /locks/
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /locks/build.lock
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY memspan memspan
COPY service service
COPY workers workers
COPY migrations migrations
RUN python -m pip wheel --no-deps --no-build-isolation --disable-pip-version-check --wheel-dir /wheel .

FROM dependencies
WORKDIR /var/lib/memspan
COPY --from=package /wheel /wheel
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-index /wheel/*.whl \
 && useradd --system --uid 10001 --home-dir /var/lib/memspan --shell /usr/sbin/nologin memspan \
 && chown memspan:memspan /var/lib/memspan
ENV MEMSPAN_HOME=/var/lib/memspan
USER memspan
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["memspan"]
CMD ["api", "--host", "0.0.0.0"]
