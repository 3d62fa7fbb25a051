"""Bills and usage."""

from tenants.isolation.property import Engine, Layer, Property

BILLS = (
    Property(
        "B1",
        "Bills depend on own use",
        "Change another tenant's use, and look at one's own bill.",
        "The same, to the byte.",
        (Layer.BILLING,),
        ("SOC2 PI1",),
        Engine.TWO_WORLDS,
    ),
    Property(
        "B2",
        "Forged usage",
        "Report usage for another tenant or on a node that was not held.",
        "Refused: who held a node is known from the ledger, not from the report.",
        (Layer.BILLING,),
        ("SOC2 PI1",),
    ),
    Property(
        "B3",
        "Told twice, late, out of order",
        "Tell events twice, late, in any order, with a kill between.",
        "The same bill.",
        (Layer.BILLING,),
        ("SOC2 PI1",),
    ),
    Property(
        "B4",
        "Everything adds up",
        "Lose or invent a second.",
        "Bills, idle and internal use add up to the capacity, exactly.",
        (Layer.BILLING,),
        ("SOC2 PI1",),
    ),
    Property(
        "B5",
        "One second, one payer",
        "Have one GPU-second billed to two tenants.",
        "Never.",
        (Layer.BILLING,),
        ("SOC2 PI1",),
    ),
    Property(
        "B6",
        "Numbers that count others",
        "Learn from invoice numbers or ids how much others buy.",
        "Numbers run per tenant, ids are random.",
        (Layer.BILLING,),
        ("OWASP API3",),
        Engine.CANARIES,
    ),
    Property(
        "B7",
        "Documents",
        "Look for another tenant in exports, PDFs and SLA reports.",
        "Nothing of anybody else.",
        (Layer.BILLING,),
        ("ISO27001 8.12", "SOC2 CC6.7"),
        Engine.CANARIES,
    ),
)
