// SPDX-License-Identifier: Apache-2.0

/// The table that Weir brings along: `prices.json`, embedded.
package enum BuiltInPrices {
    /// The bytes of the file.
    package static var file: [UInt8] { PackageResources.prices_json }

    /// The table; a damaged one prices nothing, which the tests of this room would tell.
    package static let sheet: PriceSheet = {
        var sheet: PriceSheet
        do throws(PricingError) { sheet = try PriceSheet.read(json: file, file: "prices.json") } catch {
            sheet = PriceSheet(name: "prices.json")
            sheet.note = error.description
        }
        sheet.name = "built-in"
        return sheet
    }()
}
