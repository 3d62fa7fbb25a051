"""Side channels: what answers tell besides what they say."""

from tenants.isolation.property import Engine, Layer, Property

CHANNELS = (
    Property(
        "C1",
        "Equal work",
        "Tell a foreign id from an unknown one, or a wrong key from an unknown one, by the work that is done.",
        "The same number of statements and rows.",
        (Layer.APPLICATION,),
        ("OWASP API1", "OWASP API2"),
        Engine.CANARIES,
    ),
    Property(
        "C2",
        "Cursors of others",
        "Replay another tenant's cursor or link.",
        "400 or 404: cursors are bound to their tenant.",
        (Layer.APPLICATION,),
        ("OWASP API1",),
    ),
    Property(
        "C3",
        "Totals, headers, errors",
        "Learn of others from totals, empty pages, limit headers or error texts.",
        "They speak of one's own tenant only.",
        (Layer.APPLICATION,),
        ("OWASP API3",),
        Engine.TWO_WORLDS,
    ),
    Property(
        "C4",
        "Ids that count",
        "Count others by ids in sequence or in time.",
        "Ids that leave the house are random.",
        (Layer.APPLICATION,),
        ("OWASP API1",),
    ),
    Property(
        "C5",
        "Queues and forecasts",
        "Learn of others' jobs from a start time, a position in the queue or a spot price.",
        "Coarse values, with a stated bound on what they tell.",
        (Layer.SCHEDULER,),
        ("ISO27001 8.12",),
        Engine.TWO_WORLDS,
    ),
    Property(
        "C6",
        "Statistics of the database",
        "Read plans, statistics or row counts that cover all tenants.",
        "Hidden: tenants send no SQL, and their role sees no statistics.",
        (Layer.DATABASE,),
        ("OWASP API8",),
    ),
)
