// SPDX-License-Identifier: Apache-2.0
import GRDB
import SQLiteAccess

extension ControlStoreError {
    /// An error of SQLite as one of this room's; what a caller's closure threw stays what it is.
    static func own(_ error: any Error, path: String) -> any Error {
        error is DatabaseError || error is SQLiteFault ? ControlStoreError(error, path: path) : error
    }

    /// Any error as one of this room's; one that is already keeps its code.
    ///
    /// Neither statements nor their values are told.
    init(_ error: any Error, path: String) {
        switch error {
        case let own as ControlStoreError: self = own
        case let fault as SQLiteFault:
            let (code, message) = ControlStoreError.verdict(fault, path: path)
            self.init(code: code, message: message, path: path)
        case let database as DatabaseError:
            let said = SQLiteTrouble.said(database)
            let (code, message) = ControlStoreError.verdict(SQLiteTrouble(database), said: said, path: path)
            self.init(code: code, message: message, path: path)
        default: self.init(code: .failed, message: "\(error)", path: path)
        }
    }

    private static func verdict(_ fault: SQLiteFault, path: String) -> (Code, String) {
        switch fault {
        case .missing: return (.notFound, "there is no control database at \(path): nothing was recorded in it yet")
        case .older(let version):
            let message =
                "the control database at \(path) has schema version \(version), this program needs \(ControlSchema.version); "
                + "what writes to it, as `weir serve`, brings it up to date"
            return (.olderVersion, message)
        case .newer(let version):
            let message =
                "the control database at \(path) has schema version \(version), this program knows up to \(ControlSchema.version); "
                + "it was not touched. Use the newer Weir"
            return (.newerVersion, message)
        case .foreign:
            return (.notControl, "\(path) is a database of another program and was not touched; choose another data directory")
        case .refused(let said): return (.cannotOpen, "the control database at \(path) cannot be opened: \(said)")
        case .beingMade: return (.busy, "another process is making the control database at \(path); try again")
        }
    }

    private static func verdict(_ trouble: SQLiteTrouble, said: String, path: String) -> (Code, String) {
        switch trouble {
        case .damaged:
            let remedy =
                "it holds what nothing else does: take it out of a backup, or begin another and import the ledger's last export"
            return (.damaged, "the control database at \(path) is damaged (\(said)); \(remedy)")
        case .busy: return (.busy, "another process holds the control database at \(path) (\(said)); try again")
        case .full: return (.diskFull, "the disk of \(path) is full (\(said)); free space and try again")
        case .cannotOpen:
            let hint = "check that it is a file, and that it and its directory may be written"
            return (.cannotOpen, "the control database at \(path) cannot be opened (\(said)); \(hint)")
        case .badStatement, .other: return (.failed, "SQLite failed on \(path): \(said)")
        }
    }
}
