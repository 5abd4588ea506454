# Written by `npm run generate` from tools/images/dockerfile.ts. In the repository's root:
#   docker build -f deploy/docker/mesh-node.Dockerfile -t glassline/mesh-node .
ARG NODE_IMAGE=node:26.10.0-bookworm-slim
FROM ${NODE_IMAGE} AS base
WORKDIR /app

# The part of the workspace that this app needs, with a lock file of its own.
FROM base AS prune
ENV DO_NOT_TRACK=1 TURBO_TELEMETRY_DISABLED=1
RUN npm install --global --ignore-scripts turbo@2.11.9
COPY . .
RUN turbo prune @glassline/mesh-node --docker

# Manifests come first: this layer is made anew only when dependencies change.
FROM base AS install
COPY --from=prune /app/out/json/ ./
RUN npm ci --omit=dev --ignore-scripts --workspace=@glassline/mesh-node

# Node strips no types below node_modules, so packages stay where the workspace has them, and links lead there.
FROM base AS runtime
LABEL org.opencontainers.image.title="glassline-mesh-node" \
      org.opencontainers.image.description="Takes what cameras measure (gateway) and carries it through the mesh to a collector (relay)." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    GLASSLINE_MESH_NODE_HOST=0.0.0.0 \
    GLASSLINE_MESH_NODE_ADMIN_PORT=7431 \
    GLASSLINE_MESH_NODE_PKI_DIR=/pki \
    GLASSLINE_MESH_NODE_DATA_DIR=/data
RUN install --directory --owner=node --group=node --mode=0700 /pki /data
COPY LICENSE ./
COPY --from=install /app/ ./
COPY --from=prune /app/out/full/ ./
VOLUME ["/data"]
# The user "node" of the base image, by number: an orchestrator can then see that it is not root.
USER 1000:1000
EXPOSE 7421 7431
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node","--input-type=module","-e","const { ok } = await fetch(\"http://127.0.0.1:\" + process.env.GLASSLINE_MESH_NODE_ADMIN_PORT + \"/livez\"); process.exitCode = ok ? 0 : 1;"]
ENTRYPOINT ["node","apps/mesh-node/src/main.ts"]
