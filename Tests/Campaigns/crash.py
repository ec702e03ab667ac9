#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a gateway under load, starts it again on the same data, and holds its records against the callers' ledger.

    crash.py random --weir PROGRAM --ledger PROGRAM --folder DIR --rounds N --seed S
    crash.py points --weir PROGRAM --ledger PROGRAM --folder DIR

`random`: SIGKILL at a random instant, in one round of six also while the next start recovers. `points`: strace ends the process at the
Nth call of each kind that writes, for every N of a start with recovery and of a short run, thread by thread. Both demand: an
exchange whose last byte a caller saw is there once and completed; every admitted one is there once or counted; no record says anything
else than what was sent and answered.
"""
import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import ledger

LOOPS = 3
# What ended longer before a kill than this is in a segment, with all of its bodies.
NEAR_US = 1_000_000
# Of a body; what is longer lies beside the arena until it is in a segment, and goes with the process.
SHARE_BYTES = (1 << 20) - (64 << 10)
# An arena of fewer MiB may run short under these loads; then bodies are cut or left out.
ROOMY_MIB = 32
# A process may die between counting an exchange and taking its slot: one for each loop.
IN_BEGIN = LOOPS


class Account:
    """What was seen of one data directory over all its rounds."""

    def __init__(self, weir, data, texts):
        self.weir, self.data, self.texts = weir, data, texts
        self.lines = {}
        self.where = {}
        self.faults = []
        self.counts = collections.Counter()
        self.since = 0
        # Of the process whose exchanges are looked at next: when it was killed, and its arenas; None and 0: not known, or not killed.
        self.killed_us, self.arena_mib = None, 0

    def fault(self, text):
        self.counts["faults"] += 1
        if len(self.faults) < 40:
            self.faults.append(text)

    def add(self, lines):
        """Takes the callers' lines; returns how many there were by state."""
        for line in lines:
            if line.state != "refused":
                self.lines[line.n] = line
        return collections.Counter(line.state for line in lines)

    def check_new(self, counted):
        """Reads the segments of the epochs since the last look. `counted`: admitted and dropped by the process that died, or None."""
        admitted, dropped = counted or (0, 0)
        self.counts["dropped"] += dropped
        fresh = {}
        newest = self.since
        for name in ledger.segment_names(self.data):
            epoch = ledger.epoch_of(name)
            newest = max(newest, epoch)
            if epoch < self.since:
                continue
            stem = name.split(".")[0]
            for record in ledger.records(self.weir, self.data, [name]):
                before = self.where.get(record["id"])
                if before == stem:
                    continue
                if before is not None or record["id"] in fresh:
                    self.fault(f"{record['id']} is there twice: {before or 'in this round'}, {stem}")
                    continue
                self.where[record["id"]] = stem
                fresh[record["id"]] = record
        self.since = newest
        self.hold(fresh, dropped)
        if counted is not None:
            short = admitted - dropped - len(fresh)
            self.counts["admitted"] += admitted
            self.counts["within begin"] += max(0, short)
            if not 0 <= short <= IN_BEGIN:
                self.fault(f"{admitted} admitted, {dropped} dropped, {len(fresh)} recorded")
        return len(fresh)

    def hold(self, fresh, dropped):
        by_number = {}
        for record in fresh.values():
            self.counts["records"] += 1
            self.counts["outcome " + record["outcome"]] += 1
            if ledger.is_reduced(record):
                self.counts["reduced"] += 1
            asked = ledger.asked(record)
            if asked is None:
                # The process died before the head was whole.
                if record["outcome"] != "gateway_crashed":
                    self.fault(f"{record['id']}: {record['outcome']} without a head")
                continue
            n = asked.n
            by_number[n] = record
            line = self.lines.get(n)
            wrong = "nobody asked for it" if line is None else ledger.record_fault(record, line, self.texts, self.may_be_reduced(record, line))
            if wrong:
                self.counts["wrong"] += 1
                self.fault(f"{record['id']}, exchange {n}: {wrong}")
        absent = []
        for n, line in self.lines.items():
            record = by_number.get(n)
            if line.state == "whole":
                self.counts["seen whole"] += 1
                if record is None:
                    absent.append(f"exchange {n}, {line.id}: seen whole by its caller and not there")
                elif record["outcome"] != "completed":
                    self.fault(f"exchange {n}, {line.id}: seen whole, recorded as {record['outcome']}")
            elif line.id != "-" and record is None:
                absent.append(f"exchange {n}, {line.id}: its head was seen and it is not there")
            elif line.state == "wrong":
                self.fault(f"exchange {n}: the caller got other bytes")
        self.lines = {}
        # Only what was counted as dropped may be absent.
        self.counts["missing"] += max(0, len(absent) - dropped)
        for text in absent[dropped:]:
            self.fault(text)

    def may_be_reduced(self, record, line):
        """Payload beside the arena goes with the process, and a small arena may run short; then the record says so."""
        if self.arena_mib < ROOMY_MIB or any(record[f"{side}_body_bytes"] > SHARE_BYTES for side in ("request", "response")):
            return True
        return self.killed_us is not None and line.end_us > self.killed_us - NEAR_US


def text_of(counts):
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def run_random(args):
    rng = random.Random(args.seed)
    data = os.path.join(args.folder, "data")
    pool = os.path.join(args.folder, "pool.txt")
    subprocess.run([args.ledger, "pool", pool], check=True)
    account = Account(args.weir, data, ledger.Texts(pool))
    provider_port = ledger.free_port()
    provider = subprocess.Popen([args.ledger, "provider", str(provider_port), pool])
    log = os.path.join(args.folder, "weir.log")
    states, kills, next_number, began = collections.Counter(), 0, 1, time.monotonic()

    def start():
        flags = ["--threads", str(LOOPS)]
        # Small arenas press payload into plain memory; large ones hold it all.
        mib = rng.choice((16, 32, 64))
        return ledger.Process(args.weir, data, provider_port, log, flags, env={"WEIR_CAPTURE_ARENA_MIB": str(mib)}), mib

    try:
        weir, mib = start()
        weir.wait_ready()
        account.check_new(None)
        for number in range(args.rounds):
            path = os.path.join(args.folder, "ledger.txt")
            # As fast as it goes with few callers, at a rate with many; bulk at a rate that can be read again in a second.
            callers, mix_name, rate = rng.choice(((4, "mixed", 0), (48, "mixed", 1200), (96, "mixed", 600), (16, "small", 0), (96, "small", 2000), (24, "bulk", 150)))
            driver = ledger.Driver(args.ledger, pool, weir.port, next_number, path, callers=callers, mix_name=mix_name, rate=rate)
            time.sleep(rng.uniform(0.05, 0.9))
            if weir.process.poll() is not None:
                raise SystemExit(f"round {number}: the gateway ended by itself; see {log}")
            killed_us = time.monotonic_ns() // 1000
            weir.kill()
            kills += 1
            account.killed_us, account.arena_mib = killed_us, mib
            lines = driver.finish(ask=False)
            for line in lines:
                if line.state in ("cut", "refused", "wrong") and line.end_us < killed_us:
                    account.fault(f"round {number}, exchange {line.n}: {line.state} before the kill")
            next_number = max((line.n for line in lines), default=next_number) + 1
            states += account.add(lines)
            counted = ledger.arena_counters(data)
            for _ in range(rng.choice((0, 0, 0, 0, 0, 2))):
                weir, _ = start()
                time.sleep(rng.uniform(0, 0.06))
                weir.kill()
                kills += 1
                account.counts["killed while starting"] += 1
            weir, mib = start()
            if not weir.wait_ready():
                raise SystemExit(f"round {number}: no start after a kill; see {log}")
            account.check_new(counted)
            if account.counts["faults"] > 20:
                break
            if (number + 1) % 25 == 0:
                print(f"round {number + 1}: {time.monotonic() - began:.0f} s; {text_of(account.counts)}", flush=True)
                tidy(args, account, data)
        if weir.stop() != 0:
            account.fault("the last process did not stop cleanly")
        account.check_new(None)
        finish(args, account, data)
    finally:
        provider.kill()
        if weir.process.poll() is None:
            weir.kill()
    seconds = time.monotonic() - began
    print(f"callers: {text_of(states)}\nrecords: {text_of(account.counts)}")
    for text in account.faults:
        print("  " + text)
    fine = account.counts["faults"] == 0 and states["whole"] > 3 * args.rounds
    print(f"kill: {'held' if fine else 'FAILED'}: {kills} kills in {args.rounds} rounds, {states['whole']} exchanges seen whole, {account.counts['missing']} missing, "
          f"{account.counts['wrong']} wrong, {account.counts['admitted']} admitted of which {account.counts['within begin']} died before they had a slot, "
          f"{account.counts['dropped']} dropped and counted, {account.counts['outcome gateway_crashed']} gateway_crashed, {seconds:.0f} s, seed {args.seed}", flush=True)
    return 0 if fine else 1


def tidy(args, account, data):
    """Removes old segments, whole, as retention would, so that long campaigns fit the disk; the index keeps their facts."""
    folder = os.path.join(data, "segments")
    old = [name for name in ledger.segment_names(data) if ledger.epoch_of(name) < account.since]
    if sum(os.path.getsize(os.path.join(folder, name)) for name in ledger.segment_names(data)) < args.keep_mb << 20:
        return
    verify(args, account, data)
    for name in old:
        # Sealing may have replaced it since it was listed; what replaced it goes the next time.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))
    account.counts["segments removed"] += len(old)


def verify(args, account, data):
    done = subprocess.run([args.weir, "segment", "verify", "--data", data], capture_output=True, text=True)
    if done.returncode != 0 or "sound" not in done.stderr:
        account.fault(f"verify: {done.stderr[-300:]}")


def finish(args, account, data):
    """The whole log once more, and the index over it."""
    verify(args, account, data)
    there = collections.Counter(record["id"] for record in ledger.records(args.weir, data))
    kept = {name.split(".")[0] for name in ledger.segment_names(data)}
    due = {id for id, stem in account.where.items() if stem in kept}
    for id in list(due - set(there))[:5]:
        account.fault(f"{id} was there and is gone")
    for id in [id for id, count in there.items() if count > 1][:5]:
        account.fault(f"{id} is there twice at the end")
    for _ in range(100):
        done = subprocess.run([args.weir, "index", "--data", data], capture_output=True, text=True)
        if "not finished" not in done.stderr + done.stdout:
            break
    if done.returncode != 0:
        account.fault(f"index: {done.stderr[-300:]}")
    facts = subprocess.run([args.weir, "query", "exchanges", "--data", data, "--json"], capture_output=True, text=True)
    known = {json.loads(line)["id"] for line in facts.stdout.splitlines()}
    if not set(there) <= known:
        account.fault(f"{len(set(there) - known)} records have no fact")


# ---- at every call

ARENA_MIB = 4
# What changes a disk. Each is counted by strace for each thread on its own.
CALLS = ("write", "pwrite64", "fdatasync", "fsync", "rename", "unlink", "ftruncate", "fallocate", "mkdir")


def count_calls(path):
    """Calls by thread and name in a trace made with strace -ff."""
    found = {}
    for name in os.listdir(os.path.dirname(path)):
        if not name.startswith(os.path.basename(path) + "."):
            continue
        counted = collections.Counter()
        with open(os.path.join(os.path.dirname(path), name)) as file:
            for line in file:
                counted[line.split("(")[0]] += 1
        found[int(name.rsplit(".", 1)[1])] = counted
    return found


class Points:
    def __init__(self, args):
        self.args = args
        self.pool = os.path.join(args.folder, "pool.txt")
        subprocess.run([args.ledger, "pool", self.pool], check=True)
        self.texts = ledger.Texts(self.pool)
        self.provider_port = ledger.free_port()
        self.provider = subprocess.Popen([args.ledger, "provider", str(self.provider_port), self.pool])
        self.log = os.path.join(args.folder, "weir.log")
        self.faults = []
        self.died = collections.Counter()
        self.rounds = 0
        self.next_number = 1
        self.counts = collections.Counter()

    def start(self, data, wrap=()):
        return ledger.Process(self.args.weir, data, self.provider_port, self.log, ("--threads", "2"), wrap, env={"WEIR_CAPTURE_ARENA_MIB": str(ARENA_MIB)})

    def drive(self, weir, seconds, callers=12):
        path = os.path.join(self.args.folder, "ledger.txt")
        driver = ledger.Driver(self.args.ledger, self.pool, weir.port, self.next_number, path, callers=callers)
        end = time.monotonic() + seconds
        while time.monotonic() < end and driver.process.poll() is None:
            time.sleep(0.01)
        return driver

    def lines_of(self, driver):
        lines = driver.finish(ask=True)
        self.next_number = max((line.n for line in lines), default=self.next_number) + 1
        return lines

    def crashed(self):
        """A data directory as two killed processes leave it, with what their callers saw."""
        data = os.path.join(self.args.folder, "crashed")
        shutil.rmtree(data, ignore_errors=True)
        runs = []
        for _ in range(2):  # the second finds what the first one left
            weir = self.start(data)
            weir.wait_ready()
            driver = self.drive(weir, 0.4)
            weir.kill()
            lines = self.lines_of(driver)
            runs.append(lines)
        # A torn tail as well.
        newest = max((name for name in ledger.segment_names(data)), key=ledger.epoch_of)
        with open(os.path.join(data, "segments", newest), "ab") as file:
            file.write(b"\x51\x2a\x4d\x18\x50\x00\x00\x00WEIR\x01\x00")
        return data, runs[0] + runs[1]

    def check(self, data, lines, counted, what):
        """Starts it without strace, stops it, and reads all."""
        account = Account(self.args.weir, data, self.texts)
        account.arena_mib = ARENA_MIB
        account.add(lines)
        weir = self.start(data)
        if not weir.wait_ready():
            self.faults.append(f"{what}: no start afterwards")
            return
        if weir.stop() != 0:
            self.faults.append(f"{what}: no clean stop afterwards")
        account.check_new(counted)
        verify(self.args, account, data)
        self.counts += account.counts
        self.faults += [f"{what}: {fault}" for fault in account.faults]
        self.rounds += 1

    def at_start(self):
        """Death at each call of a start that has something to recover."""
        source, lines = self.crashed()
        data = os.path.join(self.args.folder, "data")
        trace = os.path.join(self.args.folder, "trace", "start")
        os.makedirs(os.path.dirname(trace), exist_ok=True)
        self.copy(source, data)
        weir = self.start(data, ("strace", "-D", "-ff", "-qq", "-o", trace, "-e", "trace=" + ",".join(CALLS)))
        weir.wait_ready()
        weir.stop()
        most = collections.Counter()
        for counted in count_calls(trace).values():
            for call, count in counted.items():
                most[call] = max(most[call], count)
        for call in CALLS:
            for n in range(1, most[call] + 1):
                self.copy(source, data)
                weir = self.start(data, ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}"))
                if weir.wait_ready():
                    weir.kill()
                    self.died["start, not reached"] += 1
                else:
                    weir.ended()
                    self.died[f"start {call}"] += 1
                self.check(data, lines, None, f"start, {call} {n}")

    def copy(self, source, data):
        shutil.rmtree(data, ignore_errors=True)
        subprocess.run(["cp", "-a", "--sparse=always", source, data], check=True)

    def at_run(self, thread_name, seconds=1.6):
        """Death at each call of one thread in a short run; until a run ends without it."""
        data = os.path.join(self.args.folder, "data")
        for call in CALLS:
            misses = 0
            for n in range(1, self.args.most + 1):
                shutil.rmtree(data, ignore_errors=True)
                weir = self.start(data)
                weir.wait_ready()
                thread = thread_id(weir.pid, thread_name)
                if thread is None:
                    weir.kill()
                    self.faults.append(f"there is no thread {thread_name}")
                    return
                tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(thread), "-e", f"trace={call}", "-e",
                                           f"inject={call}:signal=KILL:when={n}"], stderr=subprocess.DEVNULL)
                wait_traced(weir.pid, thread)
                driver = self.drive(weir, seconds)
                died = weir.process.poll() is not None
                weir.kill()
                tracer.wait(30)
                lines = self.lines_of(driver)
                counted = ledger.arena_counters(data)
                if died:
                    self.died[f"{thread_name} {call}"] += 1
                else:
                    misses += 1
                self.check(data, lines, counted, f"{thread_name}, {call} {n}")
                if misses:
                    break


def thread_id(pid, name):
    for _ in range(200):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/comm") as file:
                if file.read().strip() == name:
                    return int(thread)
        time.sleep(0.01)
    return None


def wait_traced(pid, thread):
    for _ in range(2000):
        try:
            with open(f"/proc/{pid}/task/{thread}/status") as file:
                if "TracerPid:\t0\n" not in file.read():
                    return
        except (FileNotFoundError, ProcessLookupError):
            return  # it has died at its first call already
        time.sleep(0.001)
    raise SystemExit("strace did not attach")


def run_points(args):
    points = Points(args)
    began = time.monotonic()
    try:
        points.at_start()
        for name in args.threads.split(","):
            points.at_run(name)
    finally:
        points.provider.kill()
    print(f"died at: {text_of(points.died)}\nrecords: {text_of(points.counts)}")
    for text in points.faults[:40]:
        print("  " + text)
    died = sum(count for name, count in points.died.items() if "not reached" not in name)
    fine = not points.faults and died > 50
    print(f"points: {'held' if fine else 'FAILED'}: death at {died} calls, {points.counts['seen whole']} exchanges seen whole, {points.counts['missing']} missing, "
          f"{points.counts['wrong']} wrong, {time.monotonic() - began:.0f} s", flush=True)
    return 0 if fine else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, run in (("random", run_random), ("points", run_points)):
        verb = verbs.add_parser(name)
        for text in ("weir", "ledger", "folder"):
            verb.add_argument("--" + text, required=True)
        verb.add_argument("--rounds", type=int, default=100)
        verb.add_argument("--seed", type=int, default=1)
        verb.add_argument("--keep-mb", type=int, default=1500)
        verb.add_argument("--most", type=int, default=60)
        verb.add_argument("--threads", default="weir-capture,weir-index")
        verb.set_defaults(run=run)
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    # What was started is ended on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
