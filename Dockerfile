# syntax=docker/dockerfile:1

FROM node:22-bookworm-slim AS web
WORKDIR /src
COPY web/package.json web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY web ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=web /src/dist ./web/dist
ARG VERSION=dev
# timetzdata: campaigns follow their customers' time zones, and the final image need not carry the files.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags "-s -w -X main.version=${VERSION}" -o /out/rapport ./cmd/rapport \
    && mkdir /out/data

# No shell, no package manager; CA certificates and the user nonroot (65532).
FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev
LABEL org.opencontainers.image.title="Rapport" \
      org.opencontainers.image.description="Omnichannel messaging gateway for relationship marketing" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/rapport /rapport
COPY --from=build --chown=65532:65532 /out/data /data
# The root file system may be read-only: what is kept goes to /data, temporary files to /tmp (a tmpfs).
VOLUME /data
ENV RAPPORT_DATA_DIR=/data RAPPORT_HTTP_ADDR=0.0.0.0:8080
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/rapport", "healthcheck"]
ENTRYPOINT ["/rapport"]
CMD ["serve"]
