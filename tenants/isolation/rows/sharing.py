"""Sharing: quota, fairness and noisy neighbours."""

from tenants.isolation.property import Engine, Layer, Property

SHARING = (
    Property(
        "Q1",
        "Quota holds at every instant",
        "Pass a quota by many small submissions, some of them at once.",
        "What is held and what is promised never exceed it.",
        (Layer.SCHEDULER,),
        ("SOC2 A1.1", "OWASP API4"),
    ),
    Property(
        "Q2",
        "Nobody raises their own quota",
        "Change one's own quota.",
        "Refused, and the refusal is in the audit log.",
        (Layer.APPLICATION,),
        ("OWASP API5", "ASVS 8.2.1"),
        Engine.MATRIX,
    ),
    Property(
        "Q3",
        "Reserved means at once",
        "Flood the queue while another tenant holds a reservation.",
        "That tenant starts as in a private cluster of that size, plus one notice at most.",
        (Layer.SCHEDULER,),
        ("SOC2 A1.1",),
        Engine.TWO_WORLDS,
    ),
    Property(
        "Q4",
        "Nothing to gain by tricks",
        "Split, cancel and submit again to get ahead.",
        "No gain beyond the stated tolerance.",
        (Layer.SCHEDULER,),
        ("OWASP API6",),
    ),
    Property(
        "Q5",
        "Evictions are bounded",
        "Aim one eviction after the other at a tenant.",
        "None inside a guarantee, and a bounded number per job.",
        (Layer.SCHEDULER,),
        ("SOC2 A1.1",),
    ),
    Property(
        "Q6",
        "A flood of requests",
        "Flood the API.",
        "The flood is answered 429, the others as before.",
        (Layer.APPLICATION,),
        ("OWASP API4",),
    ),
    Property(
        "Q7",
        "Huge requests",
        "Ask for a huge page, range or pattern.",
        "Clamped: the rows visited are bounded.",
        (Layer.APPLICATION, Layer.DATABASE),
        ("OWASP API4",),
    ),
)
