// SPDX-License-Identifier: Apache-2.0

/// The tasks of the demonstration traffic.
enum TrafficTask: String, CaseIterable {
    case supportTriage = "support-triage"
    case summarise
    case extractInvoice = "extract-invoice"
    case codeReview = "code-review"
}

/// Seed prompts with slots, the instructions and the follow-up questions of each task.
enum PromptBook {
    /// The prompt that opens a conversation, slots filled.
    static func opening(_ task: TrafficTask, _ random: inout SeededRandom) -> String {
        fill(random.pick(prompts(task)), &random)
    }

    /// A later question of the same conversation.
    static func followUp(_ task: TrafficTask, _ random: inout SeededRandom) -> String {
        fill(random.pick(followUps(task)), &random)
    }

    /// Something that a tool found out.
    static func toolResult(_ name: String, _ random: inout SeededRandom) -> String {
        switch name {
        case "lookup_order":
            return fill(
                #"{"order":"{order}","status":"\#(random.pick(["shipped", "processing", "delivered", "returned"]))","total":"{amount}","eta":"{date}"}"#,
                &random)
        default:
            return fill(#"{"refund_id":"R-{order}","amount":"{amount}","accepted":true}"#, &random)
        }
    }

    static func prompts(_ task: TrafficTask) -> [String] {
        switch task {
        case .supportTriage: TriagePrompts.openings
        case .summarise: SummaryPrompts.openings
        case .extractInvoice: InvoicePrompts.openings
        case .codeReview: ReviewPrompts.openings
        }
    }

    static func instructions(_ task: TrafficTask) -> String {
        switch task {
        case .supportTriage: TriagePrompts.instructions
        case .summarise: SummaryPrompts.instructions
        case .extractInvoice: InvoicePrompts.instructions
        case .codeReview: ReviewPrompts.instructions
        }
    }

    private static func followUps(_ task: TrafficTask) -> [String] {
        switch task {
        case .supportTriage: TriagePrompts.followUps
        case .summarise: SummaryPrompts.followUps
        case .extractInvoice: InvoicePrompts.followUps
        case .codeReview: ReviewPrompts.followUps
        }
    }

    private static func fill(_ pattern: String, _ random: inout SeededRandom) -> String {
        var fixed: [String: String] = [:]
        return SlotText.fill(pattern) { slot in
            if let value = fixed[slot] { return value }
            let value = drawn(slot, &random)
            fixed[slot] = value
            return value
        }
    }

    private static func drawn(_ slot: String, _ random: inout SeededRandom) -> String {
        // A digit at the end makes a slot a second value of the same kind.
        let kind = slot.last.map { $0.isNumber } == true ? String(slot.dropLast()) : slot
        switch kind {
        case "order": return String(10_000 + random.below(90_000))
        case "amount": return "\(1 + random.below(4_900)).\(10 + random.below(90))"
        case "count": return String(2 + random.below(38))
        case "percent": return String(2 + random.below(60))
        case "date": return "2026-\(padded(1 + random.below(12)))-\(padded(1 + random.below(28)))"
        case "weekday": return random.pick(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"])
        default: return random.pick(slots[kind] ?? [], else: "{" + slot + "}")
        }
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }

    private static let slots: [String: [String]] = [
        "name": [
            "Ana Ribeiro", "Tomas Lindqvist", "Priya Raman", "Jonas Weber", "Mei Tanaka", "Omar Haddad", "Chloe Martin",
            "Luka Horvat",
            "Sofia Rossi", "Daniel Okafor", "Ines Castillo", "Erik Solberg", "Nora Fischer", "Samuel Boateng", "Yuki Mori",
            "Karin Novak",
        ],
        "company": [
            "Northwind Traders", "Aldermoor Foods", "Brightline Logistics", "Cobalt Press", "Delmar Instruments",
            "Evergreen Dental",
            "Fjordkraft Parts", "Granite & Sons", "Harbour Textiles", "Ilmen Robotics", "Juniper Travel", "Kestrel Optics",
        ],
        "city": [
            "Porto", "Gothenburg", "Leipzig", "Utrecht", "Cork", "Graz", "Lyon", "Turin", "Tampere", "Bristol", "Brno", "Bilbao",
        ],
        "product": [
            "espresso machine", "wireless headset", "standing desk", "mesh router", "air purifier", "e-bike battery",
            "smart lock",
            "cordless drill", "label printer", "video doorbell", "rice cooker", "noise meter",
        ],
        "plan": ["Starter", "Team", "Business", "Family", "Annual Pro"],
        "currency": ["EUR", "USD", "GBP", "CHF", "SEK"],
        "item": [
            "shipping labels", "steel brackets", "consulting hours", "printer toner", "hosting fees", "safety gloves",
            "catering trays",
            "LED panels", "translation services", "pallet rental",
        ],
        "topic": [
            "the warehouse move", "the spring release", "energy use in the data centre", "the new returns policy",
            "hiring in the field team",
            "the pricing trial", "the supplier audit", "remote training", "the loyalty programme",
            "the outage of the booking system",
        ],
        "place": ["the harbour district", "the old town", "the northern depot", "the university campus", "the station quarter"],
        "type": ["Order", "Session", "Account", "Ticket", "Booking", "Sensor", "Parcel", "Voucher"],
        "field": ["amount", "status", "owner", "expiry", "quantity", "priority"],
        "verb": ["load", "merge", "sync", "flush", "parse", "update", "collect", "resolve"],
    ]
}
