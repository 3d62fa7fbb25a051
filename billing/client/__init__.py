"""A client of the API: a method for every operation, with the types that the API describes.

    from billing.client import Client

    client = Client("https://billing.example", key, os.urandom)
    for invoice in client.every(client.list_invoices, period="2026-01"):
        print(invoice["number"], invoice["total"]["amount"])

It knows the API by its description alone. Whoever receives deliveries of a webhook asks `verify_webhook` whether they
are ours.
"""

from billing.client.client import Client as Client
from billing.client.errors import ApiError as ApiError
from billing.client.errors import NoAnswer as NoAnswer
from billing.webhooks.signing import SignatureError as SignatureError
from billing.webhooks.signing import verify as verify_webhook

__all__ = ["ApiError", "Client", "NoAnswer", "SignatureError", "verify_webhook"]
