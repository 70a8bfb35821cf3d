# Images from scratch: the binaries, what they link to, and nothing else. The context is a folder that images/build.sh
# lays out (HERDGATE_BIN_DIR names the binaries); docker and buildah both read this file.

FROM scratch AS herdgate
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="herdgate" \
      org.opencontainers.image.description="MQTT broker for herds of devices: edge, shard and standalone, and the swarm that tries it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY herdgate/ /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/herdgate"]

FROM scratch AS herdgate-operator
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="herdgate-operator" \
      org.opencontainers.image.description="Operator for MqttClusters" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY herdgate-operator/ /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/herdgate-operator"]
