# One image for web, workers, beat and commands; compose.yaml says which is which.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    STATIC_ROOT=/srv/static

WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN pip install --no-cache-dir uv && uv sync --frozen --no-default-groups --no-cache

COPY . .
# Only to collect files: none of these values is used when it runs.
RUN APP_ENV=production SECRET_KEY=build ALLOWED_HOSTS=build PUBLIC_URL=https://build \
    DATABASE_URL=postgresql://build/build REDIS_URL=redis://build DATA_DIR=/tmp/build \
    python manage.py collectstatic --noinput \
    && useradd --create-home haowu && install -d -o haowu /data

USER haowu
ENV APP_ENV=production DATA_DIR=/data
VOLUME /data
EXPOSE 8000
HEALTHCHECK CMD python -c "import os, urllib.request as u; \
    host = os.environ['ALLOWED_HOSTS'].split(',')[0]; \
    u.urlopen(u.Request('http://127.0.0.1:8000/healthz', headers={'Host': host}), timeout=3)"
CMD ["granian", "--interface=wsgi", "--host=0.0.0.0", "--port=8000", "--workers=2", \
     "--blocking-threads=16", "--no-ws", "--respawn-failed-workers", "config.wsgi:application"]
