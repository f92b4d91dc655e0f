# Two steps: build with everything, ship with nothing but Node, our code and what it needs to run.
# The image has no shell, no package manager, no demo and no development runtime, and does not run as root.

FROM node:26-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
COPY tools/runtime/package.json tools/runtime/package.json
RUN npm ci --ignore-scripts
COPY src src
RUN npm run build
RUN npm ci --ignore-scripts --omit=dev --omit=optional
# The root of the image: Node, the shared libraries it names, and a user without rights.
RUN set -eu; \
    mkdir -p /image/bin /image/etc /image/tmp /image/app/public; \
    cp "$(command -v node)" /image/bin/node; \
    ldd /image/bin/node | grep -o '/[^ ]*' | sort -u | while read -r library; do \
      mkdir -p "/image$(dirname "$library")"; cp -L "$library" "/image$library"; done; \
    echo 'claimcheck:x:65532:65532::/app:/none' > /image/etc/passwd; \
    chmod 1777 /image/tmp; \
    rm -rf node_modules/@claimcheck node_modules/.bin node_modules/.package-lock.json; \
    cp -R package.json dist node_modules /image/app/

FROM scratch
COPY --from=build /image /
COPY public /app/public
WORKDIR /app
USER 65532:65532
ENV NODE_ENV=production HOST=0.0.0.0 PUBLIC_DIR=/app/public
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["/bin/node", "/app/dist/cli/main.js", "health"]
ENTRYPOINT ["/bin/node", "/app/dist/main.js"]
