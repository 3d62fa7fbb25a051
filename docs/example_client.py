"""A morning with the client: what was used, what it cost, what was given back; a file, and a key for a colleague.

    python docs/example_client.py URL KEY_FILE [MONTH]

A script to be read from top to bottom and carried into a notebook, cell by cell. A test runs it.
"""

# %% Who am I?
import os
import sys
from decimal import Decimal
from pathlib import Path

from billing.client import ApiError, Client

url, key = sys.argv[1], Path(sys.argv[2]).read_text().strip()
month = sys.argv[3] if len(sys.argv) > 3 else "2026-01"
client = Client(url, key, os.urandom)
print("tenant", client.read_me()["tenant"])

# %% What was used, row by row? Amounts are text: they stay exact.
year, number = divmod(12 * int(month[:4]) + int(month[5:]), 12)  # of the next month, counted from 0
since, until = f"{month}-01T00:00:00Z", f"{year}-{number + 1:02d}-01T00:00:00Z"
hours = list(client.every(client.list_usage_hours, from_=since, until=until, limit=200))
gpu_s = sum(int(row["quantity"]) for row in hours if row["meter"] == "gpu_s")
print(f"{gpu_s / 3600:,.1f} GPU-hours in {len({row['since'] for row in hours})} hours")

# %% What does it cost? Every line of every invoice of the month.
for head in client.every(client.list_invoices, period=month):
    invoice = client.read_invoice(head["number"])
    for line in invoice["lines"]:
        print(f"{head['number']}/{line['number']}  {line['net']['amount']:>10}  {line['description']}")
    assert sum(Decimal(line["net"]["amount"]) for line in invoice["lines"]) == Decimal(invoice["net"]["amount"])

# %% What was given back, and for what?
for incident in client.every(client.list_incidents, period=month):
    print(f"{incident['since']}  {incident['job']}  {incident['gpus']} GPUs: {incident['kind']}")

# %% The month as a file that a spreadsheet opens.
table = client.file("/v1/exports/usage", "csv", period=month)
print(f"{len(table.splitlines()) - 1} rows of use, {len(table):,} bytes")

# %% A key for a colleague's program: it may read bills, and nothing else.
account = client.create_account({"kind": "service", "name": "dashboard", "role": "member"})
made = client.create_key({"account": account["id"], "scopes": ["bills:read"]})
reader = Client(url, made["text"] or "", os.urandom)
print(len(list(reader.every(reader.list_invoices))), "invoices through the new key")
try:
    reader.list_keys()
except ApiError as refused:
    print(f"keys: {refused} ({refused.kind})")
client.revoke_key(made["id"])
