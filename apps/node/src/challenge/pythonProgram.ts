/**
 * The challenge in Python, for machines with PyTorch and CUDA (`torch`: one thread and one pair of matrices a GPU) or
 * with NumPy (`numpy`: the CPU through its BLAS). Both run the same generator, line by line, since its operations
 * are spelled the same. It is text so that it needs no file beside a bundle: `python3 -I -c <text> engine n seed units`.
 *
 * Writes one line of JSON with the commitments, reads one with r and the rows, and writes the openings' bytes.
 */
export const pythonProgram = String.raw`
import hashlib, json, struct, sys
from concurrent.futures import ThreadPoolExecutor

engine, n, seed, units = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3]), int(sys.argv[4])
if engine == "torch":
    import torch as xp
    xp.backends.cuda.matmul.allow_tf32 = False
    xp.backends.cudnn.allow_tf32 = False
    xp.set_float32_matmul_precision("highest")
else:
    import numpy as xp
    xp.seterr(over="ignore")

CONSTANTS = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
QUARTERS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
# Blocks at a time: what fits a processor's cache, or keeps a GPU busy.
CHUNK = 1 << 20 if engine == "torch" else 1 << 12


def signed(word):
    return word - (1 << 32) if word >= 1 << 31 else word


class Unit:
    def __init__(self, index):
        self.index = index
        self.device = None if engine == "numpy" else xp.device("cuda", index)

    def where(self):
        return {} if self.device is None else {"device": self.device}

    def entries(self, key_seed, unit, part, first, count):
        """Entries [first, first + count) as a flat array of 32-bit floats; both multiples of 16."""
        key = hashlib.sha256(b"millrace/challenge/1" + key_seed + struct.pack("<II", n, unit)).digest()
        words = CONSTANTS + list(struct.unpack("<8I", key)) + [0, part, 0, 0]
        out = xp.empty(count, dtype=xp.float32, **self.where())
        for at in range(0, count // 16, CHUNK):
            blocks = min(CHUNK, count // 16 - at)
            start = first // 16 + at
            initial = [xp.full((blocks,), signed(word), dtype=xp.int32, **self.where()) for word in words]
            initial[12] = xp.arange(start, start + blocks, dtype=xp.int32, **self.where())
            x = [xp.clone(word) if engine == "torch" else word.copy() for word in initial]

            def step(to, source, by, bits):
                x[to] += x[source]
                x[by] ^= x[to]
                x[by] = (x[by] << bits) | ((x[by] >> (32 - bits)) & ((1 << bits) - 1))

            for _ in range(4):
                for a, b, c, d in QUARTERS:
                    step(a, b, d, 16)
                    step(c, d, b, 12)
                    step(a, b, d, 8)
                    step(c, d, b, 7)
            for i in range(16):
                x[i] += initial[i]
                x[i] >>= 8
            block = xp.stack(x, 1).reshape(-1)
            block = block.to(xp.float32) if engine == "torch" else block.astype(xp.float32)
            out[16 * at : 16 * (at + blocks)] = block * 2.0**-23
        return out

    def matrix(self, part):
        out = xp.empty((n, n), dtype=xp.float32, **self.where())
        rows = max(1, 16 * CHUNK // n)
        for row in range(0, n, rows):
            some = min(rows, n - row)
            out[row : row + some] = self.entries(seed, self.index, part, row * n, some * n).reshape(some, n)
        return out

    def host(self, rows):
        rows = rows.cpu().numpy() if engine == "torch" else rows
        return rows.astype("<f4", copy=False)

    def commit(self, pool):
        a, b = self.matrix(1), self.matrix(2)
        self.c = a @ b
        del a, b
        leaves = []
        for row in range(0, n, 1024):
            block = self.host(self.c[row : row + 1024])
            leaves += pool.map(lambda one: hashlib.sha256(b"\0" + one.tobytes()).digest(), block)
        self.levels = [leaves]
        while len(self.levels[-1]) > 1:
            level = self.levels[-1]
            pairs = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
            self.levels.append(pairs + ([level[-1]] if len(level) % 2 else []))
        return self.levels[-1][0]

    def open(self, r_seed, rows):
        r = self.entries(r_seed, 0, 3, 0, 4 * n).reshape(4, n)
        r = (r.double() if engine == "torch" else r.astype(xp.float64)).T
        parts = []
        for row in range(0, n, 1024):
            block = self.c[row : row + 1024]
            product = (block.double() if engine == "torch" else block.astype(xp.float64)) @ r
            product = product.cpu().numpy() if engine == "torch" else product
            parts.append(product.astype("<f8", copy=False).tobytes())
        parts += [self.host(self.c[row : row + 1])[0].tobytes() for row in rows]
        for row in rows:
            at = row
            for level in self.levels:
                if at ^ 1 < len(level):
                    parts.append(level[at ^ 1])
                at >>= 1
        return b"".join(parts)


def name(index):
    return xp.cuda.get_device_name(index) if engine == "torch" else "numpy " + xp.__version__


hashers = ThreadPoolExecutor()
all_units = [Unit(index) for index in range(units)]
# All at the same time: one card cannot answer for two.
with ThreadPoolExecutor(units) as threads:
    roots = list(threads.map(lambda unit: unit.commit(hashers), all_units))
print(json.dumps([{"name": name(i), "root": "0x" + root.hex()} for i, root in enumerate(roots)]), flush=True)

line = sys.stdin.readline()
if line:
    asked = json.loads(line)
    for unit in all_units:
        sys.stdout.buffer.write(unit.open(bytes.fromhex(asked["r"][2:]), asked["rows"]))
    sys.stdout.buffer.flush()
`
