#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power of a gateway's disk at random moments under load, and holds what is on it against the callers' ledger.

    powercut.py --weir PROGRAM --ledger PROGRAM --cutdisk PROGRAM --folder DIR --images DIR --rounds N --seed S

The disk is an ext4 file system on a device of ours (cutdisk.c), which knows every write and flush: a cut keeps all that was flushed and a
random part of what was not, writes torn between sectors among it. Each cut is mounted elsewhere and a gateway started on it. Demanded: it starts; an
exchange whose end its caller saw longer ago than the sync interval and a margin is there once; no record says anything
else than what was sent and answered; what is damaged is told; the index can be brought up to date. Every ten cuts the disk goes on from
one of the images, so that what was recovered is cut again. With --encrypted the segments are, and recovery has to look into them.
"""
import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid

import ledger

CUTS_PER_LIFE = 10
DISK_BYTES = 128 << 20
KEY_FILE = "WEIR_SEGMENTS_KEY_FILE"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Disk:
    """The live disk; its power is never really cut, only images of it are taken as a cut would leave it."""

    def __init__(self, args, image):
        self.door, self.place = os.path.join(args.folder, "disk"), os.path.join(args.folder, "live")
        os.makedirs(self.door, exist_ok=True)
        os.makedirs(self.place, exist_ok=True)
        self.server = subprocess.Popen([args.cutdisk, self.door, str(DISK_BYTES), image], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(1000):
            if os.path.ismount(self.door):
                break
            time.sleep(0.005)
        run("mount", "-o", "loop", os.path.join(self.door, "disk"), self.place)

    def cut(self, path, keep, seed):
        self.server.stdin.write(f"cut {path} {keep} {seed}\n")
        self.server.stdin.flush()
        return [int(word) for word in self.server.stdout.readline().split()]

    def close(self):
        for place in (self.place, self.door):
            for _ in range(100):
                if not os.path.ismount(place) or subprocess.run(["umount", place], capture_output=True).returncode == 0:
                    break
                time.sleep(0.05)
        self.server.stdin.close()
        try:
            self.server.wait(10)
        except subprocess.TimeoutExpired:
            self.server.kill()


class Cuts:
    def __init__(self, args):
        self.args = args
        self.rng = random.Random(args.seed)
        self.pool = os.path.join(args.folder, "pool.txt")
        subprocess.run([args.ledger, "pool", self.pool], check=True)
        self.texts = ledger.Texts(self.pool)
        self.provider_port = ledger.free_port()
        self.provider = subprocess.Popen([args.ledger, "provider", str(self.provider_port), self.pool])
        self.copy = os.path.join(args.folder, "copy")
        os.makedirs(self.copy, exist_ok=True)
        self.log = os.path.join(args.folder, "weir.log")
        self.key = {}
        if args.encrypted:
            self.key = {KEY_FILE: os.path.join(args.folder, "segments.key")}
            with open(self.key[KEY_FILE], "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(run(args.weir, "segment", "key"))
        # The verbs that read segments take it from here; any other is not ours.
        os.environ.pop(KEY_FILE, None)
        os.environ.update(self.key)
        self.faults, self.counts = [], collections.Counter()
        self.next_number = 1
        self.settled = set()   # what an image held with which the disk went on
        self.doubled = set()
        self.lost_us = []
        self.image = os.path.join(args.images, "base.img")
        with open(self.image, "wb") as file:
            file.truncate(DISK_BYTES)
        run("mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", self.image)

    def keep(self, record, line):
        """Keeps a wrong record and what it should say, to be looked at."""
        said = {"record": record, "request": self.texts.request(line).decode("latin-1"), "answer": self.texts.answer(line).decode("latin-1")}
        with open(os.path.join(self.args.folder, f"wrong-{record['id']}.json"), "w") as file:
            json.dump(said, file)

    def fault(self, text):
        self.counts["faults"] += 1
        if len(self.faults) < 40:
            self.faults.append(text)

    def start(self, data):
        """A gateway to which the machine seems to have been started anew: after a power cut it was."""
        with open(os.path.join(self.args.folder, f"boot-{self.counts['starts']}"), "w") as file:
            file.write(f"{uuid.uuid4()}\n")
        self.counts["starts"] += 1
        wrap = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"', file.name)
        return ledger.Process(self.args.weir, data, self.provider_port, self.log, ("--threads", "2"), wrap, env={"WEIR_CAPTURE_ARENA_MIB": "4", **self.key})

    def life(self, cuts):
        """One life of the disk: a gateway under load and some cuts."""
        disk = Disk(self.args, self.image)
        weir = driver = None
        try:
            weir = self.start(os.path.join(disk.place, "data"))
            if not weir.wait_ready():
                raise SystemExit(f"no start on the image of a cut; see {self.log}")
            path = os.path.join(self.args.folder, "ledger.txt")
            driver = ledger.Driver(self.args.ledger, self.pool, weir.port, self.next_number, path, callers=32, rate=self.args.rate)
            for number in range(cuts):
                time.sleep(self.rng.uniform(0.1, 1.8))
                self.one_cut(disk, driver, is_last=number == cuts - 1)
            lines = driver.finish()
            self.next_number = max((line.n for line in lines), default=self.next_number) + 1
            for line in lines:
                # Callers that rest for long are given up: that is no fault of the disk's.
                self.counts["given up while they rested"] += line.state == "cut"
                if line.state in ("wrong", "refused"):
                    self.fault(f"exchange {line.n}: {line.state} for its caller")
        finally:
            if driver and driver.process.poll() is None:
                driver.process.kill()  # also where it rests
            if weir and weir.process.poll() is None:
                weir.kill()
            disk.close()

    def one_cut(self, disk, driver, is_last):
        image = os.path.join(self.args.images, f"cut-{self.counts['cuts']}.img")
        keep = self.rng.choice((0, 300, 500, 800, 1000))
        burst = None
        if self.rng.random() < 0.8:
            # The kernel writes back what the arenas hold every now and then; here it does so while the power goes.
            burst = subprocess.Popen(["sync", "-f", disk.place])
            time.sleep(self.rng.uniform(0, 0.04))
        cut_us = time.monotonic_ns() // 1000
        late, kept, _ = disk.cut(image, keep, self.rng.randrange(1 << 40))
        # The callers rest while the image is looked at, so that the disk does not fill by the slowness of looking.
        driver.process.send_signal(signal.SIGSTOP)
        if burst:
            burst.wait()
        self.counts["cuts"] += 1
        self.counts["writes that were not flushed"] += late
        self.counts["of those kept"] += kept
        run("mount", "-o", "loop", image, self.copy)
        try:
            self.check(os.path.join(self.copy, "data"), ledger.read_ledger(driver.path), cut_us, is_last)
        finally:
            run("umount", self.copy)
            driver.process.send_signal(signal.SIGCONT)
        if is_last:
            os.replace(image, self.image)
        else:
            os.unlink(image)

    def check(self, data, lines, cut_us, is_last):
        number = self.counts["cuts"]
        weir = self.start(data)
        if not weir.wait_ready():
            weir.ended()
            self.fault(f"cut {number}: no start; see {self.log}")
            return
        if weir.stop() != 0:
            self.fault(f"cut {number}: no clean stop")
        done = subprocess.run([self.args.weir, "segment", "verify", "--data", data], capture_output=True, text=True)
        # A batch that was written and not synced may be there in part: that is damage, and told.
        if done.returncode != 0:
            self.counts["logs with a torn batch"] += 1
            if "something is damaged" not in done.stderr:
                self.fault(f"cut {number}: {done.stderr.strip()[-300:]}")
        by_number = {line.n: line for line in lines}
        there = collections.Counter()
        for record in ledger.records(self.args.weir, data, bears_damage=True):
            self.counts["records"] += 1
            there[record["id"]] += 1
            self.hold(record, by_number, number)
        twice = {id for id, count in there.items() if count > 1} - self.doubled
        self.doubled |= twice
        self.counts["twice"] += len(twice)
        for id in sorted(twice)[:1]:
            self.fault(f"cut {number}: {id} and {len(twice) - 1} others are there twice")
        gone = self.settled - set(there)
        if gone:
            self.fault(f"cut {number}: {len(gone)} records of the image that the disk began with are gone")
        newest_lost = 0
        for line in lines:
            if line.state not in ("whole", "cancelled"):
                continue
            age = cut_us - line.end_us
            if line.id not in there:
                if age > 0:
                    newest_lost = max(newest_lost, age)
                if age > self.args.margin_ms * 1000:
                    self.counts["synced and lost"] += 1
                    self.fault(f"cut {number}: exchange {line.n} ended {age / 1000:.0f} ms before and is not there")
            elif age > self.args.margin_ms * 1000:
                self.counts["due and there"] += 1
        self.lost_us.append(newest_lost)
        if number % 10 == 0 or is_last:
            self.index(data, there, number)
        if is_last:
            self.settled = set(there)

    def hold(self, record, by_number, number):
        asked = ledger.asked(record)
        if asked is None:
            if record["outcome"] != "gateway_crashed":
                self.fault(f"cut {number}: {record['id']} is {record['outcome']} and has no head")
            return
        line = by_number.get(asked.n, asked)
        # What its caller has seen by now may lie after the cut.
        wrong = ledger.record_fault(record, line._replace(got=0, status=0, state="open"), self.texts)
        if wrong:
            self.counts["wrong"] += 1
            self.fault(f"cut {number}: {record['id']}, exchange {asked.n}, {record['outcome']}: {wrong}")
            if self.counts["faults"] < 40:
                self.keep(record, line)

    def index(self, data, there, number):
        for _ in range(50):
            done = subprocess.run([self.args.weir, "index", "--data", data], capture_output=True, text=True)
            if "not finished" not in done.stderr + done.stdout:
                break
        if done.returncode != 0:
            self.fault(f"cut {number}: index: {done.stderr.strip()[-300:]}")
            return
        facts = subprocess.run([self.args.weir, "query", "exchanges", "--data", data, "--json"], capture_output=True, text=True)
        known = {json.loads(line)["id"] for line in facts.stdout.splitlines()}
        self.counts["indexed"] += 1
        if not set(there) <= known:
            self.fault(f"cut {number}: {len(set(there) - known)} records have no fact")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for text in ("weir", "ledger", "cutdisk", "folder", "images"):
        parser.add_argument("--" + text, required=True)
    for name, value in (("rounds", 200), ("seed", 1), ("margin-ms", 1500), ("rate", 250), ("most-faults", 20)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--encrypted", action="store_true")
    args = parser.parse_args()
    cuts, began = Cuts(args), time.monotonic()
    try:
        fresh = cuts.image + ".fresh"
        shutil.copyfile(cuts.image, fresh)
        while cuts.counts["cuts"] < args.rounds and cuts.counts["faults"] <= args.most_faults:
            cuts.life(min(CUTS_PER_LIFE, args.rounds - cuts.counts["cuts"]))
            print(f"{cuts.counts['cuts']} cuts, {time.monotonic() - began:.0f} s: {', '.join(f'{k} {v}' for k, v in sorted(cuts.counts.items()))}", flush=True)
            # A fresh disk now and then, before it is full.
            if cuts.counts["cuts"] % (3 * CUTS_PER_LIFE) == 0:
                shutil.copyfile(fresh, cuts.image)
                cuts.settled = set()
    finally:
        cuts.provider.kill()
        if os.path.ismount(cuts.copy):
            subprocess.run(["umount", cuts.copy])
    for text in cuts.faults:
        print("  " + text)
    fine = cuts.counts["faults"] == 0 and cuts.counts["due and there"] > 10 * args.rounds
    lost = sorted(cuts.lost_us)
    print(f"power cut: {'held' if fine else 'FAILED'}: {cuts.counts['cuts']} cuts, {cuts.counts['due and there']} exchanges older than {args.margin_ms} ms there, "
          f"{cuts.counts['synced and lost']} lost, {cuts.counts['wrong']} wrong; oldest loss of a cut: median {lost[len(lost) // 2] / 1000:.0f} ms, "
          f"most {lost[-1] / 1000:.0f} ms; {cuts.counts['of those kept']} of {cuts.counts['writes that were not flushed']} unflushed writes kept; {time.monotonic() - began:.0f} s, seed {args.seed}")
    return 0 if fine else 1


if __name__ == "__main__":
    # What was started is ended on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
