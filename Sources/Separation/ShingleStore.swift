// SPDX-License-Identifier: Apache-2.0
package import Platform

/// Where shingles of rows are put that do not fit into memory.
package struct ShingleSpill: Sendable {
    let files: any FileSystem
    let path: String
    let memory: Int

    /// A place for shingles.
    ///
    /// - Parameters:
    ///   - files: the file system.
    ///   - path: of a file that is not there yet; it is made once it is needed, and removed in the end.
    ///   - memory: bytes of shingles that stay in memory.
    package init(files: any FileSystem, path: String, memory: Int) {
        self.files = files
        self.path = path
        self.memory = memory
    }
}

/// The shingles of all rows, in chunks: the first ones in memory, those behind the bound in a file.
///
/// Immutable: many threads read it, each through a reader of its own.
struct ShingleStore: Sendable {
    /// Where the shingles of a row are.
    struct Place: Sendable {
        var chunk: UInt32 = 0
        var start: UInt32 = 0
        var promptCount: UInt32 = 0
        var firstCount: UInt32 = 0
        /// Whether the first view's shingles are the prompt view's, stored once.
        var isFirstPrompt = false
        var isPromptShort = false
    }

    fileprivate(set) var places: [Place] = []
    /// Empty where it is in the file.
    fileprivate var chunks: [[UInt64]] = []
    /// Where in the file it begins, for each chunk; -1 for one in memory.
    fileprivate var offsets: [Int64] = []
    fileprivate let spill: ShingleSpill

    init(spill: ShingleSpill) { self.spill = spill }

    /// The number of values of a row in a view.
    func size(of row: Int, _ view: SeparationView) -> Int {
        let place = places[row]
        return Int(view == .prompt || place.isFirstPrompt ? place.promptCount : place.firstCount)
    }
}

/// Fills a store; owned by one thread.
final class ShingleWriter {
    /// Words of a chunk; a row that is larger has one of its own.
    static let chunkWords = 1 << 20
    private(set) var store: ShingleStore
    private var chunk: [UInt64] = []
    private var residentBytes = 0
    private var file: (any OpenFile)?
    private var fileBytes: Int64 = 0

    init(spill: ShingleSpill) { store = ShingleStore(spill: spill) }

    deinit { file?.close() }

    /// Takes a row in.
    func append(_ views: GroupingViews) throws(SeparationError) {
        let isSame = views.first == views.prompt
        let count = views.prompt.count + (isSame ? 0 : views.first.count)
        if !chunk.isEmpty, chunk.count + count > ShingleWriter.chunkWords { try closeChunk() }
        store.places.append(
            ShingleStore.Place(
                chunk: UInt32(store.chunks.count), start: UInt32(chunk.count), promptCount: UInt32(views.prompt.count),
                firstCount: UInt32(views.first.count), isFirstPrompt: isSame, isPromptShort: views.isPromptShort))
        chunk.append(contentsOf: views.prompt)
        if !isSame { chunk.append(contentsOf: views.first) }
    }

    /// Ends it.
    func finish() throws(SeparationError) -> ShingleStore {
        try closeChunk()
        return store
    }

    /// Removes the file, if there is one.
    func removeFile() throws(SeparationError) {
        guard let file else { return }
        file.close()
        self.file = nil
        do throws(PlatformError) { try store.spill.files.unlink(store.spill.path) } catch { throw failure(error) }
    }

    private func closeChunk() throws(SeparationError) {
        let bytes = chunk.count * 8
        if residentBytes + bytes <= store.spill.memory {
            residentBytes += bytes
            store.chunks.append(chunk)
            store.offsets.append(-1)
        } else {
            try write()
            store.chunks.append([])
            store.offsets.append(fileBytes)
            fileBytes += Int64(bytes)
        }
        chunk = []
        chunk.reserveCapacity(ShingleWriter.chunkWords)
    }

    private func write() throws(SeparationError) {
        do throws(PlatformError) {
            let open = if let file { file } else { try store.spill.files.open(store.spill.path, .createNew) }
            file = open
            try open.append(ShingleBytes.bytes(of: chunk))
        } catch { throw failure(error) }
    }

    private func failure(_ cause: PlatformError) -> SeparationError {
        SeparationError(.spillFailed, "the file for shingles cannot be written: give it a directory with room", cause: cause)
    }
}

/// Reads shingles of rows; owned by one thread.
final class ShingleReader {
    private let store: ShingleStore
    private let boilerplate: Boilerplate
    private var file: (any OpenFile)?

    init(_ store: ShingleStore, without boilerplate: Boilerplate) {
        self.store = store
        self.boilerplate = boilerplate
    }

    deinit { file?.close() }

    /// The shingles of a row in a view without boilerplate, sorted.
    func shingles(of row: Int, _ view: SeparationView) throws(SeparationError) -> [UInt64] {
        let set = try stored(row, view)
        return store.places[row].isPromptShort ? set : boilerplate.removed(from: set, row: row)
    }

    /// The shingles of a row in a view as they were stored.
    func stored(_ row: Int, _ view: SeparationView) throws(SeparationError) -> [UInt64] {
        let place = store.places[row]
        let isPrompt = view == .prompt || place.isFirstPrompt
        let start = Int(place.start) + (isPrompt ? 0 : Int(place.promptCount))
        let count = Int(isPrompt ? place.promptCount : place.firstCount)
        let offset = store.offsets[Int(place.chunk)]
        guard offset >= 0 else { return Array(store.chunks[Int(place.chunk)][start..<start + count]) }
        return try read(offset + Int64(start * 8), count)
    }

    private func read(_ offset: Int64, _ count: Int) throws(SeparationError) -> [UInt64] {
        do throws(PlatformError) {
            let open = if let file { file } else { try store.spill.files.open(store.spill.path, .read) }
            file = open
            let bytes = try open.read(at: offset, count: count * 8)
            if bytes.count == count * 8 { return ShingleBytes.words(of: bytes) }
        } catch {
            throw SeparationError(.spillFailed, "the file for shingles cannot be read", cause: error)
        }
        throw SeparationError(.spillFailed, "the file for shingles was cut short by somebody else")
    }
}

/// Words as bytes of this machine, which alone reads them again.
private enum ShingleBytes {
    static func bytes(of words: [UInt64]) -> [UInt8] { unsafe words.withUnsafeBytes { unsafe Array($0) } }

    static func words(of bytes: [UInt8]) -> [UInt64] {
        var out = [UInt64](repeating: 0, count: bytes.count / 8)
        unsafe out.withUnsafeMutableBytes { unsafe $0.copyBytes(from: bytes.prefix($0.count)) }
        return out
    }
}
