BIN := .venv/bin
IMAGES_train := 9000
IMAGES_val := 200

N ?= 2000
QUICK := not (ros or colcon or training or render or slow)
# tests start dozens of processes, each of which would compile its libraries where nothing may write what was compiled
PYTEST := . $(BIN)/activate && PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 pytest -n $$(nproc) --dist loadgroup --no-loadscope-reorder \
	--max-worker-restart=0  # pytest-xdist 3.8 never ends if it replaces a worker that died

.PHONY: help demo quick test lint coverage docs train bench bench-start data homes homes-cost

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/demo.stamp  ## replay the bundled recording through the real node, then segment six photographs; results in demo_output/
	$(BIN)/mdsm demo --out demo_output

quick: .venv/dev.stamp  ## check the style and run the tests that need no DDS, colcon, training or rendering (a minute on two cores)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(PYTEST) -q -m "$(QUICK)"

test: lint  ## run everything: style, types, unit tests, real nodes, colcon builds, a tiny training
	$(PYTEST)

lint: .venv/dev.stamp  ## check style and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

coverage: .venv/dev.stamp  ## run the quick tests and print which lines they do not reach
	$(PYTEST) -q -m "$(QUICK)" --cov --cov-report=term:skip-covered

docs: .venv/dev.stamp  ## write the generated parts of the documentation: parameters, topics, models, config/mdsm.yaml
	$(BIN)/python -m scripts.write_docs

train: data  ## train both stages of mdsm-tiny; resumes where it stopped
	$(BIN)/mdsm-train --config config/train/mdsm-tiny.yaml --data data/train --val-data data/val --out runs/mdsm-tiny --resume

bench: .venv/dev.stamp  ## measure latency on this machine, of the model and of the running node, and how cost grows with the work
	$(BIN)/mdsm bench --node --overhead --bag --tracking --curves --runtimes
	$(BIN)/mdsm-data growth

bench-start: .venv/demo.stamp  ## measure the CPU seconds until commands and the node have started, against import torch
	$(BIN)/python -m mdsm_ros.commands.bench.start

homes: .venv/dev.stamp  ## make N views of homes and compare their statistics with REVERIE's (REVERIE=FOLDER)
	$(BIN)/mdsm-data homes --split test --images $(N) --no-depth --workers $$(nproc) --out data/homes-$(N)
	$(BIN)/mdsm-data stats data/homes-$(N) $(if $(REVERIE),--reverie $(REVERIE))

homes-cost: .venv/dev.stamp  ## measure the time per view of a home, procedural and furnished from the library
	$(BIN)/mdsm-data time-homes

data: data/train/annotations.json data/val/annotations.json  ## make a dataset of simulated homes to train on

data/%/annotations.json: | .venv/dev.stamp
	$(BIN)/mdsm-data homes --split $* --images $(IMAGES_$*) --size 256x192 --no-depth --workers $$(nproc) --out data/$*

.venv/%.stamp: setup.py scripts/install.sh
	scripts/install.sh $*
