# Every target sets up what it needs. `make help` lists them.
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# What Node makes of the source, types stripped: with it unit tests take a fifth less.
export NODE_COMPILE_CACHE := $(CURDIR)/node_modules/.cache/node
NAME ?= meshwright
CLUSTER ?= local
export CLUSTER IMAGE_PREFIX MESH
.DEFAULT_GOAL := help

help: ## Lists the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }'

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

crds/istio/.version: node_modules/.package-lock.json tools/go-module.ts
	node tools/fetch-crds.ts

setup: node_modules/.package-lock.json crds/istio/.version ## Installs npm packages, system packages and cluster binaries
	node e2e/cluster/cli.ts setup

generate: node_modules/.package-lock.json ## Regenerates Envoy, Kubernetes and Istio types, docs/errors.md, docs/api-support.md
	node tools/generate-proto.ts
	node tools/generate-descriptors.ts
	node tools/generate-api.ts
	node tools/generate-errors.ts
	node tools/generate-api-support.ts

lint: node_modules/.package-lock.json ## Type check, lint, format check
	npm run --silent check

test-fast: lint ## Lint and unit tests, some 80 seconds on two CPUs
	npm run --silent test:unit

golden: setup ## Rewrites the expected outputs, then has the real Envoy check its own
	node --test --test-update-snapshots 'src/**/*.test.ts'
	node --test e2e/integration/goldens.test.ts

cluster-up: setup ## Brings up a local Kubernetes cluster [NAME=meshwright]
	node e2e/cluster/cli.ts up $(NAME)

cluster-down: node_modules/.package-lock.json ## Removes the local cluster [NAME=meshwright]
	node e2e/cluster/cli.ts down $(NAME)

cluster-check: setup ## Kills and crowds local clusters and looks what they leave [ROUNDS=8]
	node e2e/cluster/check.ts $(ROUNDS)

images: setup ## Builds the images and loads them into the cluster
	node e2e/cluster/cli.ts images $(NAME)

test: crds/istio/.version ## Lint, unit, integration and end-to-end tests; totals at the end
	node e2e/test.ts

e2e: crds/istio/.version ## End-to-end tests alone [CASE=request-routing; crowd, dns and proxyless are in no other target] [KEEP=1 keeps the cluster]
	KEEP=$(KEEP) node e2e/test.ts e2e $(CASE)

render: node_modules/.package-lock.json ## Writes dist/manifests with the images of IMAGE_PREFIX
	node e2e/demo/render.ts

bench: node_modules/.package-lock.json ## Figures of a mesh on a local cluster [PART=latency]
	NAME=bench node e2e/bench/mesh.ts $(PART)

bench-scale: setup ## The control plane against many proxies and a large world [SERVICES=1000 PROXIES=500 ARGS=--mtls|--growth|--envoy]
	node e2e/bench/scale.ts $(ARGS) $(SERVICES) $(PROXIES)

demo: crds/istio/.version ## A mesh with bookinfo, from nothing, and the exercises on it
	NAME=$(NAME) node e2e/demo/run.ts

demo-down: node_modules/.package-lock.json ## Removes what the demo made
	NAME=$(NAME) node e2e/demo/run.ts down

.PHONY: help setup generate lint test-fast test e2e bench golden demo demo-down render cluster-up cluster-down cluster-check images bench-scale
