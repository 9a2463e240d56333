# The gateway and the demo carrier, each an image of its own: docker build --target gateway|carrier.
FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/lib.sh scripts/install_packages.sh scripts/
RUN scripts/install_packages.sh build demo
COPY . .
RUN mkdir /demo && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
      -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 \
      -keyout /demo/key.pem -out /demo/cert.pem \
 && cat /demo/cert.pem /demo/key.pem > /demo/agent.pem && chmod 644 /demo/*.pem \
 && npm ci --prefix web-demo \
 && cmake --preset release \
 && cmake --build --preset release \
 && npm run --prefix web-demo build

FROM debian:12-slim AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libwebsockets17 \
      libwebsockets-evlib-uv libuv1 libsofia-sip-ua0 libnice10 libsrtp2-1 libssl3 libspdlog1.10 \
      libfmt9 libyaml-cpp0.7 libc-ares2 libjwt0 libsqlite3-0 libcurl4 libre2-9 libopus0 \
      libspandsp2 libspeexdsp1 tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /opt/lastmile --shell /usr/sbin/nologin lastmile
WORKDIR /opt/lastmile
USER lastmile

FROM runtime AS carrier
COPY --from=build /demo demo
COPY --from=build /src/build/release/demo_carrier/lastmile-demo-carrier bin/
ENTRYPOINT ["/opt/lastmile/bin/lastmile-demo-carrier"]

FROM runtime AS gateway
COPY --from=build /demo demo
COPY --from=build /src/web-demo/dist web-demo/dist
COPY --from=build /src/build/release/gateway/app/lastmile bin/
ENTRYPOINT ["/opt/lastmile/bin/lastmile"]
CMD ["run", "--demo", "--demo-files", "/opt/lastmile/demo"]
