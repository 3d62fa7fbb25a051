"""Residency: where jobs and data may be."""

from tenants.isolation.property import Engine, Layer, Property

RESIDENCY = (
    Property(
        "R1",
        "Jobs stay in their region",
        "Have a job or its data land outside the tenant's regions, also by eviction or failover.",
        "Never.",
        (Layer.SCHEDULER,),
        ("ISO27001 5.34",),
    ),
    Property(
        "R2",
        "Regions stay",
        "Change a tenant's regions after there are data.",
        "Refused.",
        (Layer.APPLICATION,),
        ("ISO27001 5.34",),
    ),
    Property(
        "R3",
        "Reports over regions",
        "Single a tenant out of a report over regions.",
        "Totals only, and none over too few tenants.",
        (Layer.BILLING,),
        ("ISO27001 8.11",),
        Engine.CANARIES,
    ),
)
