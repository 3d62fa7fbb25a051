"""Controls of public frameworks that a test can be evidence for, in our own words.

Evidence for a control is not the control: each framework also asks for what no test can show. An auditor judges.
"""

from typing import NamedTuple


class Framework(NamedTuple):
    """A framework, and what of it no test here can speak to."""

    title: str
    beyond_tests: str


FRAMEWORKS = {
    "SOC2": Framework("SOC 2 trust services criteria", "governance, vendors, buildings, and months of operation"),
    "ISO27001": Framework("ISO/IEC 27001:2022, annex A", "the management system, people, buildings, suppliers"),
    "HIPAA": Framework("HIPAA security rule, 45 CFR 164", "agreements, administrative safeguards, real media"),
    "OWASP": Framework("OWASP API security top 10, 2023", "everything around the API"),
    "ASVS": Framework("OWASP ASVS 5.0, chapter 8", "the other chapters"),
}

CONTROLS = {
    "SOC2 CC6.1": "logical access is restricted",
    "SOC2 CC6.2": "access is granted and taken back",
    "SOC2 CC6.3": "access follows roles and least privilege",
    "SOC2 CC6.6": "boundaries hold against the outside",
    "SOC2 CC6.7": "data leave only where they may",
    "SOC2 CC7.2": "events are watched",
    "SOC2 CC8.1": "changes are tested before they ship",
    "SOC2 C1.2": "confidential data are disposed of",
    "SOC2 A1.1": "capacity is planned and kept",
    "SOC2 PI1": "processing is complete and accurate",
    "ISO27001 5.15": "access control",
    "ISO27001 5.18": "access rights",
    "ISO27001 5.34": "privacy, and where data may be",
    "ISO27001 7.14": "secure re-use of equipment",
    "ISO27001 8.2": "privileged access",
    "ISO27001 8.3": "access to information is restricted",
    "ISO27001 8.5": "secure authentication",
    "ISO27001 8.6": "capacity management",
    "ISO27001 8.10": "deletion",
    "ISO27001 8.11": "masking",
    "ISO27001 8.12": "leaks are prevented",
    "ISO27001 8.13": "backup",
    "ISO27001 8.15": "logging",
    "ISO27001 8.20": "network security",
    "ISO27001 8.22": "networks are segregated",
    "ISO27001 8.24": "cryptography",
    "ISO27001 8.29": "security is tested in development",
    "HIPAA 310(d)(2)(ii)": "media are cleaned before re-use (in the model)",
    "HIPAA 312(a)(1)": "access control",
    "HIPAA 312(a)(2)(ii)": "access in an emergency",
    "HIPAA 312(b)": "audit",
    "HIPAA 312(c)(2)": "integrity can be checked",
    "HIPAA 312(d)": "authentication",
    "OWASP API1": "object access",
    "OWASP API2": "authentication",
    "OWASP API3": "fields of objects",
    "OWASP API4": "resources are bounded",
    "OWASP API5": "function access",
    "OWASP API6": "business flows are not gamed",
    "OWASP API7": "requests made for others",
    "OWASP API8": "configuration",
    "OWASP API9": "inventory of routes",
    "ASVS 8.2.1": "access to functions",
    "ASVS 8.2.2": "access to data",
    "ASVS 8.2.3": "access to fields",
    "ASVS 8.3.1": "decisions in a trusted layer",
    "ASVS 8.3.2": "changes of access apply at once",
    "ASVS 8.4.1": "tenants are kept apart",
}
