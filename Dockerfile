# Talkwire with the clients of PostgreSQL, Redis and S3. Runs as an unprivileged user and writes to /data and /tmp only:
# docker run --read-only --tmpfs /tmp -v talkwire:/data -p 3000:3000 talkwire

# The web client is the same for all processors, so no emulated one builds it.
FROM --platform=$BUILDPLATFORM node:22-alpine AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
COPY clients/javascript/client/src/ /src/clients/javascript/client/src/
COPY clients/javascript/embed/src/ /src/clients/javascript/embed/src/
COPY clients/javascript/react/src/ /src/clients/javascript/react/src/
RUN npm run --silent build

FROM python:3.13-slim AS packages
WORKDIR /src
RUN python -m venv /opt/talkwire
COPY requirements/image.lock requirements/
RUN /opt/talkwire/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements/image.lock
COPY pyproject.toml hatch_build.py README.md LICENSE CHANGELOG.md ./
COPY src/ src/
COPY --from=web /src/src/talkwire/web/ src/talkwire/web/
RUN /opt/talkwire/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.13-slim
# Docker copies the owner and the mode of these folders to new volumes.
RUN install -d -o 10001 -g 10001 -m 0700 /data && install -d -o 10001 -g 10001 -m 0755 /secrets
COPY --from=packages /opt/talkwire/ /opt/talkwire/
ENV PATH=/opt/talkwire/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 TALKWIRE_HOST=0.0.0.0 TALKWIRE_DATA=/data
USER 10001:10001
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:3000/readyz', timeout=4)"]
ENTRYPOINT ["talkwire"]
CMD ["serve"]
