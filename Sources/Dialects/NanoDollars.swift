// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

extension NanoDollars {
    /// The cost in a usage object: `cost` (a number, or an object with `total_cost`), `cost_in_usd_ticks`, or `estimated_cost`.
    static func reported(in usage: JSONNode) -> Int64? {
        if let cost = usage.present("cost") {
            return read(cost.kind == .object ? cost["total_cost"] : cost)
        }
        if let ticks = usage.present("cost_in_usd_ticks") { return read(ticks, scale: 10) }
        return read(usage["estimated_cost"])
    }

    private static func read(_ node: JSONNode?, scale: Int = 0) -> Int64? {
        guard let node, node.kind == .number else { return nil }
        return parse(node.lexeme, scale: scale)
    }
}
