"""What broke: the published counts of causes, and drawing one for each fault."""

import numpy as np

from sim.workload.draw import IntArray, stream

# Unexpected stops of a 54-day run on 2,048 nodes (Llama 3 paper, table of interruptions; 419 in all). The paper prints
# 30.1 % for faulty GPUs; by its own counts they are 35.3 %. Software is in it: 3.79 faults per 1,000 node-days are all
# of these. Case V4.
COUNTS = {
    "faulty GPU": 148,
    "HBM3": 72,
    "software": 54,
    "switch or cable": 35,
    "host maintenance": 32,
    "GPU SRAM": 19,
    "GPU processor": 17,
    "NIC": 7,
    "NCCL timeout": 7,
    "silent data corruption": 6,
    "thermal": 6,
    "SSD": 3,
    "power supply": 3,
    "chassis": 2,
    "IO board": 2,
    "dependency": 2,
    "CPU": 2,
    "DRAM": 2,
}
RACK, MAINTENANCE = "rack or switch", "planned maintenance"  # causes that have draws of their own
CAUSE_NAMES = (*COUNTS, RACK, MAINTENANCE)


def draw_causes(pool: str, index: int, seed: int, count: int) -> IntArray:
    """Draw what broke in each fault of a node: indices into CAUSE_NAMES, (count,) int64, from the node's own stream."""
    upper = np.cumsum(np.array(list(COUNTS.values()), dtype=np.int64))
    drawn = stream(seed, f"causes/{pool}", index).integers(0, int(upper[-1]), size=count)
    return np.searchsorted(upper, drawn, side="right").astype(np.int64)
