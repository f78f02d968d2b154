# NormViz in a container: a slim image, a user without rights, one writable folder (/tmp).
#
#   docker build --build-arg TORCH_INDEX=<index of PyTorch's CPU packages> -t normviz .
#   docker run --read-only --tmpfs /tmp -p 8501:8501 normviz
#
# Without TORCH_INDEX pip takes PyPI's own build of torch, which brings CUDA along and is gigabytes larger; with
# a CUDA index and `docker run --gpus all` the runs use the GPU.

ARG PYTHON=3.11-slim

FROM python:${PYTHON} AS packages
ARG TORCH_INDEX=""
WORKDIR /app
COPY requirements.txt constraints.txt ./
# A virtual environment is one folder to copy: pip's cache and whatever else this stage leaves stay behind.
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-compile ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt

FROM python:${PYTHON}
RUN useradd --system --uid 10001 --home-dir /tmp --no-create-home normviz
COPY --from=packages /venv /venv
WORKDIR /app
COPY app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY normviz normviz
# Compiled once here, since nothing can be written later.
RUN /venv/bin/python -m compileall -q -j 0 /venv/lib app.py pages normviz

ENV PATH=/venv/bin:$PATH HOME=/tmp OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER normviz
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
 CMD ["python", "-c", "import os, urllib.request as r; base = os.environ.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/'); r.urlopen('/'.join(filter(None, ['http://127.0.0.1:8501', base, 'lab/ready'])), timeout=4)"]
# Exec form: SIGTERM reaches the server, which ends its runs and then itself.
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501"]
