# What a person does with this repository. Everything longer than a line stands in scripts/.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
DEMO     ?= 1
DURATION ?= 30m
DATA     := $(or $(RAPPORT_DATA_DIR),data)

.DEFAULT_GOAL := help
.PHONY: help docs run build test bench crash soak fuzz tour lint vuln sbom fmt clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# exec: a shell between make and the server would end on Ctrl-C and leave the server draining alone.
run: build ## start everything in one process with demo data (DEMO=0: empty); RAPPORT_ variables pass through
ifeq ($(DEMO),0)
	@mkdir -p -m 700 $(DATA) && { [ -s $(DATA)/secret.key ] || (umask 077 && openssl rand -base64 32 >$(DATA)/secret.key); }
	@RAPPORT_SECRET_KEY="$${RAPPORT_SECRET_KEY:-$$(cat $(DATA)/secret.key)}" exec bin/rapport serve
else
	@RAPPORT_DEMO=true exec bin/rapport serve
endif

build: web/dist/index.html ## compile bin/rapport, with the web app in it
	@CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/rapport ./cmd/rapport

# Without Node the program is complete but for the app, and says so at /.
web/dist/index.html: web/package-lock.json web/openapi.json web/index.html web/vite.config.ts web/scripts/values.js $(shell find web/src web/public -type f -not -name schema.d.ts -not -name values.ts)
	@scripts/web.sh

test: ## run every test on real PostgreSQL, Redis and Postfix (missing ones are installed where you may)
	@scripts/test.sh

bench: build ## measure messages/s and CPU a message, each channel, both databases
	@RAPPORT_TEST_BIN=$(CURDIR)/bin/rapport SERVICES="postgres redis" scripts/services.sh run -- go run ./internal/bench

crash: build ## kill, stop, flush, break, and count what arrived: about 5 minutes (FULL=1: 100 kills in 100,000 sends)
	@RAPPORT_TEST_BIN=$(CURDIR)/bin/rapport RAPPORT_TEST_CRASH=$(if $(FULL),long,short) scripts/services.sh run -- go test -count=1 -v -timeout 3h ./internal/crash

soak: build ## steady load and random faults for DURATION (30m): nothing lost, and nothing that grows
	@RAPPORT_TEST_BIN=$(CURDIR)/bin/rapport RAPPORT_TEST_SOAK=$(DURATION) SERVICES="postgres redis" scripts/services.sh run -- go test -count=1 -v -timeout 0 -run TestSoak ./internal/crash

fuzz: ## run every fuzz target for 10 million inputs or 10 minutes (FUZZTIME=1m, EXECS=100000: shorter; TARGETS=email: some)
	@FUZZTIME=$(or $(FUZZTIME),10m) EXECS=$(or $(EXECS),10000000) scripts/fuzz.sh

tour: build ## the README's tour on PostgreSQL + Redis: one api, two workers
	@RAPPORT_DEMO=true scripts/compose-local.sh scripts/tour.sh

docs: ## write the generated parts of the README, and web/openapi.json, anew
	@go test ./api -run TestOpenAPI_TheApp -count=1 -update >/dev/null
	@go test ./cmd/rapport -run TestREADME -count=1 -update

lint: ## golangci-lint (the first run compiles it: a minute or two)
	@CGO_ENABLED=0 GOFLAGS=-trimpath go tool -modfile=tools/go.mod golangci-lint run

vuln: ## look up known vulnerabilities in what the program calls (govulncheck; needs https://vuln.go.dev)
	@scripts/vuln.sh

sbom: build ## write bin/sbom.json, what the program is made of (CycloneDX)
	@VERSION=$(VERSION) scripts/sbom.sh

fmt: ## format the Go code
	@gofmt -w -s $$(git ls-files -co --exclude-standard '*.go')

clean: ## remove what was built (your data directory stays)
	@rm -rf bin web/node_modules && find web/dist -mindepth 1 -not -name .gitkeep -delete
