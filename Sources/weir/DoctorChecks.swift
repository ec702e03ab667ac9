// SPDX-License-Identifier: Apache-2.0
import Capture
import FactStore
import Gateway
import Outbound
import Platform
import SegmentLog
import Upstream

/// Looks at everything around a gateway that can be wrong; changes nothing.
struct DoctorChecks {
    let configuration: Configuration
    let environment: [String: String]
    let clock: any Clock
    private let files = PosixFileSystem()

    private static let freeBytesLow: Int64 = 1 << 30
    private static let freeBytesTooLow: Int64 = 64 << 20
    private static let networkFileSystems = ["nfs", "cifs", "smb", "9p", "ceph", "glusterfs", "fuse.", "afs", "lustre", "beegfs"]
    /// 2024-01-01 and 2100-01-01, microseconds since the epoch.
    private static let saneClock: ClosedRange<Int64> = 1_704_067_200_000_000...4_102_444_800_000_000

    /// Every check that stays on this machine.
    func local() async -> [DoctorFinding] {
        var found = dataDirectory()
        found += await addresses()
        found += [tls(), authorities(), callers(), descriptors(), capturePriority(), clockCheck(), libraries()].compactMap { $0 }
        found += prices() + proxies()
        return found + configuration.resolution.warnings.map { DoctorFinding(.warn, "environment", $0) }
    }

    // MARK: Data

    private func dataDirectory() -> [DoctorFinding] {
        let path = configuration.directory.path
        var existing = path
        do {
            while try files.status(of: existing) == nil, existing != PathText.parent(of: existing) {
                existing = PathText.parent(of: existing)
            }
            guard try files.status(of: existing)?.isDirectory == true else {
                return [DoctorFinding(.fail, "data directory", "\(existing) is no directory")]
            }
            // A file without a place in the log, made and taken away again.
            let probe = PathText.join(existing, ".weir-doctor-\(Host.processID)")
            try files.open(probe, .createNew).close()
            try files.unlink(probe)
        } catch {
            return [DoctorFinding(.fail, "data directory", "\(path) cannot be written to: \(error)")]
        }
        let state = existing == path ? "is writable" : "will be made in \(existing), which is writable"
        let writable = DoctorFinding(.ok, "data directory", "\(path) \(state)")
        return [writable, space(existing), fileSystem(existing), damagedArenas()].compactMap { $0 }
    }

    /// What recovery has set aside stays until somebody looks: it holds what passed as it came.
    private func damagedArenas() -> DoctorFinding? {
        let folder = PathText.join(configuration.directory.arenas, "damaged")
        guard let names = try? files.list(folder), !names.isEmpty else { return nil }
        return DoctorFinding(
            .warn, "damaged arenas",
            "\(names.count) in \(folder): they may hold bodies and credentials as they came; look at them, then remove them")
    }

    private func space(_ path: String) -> DoctorFinding {
        do {
            let free = try files.freeBytes(at: path)
            let text = "\(free >> 20) MiB free at \(path)"
            let least = configuration.captureLimits.minFreeBytes
            if free < least {
                return DoctorFinding(
                    .fail, "free space", text + ", less than capture.min_free_bytes: bodies are not recorded")
            }
            if free < DoctorChecks.freeBytesTooLow {
                return DoctorFinding(.fail, "free space", text + ": exchanges will be lost")
            }
            return DoctorFinding(free < DoctorChecks.freeBytesLow ? .warn : .ok, "free space", text)
        } catch { return DoctorFinding(.warn, "free space", "cannot be told: \(error)") }
    }

    private func fileSystem(_ path: String) -> DoctorFinding? {
        guard let real = HostResources.realPath(path), let file = try? files.open("/proc/self/mounts", .read) else { return nil }
        defer { file.close() }
        guard let mounts = try? file.read(at: 0, count: 1 << 20),
            let type = HostResources.fileSystemType(of: real, mounts: String(decoding: mounts, as: UTF8.self))
        else { return nil }
        if DoctorChecks.networkFileSystems.contains(where: type.hasPrefix) {
            return DoctorFinding(
                .warn, "file system", "\(type): locks and syncs of a network file system are not to be relied on")
        }
        if type == "tmpfs" { return DoctorFinding(.warn, "file system", "tmpfs: what is recorded is gone after a restart") }
        return DoctorFinding(.ok, "file system", type)
    }

    /// Whether the prices can be read, and files of prices where nobody looks for them.
    private func prices() -> [DoctorFinding] {
        let own = PriceFiles(configuration.directory, files: files)
        var found: [DoctorFinding] = []
        do {
            let files = try own.sheets().count - 1
            let over = ["", ", and one file over it", ", and two files over it"][min(files, 2)]
            found.append(DoctorFinding(.ok, "prices", "the built-in table" + over))
        } catch { found.append(DoctorFinding(.fail, "prices", "\(error)")) }
        return found
            + own.misplaced.map {
                DoctorFinding(.warn, "prices", "\($0) is not read; own prices belong in \(own.ownOverrides)")
            }
    }

    // MARK: Listening

    private func addresses() async -> [DoctorFinding] {
        var found: [DoctorFinding] = []
        for address in configuration.addresses {
            let name = "listen \(address)"
            switch await ListenerCheck.look(host: address.host, port: address.port) {
            case .free: found.append(DoctorFinding(.ok, name, address.port == 0 ? "any free port" : "free"))
            case .taken: found.append(await holder(of: address, name))
            case .refused(let reason): found.append(DoctorFinding(.fail, name, reason))
            }
        }
        return found
    }

    /// Who listens there: a gateway of ours answers at `/healthz`.
    private func holder(of address: ListenAddress, _ name: String) async -> DoctorFinding {
        var limits = OutboundLimits()
        limits.totalMilliseconds = 3_000
        limits.bodyBytes = 64 << 10
        var route = OutboundRoute()
        route.proxy = .direct
        if let tls = configuration.tls { route.extraCAFiles = [tls.certificatePath] }
        let host =
            ["0.0.0.0": "127.0.0.1", "::": "[::1]"][address.host]
            ?? (address.host.contains(":") ? "[\(address.host)]" : address.host)
        let scheme = configuration.tls == nil ? "http" : "https"
        do {
            let answer = try await OutboundClient(route: route).requestOffPool(
                "GET", "\(scheme)://\(host):\(address.port)/healthz", limits: limits)
            let isAlive = String(decoding: answer.body, as: UTF8.self).contains(#""status":"alive""#)
            guard isAlive || answer.headers.contains(where: { $0.name.lowercased().hasPrefix("x-weir-") }) else {
                return DoctorFinding(.fail, name, "taken by a program that is no gateway of ours (/healthz: \(answer.status))")
            }
            return DoctorFinding(.ok, name, "held by a running gateway (/healthz: \(answer.status))")
        } catch let error as OutboundError where error.code == .tlsFailed {
            return DoctorFinding(
                .warn, name, "taken, and the certificate there is not for this address: who it is cannot be told")
        } catch {
            return DoctorFinding(.fail, name, "taken by a program that does not answer at /healthz: \(error)")
        }
    }

    private func tls() -> DoctorFinding? {
        guard let tls = configuration.tls else { return nil }
        do throws(GatewayError) {
            try ListenerCheck.check(tls)
            return DoctorFinding(.ok, "tls", "\(tls.certificatePath) and its key belong together")
        } catch { return DoctorFinding(.fail, "tls", error.message) }
    }

    private func callers() -> DoctorFinding {
        let beyond = configuration.addresses.filter { !$0.isLoopback }
        let count = configuration.resolution.keys.count
        if count > 0 { return DoctorFinding(.ok, "gateway keys", "\(count) configured; every caller needs one") }
        if beyond.isEmpty { return DoctorFinding(.ok, "gateway keys", "none; only this machine can reach the gateway") }
        return DoctorFinding(.warn, "gateway keys", "none, and \(beyond[0]) is open to everyone who reaches it")
    }

    // MARK: The machine

    private func descriptors() -> DoctorFinding? {
        guard let limit = HostResources.descriptorLimit() else { return nil }
        let exchanges = configuration.resolution.number("limits.exchanges") * Int64(configuration.threads)
        // A caller's and a provider's connection for each exchange, and some files.
        let wanted = exchanges * 2 + 256
        let text = "\(limit.soft) may be open (ulimit -n)"
        if limit.soft >= wanted { return DoctorFinding(.ok, "descriptors", text) }
        if limit.soft < 256 { return DoctorFinding(.fail, "descriptors", text + ": too few to work with") }
        return DoctorFinding(
            .warn, "descriptors",
            text + ": enough for about \((limit.soft - 256) / 2) exchanges at once, the limits allow \(exchanges)")
    }

    /// Whether event loops on its core go before capture; nil where nothing is captured.
    private func capturePriority() -> DoctorFinding? {
        guard configuration.captureLimits.givesWay, !configuration.capturesNothing else { return nil }
        guard let obstacle = IdleObstacle.ofThisProcess() else {
            return DoctorFinding(.ok, "capture priority", "event loops on its core go first")
        }
        // No warning: nothing is lost by it, and it is so in every container that was not allowed more.
        return DoctorFinding(
            .ok, "capture priority",
            "as that of event loops, which on few cores wait for it at times; to let them go first it needs \(obstacle.needs)")
    }

    private func clockCheck() -> DoctorFinding {
        let now = clock.wallUs
        guard DoctorChecks.saneClock.contains(now) else {
            return DoctorFinding(
                .fail, "clock", "\(now / 1_000_000) s since 1970 is not now; set the clock, or times in records are wrong")
        }
        return DoctorFinding(.ok, "clock", "\(now / 1_000_000) s since 1970")
    }

    private func libraries() -> DoctorFinding {
        guard let sqlite = SQLiteLibrary.version else { return DoctorFinding(.fail, "libraries", "SQLite opens no database") }
        return DoctorFinding(
            .ok, "libraries", "zstd \(ZstdLibrary.version), SQLite \(sqlite), \(OutboundClient.version)")
    }

    // MARK: The way out

    private func authorities() -> DoctorFinding? {
        do throws(UpstreamError) {
            _ = try UpstreamContext(configuration.settings.upstream)
            let count = configuration.settings.upstream.extraCAFiles.count
            return DoctorFinding(.ok, "trust store", count == 0 ? "the system's" : "the system's and \(count) more files")
        } catch { return DoctorFinding(.fail, "trust store", error.message) }
    }

    private func proxies() -> [DoctorFinding] {
        var found: [DoctorFinding] = []
        for path in ["upstream.http_proxy", "upstream.https_proxy", "upstream.no_proxy"] {
            guard let effective = configuration.resolution.values[path], effective.origin != .fallback,
                let setting = ConfigSchema.table[path]
            else { continue }
            found.append(DoctorFinding(.ok, path, "\(setting.kind.shown(effective.value)), from \(effective.origin)"))
        }
        if let text = environment["HTTP_PROXY"], !text.isEmpty, (environment["http_proxy"] ?? "").isEmpty {
            found.append(
                DoctorFinding(.warn, "upstream.http_proxy", "HTTP_PROXY in capitals is not read; set http_proxy in its place"))
        }
        return found
    }
}
