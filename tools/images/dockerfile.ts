/** The one template of all Dockerfiles. */
import type { App } from "./apps.ts";
import { listeningPorts } from "./apps.ts";
import {
  BUILD_FILES,
  DATA_DIRECTORY,
  PKI_DIRECTORY,
  buildCommand,
  buildOutput,
  dataSettings,
  entryPoint,
  healthArguments,
  imageEnvironment,
  installCommand,
  installForBuildCommand,
  pruneCommand,
} from "./recipe.ts";

export interface Versions {
  node: string;
  turbo: string;
}

export const dockerfilePath = ({ name }: App): string => `deploy/docker/${name}.Dockerfile`;

export function dockerfileOf(app: App, { node, turbo }: Versions): string {
  return `# Written by \`npm run generate\` from tools/images/dockerfile.ts. In the repository's root:
#   docker build -f ${dockerfilePath(app)} -t glassline/${app.name} .
ARG NODE_IMAGE=node:${node}-bookworm-slim
FROM \${NODE_IMAGE} AS base
WORKDIR /app

# The part of the workspace that this app needs, with a lock file of its own.
FROM base AS prune
ENV DO_NOT_TRACK=1 TURBO_TELEMETRY_DISABLED=1
RUN npm install --global --ignore-scripts turbo@${turbo}
COPY . .
RUN ${pruneCommand(app)}

# Manifests come first: this layer is made anew only when dependencies change.
FROM base AS install
COPY --from=prune /app/out/json/ ./
RUN ${installCommand(app)}
${buildStage(app)}
# Node strips no types below node_modules, so packages stay where the workspace has them, and links lead there.
FROM base AS runtime
LABEL org.opencontainers.image.title="glassline-${app.name}" \\
      org.opencontainers.image.description=${JSON.stringify(app.program.purpose)} \\
      org.opencontainers.image.version="${app.version}" \\
      org.opencontainers.image.licenses="Apache-2.0"
ENV ${assignments(imageEnvironment(app))}
RUN install --directory --owner=node --group=node --mode=0700 ${folders(app).join(" ")}
COPY LICENSE ./
COPY --from=install /app/ ./
COPY --from=prune /app/out/full/ ./
${app.isBuilt ? `COPY --from=build /app/${buildOutput(app)}/ ${buildOutput(app)}/\n` : ""}${
    hasData(app) ? `VOLUME ["${DATA_DIRECTORY}"]\n` : ""
  }# The user "node" of the base image, by number: an orchestrator can then see that it is not root.
USER 1000:1000
EXPOSE ${[...listeningPorts(app).values()].join(" ")}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \\
  CMD ${JSON.stringify(["node", ...healthArguments(app)])}
ENTRYPOINT ${JSON.stringify(["node", entryPoint(app)])}
`;
}

function buildStage(app: App): string {
  if (!app.isBuilt) return "";
  return `
# What is built needs the tools; they stay in this stage.
FROM base AS build
COPY --from=prune /app/out/json/ ./
RUN ${installForBuildCommand(app)}
COPY --from=prune /app/out/full/ ./
COPY ${BUILD_FILES.join(" ")} ./
RUN ${buildCommand(app)}
`;
}

const hasData = (app: App): boolean => dataSettings(app).length > 0;

const folders = (app: App): string[] =>
  hasData(app) ? [PKI_DIRECTORY, DATA_DIRECTORY] : [PKI_DIRECTORY];

const assignments = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(" \\\n    ");
