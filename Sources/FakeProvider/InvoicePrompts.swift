// SPDX-License-Identifier: Apache-2.0

/// Prompts of the task `extract-invoice`.
enum InvoicePrompts {
    static let instructions = """
        Extract the fields of an invoice and answer with one JSON object and nothing else. Keys: invoice_number, issue_date (ISO 8601), \
        currency (three letters), total (as written, without thousands separators), confidence (0 to 1). Use null where a field is \
        missing. Ignore quotations, reminders and delivery notes that may be attached. If there are several totals, take the one \
        that includes tax. Never correct an amount, even where the sum of the lines differs from the total.
        """

    static let openings = [
        """
        Invoice INV-{order} of {company}, {city}. Issue date {date}. {count} x {item}, unit price {currency} {amount}. \
        Total {currency} {amount2}. Payable within 30 days.
        """,
        """
        {company}\n{city}\nInvoice no. INV-{order}\nDate: {date}\nCustomer: {name}\n{item}: {count} pieces\n{item2}: \
        {count2} pieces\nNet {amount} {currency}\nTotal incl. tax {amount2} {currency}
        """,
        """
        Dear {name}, please find our invoice INV-{order} dated {date} for {item} delivered to {city}. Subtotal {currency} \
        {amount}, shipping {currency} {count}.00, total {currency} {amount2}. With kind regards, {company}
        """,
        """
        RECHNUNG INV-{order} / {company} / {city}. Datum {date}. Leistung: {item}. Menge {count}. Netto {amount} \
        {currency}. Total {amount2} {currency}. Zahlbar sofort ohne Abzug.
        """,
        """
        Reminder attached. Original invoice: INV-{order}, issued {date} by {company}. Items: {item} ({count}), {item2} \
        ({count2}). Total due {currency} {amount}. A late fee of {currency} {count}.50 applies from {date2}.
        """,
        """
        From: accounts@{company}. Subject: INV-{order}. Hello {name}, this month's {item} come to {currency} {amount} \
        before tax. With {percent} per cent tax the total is {currency} {amount2}. Issued on {date}.
        """,
        """
        Scan quality poor. {company} ... INV-{order} ... {date} ... {item} {count} @ {amount} ... {item2} ... sum \
        {currency} ... total {amount2}
        """,
        """
        Proforma, not yet payable. Number INV-{order}, prepared {date} for {name}, {city}: {count} {item}. Estimated \
        total {currency} {amount}. {company} will send the final invoice on delivery.
        """,
        """
        Credit note for invoice INV-{order}: {company} refunds {count} {item} returned on {date}. Amount {currency} \
        {amount}. New total of the invoice {currency} {amount2}.
        """,
        """
        Facture INV-{order} du {date}. Fournisseur : {company}, {city}. Client : {name}. {item}, quantite {count}, prix \
        {amount} {currency}. Total TTC {amount2} {currency}.
        """,
        """
        INVOICE | {company} | INV-{order} | {date} | {city} || line 1: {item}, {count}, {amount} || line 2: {item2}, \
        {count2}, {amount3} || currency {currency} || total {amount2}
        """,
    ]

    static let followUps = [
        """
        Here is page two of the same invoice: {item}, {count} pieces, total {currency} {amount}. Please give the object \
        again.
        """,
        "The supplier sent a correction: total {currency} {amount}, dated {date}. Update the object.",
        "Same format for the next one: INV-{order}, {company}, {date}, total {currency} {amount}.",
        "Which field are you least sure of? Give the object again with a lower confidence if needed.",
    ]
}
