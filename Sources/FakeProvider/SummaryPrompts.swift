// SPDX-License-Identifier: Apache-2.0

/// Prompts of the task `summarise`.
enum SummaryPrompts {
    static let instructions = """
        You summarise business texts for readers in a hurry. Keep names, numbers and dates exactly as they are written. Use short bullet \
        points, most important first, and at most eight of them. Do not add opinions or facts that are not in the text. If something \
        is undecided, say so. If the text names tasks, end with one line that lists who does what until when.
        """

    static let openings = [
        """
        Summarise these meeting notes:\nThe weekly meeting on {topic} took place on {date} in {city}. {name} reported \
        that the first phase is {percent} per cent complete and {count} days behind plan. {company} has agreed to deliver \
        the missing parts by {date2}. The budget of {currency} {amount} is not affected so far. It remains open who \
        trains the night shift. {name2} will propose a schedule before {weekday}.
        """,
        """
        Summarise for the management board:\nIn the last quarter, {topic} cost {currency} {amount} more than planned. \
        About {percent} per cent of that came from overtime in {place}. The customer survey improved slightly, from \
        {count} to {count2} points. {company} remains the largest supplier, although two deliveries were late. The team \
        recommends signing a second supplier in {city}. A decision is expected on {date}.
        """,
        """
        Please summarise this mail thread in a few bullet points:\n{name} writes that the contract with {company} ends on \
        {date} and asks whether to extend it. {name2} answers that the service in {city} was poor, with {count} \
        complaints in two months. {name} suggests a shorter contract of six months instead. {name2} agrees on condition \
        that the price stays below {currency} {amount}. Nobody has asked the legal department yet.
        """,
        """
        Summarise the incident report:\nOn {date} at 09:{count} the booking system in {city} stopped accepting payments. \
        The cause was an expired certificate on the gateway of {company}. Support received {count2} calls within the \
        first hour. {name} renewed the certificate and restarted both servers. Some {percent} per cent of the bookings of \
        that morning had to be repeated by hand. An alarm for expiring certificates is to be installed by {date2}.
        """,
        """
        Summarise this local news item:\nThe council of {city} has approved the plan for {place}. The work costs \
        {currency} {amount} per household and is to begin on {date}. Residents collected more than {count}00 signatures \
        against the closing of the main street. {name}, who speaks for the shops, expects {percent} per cent less \
        business during the works. The council promises a free shuttle bus. A second hearing takes place on {weekday}.
        """,
        """
        Summarise the customer interview:\n{name} runs the purchasing of {company} in {city} and has used the {product} \
        since {date}. The installation took {count} hours, much longer than announced. Daily work is now about {percent} \
        per cent faster than before. The reports are hard to read and cannot be exported. {name} would recommend the \
        product but not the {plan} plan. A further order depends on the next release.
        """,
        """
        Summarise the research note:\nThe study followed {count}0 households in {city} from {date} on. Half of them \
        received a device that shows the use of energy in real time. Their consumption fell by {percent} per cent in the \
        first month and by less afterwards. Households in {place} saved more than the others. The authors at {company} \
        warn that the sample is small. A longer study has been funded with {currency} {amount}.
        """,
        """
        Summarise these release notes for customers:\nVersion {count}.{count2} of the {product} software is available \
        from {date}. Searching is up to {percent} per cent faster on large accounts. The export now keeps the order of \
        columns. A fault that lost drafts when the connection broke has been corrected. The old import is switched off on \
        {date2}. Customers of the {plan} plan need to sign in once more.
        """,
        """
        Summarise the phone call:\n{name} called about {topic} and spoke for nearly {count} minutes. The main worry is \
        the delivery from {company}, which has moved from {date} to {date2}. A smaller shipment could go to {city} by \
        train. It would cost {currency} {amount} extra, and half of that would be shared. {name} wants an answer by \
        {weekday} noon. If there is none, the order goes to a competitor.
        """,
        """
        Summarise this chapter of the annual report:\n{company} sold {percent} per cent more in {city} than in the year \
        before. The growth came from the {product}, while older products lost ground. Staff rose by {count} to {count2}0 \
        people. The lease in {place} was extended. {name} left the board on {date} and has not been replaced. Investments \
        of {currency} {amount} thousand are planned for {topic}.
        """,
    ]

    static let followUps = [
        "Make it half as long, please.",
        "Which of these points needs a decision, and by when?",
        "Write the same as one paragraph for a newsletter.",
        "What would {name} object to?",
        "Add a headline of at most eight words.",
        "Leave the numbers out and keep only the message.",
        "Is there anything in the text about costs?",
    ]
}
