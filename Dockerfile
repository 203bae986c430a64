# One image for every service: `docker run IMAGE gateway`, `... scheduler`, `... attention-worker`, `... ffn-worker`, `... up`.
#
#   docker build -t tandem .
#   docker build -t tandem --build-arg NATIVE=0 .      without the native engine (no compiler is installed)
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
ARG NATIVE=1
WORKDIR /app
# The engine falls back to the reference backend, so a missing compiler does not stop the build.
RUN if [ "$NATIVE" = 1 ]; then \
      { apt-get update -qq && apt-get install -y -qq --no-install-recommends g++; } >/dev/null \
      || echo 'no compiler could be installed: the image will run the reference backend'; \
    fi
COPY . .
RUN npm ci --no-audit --no-fund
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund
# What runs, and nothing else: sources, tests and compiler output stay behind.
RUN mkdir /runtime \
 && cp -a --parents package.json proto node_modules \
      packages/*/package.json packages/*/dist packages/cli/bin packages/default-model packages/store/lua \
      services/*/package.json services/*/dist /runtime/ \
 && for file in packages/engine/build/status.json packages/engine/build/Release/tandem_native.node; do \
      if [ -f "$file" ]; then cp -a --parents "$file" /runtime/; fi; \
    done \
 && find /runtime -path '*/dist/*' \( -name '*.map' -o -name '*.d.ts' \) -delete

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
RUN ln -s /app/packages/cli/bin/tandem.mjs /usr/local/bin/tandem && mkdir /models && chown node:node /models
COPY --from=build /runtime /app
USER node
WORKDIR /app
# HTTP of the gateway, gRPC of the scheduler, first port of an ffn worker.
EXPOSE 8000 8001 8002
VOLUME /models
ENTRYPOINT ["tandem"]
CMD ["up", "--host", "0.0.0.0"]
