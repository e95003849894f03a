# SPDX-License-Identifier: Apache-2.0
# A small image with the program; it needs no network when it runs:
#   docker build -t laconic .
#   docker run --rm laconic list
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/laconic" laconic run problem=... method=... out=runs/one
FROM debian:12 AS builder
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates make
WORKDIR /source
COPY packages.txt ./
COPY tools/install_packages.sh tools/
RUN tools/install_packages.sh build charts
COPY . .
RUN make build && strip build/laconic

FROM debian:12-slim
COPY packages.txt /source/
COPY tools/install_packages.sh /source/tools/
RUN /source/tools/install_packages.sh image && rm -r /source /var/lib/apt/lists/*
COPY LICENSE /usr/share/doc/laconic/
COPY --from=builder /source/build/laconic /usr/local/bin/
RUN useradd --create-home laconic && install -d -o laconic /laconic
USER laconic
WORKDIR /laconic
ENTRYPOINT ["laconic"]
CMD ["--help"]
