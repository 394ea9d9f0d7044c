# One image for every process of a scaled site; compose.yaml tells each what to run.

FROM node:24-bookworm-slim AS front-end
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json vite.config.ts vite.widget.config.ts ./
COPY static ./static
RUN npm run build

FROM python:3.11-slim-bookworm AS packages
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin contactcenter \
 && install -d -o contactcenter -g contactcenter -m 0700 /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY . .
COPY --from=front-end /app/static/dist ./static/dist
RUN /venv/bin/python -m contactcenter.lib.catalogs \
 && /venv/bin/python -m compileall -q contactcenter channels_adapters conversations routing flows agents
# Everything is prepared here: the bootstrap has nothing to do.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 CONTACTCENTER_BOOTSTRAP=off DATA_DIR=/data LOG_STYLE=json
USER contactcenter
VOLUME /data
EXPOSE 8000
CMD ["python", "manage.py", "web", "--host", "0.0.0.0", "--port", "8000"]
