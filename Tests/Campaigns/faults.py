#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes a gateway's disk away under load, each fault in its own way, and gives it back.

    faults.py --weir PROGRAM --ledger PROGRAM --folder DIR --faults NAME,...

Three phases each: before, during, after. Demanded: callers get every answer whole; admitted is recorded plus dropped, to the exchange,
and the segments hold what is said, none of it twice but where a sync failed or files were taken away; the gaps of the log name what was
dropped, to the exchange; what is absent ended while the fault lasted; records are right; capture has resumed by the end of
the last phase without a restart. `full_stop` has the gateway stopped while the fault lasts and started again after it: what is then
neither recorded nor in a gap is lost. Latency as callers see it is told for each phase; it fails a run only where it is out of all proportion.
"""
import argparse
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import ledger
from crash import thread_id, wait_traced

BEFORE, DURING, AFTER = 3.0, 4.0, 5.0
# Above these a difference is no noise: times, and microseconds on top.
GROSS = {500: (2, 300), 990: (3, 8000)}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")


class Fault:
    """A place for the data, and how it fails; `begin` and `end` are called in between."""
    mix, rate, during = "small", 300, DURING
    # Whether exchanges may be dropped; they are counted in any case.
    may_lose = False
    # Whether a record may be there twice, and a gap count twice: what a failed sync leaves is written anew.
    may_double = False
    # Whether the gateway is stopped while the fault lasts, and started again after it.
    stops = False
    settings = {"WEIR_CAPTURE_ARENA_MIB": "16"}
    # Further data directories whose records count.
    elsewhere = ()

    def __init__(self, folder):
        self.place = os.path.join(folder, "place")
        os.makedirs(self.place)

    def begin(self, weir):
        pass

    def end(self, weir):
        pass

    def close(self):
        for _ in range(50):
            if not os.path.ismount(self.place) or subprocess.run(["umount", self.place], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)


class Full(Fault):
    """ENOSPC on a small tmpfs, few small exchanges: all of them wait in memory."""

    def __init__(self, folder):
        super().__init__(folder)
        run("mount", "-t", "tmpfs", "-o", "size=256m", "weir-faults", self.place)

    def begin(self, weir):
        with open(os.path.join(self.place, "filler"), "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 256, 1):
                try:
                    while True:
                        file.write(b"w" * size)
                except OSError:
                    pass

    def end(self, weir):
        os.unlink(os.path.join(self.place, "filler"))


class FullLong(Full):
    """The same with more than memory takes: the rest is dropped and counted."""
    mix, rate, during, may_lose = "bulk", 400, 12.0, True


class FullStop(Full):
    """A full disk without a ballast, arenas too small for what waits, and a stop in the midst of it."""
    during, may_lose, stops = 6.0, True, True
    settings = {"WEIR_CAPTURE_ARENA_MIB": "1", "WEIR_CAPTURE_BALLAST_BYTES": "0"}


class Injected(Fault):
    """Calls of the capture thread that strace lets fail or wait."""
    inject = ""

    def begin(self, weir):
        thread = thread_id(weir.pid, "weir-capture")
        calls = self.inject.split(":")[0]
        self.tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(thread), "-e", f"trace={calls}", "-e", f"inject={self.inject}"],
                                       stderr=subprocess.DEVNULL)
        wait_traced(weir.pid, thread)

    def end(self, weir):
        self.tracer.terminate()
        self.tracer.wait(30)


class BadWrite(Injected):
    """EIO on every write."""
    inject = "write,pwrite64,writev:error=EIO"


class BadWriteOnce(Injected):
    """EIO on every third write."""
    inject = "write:error=EIO:when=2+3"


class BadSync(Injected):
    """EIO on every fdatasync."""
    inject, may_double = "fdatasync:error=EIO", True


class BadSyncOnce(Injected):
    """EIO on every second fdatasync: the file is left, its batches are written anew."""
    inject, may_double = "fdatasync:error=EIO:when=1+2", True


class Slow(Injected):
    """Every write takes 200 ms, every sync 600 ms longer."""
    inject = "write,fdatasync,fsync:delay_exit=400000"


class ReadOnly(Fault):
    """An ext4 that has met an error and takes no more writes; then repaired and mounted anew in the same place."""
    may_lose = may_double = True

    def __init__(self, folder):
        super().__init__(folder)
        self.image = os.path.join(folder, "disk.img")
        with open(self.image, "wb") as file:
            file.truncate(256 << 20)
        run("mkfs.ext4", "-q", self.image)
        run("mount", "-o", "loop", self.image, self.place)

    def begin(self, weir):
        run("mount", "-o", "remount,abort", self.place)

    def end(self, weir):
        # What is open keeps the old one alive; its writes fail.
        run("umount", "-l", self.place)
        copy = self.image + ".repaired"
        run("cp", "--sparse=always", self.image, copy)
        subprocess.run(["e2fsck", "-fy", copy], capture_output=True)
        run("mount", "-o", "loop", copy, self.place)


class Removed(Fault):
    """The directory of the segments is moved away by somebody; what it holds counts, and what was not synced in it is written anew."""
    may_double = True

    def begin(self, weir):
        taken = os.path.join(self.place, "taken")
        os.makedirs(taken)
        os.rename(os.path.join(self.place, "data", "segments"), os.path.join(taken, "segments"))
        self.elsewhere = (taken,)


FAULTS = {"full": Full, "full_long": FullLong, "full_stop": FullStop, "write": BadWrite, "write_some": BadWriteOnce, "sync": BadSync, "sync_some": BadSyncOnce,
          "read_only": ReadOnly, "removed": Removed, "slow": Slow}


def settle(weir):
    """The metrics once nothing waits."""
    for _ in range(600):
        now = weir.metrics()
        done = now["weir_capture_records_written_total"] + now["weir_capture_exchanges_dropped_total"]
        if now["weir_gateway_exchanges_in_flight"] == 0 and done >= now["weir_capture_exchanges_admitted_total"] and now["weir_capture_waiting_exchanges"] == 0:
            break
        time.sleep(0.1)
    return now


class Run:
    def __init__(self, args, name, pool, provider_port):
        self.args, self.name = args, name
        self.folder = os.path.join(args.folder, name)
        os.makedirs(self.folder)
        self.pool, self.provider_port = pool, provider_port
        self.texts = ledger.Texts(pool)
        self.problems = []

    def go(self):
        fault = FAULTS[self.name](self.folder)
        weir = driver = None
        try:
            data = os.path.join(fault.place, "data")
            weir = self.start(fault, data)
            driver = ledger.Driver(self.args.ledger, self.pool, weir.port, 1, os.path.join(self.folder, "ledger.txt"), callers=24,
                                   mix_name=fault.mix, rate=fault.rate)
            marks = [time.monotonic()]
            time.sleep(1 + BEFORE)
            marks.append(time.monotonic())
            fault.begin(weir)
            time.sleep(fault.during)
            if fault.stops:
                lines, counted = driver.finish(), weir.metrics()
                weir = self.restart(fault, data, weir)
                return self.judge_stop(data, lines, counted)
            fault.end(weir)
            marks.append(time.monotonic())
            time.sleep(AFTER)
            lines = driver.finish()
            marks.append(time.monotonic())
            counted = settle(weir)
            if weir.process.poll() is not None:
                self.problems.append("the gateway ended")
            elif weir.stop() != 0:
                self.problems.append("no clean stop")
            return self.judge(fault, data, lines, [int(mark * 1e6) for mark in marks], counted)
        finally:
            if driver and driver.process.poll() is None:
                driver.process.kill()
            if weir and weir.process.poll() is None:
                weir.kill()
            fault.close()
            if not self.args.keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, fault, data):
        weir = ledger.Process(self.args.weir, data, self.provider_port, os.path.join(self.folder, "weir.log"), ("--threads", "2"),
                              env=fault.settings)
        weir.wait_ready()
        return weir

    def restart(self, fault, data, weir):
        """Stops it while the fault lasts, and has another one recover what it left."""
        if weir.stop() != 0:
            self.problems.append("no clean stop while the fault lasts")
        fault.end(weir)
        weir = self.start(fault, data)
        if weir.stop() != 0:
            self.problems.append("no clean stop")
        return weir

    def missing(self, data):
        """Exchanges that the gaps of a log name."""
        done = subprocess.run([self.args.weir, "segment", "stat", "--data", data, "--json"], capture_output=True, text=True)
        if done.returncode != 0:
            self.problems.append(f"stat: {done.stderr.strip()[-200:]}")
            return 0
        return json.loads(done.stdout.splitlines()[0])["missing_records"]

    def judge_stop(self, data, lines, counted):
        """Every exchange is recorded or in a gap, once."""
        for line in lines:
            if line.state != "whole":
                self.problems.append(f"exchange {line.n}: {line.state} for its caller, status {line.status}")
        there, missing = self.read(data, lines), self.missing(data)
        admitted = int(counted["weir_capture_exchanges_admitted_total"])
        absent = [line for line in lines if line.id not in there]
        if admitted != len(lines):
            self.problems.append(f"{len(lines)} exchanges, {admitted} admitted")
        if len(there) + missing != admitted or len(absent) != missing:
            self.problems.append(f"{admitted} admitted, {len(there)} in segments, {missing} in gaps: {admitted - len(there) - missing} are lost and not counted")
        if sum(there.values()) != len(there):
            self.problems.append(f"{sum(there.values()) - len(there)} records are there twice")
        print(f"| {self.name} | {len(lines)} | {admitted} | {len(there)} | {missing} | {int(counted['weir_capture_exchanges_reduced_total'])} | "
              f"{int(counted['weir_capture_failures_total'])} | | | | | {'yes' if not self.problems else 'NO'} |", flush=True)
        for text in self.problems[:8]:
            print(f"  {self.name}: {text}", flush=True)
        return not self.problems

    def judge(self, fault, data, lines, marks, counted):
        phases = [[], [], []]
        for line in lines:
            if line.state != "whole":
                self.problems.append(f"exchange {line.n}: {line.state} for its caller, status {line.status}")
            # The first second warms up.
            for at, (low, high) in enumerate(((marks[0] + 1_000_000, marks[1]), (marks[1], marks[2]), (marks[2], marks[3]))):
                if low <= line.start_us < high and line.kind == "plain":
                    phases[at].append(line.end_us - line.start_us)
        latency = {p: [ledger.percentile(values, p) for values in phases] for p in (500, 990)}
        for p, (times, more) in GROSS.items():
            before, during, _ = latency[p]
            if during > before * times + more:
                self.problems.append(f"latency, p{p / 10:g}: {before} us before, {during} us during")
        there, missing = collections.Counter(), 0
        for place in (data, *fault.elsewhere):
            there += self.read(place, lines)
            missing += self.missing(place)
        admitted, dropped = (int(counted[f"weir_capture_exchanges_{what}_total"]) for what in ("admitted", "dropped"))
        absent = [line for line in lines if line.id not in there]
        if admitted != len(lines):
            self.problems.append(f"{len(lines)} exchanges, {admitted} admitted")
        if len(absent) != dropped or len(there) + dropped != admitted:
            self.problems.append(f"{admitted} admitted, {dropped} dropped and counted, {len(there)} in segments: {admitted - dropped - len(there)} are lost and not counted")
        if missing != dropped and not (fault.may_double and missing > dropped):
            self.problems.append(f"{dropped} dropped and counted, {missing} named by gaps")
        if sum(there.values()) != len(there) and not fault.may_double:
            self.problems.append(f"{sum(there.values()) - len(there)} records are there twice")
        if dropped and not fault.may_lose:
            self.problems.append(f"{dropped} dropped, though there was room in memory")
        early = [line for line in absent if line.end_us < marks[1] - 1_500_000]
        if early:
            self.problems.append(f"{len(early)} are absent that had ended long before the fault")
        late = [line for line in absent if line.start_us > marks[3] - 1_500_000]
        if late:
            self.problems.append(f"{len(late)} of the last 1.5 s are absent: capture has not resumed")
        times = [f"{latency[500][i]}/{latency[990][i]}" for i in range(3)]
        print(f"| {self.name} | {len(lines)} | {admitted} | {len(there)} | {dropped} | {int(counted['weir_capture_exchanges_reduced_total'])} | "
              f"{int(counted['weir_capture_failures_total'])} | {' | '.join(times)} | {latency[500][1] / latency[500][0]:.2f} / {latency[990][1] / latency[990][0]:.2f} | "
              f"{'yes' if not self.problems else 'NO'} |", flush=True)
        for text in self.problems[:8]:
            print(f"  {self.name}: {text}", flush=True)
        return not self.problems

    def read(self, data, lines):
        """The records by id, each held against its line; one may be there twice after a failed sync."""
        by_number = {line.n: line for line in lines}
        there, wrong = collections.Counter(), 0
        # What lay beside the arena of a process that stopped has gone with it.
        self.recovers = FAULTS[self.name].stops
        for record in ledger.records(self.args.weir, data):
            there[record["id"]] += 1
            asked = ledger.asked(record)
            line = by_number.get(asked.n) if asked else None
            fault = "nobody asked for it" if line is None else ledger.record_fault(record, line, self.texts, needs_digest=not self.recovers)
            if fault:
                wrong += 1
                if wrong < 4:
                    self.problems.append(f"{record['id']}: {fault}")
        done = subprocess.run([self.args.weir, "segment", "verify", "--data", data], capture_output=True, text=True)
        if done.returncode != 0:
            self.problems.append(f"verify: {done.stderr.strip()[-200:]}")
        return there


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for text in ("weir", "ledger", "folder"):
        parser.add_argument("--" + text, required=True)
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    pool = os.path.join(args.folder, "pool.txt")
    subprocess.run([args.ledger, "pool", pool], check=True)
    port = ledger.free_port()
    provider = subprocess.Popen([args.ledger, "provider", str(port), pool])
    held = []
    print("| fault | exchanges | admitted | in segments | dropped | reduced | failures | p50/p99 us before | during | after | during / before | holds |\n"
          "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|", flush=True)
    try:
        for name in args.faults.split(","):
            if name not in FAULTS:
                raise SystemExit(f"no such fault: {name} ({', '.join(FAULTS)})")
            held.append(Run(args, name, pool, port).go())
    finally:
        provider.kill()
    fine = all(held)
    print(f"\nfaults: {'held' if fine else 'FAILED'}: {sum(held)} of {len(held)}", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    # What was started is ended on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
