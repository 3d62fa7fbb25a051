"""Secrets: keys, and whoever holds one."""

from tenants.isolation.property import Layer, Property

SECRETS = (
    Property(
        "K1",
        "A stolen database",
        "Find a usable key in a dump of the database or in the logs.",
        "Digests only; what they are keyed with is elsewhere.",
        (Layer.SECRETS,),
        ("ISO27001 8.24",),
    ),
    Property(
        "K2",
        "Keys in passing",
        "Find a key in logs, errors, addresses or traces.",
        "Never.",
        (Layer.SECRETS,),
        ("ISO27001 8.12", "SOC2 CC6.7"),
    ),
    Property(
        "K3",
        "Keys that are over",
        "Use a revoked, expired or replaced key.",
        "Refused from that second on.",
        (Layer.SECRETS,),
        ("ASVS 8.3.2", "SOC2 CC6.2", "ISO27001 5.18"),
    ),
    Property(
        "K4",
        "Minting upwards",
        "Mint a key with more rights than one has.",
        "A new key is never above its minter.",
        (Layer.SECRETS,),
        ("OWASP API5", "ISO27001 5.18"),
    ),
    Property(
        "K5",
        "Suspended tenants",
        "Use a good key of a suspended tenant.",
        "403, on every request.",
        (Layer.SECRETS,),
        ("SOC2 CC6.2",),
    ),
)
