// SPDX-License-Identifier: Apache-2.0

/// Prompts of the task `support-triage`.
enum TriagePrompts {
    static let instructions = """
        You are the support triage assistant of an online shop for household electronics. Read the customer's message, decide how \
        urgent it is (low, normal, high, urgent) and which team should take it (billing, shipping, returns, network, accounts, product). \
        Answer the customer in a calm and friendly tone, in at most six sentences. Never promise a refund before the order has been \
        looked up. Use the tools when an order number is given and the status matters. Do not ask for passwords or card numbers. If the \
        customer mentions smoke, heat or injury, treat the case as urgent, tell them to unplug the device, and pass it on at once. \
        Parcels count as lost after ten working days without a scan. The warranty runs for twenty-four months from delivery.
        """

    static let openings = [
        """
        Hello, I ordered a {product} on {date} (order {order}) and it still has not arrived. The tracking page has shown \
        the same status since {weekday}. Can you tell me where it is? Regards, {name}
        """,
        """
        My {product} stopped working after {count} days. It turns on, blinks twice and goes dark again. I have already \
        tried another socket. Order number {order}. I would prefer a replacement to a refund. {name}, {city}
        """,
        """
        You charged me twice for order {order}! My statement shows {currency} {amount} on {date} and the same amount the \
        day after. Please send one of them back as soon as possible. {name}
        """,
        """
        I would like to cancel my {plan} subscription. The app says it renews on {date}, but the cancel button only leads \
        to an empty page. I use the account of {company}. Thanks, {name}
        """,
        """
        Since the last update the {product} loses its connection every {count} minutes. The light turns orange and the \
        app shows error {order}. My neighbour in {city} has the same model and no problem at all.
        """,
        """
        Hi, I sent back a {product} {count} days ago with the label from your site. The parcel was scanned in {city} on \
        {date}, but I have not seen my {currency} {amount} yet. Order {order}. Could you check? {name}
        """,
        """
        I cannot sign in any more. The reset mail never comes, neither to the inbox nor to spam. My user name is my mail \
        address at {company}. I need the receipts before {weekday}. {name}
        """,
        """
        The box of my order {order} was open when it came and the manual and the power cable were missing. The {product} \
        itself looks fine. Can you just send me the missing parts to {city}?
        """,
        """
        Please explain the invoice for order {order}. I agreed on {currency} {amount} with your colleague on the phone, \
        yet the invoice lists {currency} {amount2}. I will not pay the difference. {name}, {company}
        """,
        """
        The {product} that I bought in {city} gets very hot when charging and smells of plastic. Is that normal? I have \
        had it for {count} weeks and would rather not leave it plugged in overnight. {name}
        """,
        """
        We are a school in {city} and want to buy {count} pieces of the {product}. Do you give a discount, and can you \
        deliver before {date}? We pay by invoice only. Kind regards, {name}
        """,
    ]

    static let followUps = [
        "Thank you. How long will that take?",
        "I found the confirmation: the order number is {order}. Does that help?",
        "That is not what I asked. I want to know whether I get my {currency} {amount} back.",
        "Can somebody call me on {weekday} afternoon instead?",
        "I have tried that now and nothing has changed.",
        "OK. Could you send this to me in writing, please?",
        "And what happens if it breaks again after the warranty has run out?",
        "Please use a different address for the delivery: I have moved to {city}.",
    ]
}
