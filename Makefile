# The commands of this repository. `make` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Queries are checked against the committed .sqlx, not against some database of the developer's.
export SQLX_OFFLINE := true
# Recordings that some tests measure against; not part of the repository, and not needed.
export HARKBACK_CORPUS ?= $(abspath $(wildcard ../shared/corpus))
ifeq ($(HARKBACK_CORPUS),)
unexport HARKBACK_CORPUS
endif

# Arguments of demo and quality.
export FILE ?=
TABLES ?=
# Of formats: all, or a part of the names of some.
FORMATS ?= all
# Those of the tables that are about samples.
SAMPLE_TABLES := hits roles loops

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: fixtures ## a recording goes in; timeline, samples, shots, pictures come out (FILE=… for your own, audio or video)
	@test -z "$$FILE" || test -f "$$FILE" || { echo "there is no file $$FILE"; exit 2; }
	@echo 'building harkback (minutes the first time, seconds later)'
	@cargo build --release --locked --quiet --package harkback
	@$(or $(CARGO_TARGET_DIR),target)/release/harkback demo "$${FILE:-fixtures/media/talk_and_music.mp4}"

.PHONY: clean-demo
clean-demo: ## remove what the demo keeps in .demo/
	rm -rf .demo

# Snapshots are compared, never written.
test: export INSTA_UPDATE := no
.PHONY: test
test: fixtures ## all tests, on a throwaway Postgres
	tools/with-postgres.sh cargo test --workspace --locked --no-fail-fast

.PHONY: formats
formats: fixtures ## measure every container and codec, and write the table of docs/formats.md (FORMATS=MPEG-TS for some)
	@if command -v python3 >/dev/null; then fixtures/rare_codecs.py; else echo 'rare codecs are not measured: no python3'; fi
	cargo test --workspace --locked --test it rare_codecs:: -- --nocapture
	HARKBACK_FORMATS="$(FORMATS)" tools/with-postgres.sh cargo test --workspace --locked --test e2e formats -- --nocapture

# Where ggml-tiny.en.bin and ggml-base.bin are, and the speaker models.
MODELS ?= $(HARKBACK_MODELS)

.PHONY: words
words: bootstrap ## measure the words of real Whisper models on the corpus, beside faster-whisper (MODELS=directory)
	@test -n "$(MODELS)" || { echo 'give the directory of ggml-tiny.en.bin and ggml-base.bin: make words MODELS=…'; exit 2; }
	@test -n "$(HARKBACK_CORPUS)" || { echo 'the corpus is absent: set HARKBACK_CORPUS to its directory'; exit 2; }
	@python3 -c 'import numpy' || { echo 'python3 has no numpy: pip install -r tools/words/requirements.txt'; exit 2; }
	cargo build --release --workspace --locked --example words
	python3 tools/words/measure.py --example target/release/examples/words --models "$(MODELS)" --corpus "$(HARKBACK_CORPUS)"

.PHONY: speakers
speakers: bootstrap ## measure who speaks when, and voices, on made dialogues and meetings (MODELS=directory)
	@test -n "$(MODELS)" || { echo 'give the directory of the speaker models: make speakers MODELS=…'; exit 2; }
	@test -n "$(HARKBACK_CORPUS)" || { echo 'the corpus is absent: set HARKBACK_CORPUS to its directory'; exit 2; }
	@python3 -c 'import numpy' || { echo 'python3 has no numpy: pip install -r tools/words/requirements.txt'; exit 2; }
	cargo build --release --locked --package audio_speakers --example diarize
	python3 tools/speakers/measure.py --example target/release/examples/diarize --models "$(MODELS)" --corpus "$(HARKBACK_CORPUS)"

# Number of places that queries are cut from, and hours of the library they are searched in.
PLACES ?= 40
HOURS ?= 10

.PHONY: identify
identify: bootstrap ## measure fingerprints: places, false matches, alignment, conforming (TABLES="recall unknown loops align conform", PLACES=40, HOURS=10)
	@test -d "$(HARKBACK_BENCH_DIR)/library" || { echo 'there is no library: set HARKBACK_BENCH_DIR, and make one with tools/identify/library.py $$HARKBACK_BENCH_DIR/library MUSIC…'; exit 2; }
	cargo build --release --locked --package audio_fingerprint --example identify
	$(or $(CARGO_TARGET_DIR),target)/release/examples/identify "$(HARKBACK_BENCH_DIR)/library" hours=$(HOURS) places=$(PLACES) $(TABLES)

.PHONY: exports
exports: bootstrap ## write made timelines in every export format and read them back with independent readers (needs PyPI)
	@tools/exports/run.sh

# Of the walks through the page: parts of names of tests.
NAMES ?=

.PHONY: test-page
test-page: fixtures ## walk through the page in Chromium and Firefox (needs npm; NAMES="lanes axe" for some, NAMES=firefox)
	cargo build --workspace --locked --bin harkback
	@tools/with-postgres.sh tools/page/run.sh $(or $(CARGO_TARGET_DIR),target)/debug/harkback $(NAMES)

.PHONY: clients
clients: fixtures ## generate clients in Python and TypeScript, call every operation, client-python (needs PyPI and npm)
	cargo build --workspace --locked --bin harkback
	@tools/clients.sh $(or $(CARGO_TARGET_DIR),target)/debug/harkback

.PHONY: client-python
client-python: fixtures ## types and tests of clients/python, on a service (needs PyPI; UPDATE_MODELS=1 writes its types)
	cargo build --workspace --locked --bin harkback
	@tools/client_python.sh $(or $(CARGO_TARGET_DIR),target)/debug/harkback

.PHONY: schemathesis
schemathesis: fixtures ## try the OpenAPI document on a service: all checks, stateful too (needs PyPI; EXAMPLES=10 each)
	cargo build --workspace --locked --bin harkback
	@tools/schemathesis.sh $(or $(CARGO_TARGET_DIR),target)/debug/harkback

.PHONY: mutants
mutants: bootstrap ## decode a million damaged recordings in the process, ten thousand through ffmpeg
	cargo run --release --locked --quiet --package media_decode --example mutants -- 1000000
	cargo run --release --locked --quiet --package media_decode --example mutants -- --ffmpeg 10000

.PHONY: fixtures
fixtures: bootstrap ## generate the media that tests and the demo use
	@fixtures/make.sh

.PHONY: bootstrap
bootstrap: ## install what this machine lacks (Debian, Ubuntu)
	@tools/bootstrap.sh

.PHONY: fmt
fmt: ## format the code
	cargo fmt --all

.PHONY: fmt-check
fmt-check: ## is the code formatted?
	cargo fmt --all --check

.PHONY: lint
lint: ## clippy over everything, warnings are errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: docs
docs: ## the documentation of every crate, in target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

.PHONY: audit
audit: ## licences, advisories and sources of dependencies (needs cargo-deny)
	cargo deny check

.PHONY: bench
bench: bootstrap ## speed and memory of the analysis, of shot lists and of renders, ffmpeg beside them (TABLES=library)
	@$(if $(filter library,$(TABLES)),$(MAKE) --no-print-directory library,tools/bench.sh)

# Of library: samples and windows of words, and recordings, each of which has ten artifacts.
ROWS ?= 1000000
ASSETS ?= 1000000

.PHONY: library
library: bootstrap ## p50 and p99 of searches, and of all lists and queries, on made rows (ROWS=1000000 ASSETS=1000000)
	cargo build --release --workspace --locked --example library_bench --bin harkback
	tools/with-postgres.sh bash -c '$(or $(CARGO_TARGET_DIR),target)/release/examples/library_bench "$$TEST_DATABASE_URL" $(ROWS)'
	tools/with-postgres.sh tools/library_tables.py $(or $(CARGO_TARGET_DIR),target)/release/harkback --assets $(ASSETS)

.PHONY: bench-latency
bench-latency: bootstrap ## latency of what players ask for, at fixed rates; fails when an aim is missed
	@tools/bench.sh latency

.PHONY: bench-page
bench-page: fixtures ## frame times and heap of the page on three hours of audio, beside an empty page (needs npm)
	cargo build --release --locked --quiet --package harkback
	@tools/with-postgres.sh tools/page/run.sh $(or $(CARGO_TARGET_DIR),target)/release/harkback bench

.PHONY: storm
storm: fixtures target/moto ## what hostile requests and failing stores cost: memory, and the time of others meanwhile
	cargo build --release --locked --quiet --package harkback
	ulimit -n 4096; tools/storm.py target/release/harkback --moto target/moto/bin/moto_server

# Stands for an object store; without it that part of storm is left out, and object-store fails.
target/moto:
	python3 -m venv target/moto && target/moto/bin/pip install --quiet 'moto[server]==5.1.4' || rm -rf target/moto

# Of chaos: kills, and what draws their moments.
KILLS ?= 20
SEED ?= 1

.PHONY: chaos
chaos: fixtures ## kill the service and its Postgres under load, and count what was lost (KILLS=20 SEED=1)
	cargo build --release --locked --quiet --package harkback
	tools/chaos.py target/release/harkback --kills $(KILLS) --seed $(SEED)

.PHONY: resumable
resumable: target/tus ## uploads by tuspy, tus-js-client and `harkback upload`, cut 50 times, with 20 kills (KILLS=20 SEED=1)
	cargo build --release --locked --quiet --package harkback
	target/tus/bin/python tools/resumable.py target/release/harkback --kills $(KILLS) --seed $(SEED)

.PHONY: object-store
object-store: target/tus target/moto ## sources and uploads in parts on an S3 server (moto), over cut connections, with kills (KILLS=5)
	cargo build --release --locked --quiet --package harkback
	target/tus/bin/python tools/object_store.py target/release/harkback --moto target/moto/bin/moto_server \
		--kills $(if $(filter-out file,$(origin KILLS)),$(KILLS),5) --seed $(SEED)

# Clients of tus.
target/tus:
	python3 -m venv target/tus && target/tus/bin/pip install --quiet tuspy==1.1.0
	npm install --silent --no-save --prefix target/tus tus-js-client@4.3.1

.PHONY: mutants-http
mutants-http: fixtures ## 20 000 mutated bodies and 2 000 damaged recordings over HTTP: none is answered 5xx
	cargo build --release --locked --quiet --package harkback
	tools/mutants.py target/release/harkback

.PHONY: chaos-jobs
chaos-jobs: bootstrap ## workers that are killed and frozen while they run jobs (CHAOS="--jobs 60 --faults 40")
	cargo build --release --locked --quiet --workspace --bins
	tools/with-postgres.sh tools/chaos_jobs.py target/release/harkback $(CHAOS)

.PHONY: load-jobs
load-jobs: bootstrap ## 10 000 queued jobs of 20 tenants: rates, turns, latencies, memory (LOAD="--jobs 10000")
	cargo build --release --locked --quiet --workspace --bins
	ulimit -n 4096; tools/with-postgres.sh tools/load_jobs.py target/release/harkback $(LOAD)

.PHONY: scale-jobs
scale-jobs: bootstrap ## one, two and three workers of half a core each (as root, for control groups)
	cargo build --release --locked --quiet --workspace --bins
	tools/with-postgres.sh tools/scale_jobs.py target/release/harkback

.PHONY: behind-proxy
behind-proxy: fixtures ## long work behind a proxy that cuts after 10 s (MODELS=DIRECTORY for words with tiny.en)
	cargo build --release --locked --quiet --workspace --bins
	tools/behind_proxy.py target/release/harkback $(if $(MODELS),--model $(MODELS)/ggml-tiny.en.bin)

.PHONY: traces
traces: fixtures ## one call through queue, worker and ffmpeg as one OpenTelemetry trace
	cargo build --locked --quiet --workspace --bins --features harkback/otlp
	tools/with-postgres.sh tools/traces.py target/debug/harkback

.PHONY: quality
quality: bootstrap ## score the analysis on the corpus, a table a task (TABLES="vad …" for some)
	@$(if $(if $(TABLES),$(filter-out $(SAMPLE_TABLES),$(TABLES)),all),cargo run --release --locked --quiet \
		--package audio_signal --example quality -- $(filter-out $(SAMPLE_TABLES),$(TABLES)))
	@$(if $(if $(TABLES),$(filter $(SAMPLE_TABLES),$(TABLES)),all),cargo run --release --locked --quiet \
		--package audio_field_to_samples --example samples_quality -- $(filter $(SAMPLE_TABLES),$(TABLES)))

.PHONY: quality-peers
quality-peers: bootstrap ## the same recordings by librosa, aubio, Essentia, madmom and inaSpeechSegmenter, beside ours (installs them from PyPI)
	tools/peers/measure.sh

# Of try-image and try-deb: an existing binary, else a release build.
BINARY ?=
TRIED = $(or $(BINARY),$(or $(CARGO_TARGET_DIR),target)/release/harkback)
build-tried:
	@$(if $(BINARY),:,cargo build --release --locked --quiet --package harkback)

.PHONY: try-image build-tried
try-image: fixtures build-tried ## build the image and call the service in it (as root, with buildah and mmdebstrap; BINARY=…)
	packaging/try_image.sh $(TRIED)

.PHONY: try-deb
try-deb: build-tried ## install, verify and purge the Debian package (as root, with cargo-deb and mmdebstrap; BINARY=…)
	packaging/try_deb.sh $(TRIED)

.PHONY: sqlx-prepare
sqlx-prepare: ## write .sqlx again after a change of a query or a migration
	tools/sqlx-prepare.sh
