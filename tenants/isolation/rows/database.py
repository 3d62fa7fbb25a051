"""Database: the wall behind the application."""

from tenants.isolation.property import Layer, Property

DATABASE = (
    Property(
        "D1",
        "No tenant, no rows",
        "Query without a tenant.",
        "No rows or an error, never all of them.",
        (Layer.DATABASE,),
        ("ASVS 8.3.1", "ISO27001 8.3"),
    ),
    Property(
        "D2",
        "Any SQL",
        "Get around the wall by raw SQL, a table expression of the same name, a view, a join, a function.",
        "Own rows only, or an error.",
        (Layer.DATABASE,),
        ("ASVS 8.4.1",),
    ),
    Property(
        "D3",
        "Unsafe roles",
        "Start with a role that owns the tables or passes the policies, or with a table that has none.",
        "The program refuses to start.",
        (Layer.DATABASE,),
        ("SOC2 CC6.3",),
    ),
    Property(
        "D4",
        "Connections are used again",
        "Take a connection after another tenant, after an error, after a cancel.",
        "No tenant is left on it.",
        (Layer.DATABASE,),
        ("ASVS 8.4.1",),
    ),
    Property(
        "D5",
        "Rows for another tenant",
        "Insert or update a row for another tenant.",
        "Refused by the database.",
        (Layer.DATABASE,),
        ("ASVS 8.4.1",),
    ),
    Property(
        "D6",
        "Keys that tell",
        "Learn from a unique key that another tenant has a row.",
        "The tenant is part of every unique key.",
        (Layer.DATABASE,),
        ("OWASP API1",),
    ),
    Property(
        "D7",
        "A forged tenant",
        "Switch the tenant by injected SQL.",
        "No rows: who is asking is signed.",
        (Layer.DATABASE,),
        ("OWASP API8",),
    ),
    Property(
        "D8",
        "New tables",
        "Add a table without a tenant or without a policy.",
        "The tests fail, and the program refuses to start.",
        (Layer.DATABASE,),
        ("SOC2 CC8.1", "ISO27001 8.29"),
    ),
)
