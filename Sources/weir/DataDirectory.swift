// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ControlStore
import Indexing
import Platform
import SegmentLog

/// The data directory and what lies in it.
struct DataDirectory {
    let path: String
    /// The file of the keys that segments are encrypted with, where they are.
    var keyFile: String?
    var paths: IndexPaths { IndexPaths(dataDirectory: path) }
    /// Held by the one gateway that writes here.
    var serveLock: String { PathText.join(path, "serve.lock") }
    var segments: String { paths.segments }
    /// The segments, as every verb reads them.
    var log: SegmentDirectory {
        get throws(SegmentError) {
            let files = PosixFileSystem()
            let keys = if let keyFile { try SegmentKeys(file: keyFile, files: files) } else { SegmentKeys.none }
            return SegmentDirectory(files: files, path: segments, keys: keys)
        }
    }
    /// What loops hand over to the capture thread, in files that survive the process.
    var arenas: String { PathText.join(path, "arenas") }
    var index: String { paths.index }
    /// Ledgers and feedback: what cannot be made anew from segments.
    var control: String { PathText.join(path, ControlStore.fileName) }
    var datasets: String { PathText.join(path, "datasets") }
    private var secretPath: String { PathText.join(path, "key-names.secret") }

    /// Makes the directory and its parts.
    func create(_ files: any FileSystem) throws {
        do { try files.createDirectories(paths.segments) } catch {
            throw VerbFailure.usage("the data directory \(path) cannot be used: \(error)")
        }
    }

    /// Checks that the directory is there.
    func require(_ files: any FileSystem) throws {
        guard try files.status(of: path)?.isDirectory == true else {
            throw VerbFailure.usage("there is no data directory at \(path); name it with --data, or begin one with `weir serve`")
        }
    }

    /// The secret that names credentials (`key_id`), made at first use and kept.
    func keyNameSecret(_ files: any FileSystem) throws -> [UInt8] {
        if try files.status(of: secretPath) != nil {
            let secret = try files.readFile(secretPath, limit: 1_024)
            guard secret.count >= 16 else {
                throw VerbFailure.usage("\(secretPath) is too short; remove it to make a new one (key ids change with it)")
            }
            return secret
        }
        let secret = SystemRandom.bytes(32)
        try files.replaceFile(secretPath, with: secret)
        return secret
    }
}

struct DataOption: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp("The data directory (default $WEIR_DATA, then ./weir-data).", valueName: "dir"))
    var given: String?

    @Option(
        help: ArgumentHelp(
            "The file of the keys that segments are encrypted with (default $WEIR_SEGMENTS_KEY_FILE).", valueName: "file"))
    var keyFile: String?

    /// The flag, then the variable, then the default.
    var data: String { given ?? ProgramEnvironment.value("WEIR_DATA") ?? "./weir-data" }
    var directory: DataDirectory {
        DataDirectory(path: data, keyFile: keyFile ?? ProgramEnvironment.value("WEIR_SEGMENTS_KEY_FILE"))
    }
}
