# SPDX-License-Identifier: Apache-2.0
"""Near duplicates among many rows: Weir, rensa and datatrove over the same file, in one run on the same processors.

    separation_speed.py make --mb N [--seed N] FILE           rows {"id", "text", "turns"}, and FILE.pairs: what is planted
    separation_speed.py head --mb N FILE OUT                  the first rows of it, and their pairs
    separation_speed.py run PEER FILE --removed OUT           one peer (rensa, rensa-two, datatrove); OUT: the rows that it would take out
    separation_speed.py compare --peers-mb N --slow-mb N [--threads N] --bench PROGRAM FILE      all of them, as a table
    separation_speed.py gate FILE                             what `weir-bench separation` said of the gate

Every program reads the file and says which rows it would take out, all but one of each group; the time is from its start to its end. A
megabyte is one of text, as all of them compare it: what users said, without what assistants did. A pair is found where one of its rows is taken out.
Memory is the most that a program and its children held at once, looked at every 50 ms, and the program's own VmHWM where that is more.
"""
import argparse
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import threading
import time

SHINGLE, NEAR, BANDS, BAND_ROWS = 5, 0.7, 32, 4
PART_ROWS = 500
WANTED_MB_S, WANTED_GATE_S = 50, 60


# --- The rows

class Text:
    """Words with the frequencies of a language, in rows of conversations: some turns, of which the first begins with one of some templates."""
    SYLLABLES = "the re in con ver ta ti on al de com pro pre ex ter men ly er est un dis ab sta tion ness for ward log ic sys tem ser vi ce".split()
    STOPS = (" ",) * 12 + (", ", ". ", ".\n", ": ", " - ")

    def __init__(self, seed):
        import numpy

        self.numpy, self.seed = numpy, seed
        rng = numpy.random.default_rng([seed, 0])
        drawn = rng.integers(0, len(self.SYLLABLES), size=(90_000, 4)).tolist()
        made = {"".join(self.SYLLABLES[part] for part in parts[:count]) for parts, count in zip(drawn, rng.integers(1, 5, size=90_000).tolist())}
        words = sorted(made)
        # The short ones are frequent, as a rule.
        order = numpy.argsort(numpy.array([len(word) for word in words]) + rng.random(len(words)) * 3)
        self.words = numpy.array(words, dtype=object)[order]
        weights = 1 / (numpy.arange(len(self.words)) + 2.7)
        self.cumulative = numpy.cumsum(weights / weights.sum())
        self.stops = numpy.array(self.STOPS, dtype=object)
        self.templates = [self.taken(rng, 40) for _ in range(8)]

    def taken(self, rng, count):
        """Words, and what stands behind each: numbers of both."""
        words = self.numpy.searchsorted(self.cumulative, rng.random(count))
        return self.numpy.minimum(words, len(self.words) - 1), rng.integers(0, len(self.stops), size=count)

    def fresh(self, rng):
        """The turns of a row: some hundred words as a rule, some thousand at most."""
        count = int(min(6_000, max(40, rng.lognormal(5.5, 0.8))))
        cuts = sorted(set(rng.integers(20, count, size=int(rng.integers(0, 4))).tolist())) if count > 60 else []
        words, stops = self.taken(rng, count)
        return words, stops, cuts

    def changed(self, rng, row, jaccard):
        """The row with as many words exchanged as leave that share of its shingles, more or less."""
        words, stops, cuts = row
        kept = 2 * jaccard / (1 + jaccard)
        exchanged = rng.random(len(words)) > kept ** (1 / SHINGLE)
        other, _ = self.taken(rng, len(words))
        return self.numpy.where(exchanged, other, words), stops, cuts

    def jaccard(self, a, b):
        """Of the shingles of two rows."""
        def shingles(words):
            return set(zip(*(words[at:len(words) - SHINGLE + 1 + at].tolist() for at in range(SHINGLE))))
        a, b = shingles(a[0]), shingles(b[0])
        return len(a & b) / len(a | b)

    def written(self, row, template):
        """The row's turns as texts; in none does a shingle of the template go on into the row: both are in lines of their own."""
        words, stops, cuts = row
        texts = []
        for start, end in itertools.pairwise([0, *cuts, len(words)]):
            texts.append("".join(itertools.chain.from_iterable(zip(self.words[words[start:end]], self.stops[stops[start:end]]))))
        opening = "".join(itertools.chain.from_iterable(zip(self.words[template[0]], self.stops[template[1]])))
        return [opening + texts[0], *texts[1:]]

    def part(self, number):
        """Lines of rows, and of pairs by the rows' places in the part. One row in ten begins a family."""
        rng = self.numpy.random.default_rng([self.seed, 1, number])
        rows, pairs = [], []
        while len(rows) < PART_ROWS:
            first = self.fresh(rng)
            template = self.templates[int(rng.integers(len(self.templates)))]
            rows.append((first, template, len(rows)))
            if rng.random() < 0.1:
                whose = len(rows) - 1
                for wanted in rng.choice([1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.5, 0.3], size=int(rng.integers(1, 4))):
                    other = self.changed(rng, first, wanted) if wanted < 1 else first
                    pairs.append((whose, len(rows), self.jaccard(first, other)))
                    rows.append((other, template, len(rows)))
        order = rng.permutation(len(rows)).tolist()
        place = {row: at for at, row in enumerate(order)}
        return [self.written(*rows[row][:2]) for row in order], [(place[a], place[b], jaccard) for a, b, jaccard in pairs]


text = None


def start_text(seed):
    global text
    text = Text(seed)


def made_part(number):
    texts, pairs = text.part(number)
    return [("\n\n".join(turns), [len(turn.encode()) for turn in turns]) for turns in texts], pairs


def make(args):
    held = rows = part = 0
    with multiprocessing.Pool(args.threads, start_text, (args.seed,)) as pool, open(args.file, "w") as out, open(args.file + ".pairs", "w") as said:
        while held < args.mb * 1_000_000:
            for lines, pairs in pool.map(made_part, range(part, part + 2 * args.threads), chunksize=1):
                if held >= args.mb * 1_000_000:
                    break
                for a, b, jaccard in pairs:
                    said.write(f"{rows + a} {rows + b} {jaccard:.4f}\n")
                for line, turns in lines:
                    out.write(json.dumps({"id": str(rows), "text": line, "turns": turns}) + "\n")
                    rows += 1
                    held += sum(turns)
            part += 2 * args.threads
    return 0


def head(args):
    held = 0
    with open(args.file) as file, open(args.out, "w") as out:
        for line in file:
            if held >= args.mb * 1_000_000:
                break
            out.write(line)
            held += sum(json.loads(line)["turns"])
    # All of them: of a family that is cut there may be two left that are near, too.
    shutil.copyfile(args.file + ".pairs", args.out + ".pairs")
    return 0


# --- The peers

def rows_of(path):
    with open(path) as file:
        for line in file:
            yield json.loads(line)["text"]


def shingled(text):
    words = text.lower().split()
    return list(map(" ".join, zip(*(words[at:] for at in range(SHINGLE))))) or [" ".join(words)]


def run_rensa(path):
    """As its page shows: one process, the shingles as texts."""
    from rensa import RMinHashDeduplicator

    found = RMinHashDeduplicator(threshold=NEAR, num_perm=BANDS * BAND_ROWS, use_lsh=True, num_bands=BANDS)
    kept = found.add_pairs((str(number), shingled(text)) for number, text in enumerate(rows_of(path)))
    return [number for number, is_kept in enumerate(kept) if not is_kept]


def run_rensa_two(path):
    """The same with shingles and signatures made in two processes."""
    from rensa import RMinHashDeduplicator

    found = RMinHashDeduplicator(threshold=NEAR, num_perm=BANDS * BAND_ROWS, use_lsh=True, num_bands=BANDS)
    removed = []
    with multiprocessing.Pool(2) as pool:
        number = 0
        for batch in pool.imap(signed, batched(rows_of(path), 256)):
            for signature in batch:
                if not found.add(str(number), signature):
                    removed.append(number)
                number += 1
    return removed


def signed(texts):
    from rensa import RMinHash

    return RMinHash.from_token_sets([shingled(text) for text in texts], num_perm=BANDS * BAND_ROWS, seed=42)


def batched(items, size):
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def run_datatrove(path):
    """As its example shows: signatures in two tasks of half of the rows each, buckets, clusters."""
    import glob
    import struct
    import tempfile

    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster
    from datatrove.pipeline.readers import JsonlReader

    config = MinhashConfig(n_grams=SHINGLE, num_buckets=BANDS, hashes_per_bucket=BAND_ROWS)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
        halves = os.path.join(folder, "rows")
        os.mkdir(halves)
        counts = split(path, halves)
        stages = [
            (2, [JsonlReader(halves), MinhashDedupSignature(f"{folder}/signatures", config=config)]),
            (BANDS, [MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)]),
            (1, [MinhashDedupCluster(f"{folder}/buckets", f"{folder}/removed", config=config)])]
        for number, (tasks, pipeline) in enumerate(stages):
            LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=2, logging_dir=f"{folder}/logs{number}", start_method="fork").run()
        removed = []
        for name in glob.glob(f"{folder}/removed/*.remove"):
            half = int(os.path.basename(name).split(".")[0])
            with open(name, "rb") as file:
                removed += [sum(counts[:half]) + row for row, in struct.iter_unpack("<I", file.read())]
    return removed


def split(path, folder):
    with open(path, "rb") as file:
        lines = file.readlines()
    middle = len(lines) // 2
    for half, part in enumerate((lines[:middle], lines[middle:])):
        with open(os.path.join(folder, f"{half}.jsonl"), "wb") as file:
            file.writelines(part)
    return middle, len(lines) - middle


PEERS = {"rensa": run_rensa, "rensa-two": run_rensa_two, "datatrove": run_datatrove}


def run(args):
    removed = PEERS[args.peer](os.path.abspath(args.file))
    with open(args.removed, "w") as out:
        out.writelines(f"{row}\n" for row in sorted(removed))
    return 0


# --- The comparison

def tree_memory(pid):
    """Megabytes that a process and its children hold now."""
    held = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            held = next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                held += sum(tree_memory(int(child)) for child in file.read().split())
    except (OSError, StopIteration, ValueError):
        pass
    return held


def high_water(pid):
    """The most megabytes that a process ever held."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return 0


def measured(command, log):
    """(seconds, CPU seconds, megabytes) of a program."""
    before, began, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    with open(log, "w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        ended = threading.Event()
        threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True).start()
        while not ended.wait(0.05):
            most = max(most, tree_memory(process.pid), high_water(process.pid))
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        with open(log) as file:
            raise SystemExit(f"separation_speed: {command[:4]} ended with {process.returncode}: {file.read()[-800:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most


class Judge:
    """What of the planted pairs is found, and what is taken out besides."""

    def __init__(self, path):
        self.bytes, self.rows = 0, 0
        with open(path) as file:
            for line in file:
                self.bytes += sum(json.loads(line)["turns"])
                self.rows += 1
        with open(path + ".pairs") as file:
            planted = [(int(a), int(b), float(jaccard)) for a, b, jaccard in map(str.split, file)]
        self.planted = {row for a, b, _ in planted for row in (a, b)}
        self.pairs = [pair for pair in planted if max(pair[:2]) < self.rows]

    def recall(self, removed, low, high):
        asked = [(a, b) for a, b, jaccard in self.pairs if low <= jaccard < high]
        return sum(a in removed or b in removed for a, b in asked) / len(asked) if asked else float("nan")

    def row(self, name, took, removed):
        seconds, cpu, most = took
        clear, close, far = (self.recall(removed, *bounds) for bounds in ((0.8, 1.01), (NEAR, 0.8), (0.2, 0.6)))
        return (f"| {name} | {self.bytes / 1e6:.0f} | {seconds:.1f} | {cpu:.1f} | {self.bytes / 1e6 / seconds:.1f} | {most:.0f} | {len(removed)} | "
                f"{clear:.4f} | {close:.4f} | {far:.4f} | {len(removed - self.planted)} |")


def removed_rows(path):
    with open(path) as file:
        return {int(line) for line in file}


def whole_mb(judge):
    return -(-judge.bytes // 1_000_000)


def compare(args):
    import importlib.metadata as about

    folder = os.path.dirname(os.path.abspath(args.file))
    sizes = {"rensa": args.peers_mb, "rensa-two": args.peers_mb, "datatrove": args.slow_mb}
    judge, speeds, ratios = Judge(args.file), {}, []
    print(f"\n{judge.rows} rows, {judge.bytes / 1e6:.0f} MB of text, {len(judge.pairs)} planted pairs; rensa {about.version('rensa')}, "
          f"datatrove {about.version('datatrove')}; {BANDS} bands of {BAND_ROWS}, word {SHINGLE}-shingles, {args.threads} threads or processes\n")
    print("| program | MB | s | CPU s | MB/s | memory MB | rows taken out | pairs found of J 0.8 to 1 | of 0.7 to 0.8 | of 0.2 to 0.6 | strangers taken out |\n"
          "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for size in sorted({whole_mb(judge), *(min(size, whole_mb(judge)) for size in sizes.values())}, reverse=True):
        path = args.file
        if size < whole_mb(judge):
            path = f"{args.file}.{size}"
            head(argparse.Namespace(file=args.file, out=path, mb=size))
        few = judge if path == args.file else Judge(path)
        weir = [args.bench, "near-duplicates", path, "--threads", str(args.threads), "--directory", folder]
        commands = {"weir": weir} | {peer: [sys.executable, os.path.abspath(__file__), "run", peer, path] for peer in PEERS if min(sizes[peer], whole_mb(judge)) == size}
        for name, command in commands.items():
            removed = os.path.join(folder, f"removed.{name}")
            command += ["--removed", removed]
            took = measured(command, os.path.join(folder, f"{name}.log"))
            speeds[name] = few.bytes / 1e6 / took[0]
            print(few.row(name, took, removed_rows(removed)), flush=True)
            if name == "weir":
                with open(os.path.join(folder, "weir.log")) as file:
                    print(file.read().strip(), file=sys.stderr)
                whole = speeds["weir"] if few is judge else whole
            else:
                ratios.append((name, speeds["weir"] / speeds[name]))
    met = whole > WANTED_MB_S and all(ratio > 1 for _, ratio in ratios)
    print(f"\nseparation: {whole:.1f} MB/s over {judge.bytes / 1e6:.0f} MB (above {WANTED_MB_S} and faster than the peers on the same rows: {'met' if met else 'MISSED'}); "
          + ", ".join(f"{ratio:.1f} times {name}" for name, ratio in ratios))
    return 0


def gate(args):
    """What `weir-bench separation` said of the gate, as a line of verdict."""
    with open(args.file) as file:
        said = json.loads(file.read().strip().splitlines()[-1])
    seconds = said["add_s"] + said["ask_s"]
    million = said["add_s"] + said["ask_s"] * 1e6 / said["train_rows"]
    print(f"gate: {said['train_rows']:.0f} training rows of {said['shingles_a_row']:.0f} shingles against {said['eval_rows']:.0f} eval rows in {seconds:.1f} s, "
          f"{said['ask_cpu_s']:.1f} s of CPU, {said['peak_mb']:.0f} MB; {million:.1f} s for a million (under {WANTED_GATE_S}: {'met' if million < WANTED_GATE_S else 'MISSED'})")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("--mb", type=int, required=True)
    maker.add_argument("--seed", type=int, default=1)
    maker.add_argument("--threads", type=int, default=2)
    maker.add_argument("file")
    header = verbs.add_parser("head")
    header.add_argument("--mb", type=int, required=True)
    header.add_argument("file")
    header.add_argument("out")
    runner = verbs.add_parser("run")
    runner.add_argument("peer", choices=PEERS)
    runner.add_argument("file")
    runner.add_argument("--removed", required=True)
    comparer = verbs.add_parser("compare")
    comparer.add_argument("--bench", required=True)
    comparer.add_argument("--peers-mb", type=int, required=True)
    comparer.add_argument("--slow-mb", type=int, required=True)
    comparer.add_argument("--threads", type=int, default=2)
    comparer.add_argument("file")
    verbs.add_parser("gate").add_argument("file")
    args = parser.parse_args()
    return {"make": make, "head": head, "run": run, "compare": compare, "gate": gate}[args.verb](args)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
