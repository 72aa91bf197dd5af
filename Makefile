# The commands of this project; README tells what they do.

PYTHON := .venv/bin/python
WITH_PPP := tests/agents/exit/test_xl2tpd.py
CHAOS := tests/chain/test_chaos.py
LEAKS := $(wildcard tests/chain/test_leaks*.py)
IN_LAB := $(PYTHON) -m lab run --or-here --

.PHONY: setup demo test test-here test-leaks test-chain test-chaos test-home simulate \
	fuzz check bench bench-failover soak lock lab-kernel

setup:
	@lab/setup.sh

demo: setup
	@$(PYTHON) -m lab demo

# What needs PPP and the like runs in a kernel that has it: `lab run` boots one if this
# machine's has not. Two of them at once: a guest has one processor only. Before that the
# simulation has what the other tests, which mostly wait, leave of the processors.
test: setup
	@$(MAKE) --no-print-directory --jobs=2 test-here simulate
	@echo "the chain: two guests at once, each tells all when it is done, in some minutes"
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target \
		test-leaks test-chain test-chaos

test-here: setup
	$(PYTHON) -m pytest --ignore=tests/chain --ignore=tests/homeassistant

test-leaks: setup
	$(IN_LAB) $(PYTHON) -m pytest $(LEAKS)

test-chain: setup
	$(IN_LAB) $(PYTHON) -m pytest tests/chain $(WITH_PPP) \
		$(addprefix --ignore=,$(LEAKS) $(CHAOS))

test-chaos: setup
	$(IN_LAB) $(PYTHON) -m pytest $(CHAOS)

# The agents' rules on a pretended clock, bus and network: 100,000 schedules of faults,
# on all cores. A seed that fails is named, and the command that plays it again.
simulate: setup
	nice -n 19 $(PYTHON) -m tests.simulation --count 100000

# A million payloads on every topic of every agent, led by coverage: 5 minutes, 30 at most.
# What it finds is written to crash-...; `python -m tests.fuzz crash-...` plays it again.
fuzz: setup
	@lab/setup.sh fuzz
	$(PYTHON) -m tests.fuzz

# In a real Home Assistant and a real Node-RED, which see nothing but the loopback: their
# doors are for nobody else.
test-home: setup
	@lab/setup.sh home
	unshare --net sh -c 'ip link set lo up && exec "$$@"' - \
		$(PYTHON) -m pytest tests/homeassistant

check: setup
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

# An agent beyond its goal fails it, but the rest is measured all the same.
bench: setup
	@status=0; \
	$(PYTHON) -m bench here --out bench/results/agents.json || status=1; \
	$(PYTHON) -m lab run -- $(PYTHON) -m bench chain \
		--out bench/results/agents-chain.json || status=1; \
	$(PYTHON) -m lab run -- $(PYTHON) -m bench.outage \
		--out bench/results/outage.json || status=1; \
	$(PYTHON) -m tests.dashboard.bench || status=1; \
	$(PYTHON) -m bench.discovery || status=1; \
	$(PYTHON) -m bench.scale --out bench/results/scale.json || status=1; \
	exit $$status

# About 23 minutes on a machine that has nothing else to do.
bench-failover: setup
	@lab/setup.sh bench
	@$(PYTHON) -m bench.failover --out bench/results/failover.json

# Whether agents hold ever more: 10,000 times without the bus, 200 new tunnels; about
# twenty minutes.
soak: setup
	@$(PYTHON) -m bench.soak bus --reconnects 10000
	@$(PYTHON) -m lab run -- $(PYTHON) -m bench.soak tunnels --reconnects 200

lab-kernel: setup
	@$(PYTHON) -m lab kernel

lock: setup
	$$(lab/setup.sh uv) pip compile -q pyproject.toml --group dev --universal \
		--generate-hashes --no-header --python-version 3.11 -o requirements.lock
