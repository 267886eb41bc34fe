# SPDX-License-Identifier: Apache-2.0
# syntax=docker/dockerfile:1

# The build runs on the machine's own architecture and compiles for the target's,
# so that no emulation is needed for an image of several architectures:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=v0.1.0 .
#
# A test runs the steps of this stage in an empty folder; it knows ARG, ENV,
# WORKDIR, COPY and RUN.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26.8-trixie AS build
WORKDIR /src
COPY . .
ARG TARGETOS=linux
ARG TARGETARCH=amd64
ARG VERSION=dev
ARG REVISION=unknown
ARG BRANCH=unknown
ARG BUILD_DATE=unknown
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/go/pkg/mod \
    v=github.com/prometheus/common/version; \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -o out/culprit -ldflags "-s -w \
      -X $v.Version=${VERSION#v} -X $v.Revision=$REVISION -X $v.Branch=$BRANCH \
      -X $v.BuildUser=docker -X $v.BuildDate=$BUILD_DATE" ./cmd/culprit && \
    mkdir -p out/data

# Certificates, time zones, a user without rights, and no shell.

FROM gcr.io/distroless/static-debian13:nonroot
ARG VERSION=dev
ARG REVISION=unknown
ARG BUILD_DATE=unknown
LABEL org.opencontainers.image.title="culprit" \
      org.opencontainers.image.description="Tells every Prometheus alert what caused it" \
      org.opencontainers.image.source="https://github.com/culprit-dev/culprit" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE"
COPY --from=build /src/out/culprit /bin/culprit
COPY --from=build --chown=65532:65532 /src/out/data /data
USER 65532:65532
WORKDIR /data
VOLUME ["/data"]
EXPOSE 9798
ENTRYPOINT ["/bin/culprit"]
CMD ["serve", "--config.file=/etc/culprit/culprit.yml", "--storage.path=/data"]
