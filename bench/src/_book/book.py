"""The same book in NumPy, as one would write it: all normals of a few hundred paths at once, compared with what each loan tolerates."""
import json
import sys
import time

import numpy as np

task = json.load(sys.stdin)
threshold = np.array(task["thresholds"], dtype=np.float32)
amount = np.array(task["amounts"], dtype=np.float32)
cluster = np.array(task["clusters"])
correlation = np.array(task["correlations"], dtype=np.float32)
common = np.array(task["commons"], dtype=np.float32)
paths, seed, batch = task["paths"], task["seed"], 250

began, worked = time.perf_counter(), time.process_time()
random = np.random.default_rng(seed)
rho = correlation[cluster]
scale = 1 / np.sqrt(1 - rho)
losses = np.empty(paths)
for first in range(0, paths, batch):
    count = min(batch, paths - first)
    market = random.standard_normal((count, 1), dtype=np.float32)
    own = random.standard_normal((count, len(correlation)), dtype=np.float32)
    factor = np.sqrt(common) * market + np.sqrt(1 - common) * own
    limit = (threshold - np.sqrt(rho) * factor[:, cluster]) * scale
    default = random.standard_normal((count, len(threshold)), dtype=np.float32) < limit
    losses[first : first + count] = default.astype(np.float32) @ amount
seconds, processor = time.perf_counter() - began, time.process_time() - worked
print(json.dumps({
    "seconds": seconds,
    "processorSeconds": processor,
    "expected": float(losses.mean()),
    "deviation": float(losses.std(ddof=1)),
    "valueAtRisk": float(np.sort(losses)[int(np.ceil(0.99 * paths)) - 1]),
    "numpy": np.__version__,
    "python": sys.version.split()[0],
}))
