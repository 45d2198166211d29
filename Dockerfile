# One image for the master, workers, proxies and the command line:
#   docker build --tag orchestrify .
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
# A mirror of npm's registry: --build-arg NPM_CONFIG_REGISTRY=https://…
ARG NPM_CONFIG_REGISTRY=https://registry.npmjs.org/
ARG NPM_CONFIG_UPDATE_NOTIFIER=false
WORKDIR /opt/orchestrify
# The packages change seldom: this layer is kept while only sources change. Without scripts: the
# build below is the only one that is needed.
COPY .npmrc package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node build.mjs \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && chmod 755 bin/orchestrify.mjs

FROM ${NODE_IMAGE}
WORKDIR /opt/orchestrify
COPY --from=build /opt/orchestrify/node_modules node_modules
COPY --from=build /opt/orchestrify/package.json ./
COPY --from=build /opt/orchestrify/master/package.json master/
COPY --from=build /opt/orchestrify/worker/package.json worker/
COPY --from=build /opt/orchestrify/proxy/package.json proxy/
COPY --from=build /opt/orchestrify/bin bin
COPY --from=build /opt/orchestrify/dist dist
# A new volume takes over the owner of the folder, so a program that is not root may write to it.
RUN ln -s /opt/orchestrify/bin/orchestrify.mjs /usr/local/bin/orchestrify \
 && mkdir -p /var/lib/orchestrify \
 && chown 1000:1000 /var/lib/orchestrify \
 && chmod 700 /var/lib/orchestrify

ENV NODE_ENV=production ORCHESTRIFY_DATA=/var/lib/orchestrify
VOLUME /var/lib/orchestrify
WORKDIR /var/lib/orchestrify
USER 1000:1000
STOPSIGNAL SIGTERM
EXPOSE 18080 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "/opt/orchestrify/bin/healthcheck.mjs"]
ENTRYPOINT ["orchestrify"]
CMD ["master"]
