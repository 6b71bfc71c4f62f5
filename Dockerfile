# The service alone; database and broker are containers of their own (docker-compose.yml).
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md ./
COPY iot_service iot_service
COPY simulators simulators
RUN python -m venv /opt/iot-service \
    && /opt/iot-service/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && /opt/iot-service/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim-bookworm
RUN groupadd --system --gid 10001 iot-service \
    && useradd --system --uid 10001 --gid 10001 --create-home --home-dir /var/lib/iot-service iot-service \
    && install --directory --owner 10001 --group 10001 --mode 0750 /var/lib/iot-broker
COPY --from=build /opt/iot-service /opt/iot-service
ENV PATH=/opt/iot-service/bin:$PATH IOT_HOST=0.0.0.0 IOT_DATA_DIR=/var/lib/iot-service IOT_LOG_JSON=true
USER iot-service
VOLUME /var/lib/iot-service
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["iot-service"]
CMD ["serve"]
