"""Sanitisation: what is left on a node for the next tenant."""

from tenants.isolation.property import Layer, Property

_REUSE = ("ISO27001 7.14", "HIPAA 310(d)(2)(ii)", "SOC2 C1.2")

SANITISATION = (
    Property(
        "M1",
        "Residue after a release",
        "Read what the tenant before left in GPU memory, host memory, disks or adapters.",
        "Nothing is left, in any class of memory.",
        (Layer.NODE,),
        _REUSE,
        modelled=True,
    ),
    Property(
        "M2",
        "Residue after an eviction",
        "The same, after the tenant before was evicted.",
        "Nothing is left: there is no short way from an eviction to the next start.",
        (Layer.NODE,),
        _REUSE,
        modelled=True,
    ),
    Property(
        "M3",
        "A failed step",
        "Let a step of the cleaning fail.",
        "The node goes into quarantine, never into use.",
        (Layer.NODE,),
        _REUSE,
        modelled=True,
    ),
    Property(
        "M4",
        "A report with a hole",
        "Report success and leave a step out.",
        "A field that is missing is a failure.",
        (Layer.NODE,),
        ("ISO27001 7.14",),
        modelled=True,
    ),
    Property(
        "M5",
        "A crash while cleaning",
        "Crash in the middle of a cleaning and start again.",
        "The node is in quarantine, with everything that was on it.",
        (Layer.NODE,),
        ("SOC2 CC7.2",),
        modelled=True,
    ),
    Property(
        "M6",
        "Quick recycling",
        "Recycle a node quickly between two jobs of one tenant, then give it to another.",
        "A full cleaning comes first.",
        (Layer.NODE,),
        ("ISO27001 7.14",),
        modelled=True,
    ),
    Property(
        "M7",
        "Repaired nodes",
        "Take a node that comes back from repair.",
        "It is cleaned and attested again before anybody gets it.",
        (Layer.NODE,),
        ("ISO27001 7.14",),
        modelled=True,
    ),
    Property(
        "M8",
        "No hurry",
        "Make the queue so long that cleaning would be skipped, or billed.",
        "Cleaning takes its time, and the provider pays for it.",
        (Layer.SCHEDULER, Layer.BILLING),
        ("SOC2 PI1",),
    ),
)
