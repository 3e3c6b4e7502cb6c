# Postern as a container image. `docker build .` gives the gateway: Node, the production dependencies and the
# compiled sources. `docker build --target demo .` gives the todo server and the local authorization server that
# docker-compose.yml puts next to it.

ARG NODE_IMAGE=docker.io/library/node:24-slim

# 1000 is the base image's user `node`: by number throughout, because Kubernetes' runAsNonRoot cannot resolve a name.

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# Not `npm run build`, which compiles the demo as well.
RUN npx --no-install tsc -p tsconfig.build.json && rm dist/.tsbuildinfo

# Installed afresh rather than pruned: nothing that only the build needed can be left behind. No dependency of the
# gateway needs an install script, so none may run.
FROM ${NODE_IMAGE} AS production-dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM build AS demo
COPY demo ./demo
RUN npx --no-install tsc -p demo/tsconfig.json
ENV NODE_ENV=production \
    HOST=0.0.0.0
USER 1000:1000
# Node asks, because the slim base image has neither curl nor wget.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=5 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "demo/dist/bin/todo-server.js"]

FROM ${NODE_IMAGE} AS gateway

LABEL org.opencontainers.image.title="Postern" \
      org.opencontainers.image.description="Authenticating reverse proxy that makes any MCP server an OAuth 2.1 resource server" \
      org.opencontainers.image.licenses="Apache-2.0"

# Inside a container loopback reaches nobody, so the gateway listens everywhere; what is published is the operator's
# decision.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3002

# All of it is owned by root and not writable by the user that runs it. (Some builders give a working directory that
# they create themselves to that user.)
RUN mkdir /etc/postern
COPY --from=production-dependencies /app/node_modules /app/node_modules
COPY package.json LICENSE /app/
COPY --from=build /app/dist /app/dist

# The default configuration file is ./config.json. Starting here makes that /etc/postern/config.json without setting
# POSTERN_CONFIG, so that a container without any file can still be configured by environment variables alone. Mount
# the directory, not the file: a bind-mounted file is not seen to change when an editor replaces it by rename.
WORKDIR /etc/postern

USER 1000:1000
EXPOSE 3002

HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

# Exec form, no shell and no init: Node is PID 1 and gets SIGTERM itself.
ENTRYPOINT ["node", "/app/dist/cli.js"]
