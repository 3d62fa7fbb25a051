"""Network: partitions of the fabric, all in the model of it."""

from tenants.isolation.property import Layer, Property

NETWORK = (
    Property(
        "N1",
        "Partition keys",
        "Get the fabric key of a tenant that is still there.",
        "A live key belongs to one tenant, and only its own ports are members.",
        (Layer.NETWORK,),
        ("ISO27001 8.20", "ISO27001 8.22", "SOC2 CC6.6"),
        modelled=True,
    ),
    Property(
        "N2",
        "Detach before cleaning",
        "Keep the key of a node after giving it back.",
        "The key is gone, and that is acknowledged, before cleaning begins.",
        (Layer.NETWORK, Layer.NODE),
        ("ISO27001 8.22",),
        modelled=True,
    ),
    Property(
        "N3",
        "No routes between tenants",
        "Import another tenant's routes.",
        "No path, unless both sides asked for it.",
        (Layer.NETWORK,),
        ("ISO27001 8.22",),
        modelled=True,
    ),
    Property(
        "N4",
        "Management networks",
        "Reach the management network or a board controller from a rented node.",
        "No path.",
        (Layer.NETWORK,),
        ("SOC2 CC6.6",),
        modelled=True,
    ),
    Property(
        "N5",
        "Closed on a crash",
        "Crash between the grant of a node and the programming of its network.",
        "Nothing starts without a network that was acknowledged.",
        (Layer.NETWORK,),
        ("SOC2 CC6.1",),
        modelled=True,
    ),
    Property(
        "N6",
        "Running out of keys",
        "Use up all fabric keys.",
        "The next tenant is refused; a live key is never handed out again.",
        (Layer.NETWORK,),
        ("ISO27001 8.6",),
        modelled=True,
    ),
)
