BIN := .venv/bin

.PHONY: demo test lint train bench data

demo: .venv/demo.stamp  ## replay the bundled bag through the real node; pictures and table in demo_output/
	$(BIN)/mdsm demo --out demo_output

test: lint  ## everything that must hold: types, style, unit tests, real nodes, colcon build, a tiny training
	. $(BIN)/activate && pytest

lint: .venv/dev.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

train: .venv/dev.stamp data/homes/annotations.json  ## both stages of mdsm-tiny, resumed if interrupted
	$(BIN)/mdsm-train --config config/train/mdsm-tiny.yaml --data data/homes --out runs/mdsm-tiny --resume

bench: .venv/dev.stamp  ## latency of the embedded model on this machine
	$(BIN)/mdsm bench

data data/homes/annotations.json: .venv/dev.stamp  ## a data set of procedural homes
	$(BIN)/mdsm-data homes --out data/homes

.venv/%.stamp: setup.py scripts/install.sh
	scripts/install.sh $*
