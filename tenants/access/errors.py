"""What is refused at the door. No message here names a key, a secret, or why a credential did not do."""

from tenants.errors import TenantError


class AccessError(TenantError):
    """A request that is not let in, or not let do what it asks."""


class Unauthenticated(AccessError):
    """No credential that holds. One message for every cause: whoever guesses learns nothing from it."""

    def __init__(self) -> None:
        super().__init__("no valid key", code="unauthenticated")


class Forbidden(AccessError):
    """Known, and not allowed to do this."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="forbidden")


class Suspended(Forbidden):
    """A tenant whose credentials hold but do nothing while it is suspended.

    Attributes:
        tenant, key: whose request it is, to be counted as any other; no message says so.
    """

    def __init__(self, tenant: str | None, key: str) -> None:
        super().__init__("tenant is suspended")
        self.code = "suspended"
        self.tenant, self.key = tenant, key


class TooManyRequests(AccessError):
    """Faster than the limits allow.

    Attributes:
        retry_after_s: whole seconds until the same request would pass, at least 1.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many requests, again in {retry_after_s} s", code="too_many_requests")
        self.retry_after_s = retry_after_s
