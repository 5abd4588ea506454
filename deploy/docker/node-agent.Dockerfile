# Written by `npm run generate` from tools/images/dockerfile.ts. In the repository's root:
#   docker build -f deploy/docker/node-agent.Dockerfile -t glassline/node-agent .
ARG NODE_IMAGE=node:26.10.0-bookworm-slim
FROM ${NODE_IMAGE} AS base
WORKDIR /app

# The part of the workspace that this app needs, with a lock file of its own.
FROM base AS prune
ENV DO_NOT_TRACK=1 TURBO_TELEMETRY_DISABLED=1
RUN npm install --global --ignore-scripts turbo@2.11.9
COPY . .
RUN turbo prune @glassline/node-agent @glassline/edge-cache --docker

# Manifests come first: this layer is made anew only when dependencies change.
FROM base AS install
COPY --from=prune /app/out/json/ ./
RUN npm ci --omit=dev --ignore-scripts --workspace=@glassline/node-agent --workspace=@glassline/edge-cache

# Node strips no types below node_modules, so packages stay where the workspace has them, and links lead there.
FROM base AS runtime
LABEL org.opencontainers.image.title="glassline-node-agent" \
      org.opencontainers.image.description="Runs the edge caches of its machines as OpsBot wishes, and goes on without it." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    GLASSLINE_NODE_AGENT_HOST=0.0.0.0 \
    GLASSLINE_NODE_AGENT_ADMIN_PORT=7461 \
    GLASSLINE_NODE_AGENT_PKI_DIR=/pki \
    GLASSLINE_NODE_AGENT_DATA_DIR=/data
RUN install --directory --owner=node --group=node --mode=0700 /pki /data
COPY LICENSE ./
COPY --from=install /app/ ./
COPY --from=prune /app/out/full/ ./
VOLUME ["/data"]
# The user "node" of the base image, by number: an orchestrator can then see that it is not root.
USER 1000:1000
EXPOSE 7460 7461
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node","--input-type=module","-e","const { ok } = await fetch(\"http://127.0.0.1:\" + process.env.GLASSLINE_NODE_AGENT_ADMIN_PORT + \"/livez\"); process.exitCode = ok ? 0 : 1;"]
ENTRYPOINT ["node","apps/node-agent/src/main.ts"]
