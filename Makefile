# The front door. `make run` and `make test` also work on a machine that has nothing but make.
#
#   make run     install what is missing, build, start, print the address    (ARGS="--interval 100ms")
#   make test    the same, then every test; ends with "N passed, N failed, N skipped"
#   make build   build/netsonde, optimized, everything inside one file
#   make asan | tsan | valgrind   the suites under a checker
#   make fuzz    each fuzz target for FUZZ_SECONDS (60)
#   make bench   every asked figure beside the peers, in one run (BENCH_SECONDS=60)
#   make bench-ebpf   what counting in the kernel costs loopback (root)
#   make bench-detect   the detector alone (NAB=FOLDER: a checkout of the Numenta Anomaly Benchmark, too)
#   make bench-alerts   what alerts cost a tick, and how soon they reach 100 viewers (root)
#   make bench-sockets  the cost of looking at 18,000 sockets alone
#   make bench-fanout   the part about many viewers alone (BENCH_ROUNDS=5)
#   make bench-storage  history beside Prometheus and VictoriaMetrics (DATABASE=FOLDER of a daemon's data, too)
#   make bench-packets  the packet engine beside ndpiReader, and live (CAPTURES=FOLDER of captures)
#   make soak    half an hour of work, then a verdict on what grows (SOAK_SECONDS=1800)
#   make check-long   every long check, one line each (about two hours; tools/check-long names the knobs)
#   make docs    write what is generated, check links, names and flags in all documents
#   make lint | format | install | clean
#
# NO_INSTALL=1 only names what is missing. Build directories, each for one purpose, lie in build/:
# release (gcc or $CC), asan (clang, address and undefined, fuzz targets), tsan (clang, thread).

RELEASE := build/release
ASAN := build/asan
TSAN := build/tsan

# Lines are what their reports need; all that a debugger knows costs time and space in each program.
SANITIZED := -Dbuildtype=debug -Doptimization=1 -Db_lundef=false -Dc_args=-gline-tables-only

FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory
.PHONY: run test build asan tsan valgrind fuzz bench bench-alerts bench-dashboard bench-detect bench-ebpf bench-fanout bench-packets bench-sockets bench-storage soak check-long docs lint format install clean
.PHONY: setup-run setup-test setup-lint release-with-tests bench-programs

setup-run setup-test setup-lint: setup-%:
	@tools/setup $*

# -- building ----------------------------------------------------------------------------------

$(RELEASE)/build.ninja: | setup-run
	@meson setup $(RELEASE) -Dtests=false

$(ASAN)/build.ninja: | setup-test
	@CC=clang CC_LD=lld meson setup $(ASAN) $(SANITIZED) -Db_sanitize=address,undefined -Dfuzzing=true

$(TSAN)/build.ninja: | setup-test
	@CC=clang CC_LD=lld meson setup $(TSAN) $(SANITIZED) -Db_sanitize=thread

build: setup-run $(RELEASE)/build.ninja
	@ninja --quiet -C $(RELEASE) netsonde
	@ln -sfn release/netsonde build/netsonde

# `make run` needs no test library, so the suites join the same build directory only here.
release-with-tests: setup-test $(RELEASE)/build.ninja
	@[ -e $(RELEASE)/with-tests ] || meson configure $(RELEASE) -Dtests=true
	@touch $(RELEASE)/with-tests
	@ninja --quiet -C $(RELEASE)
	@ln -sfn release/netsonde build/netsonde

run: build
	@exec build/netsonde run $(ARGS)

install: build
	@meson install -C $(RELEASE) --no-rebuild --strip

clean:
	@rm -rf build

# -- tests -------------------------------------------------------------------------------------

# The optimized build runs everything; clang with the sanitizers adds the unit tests, the corpora
# and a short search of every fuzz target. BUILD+N@SETUP:SUITE,SUITE names what runs where, N: how many programs
# more at once than processors. What only computes is built and run beside what mostly waits.
test: release-with-tests $(ASAN)/build.ninja
	@tests/run --beside $(ASAN)@brief:search,replay,store,model,wire,detect \
	    $(RELEASE)+1:-browser $(RELEASE):browser $(ASAN)+1@brief:unit,component,-store,-model,-wire,-detect

asan: setup-test $(ASAN)/build.ninja
	@ninja --quiet -C $(ASAN)
	@tests/run $(ASAN):unit,component,integration,replay

tsan: setup-test $(TSAN)/build.ninja
	@ninja --quiet -C $(TSAN)
	@tests/run $(TSAN):unit,component,integration

valgrind: release-with-tests
	@tests/run --setup valgrind $(RELEASE):unit,component,replay

fuzz: setup-test $(ASAN)/build.ninja
	@ninja --quiet -C $(ASAN)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run $(ASAN):search

BENCH_SECONDS ?= 60
BENCH_ROUNDS ?= 5

bench: bench-programs
	@bench/run.py --netsonde build/netsonde --load $(RELEASE)/bench/load --seconds $(BENCH_SECONDS)
	@bench/fanout.py --netsonde build/netsonde --programs $(RELEASE)/bench --rounds $(BENCH_ROUNDS)
	@bench/sockets.py --program $(RELEASE)/bench/bench_sockets
	@$(RELEASE)/bench/bench_detect
	@bench/storage.py --netsonde build/netsonde --programs $(RELEASE)/bench $(if $(DATABASE),--database "$(DATABASE)")
	@node bench/dashboard.mjs --netsonde=build/netsonde --rounds=$(BENCH_ROUNDS)

bench-dashboard: bench-programs
	@node bench/dashboard.mjs --netsonde=build/netsonde --rounds=$(BENCH_ROUNDS)

bench-storage: bench-programs
	@bench/storage.py --netsonde build/netsonde --programs $(RELEASE)/bench $(if $(DATABASE),--database "$(DATABASE)")

bench-detect: bench-programs
	@$(RELEASE)/bench/bench_detect
	@test -z "$(NAB)" || bench/nab.py --data "$(NAB)" --netsonde build/netsonde

bench-alerts: bench-programs
	@$(RELEASE)/bench/bench_alerts
	@bench/alerts.py --netsonde build/netsonde

bench-sockets: bench-programs
	@bench/sockets.py --program $(RELEASE)/bench/bench_sockets

bench-fanout: bench-programs
	@bench/fanout.py --netsonde build/netsonde --programs $(RELEASE)/bench --rounds $(BENCH_ROUNDS)

bench-packets: bench-programs
	@bench/packets.py --netsonde build/netsonde --programs $(RELEASE)/bench --captures "$(CAPTURES)" \
	    --rounds $(BENCH_ROUNDS)

bench-ebpf: bench-programs
	@bench/ebpf.py --netsonde build/netsonde --load $(RELEASE)/bench/ebpf_load

bench-programs: release-with-tests
	@meson configure $(RELEASE) -Dbench=true
	@ninja --quiet -C $(RELEASE)

SOAK_SECONDS ?= 1800

soak: release-with-tests
	@meson configure $(RELEASE) -Dbench=true
	@ninja --quiet -C $(RELEASE)
	@bench/soak.py --netsonde build/netsonde --load $(RELEASE)/bench/load --seconds $(SOAK_SECONDS)

check-long: release-with-tests $(ASAN)/build.ninja $(TSAN)/build.ninja
	@ninja --quiet -C $(ASAN)
	@ninja --quiet -C $(TSAN)
	@tools/check-long $(RELEASE) $(ASAN) $(TSAN)

# -- code --------------------------------------------------------------------------------------

lint: setup-lint $(ASAN)/build.ninja
	@tools/lint $(ASAN)

docs: release-with-tests
	@tools/docs.py --build $(RELEASE) --write

format: setup-lint
	@git ls-files '*.[ch]' | xargs clang-format -i
