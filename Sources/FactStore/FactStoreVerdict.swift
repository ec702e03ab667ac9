// SPDX-License-Identifier: Apache-2.0
import GRDB
import SQLiteAccess

extension FactStoreError {
    /// Any error as one of this room's; one that is already keeps its code.
    init(_ error: any Error, path: String, sql: String? = nil) {
        switch error {
        case let own as FactStoreError: self = own
        case let fault as SQLiteFault:
            let (code, message) = FactStoreError.verdict(fault, path: path)
            self.init(code: code, message: message, path: path)
        case let database as DatabaseError:
            let said = SQLiteTrouble.said(database)
            let (code, message) = FactStoreError.verdict(SQLiteTrouble(database), said: said, path: path, isQuestion: sql != nil)
            self.init(code: code, message: message, path: path, sql: sql)
        default: self.init(code: .failed, message: "\(error)", path: path, sql: sql)
        }
    }

    private static func verdict(_ fault: SQLiteFault, path: String) -> (Code, String) {
        switch fault {
        case .missing: return (.notFound, "there is no index at \(path); make it with `weir index`")
        case .older(let version):
            let message =
                "the index at \(path) has schema version \(version), this program needs \(Schema.version); "
                + "run `weir index` to bring it up to date"
            return (.olderVersion, message)
        case .newer(let version):
            let message =
                "the index at \(path) has schema version \(version), this program knows up to \(Schema.version); it was not touched. "
                + "Use the newer Weir, or move the file away and run `weir index` to rebuild it from the segments"
            return (.newerVersion, message)
        case .foreign:
            return (
                .notAnIndex, "\(path) is a database of another program and was not touched; choose another data directory"
            )
        case .refused(let said): return (.cannotOpen, "the index at \(path) cannot be opened: \(said)")
        case .beingMade: return (.busy, "another process is making the index at \(path); try again")
        }
    }

    private static func verdict(_ trouble: SQLiteTrouble, said: String, path: String, isQuestion: Bool) -> (Code, String) {
        switch trouble {
        case .damaged:
            let remedy =
                "it is derived: `weir index --rebuild` makes it anew from the segments"
            return (.damaged, "the index at \(path) is damaged (\(said)); \(remedy)")
        case .busy: return (.busy, "another process holds the index at \(path) (\(said)); try again")
        case .full: return (.diskFull, "the disk of \(path) is full (\(said)); free space and run `weir index` again")
        case .cannotOpen:
            return (
                .cannotOpen,
                "the index at \(path) cannot be opened (\(said)); check that it is a file, and that it and its directory may be written"
            )
        case .badStatement where isQuestion: return (.badQuery, "the question is not valid SQL here: \(said)")
        case .badStatement, .other: return (.failed, "SQLite failed on \(path): \(said)")
        }
    }
}
