BIN := .venv/bin
IMAGES_train := 9000
IMAGES_val := 200

N ?= 2000

.PHONY: demo test lint train bench bench-start data homes homes-cost

demo: .venv/demo.stamp  ## replay the bundled bag through the real node, answer six photographs; pictures and table in demo_output/
	$(BIN)/mdsm demo --out demo_output

test: lint  ## everything that must hold: types, style, unit tests, real nodes, colcon builds, a tiny training
	. $(BIN)/activate && OMP_NUM_THREADS=1 pytest -n $$(nproc) --dist loadgroup --no-loadscope-reorder

lint: .venv/dev.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

train: data  ## both stages of mdsm-tiny; goes on where it stopped
	$(BIN)/mdsm-train --config config/train/mdsm-tiny.yaml --data data/train --val-data data/val --out runs/mdsm-tiny --resume

bench: .venv/demo.stamp  ## latency of the embedded model on this machine, alone and in the running node
	$(BIN)/mdsm bench --node --bag

bench-start: .venv/demo.stamp  ## CPU seconds until commands, the embedded model and the node have started, against import torch
	$(BIN)/python -m mdsm_ros.commands.start_bench

homes: .venv/dev.stamp  ## N views of homes, timed, and their statistics; beside REVERIE's with REVERIE=folder
	$(BIN)/mdsm-data homes --split test --images $(N) --no-depth --workers $$(nproc) --out data/homes-$(N)
	$(BIN)/mdsm-data stats data/homes-$(N) $(if $(REVERIE),--reverie $(REVERIE))

homes-cost: .venv/dev.stamp  ## what a view of a home costs, procedural and furnished from the library
	$(BIN)/mdsm-data time-homes

data: data/train/annotations.json data/val/annotations.json  ## procedural homes to learn from

data/%/annotations.json: | .venv/dev.stamp
	$(BIN)/mdsm-data homes --split $* --images $(IMAGES_$*) --size 256x192 --no-depth --workers $$(nproc) --out data/$*

.venv/%.stamp: setup.py scripts/install.sh
	scripts/install.sh $*
