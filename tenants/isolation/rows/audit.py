"""Audit log."""

from tenants.isolation.property import Engine, Layer, Property

AUDIT = (
    Property(
        "U1",
        "Tampering shows",
        "Edit, delete, truncate or reorder entries.",
        "Verification fails and names the first bad position.",
        (Layer.AUDIT,),
        ("HIPAA 312(c)(2)", "ISO27001 8.15"),
    ),
    Property(
        "U2",
        "Rewriting it all shows",
        "Rewrite the whole log together with its root.",
        "The witness file, which is outside the database, does not agree.",
        (Layer.AUDIT,),
        ("ISO27001 8.15",),
    ),
    Property(
        "U3",
        "No act without an entry",
        "Act so that no entry is written, or crash between the two.",
        "Act and entry are one transaction.",
        (Layer.AUDIT,),
        ("HIPAA 312(b)", "SOC2 CC7.2"),
    ),
    Property(
        "U4",
        "Logs of others",
        "Read another tenant's log, or learn of it from a proof.",
        "Refused: each tenant has a tree of its own.",
        (Layer.AUDIT,),
        ("ASVS 8.2.2",),
        Engine.CANARIES,
    ),
    Property(
        "U5",
        "Operators give a reason",
        "Read a tenant's data as an operator.",
        "Only through break-glass, with a reason that the tenant sees.",
        (Layer.AUDIT,),
        ("HIPAA 312(a)(2)(ii)", "SOC2 CC6.3", "ISO27001 8.2"),
        Engine.MATRIX,
    ),
    Property(
        "U6",
        "Text that looks like an entry",
        "Put line breaks, escapes or JSON into a name.",
        "Escaped: one entry stays one entry.",
        (Layer.AUDIT,),
        ("ISO27001 8.15",),
    ),
)
