# NormViz in a container: a slim image, a user without rights, one writable folder (/tmp).
#
#   docker build --build-arg TORCH_INDEX=<index of PyTorch's CPU packages> -t normviz .
#   docker run --read-only --tmpfs /tmp -p 8501:8501 normviz
#
# TORCH_INDEX says which build of the pinned torch comes in: that of PyTorch's index for CPUs, or of one for CUDA.
# Without it pip takes PyPI's own, which on x86 brings CUDA along and is gigabytes larger.  docs/operating.md

ARG PYTHON=3.11-slim

FROM python:${PYTHON} AS packages
ARG TORCH_INDEX=""
COPY requirements.txt constraints.txt /build/
# A virtual environment is one folder to copy: whatever else this stage leaves stays behind.  What is deleted are tests
# and C++ headers, 190 MB of them.
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --only-binary=:all: ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
      -r /build/requirements.txt \
 && cd /venv/lib/python*/site-packages && rm -r -f torch/include torch/test pandas/tests

FROM python:${PYTHON}
RUN useradd --uid 10001 --home-dir /tmp --no-create-home --no-log-init --shell /usr/sbin/nologin normviz
COPY --from=packages /venv /venv
WORKDIR /app
COPY app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY normviz normviz
# Compiled here, since nothing can be written later.  (The packages were compiled by pip.)
RUN /venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash app.py pages normviz

# The last two are for GPUs and mean nothing without one.
ENV PATH=/venv/bin:$PATH HOME=/tmp OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
# By number, so that an orchestrator can see that it is not root.
USER 10001
EXPOSE 8501
# Not by urllib, which would ask a proxy if the environment names one.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
 CMD ["python", "-S", "-c", "import http.client, os; base = os.environ.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/'); asked = http.client.HTTPConnection('127.0.0.1', 8501, timeout=4); asked.request('GET', f'/{base}/lab/ready'.replace('//', '/')); raise SystemExit(asked.getresponse().status != 200)"]
# Exec form: SIGTERM reaches the server, which ends its runs and then itself.
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501"]

ARG VERSION=""
LABEL org.opencontainers.image.title="NormViz" \
      org.opencontainers.image.description="See what normalization does to a neural network, live." \
      org.opencontainers.image.version="${VERSION}"
