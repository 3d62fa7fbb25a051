"""Placement: whose jobs stand on which nodes."""

from tenants.isolation.property import Engine, Layer, Property

PLACEMENT = (
    Property(
        "P1",
        "Whole nodes",
        "Put jobs of two tenants on one node.",
        "Never: a node is held by one tenant at a time.",
        (Layer.SCHEDULER,),
        ("SOC2 CC6.1", "ISO27001 8.22"),
    ),
    Property(
        "P2",
        "Reserved capacity",
        "Ask for nodes that another tenant has reserved and does not use.",
        "Refused, or lent only so that they are back within the notice.",
        (Layer.SCHEDULER,),
        ("SOC2 A1.1", "ISO27001 8.6"),
    ),
    Property(
        "P3",
        "Sharing a GPU",
        "Share one GPU with another tenant by time slices or MPS.",
        "Refused: only hardware partitions (MIG) may be shared between tenants.",
        (Layer.SCHEDULER,),
        ("SOC2 CC6.1",),
        modelled=True,
    ),
    Property(
        "P4",
        "NVLink domains",
        "Split an NVLink domain between tenants without a partition.",
        "Refused: each part is programmed before it is started on.",
        (Layer.SCHEDULER, Layer.NETWORK),
        ("ISO27001 8.22",),
        modelled=True,
    ),
    Property(
        "P5",
        "The owner is a tenant too",
        "Put the owner's training and a rental on one host.",
        "Never: all internal tenants are one trust domain, and it is kept apart like any other.",
        (Layer.SCHEDULER,),
        ("SOC2 CC6.1",),
    ),
    Property(
        "P6",
        "Gangs wait whole",
        "Start a gang when only some of its nodes are clean.",
        "The whole gang waits for its last node.",
        (Layer.SCHEDULER,),
        ("SOC2 CC6.1",),
    ),
    Property(
        "P7",
        "Names of nodes",
        "Compare node names with another tenant, to learn who shared a host.",
        "Names are pseudonyms: no two tenants are told the same one.",
        (Layer.APPLICATION,),
        ("OWASP API3",),
        Engine.CANARIES,
    ),
    Property(
        "P8",
        "Confidential jobs",
        "Start a confidential job on a GPU that cannot keep secrets, or was not attested.",
        "Refused: capable and attested nodes only.",
        (Layer.SCHEDULER,),
        ("ISO27001 8.24",),
        modelled=True,
    ),
)
