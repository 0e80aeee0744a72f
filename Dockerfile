# SPDX-License-Identifier: MIT
#
# docker build -t borderlens .
#
# The first stage builds and runs the unit suites (the flow suites want network
# namespaces, which a build may not make: ./tests/run has them); the second has the binary and
# the libraries it is linked with.  The binary has no file capabilities: what it
# needs it is given by the container's cap_add (compose.yaml) and gives up again.
FROM debian:bookworm-slim AS build
COPY packages.txt /tmp/packages.txt
RUN apt-get update -q \
 && awk '$1 == "build" || $1 == "suite" { print $2 }' /tmp/packages.txt | sort -u \
  | DEBIAN_FRONTEND=noninteractive xargs apt-get install -y -q --no-install-recommends
COPY . /src
RUN cmake -S /src -B /build -DCMAKE_BUILD_TYPE=Release \
 && cmake --build /build -j"$(nproc)" \
 && ctest --test-dir /build -j"$(nproc)" --output-on-failure --timeout 180 --exclude-regex '^flow/' \
 && strip --strip-unneeded -o /borderlens /build/borderlens

FROM debian:bookworm-slim
COPY packages.txt /tmp/packages.txt
RUN apt-get update -q \
 && awk '$1 == "runtime" { print $2 }' /tmp/packages.txt | sort -u \
  | DEBIAN_FRONTEND=noninteractive xargs apt-get install -y -q --no-install-recommends \
 && rm -rf /tmp/packages.txt /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /borderlens /usr/bin/borderlens
COPY LICENSE /usr/share/doc/borderlens/
COPY config/rulesets /usr/share/borderlens/rulesets
COPY geo/operators.csv geo/vendors.csv geo/kinds.csv /usr/share/borderlens/
COPY geo/fetch geo/fetch.pins geo/asn2mmdb.pl /usr/share/borderlens/geo/
VOLUME ["/var/lib/borderlens", "/var/log/borderlens"]
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["/usr/bin/borderlens", "health", "--quiet"]
ENTRYPOINT ["/usr/bin/borderlens"]
CMD ["run", "-c", "/etc/borderlens/borderlens.yaml"]
