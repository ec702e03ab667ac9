// SPDX-License-Identifier: Apache-2.0

/// What version 4 adds: weeks, rolled up from days.
///
/// Nothing is moved or dropped: the next `FactStore.build` makes the weeks from the days that are there.
enum SchemaFour {
    /// From version 3.
    static let all = SchemaThree.cells(of: "week") + "CREATE TABLE rolled_week (week INTEGER PRIMARY KEY, exchanges INTEGER);"
}
