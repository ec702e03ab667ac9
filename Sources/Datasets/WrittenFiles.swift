// SPDX-License-Identifier: Apache-2.0
import Platform

/// Holds every file of a build against the rules of its format, as it lies on disk.
struct WrittenFiles {
    let directory: String
    let files: any FileSystem

    /// Checks the files.
    ///
    /// - Parameter figures: the files, and how many rows each should have.
    /// - Returns: what services will say to a file as a whole, for the warnings: too few rows is no fault of the writer.
    /// - Throws: `DatasetError` `.formatBroken` with the first row, place and rule; `PlatformError` where a file cannot be read.
    func check(_ figures: [ExportFigure]) throws -> [String] {
        try figures.flatMap { figure in
            try check(figure).map { "\(figure.file): \($0.rule.remedy) [\($0.rule.rawValue)]" }
        }
    }

    private func check(_ figure: ExportFigure) throws -> [FormatViolation] {
        let choice = figure.choice
        var validator = FormatValidator(choice.format, profile: choice.profile, options: choice.options)
        try LineReading.forEachLine(of: PathText.join(directory, figure.file), files) { line, _ in
            if let violation = validator.check(line).first { throw WrittenFiles.error(figure.file, "\(violation)") }
        }
        guard validator.rows == figure.rows else {
            throw WrittenFiles.error(figure.file, "\(validator.rows) rows can be read of \(figure.rows)")
        }
        return validator.finish()
    }

    private static func error(_ file: String, _ what: String) -> DatasetError {
        DatasetError(
            .formatBroken, subject: file,
            "\(file), \(what). This is a fault of Weir's, and nothing was published: take the format out of the recipe, and report it."
        )
    }
}
