#!/bin/sh
# Trains on two nodes: two network namespaces of this machine, joined by a virtual cable. Needs root.
#
#     scripts/two_nodes.sh --config config.yaml --data data/train --out runs/two-nodes
#
# Each node starts one process by accelerate, as examples/train.slurm does; they find each other at 10.77.0.1:29500.
set -eu
python=${PYTHON:-python3}
cleanup() {
    for pid in ${pids:-}; do kill "$pid" 2>/dev/null || true; done
    ip netns del mdsm_a 2>/dev/null || true
    ip netns del mdsm_b 2>/dev/null || true
}
trap cleanup EXIT
ip netns add mdsm_a
ip netns add mdsm_b
ip link add mdsm_a0 netns mdsm_a type veth peer name mdsm_b0 netns mdsm_b
for node in a b; do
    ip -n mdsm_$node link set lo up
    ip -n mdsm_$node link set mdsm_${node}0 up
done
ip -n mdsm_a addr add 10.77.0.1/24 dev mdsm_a0
ip -n mdsm_b addr add 10.77.0.2/24 dev mdsm_b0

start() { # node, rank, arguments of mdsm-train
    node=$1 rank=$2
    shift 2
    GLOO_SOCKET_IFNAME=mdsm_${node}0 ip netns exec mdsm_$node "$python" -m accelerate.commands.launch --multi_gpu \
        --num_machines=2 --num_processes=2 --machine_rank="$rank" --main_process_ip=10.77.0.1 \
        --main_process_port=29500 --mixed_precision=no --dynamo_backend=no \
        --module training.train.command --device=cpu "$@" &
    pids="${pids:-} $!"
}
start a 0 "$@"
start b 1 "$@"
for pid in $pids; do wait "$pid"; done
