# The program in a container, for Kubernetes, Hugging Face Jobs, or Slurm with Apptainer or Enroot:
#
#     docker build --tag interpboard .
#     docker build --tag interpboard --build-arg CUDA=ubuntu:24.04 .     (CPU alone)
#
# With a CUDA base the CUDA provider of onnxruntime is fetched while the image is built. What outlives a container lies in
# /shared, where a volume is mounted: run folders, records, the site (see docs/cluster.md) and caches.
ARG CUDA=nvidia/cuda:13.0.2-runtime-ubuntu24.04
ARG NODE=node:24-bookworm-slim

FROM ${NODE} AS node

FROM ${CUDA}
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && if command -v apt-get >/dev/null; then apt-get update && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*; fi

WORKDIR /interpboard
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY . .
# Not in the user's cache, which is the volume's.
ENV INTERPBOARD_CUDA=/opt/cuda/onnxruntime
RUN if [ -n "${CUDA_VERSION:-}" ]; then npm run cuda; fi

ENV HF_HOME=/shared/huggingface XDG_CACHE_HOME=/shared/cache INTERPBOARD_CACHE=/shared/cache/evaluation

ENTRYPOINT ["node", "runner/launch.mjs", "runner/cli.ts"]
CMD ["--help"]
