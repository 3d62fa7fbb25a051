"""Deletion: what is left of a tenant that has gone."""

from tenants.isolation.property import Engine, Layer, Property

DELETION = (
    Property(
        "X1",
        "Gone from every byte",
        "Delete a tenant and search every table and file.",
        "Nothing but what has to be kept: bills and audit.",
        (Layer.DATABASE, Layer.APPLICATION),
        ("ISO27001 8.10", "SOC2 C1.2"),
        Engine.CANARIES,
    ),
    Property(
        "X2",
        "The same name again",
        "Create a tenant under the name of one that was deleted.",
        "A new id, no old data, no old key.",
        (Layer.APPLICATION,),
        ("ISO27001 8.10",),
    ),
    Property(
        "X3",
        "Deadlines",
        "Put a deadline of deletion off.",
        "Met to the second, whatever is read or written meanwhile.",
        (Layer.DATABASE, Layer.APPLICATION),
        ("ISO27001 8.10",),
    ),
    Property(
        "X4",
        "Erased, and still verifiable",
        "Erase the details of an entry, and verify the log.",
        "The details are gone, their hash stays, and the log verifies.",
        (Layer.AUDIT,),
        ("ISO27001 8.10",),
    ),
    Property(
        "X5",
        "Backups",
        "Restore a backup from before a deletion.",
        "The deletion is carried out again before anybody reads.",
        (Layer.DATABASE,),
        ("ISO27001 8.13",),
    ),
)
