"""A method for every operation of the API.

Written by tests/support/client_source.py; it is long because the API is.
"""

from typing import Any, Literal

from billing.client import shapes as s
from billing.client.transport import Transport, quoted


class Operations(Transport):
    """See `billing.client.Client`. All methods raise ApiError where the API refuses, NoAnswer where it is not there."""

    def read_usage(
        self,
        *,
        from_: str | None = None,
        until: str | None = None,
        bucket: Literal["hour", "day", "week", "month"] | None = None,
        group_by: str | None = None,
        time_zone: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> s.UsageOut:
        """Add up what the tenant used. The window is snapped to whole buckets. Without one it is the month so far; of
        a log that ended more than a day ago, its last month."""
        answer: s.UsageOut = self.ask(
            "GET",
            "/v1/usage",
            {
                "from": from_,
                "until": until,
                "bucket": bucket,
                "group_by": group_by,
                "time_zone": time_zone,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def list_usage_hours(
        self,
        *,
        from_: str | None = None,
        until: str | None = None,
        product: str | None = None,
        region: str | None = None,
        sku: str | None = None,
        meter: str | None = None,
        charge_class: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> s.Page[s.HourRowOut]:
        """List the tenant's use hour by hour, as it is rated, oldest first: what every sum is made of. Without a
        window it is that of `/v1/usage`."""
        answer: s.Page[s.HourRowOut] = self.ask(
            "GET",
            "/v1/usage/hours",
            {
                "from": from_,
                "until": until,
                "product": product,
                "region": region,
                "sku": sku,
                "meter": meter,
                "charge_class": charge_class,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def read_hour_bill(self, *, at: str | None = None) -> s.HourBill:
        """Read what the tenant used in one hour, and what it comes to."""
        answer: s.HourBill = self.ask("GET", "/v1/bill/hour", {"at": at})
        return answer

    def post_events(self, body: s.EventIn | s.EventBatch) -> s.EventResults:
        """Report use. An event that comes again changes nothing; one that is refused holds up no other."""
        answer: s.EventResults = self.ask("POST", "/v1/events", {}, body)
        return answer

    def list_events(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.EventOut]:
        """List the tenant's events in the log, oldest first, whoever told them."""
        answer: s.Page[s.EventOut] = self.ask("GET", "/v1/events", {"limit": limit, "cursor": cursor})
        return answer

    def read_health(self) -> s.Health:
        """Say that the process answers."""
        answer: s.Health = self.ask("GET", "/healthz", {})
        return answer

    def read_readiness(self) -> s.Health:
        """Say whether the store answers, its walls standing: as of half a minute ago at most."""
        answer: s.Health = self.ask("GET", "/readyz", {})
        return answer

    def read_openapi(self) -> dict[str, Any]:
        """Describe every route."""
        answer: dict[str, Any] = self.ask("GET", "/openapi.json", {})
        return answer

    def read_docs(self) -> dict[str, Any]:
        """Describe every route, for people."""
        answer: dict[str, Any] = self.ask("GET", "/docs", {})
        return answer

    def read_me(self) -> s.Me:
        """Say who the key is, and what it may do."""
        answer: s.Me = self.ask("GET", "/v1/me", {})
        return answer

    def export_focus(self, *, period: str, version: Literal["1.2", "1.4"] | None = None) -> s.TableOut:
        """Export a month as FOCUS rows, one for each hour of each line."""
        answer: s.TableOut = self.ask("GET", "/v1/exports/focus", {"period": period, "version": version})
        return answer

    def export_lines(self, *, period: str) -> s.TableOut:
        """Export the lines of a month's invoices."""
        answer: s.TableOut = self.ask("GET", "/v1/exports/lines", {"period": period})
        return answer

    def export_usage(self, *, period: str) -> s.TableOut:
        """Export the hours behind the lines of a month's invoices."""
        answer: s.TableOut = self.ask("GET", "/v1/exports/usage", {"period": period})
        return answer

    def list_budgets(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.BudgetOut]:
        """List the tenant's budgets."""
        answer: s.Page[s.BudgetOut] = self.ask("GET", "/v1/budgets", {"limit": limit, "cursor": cursor})
        return answer

    def create_budget(self, body: s.NewBudget) -> s.BudgetOut:
        """Be told when a month has come to parts of a sum: in the list of alerts, and as `budget.reached`."""
        answer: s.BudgetOut = self.ask("POST", "/v1/budgets", {}, body)
        return answer

    def disable_budget(self, id: str) -> s.Empty:
        """Watch no longer. What was reached stays in the list of alerts."""
        answer: s.Empty = self.ask("DELETE", f"/v1/budgets/{quoted(id)}", {})
        return answer

    def list_alerts(
        self, *, limit: int | None = None, cursor: str | None = None, period: str | None = None
    ) -> s.Page[s.AlertOut]:
        """List which parts of budgets were reached, and of the sums that were agreed with the house, oldest first."""
        answer: s.Page[s.AlertOut] = self.ask("GET", "/v1/alerts", {"limit": limit, "cursor": cursor, "period": period})
        return answer

    def read_draft(self, *, period: str | None = None) -> s.DraftOut:
        """Read a month's invoice as far as it has come, and what it comes to if the month goes on so."""
        answer: s.DraftOut = self.ask("GET", "/v1/invoices/draft", {"period": period})
        return answer

    def list_lines(self, number: str, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.Line]:
        """List the lines of an invoice."""
        answer: s.Page[s.Line] = self.ask(
            "GET", f"/v1/invoices/{quoted(number)}/lines", {"limit": limit, "cursor": cursor}
        )
        return answer

    def explain_draft_line(self, line: str, *, period: str | None = None) -> s.ExplainedOut:
        """Say why a line of a month's draft is what it is, by the tenant's own events."""
        answer: s.ExplainedOut = self.ask("GET", f"/v1/invoices/draft/lines/{quoted(line)}/explain", {"period": period})
        return answer

    def explain_line(self, number: str, line: str) -> s.ExplainedOut:
        """Say why a line of an invoice is what it is, by the tenant's own events."""
        answer: s.ExplainedOut = self.ask("GET", f"/v1/invoices/{quoted(number)}/lines/{quoted(line)}/explain", {})
        return answer

    def list_invoices(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: str | None = None,
        status: Literal["issued", "paid", "void"] | None = None,
    ) -> s.Page[s.InvoiceHead]:
        """List the tenant's invoices, oldest first."""
        answer: s.Page[s.InvoiceHead] = self.ask(
            "GET", "/v1/invoices", {"limit": limit, "cursor": cursor, "period": period, "status": status}
        )
        return answer

    def read_invoice(self, number: str) -> s.InvoiceFull:
        """Read one of the tenant's invoices with its lines."""
        answer: s.InvoiceFull = self.ask("GET", f"/v1/invoices/{quoted(number)}", {})
        return answer

    def list_credit_notes(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.CreditNoteHead]:
        """List the tenant's credit notes, oldest first."""
        answer: s.Page[s.CreditNoteHead] = self.ask("GET", "/v1/credit-notes", {"limit": limit, "cursor": cursor})
        return answer

    def list_ledger(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        period: str | None = None,
        account: str | None = None,
    ) -> s.Page[s.LedgerEntry]:
        """List what was posted for the tenant, oldest first."""
        answer: s.Page[s.LedgerEntry] = self.ask(
            "GET", "/v1/ledger", {"limit": limit, "cursor": cursor, "period": period, "account": account}
        )
        return answer

    def preview_rate(self, body: s.RatePreview) -> s.Rated:
        """Say what quantities come to under a price model. Nothing is looked up, nothing is kept."""
        answer: s.Rated = self.ask("POST", "/v1/rate-preview", {}, body)
        return answer

    def quote_purchase(self, body: s.WantedQuote) -> s.QuoteOut:
        """Say what a month would cost by the tenant's terms, line by line. Nothing is kept or reserved."""
        answer: s.QuoteOut = self.ask("POST", "/v1/quotes", {}, body)
        return answer

    def list_price_books(self) -> s.Page[s.PriceBookHead]:
        """List the versions of the price book, oldest first; the last one is in force."""
        answer: s.Page[s.PriceBookHead] = self.ask("GET", "/v1/price-books", {})
        return answer

    def read_price_book(self, version: str) -> s.PriceBookOut:
        """Read the prices that the tenant may see; `current` is the version in force."""
        answer: s.PriceBookOut = self.ask("GET", f"/v1/price-books/{quoted(version)}", {})
        return answer

    def read_terms(self) -> s.TermsKept:
        """Read the terms in force, whole."""
        answer: s.TermsKept = self.ask("GET", "/v1/operator/price-book", {})
        return answer

    def set_terms(self, body: s.TermsText) -> s.TermsKept:
        """Put new terms in force. Nothing of the past may change, and no rental that runs may lose its price."""
        answer: s.TermsKept = self.ask("PUT", "/v1/operator/price-book", {}, body)
        return answer

    def read_document(self, number: str) -> s.DocumentOut:
        """Read an invoice as a page, a PDF, plain data, or its lines as CSV, by `Accept`: in the very bytes that
        `spillway bill export` writes."""
        answer: s.DocumentOut = self.ask("GET", f"/v1/invoices/{quoted(number)}/document", {})
        return answer

    def preview_invoice(self, body: s.InvoicePreview) -> s.PreviewOut:
        """Say what use of the tenant's own would be invoiced as. Nothing is written."""
        answer: s.PreviewOut = self.ask("POST", "/v1/invoice-preview", {}, body)
        return answer

    def list_sla_reports(
        self, *, limit: int | None = None, cursor: str | None = None, period: str | None = None
    ) -> s.Page[s.SlaReportOut]:
        """List the SLA reports of the tenant's months, with credits and their evidence, oldest first."""
        answer: s.Page[s.SlaReportOut] = self.ask(
            "GET", "/v1/sla", {"limit": limit, "cursor": cursor, "period": period}
        )
        return answer

    def list_incidents(
        self, *, limit: int | None = None, cursor: str | None = None, period: str | None = None
    ) -> s.Page[s.IncidentOut]:
        """List what the tenant's SLA reports speak of: what was credited, and what did not count."""
        answer: s.Page[s.IncidentOut] = self.ask(
            "GET", "/v1/sla/incidents", {"limit": limit, "cursor": cursor, "period": period}
        )
        return answer

    def list_contracts(
        self, *, limit: int | None = None, cursor: str | None = None, period: str | None = None
    ) -> s.Page[s.ContractOut]:
        """List where the tenant's contracts stand, month by month, with what they add to its bills."""
        answer: s.Page[s.ContractOut] = self.ask(
            "GET", "/v1/contracts", {"limit": limit, "cursor": cursor, "period": period}
        )
        return answer

    def list_wallets(
        self, *, limit: int | None = None, cursor: str | None = None, period: str | None = None
    ) -> s.WalletPage:
        """List the movements of the tenant's wallets, oldest first, and what each of them holds."""
        answer: s.WalletPage = self.ask("GET", "/v1/wallets", {"limit": limit, "cursor": cursor, "period": period})
        return answer

    def list_accounts(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.AccountOut]:
        """List the tenant's people and services."""
        answer: s.Page[s.AccountOut] = self.ask("GET", "/v1/accounts", {"limit": limit, "cursor": cursor})
        return answer

    def create_account(self, body: s.NewAccount) -> s.AccountOut:
        """Add a person or a service to the tenant."""
        answer: s.AccountOut = self.ask("POST", "/v1/accounts", {}, body)
        return answer

    def disable_account(self, id: str) -> s.Empty:
        """Disable an account; its keys and tokens end with it."""
        answer: s.Empty = self.ask("DELETE", f"/v1/accounts/{quoted(id)}", {})
        return answer

    def list_keys(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.KeyOut]:
        """List the tenant's keys, without what they open."""
        answer: s.Page[s.KeyOut] = self.ask("GET", "/v1/keys", {"limit": limit, "cursor": cursor})
        return answer

    def create_key(self, body: s.NewKey) -> s.MadeKey:
        """Mint a key for an account of the tenant: no more than one's own key may do, and no longer. Shown this
        once."""
        answer: s.MadeKey = self.ask("POST", "/v1/keys", {}, body)
        return answer

    def revoke_keys(self, body: s.KeyIds) -> s.Empty:
        """End keys at once: all of them, or none if one of them is not there."""
        answer: s.Empty = self.ask("POST", "/v1/keys/revoke", {}, body)
        return answer

    def rotate_key(self, id: str, body: s.Rotation) -> s.MadeKey:
        """Replace a key by a new one that may do the same; both hold for the overlap. Shown this once."""
        answer: s.MadeKey = self.ask("POST", f"/v1/keys/{quoted(id)}/rotate", {}, body)
        return answer

    def revoke_key(self, id: str) -> s.Empty:
        """End a key at once, and the tokens made with it."""
        answer: s.Empty = self.ask("DELETE", f"/v1/keys/{quoted(id)}", {})
        return answer

    def list_tokens(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.TokenOut]:
        """List the tokens of the tenant's agents, without what they open."""
        answer: s.Page[s.TokenOut] = self.ask("GET", "/v1/tokens", {"limit": limit, "cursor": cursor})
        return answer

    def issue(self, body: s.NewToken) -> s.MadeToken:
        """Issue a token for an agent: no more than one's own key may do, for an hour at most. Shown this once."""
        answer: s.MadeToken = self.ask("POST", "/v1/tokens", {}, body)
        return answer

    def revoke_token(self, id: str) -> s.Empty:
        """End a token at once."""
        answer: s.Empty = self.ask("DELETE", f"/v1/tokens/{quoted(id)}", {})
        return answer

    def call_tool(self, body: s.ToolCall) -> s.ToolAnswer:
        """Ask whether an agent may call a tool: refused or allowed, written down either way, and metered if
        allowed."""
        answer: s.ToolAnswer = self.ask("POST", "/v1/tool-calls", {}, body)
        return answer

    def read_quota(self) -> s.QuotaOut:
        """Read how many keys and webhooks the tenant may have at a time."""
        answer: s.QuotaOut = self.ask("GET", "/v1/quota", {})
        return answer

    def set_quota(self, body: s.NewQuota) -> s.QuotaOut:
        """Set a tenant's quota. Operators alone: whom a quota binds does not set it."""
        answer: s.QuotaOut = self.ask("PUT", "/v1/quota", {}, body)
        return answer

    def list_webhooks(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.WebhookOut]:
        """List the tenant's webhooks."""
        answer: s.Page[s.WebhookOut] = self.ask("GET", "/v1/webhooks", {"limit": limit, "cursor": cursor})
        return answer

    def create_webhook(self, body: s.NewWebhook) -> s.MadeWebhook:
        """Be told of what happens over https, at an address of the public internet. The secret is told this once."""
        answer: s.MadeWebhook = self.ask("POST", "/v1/webhooks", {}, body)
        return answer

    def rotate_webhook_secret(self, id: str) -> s.MadeWebhook:
        """Give a webhook a new secret. For a day the old one signs too, so that no delivery is lost on the way."""
        answer: s.MadeWebhook = self.ask("POST", f"/v1/webhooks/{quoted(id)}/rotate-secret", {})
        return answer

    def test_webhook(self, id: str) -> s.DeliveryOut:
        """Send a notice that means nothing, behind what waits already. `position` says which delivery to look at."""
        answer: s.DeliveryOut = self.ask("POST", f"/v1/webhooks/{quoted(id)}/test", {})
        return answer

    def list_deliveries(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["pending", "delivered", "dead"] | None = None,
    ) -> s.Page[s.DeliveryOut]:
        """List the deliveries to a webhook, oldest first."""
        answer: s.Page[s.DeliveryOut] = self.ask(
            "GET", f"/v1/webhooks/{quoted(id)}/deliveries", {"limit": limit, "cursor": cursor, "status": status}
        )
        return answer

    def redeliver(self, id: str, position: int) -> s.DeliveryOut:
        """Deliver a notice once more, dead or delivered, as often as one that is new."""
        answer: s.DeliveryOut = self.ask(
            "POST", f"/v1/webhooks/{quoted(id)}/deliveries/{quoted(position)}/redeliver", {}
        )
        return answer

    def disable_webhook(self, id: str) -> s.Empty:
        """Stop telling."""
        answer: s.Empty = self.ask("DELETE", f"/v1/webhooks/{quoted(id)}", {})
        return answer

    def list_audit(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.AuditRow]:
        """List the tenant's audit log, oldest first."""
        answer: s.Page[s.AuditRow] = self.ask("GET", "/v1/audit", {"limit": limit, "cursor": cursor})
        return answer

    def read_checkpoint(self) -> s.Head:
        """Read what the log comes to now, signed."""
        answer: s.Head = self.ask("GET", "/v1/audit/checkpoint", {})
        return answer

    def read_consistency(self, *, first: int, second: int) -> s.Consistency:
        """Prove that the log of one size begins with the log of an earlier one."""
        answer: s.Consistency = self.ask("GET", "/v1/audit/consistency", {"first": first, "second": second})
        return answer

    def read_proof(self, position: int) -> s.Proof:
        """Prove that an entry stands in the log: `spillway audit verify --proof` checks it without the database."""
        answer: s.Proof = self.ask("GET", f"/v1/audit/{quoted(position)}/proof", {})
        return answer

    def list_tenants(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.TenantOut]:
        """List the tenants, without any of their data; also those that only the log knows, as unregistered."""
        answer: s.Page[s.TenantOut] = self.ask("GET", "/v1/operator/tenants", {"limit": limit, "cursor": cursor})
        return answer

    def create_tenant(self, body: s.NewTenant) -> s.MadeTenant:
        """Make a tenant, and its first key if asked to: shown this once. It is billed once the terms name it."""
        answer: s.MadeTenant = self.ask("POST", "/v1/operator/tenants", {}, body)
        return answer

    def suspend_tenant(self, tenant: str, body: s.Why) -> s.TenantOut:
        """Suspend a tenant: its keys hold, and do nothing."""
        answer: s.TenantOut = self.ask("POST", f"/v1/operator/tenants/{quoted(tenant)}/suspend", {}, body)
        return answer

    def resume_tenant(self, tenant: str, body: s.Why) -> s.TenantOut:
        """Resume a tenant that was suspended."""
        answer: s.TenantOut = self.ask("POST", f"/v1/operator/tenants/{quoted(tenant)}/resume", {}, body)
        return answer

    def delete_tenant(self, tenant: str, body: s.Why) -> s.TenantOut:
        """Delete a tenant: its keys end at once, the rest goes as its deadlines come."""
        answer: s.TenantOut = self.ask("POST", f"/v1/operator/tenants/{quoted(tenant)}/delete", {}, body)
        return answer

    def revoke_any_key(self, id: str) -> s.Empty:
        """End a key of anybody at once."""
        answer: s.Empty = self.ask("DELETE", f"/v1/operator/keys/{quoted(id)}", {})
        return answer

    def list_grants(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.GrantOut]:
        """List one's own grants."""
        answer: s.Page[s.GrantOut] = self.ask("GET", "/v1/operator/break-glass", {"limit": limit, "cursor": cursor})
        return answer

    def open_grant(self, body: s.NewGrant) -> s.GrantOut:
        """Break the glass: read one tenant's data for a while, for a reason that the tenant reads."""
        answer: s.GrantOut = self.ask("POST", "/v1/operator/break-glass", {}, body)
        return answer

    def close_grant(self, id: str) -> s.Empty:
        """Close a grant of one's own before its time."""
        answer: s.Empty = self.ask("DELETE", f"/v1/operator/break-glass/{quoted(id)}", {})
        return answer

    def list_invoices_under_grant(
        self, tenant: str, *, limit: int | None = None, cursor: str | None = None, period: str | None = None
    ) -> s.Page[s.InvoiceHead]:
        """List a tenant's invoices under an open grant. The tenant's log says that they were read."""
        answer: s.Page[s.InvoiceHead] = self.ask(
            "GET",
            f"/v1/operator/tenants/{quoted(tenant)}/invoices",
            {"limit": limit, "cursor": cursor, "period": period},
        )
        return answer

    def list_audit_of_tenant(
        self, tenant: str, *, limit: int | None = None, cursor: str | None = None
    ) -> s.Page[s.AuditRow]:
        """List a tenant's audit log. The log says that it was read."""
        answer: s.Page[s.AuditRow] = self.ask(
            "GET", f"/v1/auditor/tenants/{quoted(tenant)}/audit", {"limit": limit, "cursor": cursor}
        )
        return answer

    def list_invoices_of_tenant(
        self, tenant: str, *, limit: int | None = None, cursor: str | None = None, period: str | None = None
    ) -> s.Page[s.InvoiceHead]:
        """List a tenant's invoices. The tenant's log says that they were read."""
        answer: s.Page[s.InvoiceHead] = self.ask(
            "GET",
            f"/v1/auditor/tenants/{quoted(tenant)}/invoices",
            {"limit": limit, "cursor": cursor, "period": period},
        )
        return answer

    def list_audited_tenants(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.TenantOut]:
        """List the tenants that there are to audit."""
        answer: s.Page[s.TenantOut] = self.ask("GET", "/v1/auditor/tenants", {"limit": limit, "cursor": cursor})
        return answer

    def list_events_of_tenant(
        self, tenant: str, *, limit: int | None = None, cursor: str | None = None
    ) -> s.Page[s.EventOut]:
        """List a tenant's events, as the tenant sees them."""
        answer: s.Page[s.EventOut] = self.ask(
            "GET", f"/v1/auditor/tenants/{quoted(tenant)}/events", {"limit": limit, "cursor": cursor}
        )
        return answer

    def list_keys_of_tenant(
        self, tenant: str, *, limit: int | None = None, cursor: str | None = None
    ) -> s.Page[s.KeyId]:
        """List the ids of a tenant's keys, by which its audit log names them."""
        answer: s.Page[s.KeyId] = self.ask(
            "GET", f"/v1/auditor/tenants/{quoted(tenant)}/keys", {"limit": limit, "cursor": cursor}
        )
        return answer

    def read_quota_of_tenant(self, tenant: str) -> s.QuotaOut:
        """Read how many keys and webhooks a tenant may have at a time."""
        answer: s.QuotaOut = self.ask("GET", f"/v1/auditor/tenants/{quoted(tenant)}/quota", {})
        return answer

    def finalise_invoices(self, body: s.Finalise) -> s.FinalisedAll:
        """Issue the invoices of a month that is over and complete. Asked for again, it changes nothing."""
        answer: s.FinalisedAll = self.ask("POST", "/v1/operator/invoices/finalise", {}, body)
        return answer

    def create_credit_note(self, body: s.NewCreditNote) -> s.CreditNoteMade:
        """Give back lines of an invoice, parts of them, or all that is left of it."""
        answer: s.CreditNoteMade = self.ask("POST", "/v1/operator/credit-notes", {}, body)
        return answer

    def note_payment(self, body: s.NewPayment) -> s.PaymentNoted:
        """Note what was paid of an invoice; exactly once by its reference."""
        answer: s.PaymentNoted = self.ask("POST", "/v1/operator/payments", {}, body)
        return answer

    def post_house_events(self, body: s.HouseEvents) -> s.HouseEventResults:
        """Bring events of the house's sources into the log, exactly once. One that is refused holds up no other."""
        answer: s.HouseEventResults = self.ask("POST", "/v1/operator/events", {}, body)
        return answer

    def set_source_terms(self, body: s.SourceTerms) -> s.SourceTermsKept:
        """Say by which terms a source is billed. Said again it changes nothing; other terms are refused."""
        answer: s.SourceTermsKept = self.ask("PUT", "/v1/operator/source-terms", {}, body)
        return answer

    def set_snapshot(self, body: s.NewSnapshot) -> s.SnapshotKept:
        """Say what a cluster looks like now. It replaces what its source said before, and is looked at, never billed
        by."""
        answer: s.SnapshotKept = self.ask("PUT", "/v1/operator/snapshots", {}, body)
        return answer

    def list_clusters(self) -> s.SourcesOut:
        """List the live clusters that are told of, and how far their logs are settled."""
        answer: s.SourcesOut = self.ask("GET", "/v1/operator/clusters", {})
        return answer

    def read_capacity(
        self,
        *,
        run: str | None = None,
        from_: str | None = None,
        until: str | None = None,
        bucket: Literal["hour", "day", "week", "month"] | None = None,
    ) -> s.CapacityOut:
        """Read who held the cluster over time. Every installed GPU-second is in one column."""
        answer: s.CapacityOut = self.ask(
            "GET", "/v1/operator/cluster", {"run": run, "from": from_, "until": until, "bucket": bucket}
        )
        return answer

    def read_revenue(
        self,
        *,
        run: str | None = None,
        from_: str | None = None,
        until: str | None = None,
        bucket: Literal["hour", "day", "week", "month"] | None = None,
        currency: str | None = None,
    ) -> s.RevenueOut:
        """Read what the cluster brought in over time, and of a run by how much that delayed internal work."""
        answer: s.RevenueOut = self.ask(
            "GET",
            "/v1/operator/revenue",
            {"run": run, "from": from_, "until": until, "bucket": bucket, "currency": currency},
        )
        return answer

    def list_nodes(self, *, run: str | None = None, at: str | None = None, source: str | None = None) -> s.NodesOut:
        """List the nodes of a cluster at one moment: who holds each, and in how many pieces the rest is free."""
        answer: s.NodesOut = self.ask("GET", "/v1/operator/nodes", {"run": run, "at": at, "source": source})
        return answer

    def list_queue(self, *, run: str | None = None, at: str | None = None, source: str | None = None) -> s.QueueOut:
        """List who waits at one moment, why, and when each is expected to start; and whose notice runs."""
        answer: s.QueueOut = self.ask("GET", "/v1/operator/queue", {"run": run, "at": at, "source": source})
        return answer

    def list_runs(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.RunOut]:
        """List the finished runs that can be looked at, oldest first."""
        answer: s.Page[s.RunOut] = self.ask("GET", "/v1/operator/runs", {"limit": limit, "cursor": cursor})
        return answer

    def readrun_named(self, run: str) -> s.RunResultOut:
        """Read what was run, and its headline numbers."""
        answer: s.RunResultOut = self.ask("GET", f"/v1/operator/runs/{quoted(run)}", {})
        return answer

    def list_evictions(
        self, *, run: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> s.Page[s.EvictionOut]:
        """List who had to leave: in a run, in order of time, with for whom and at what cost; without one as the log
        tells of late (its last 100,000 events), newest first."""
        answer: s.Page[s.EvictionOut] = self.ask(
            "GET", "/v1/operator/evictions", {"run": run, "limit": limit, "cursor": cursor}
        )
        return answer

    def list_house_credits(self, *, run: str) -> s.Page[s.HouseCredit]:
        """List what broken promises gave back in a run, by month and product, to all tenants together."""
        answer: s.Page[s.HouseCredit] = self.ask("GET", "/v1/operator/credits", {"run": run})
        return answer

    def list_notices(
        self, *, limit: int | None = None, cursor: str | None = None, after: int | None = None
    ) -> s.Page[s.NoticeOut]:
        """List what happened to the tenant, oldest first, as far as the key may read of it. Ask again with
        `after`."""
        answer: s.Page[s.NoticeOut] = self.ask("GET", "/v1/notices", {"limit": limit, "cursor": cursor, "after": after})
        return answer

    def list_products(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.ProductOut]:
        """List what is rented out: what is promised, and what it costs now."""
        answer: s.Page[s.ProductOut] = self.ask("GET", "/v1/products", {"limit": limit, "cursor": cursor})
        return answer

    def list_availability(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        region: str | None = None,
        sku: str | None = None,
        product: str | None = None,
    ) -> s.Page[s.AvailabilityOut]:
        """List what the tenant may rent now, in the regions where its work may be."""
        answer: s.Page[s.AvailabilityOut] = self.ask(
            "GET",
            "/v1/availability",
            {"limit": limit, "cursor": cursor, "region": region, "sku": sku, "product": product},
        )
        return answer

    def list_offers(self, *, limit: int | None = None, cursor: str | None = None) -> s.Page[s.OfferOut]:
        """List what is on offer."""
        answer: s.Page[s.OfferOut] = self.ask("GET", "/v1/operator/offers", {"limit": limit, "cursor": cursor})
        return answer

    def set_offer(self, body: s.NewOffer) -> s.OfferOut:
        """Set what is on offer of a SKU in a region as a product; a change must name the version that it has seen.
        Where fewer GPUs are left than are rented, rentals get notice."""
        answer: s.OfferOut = self.ask("PUT", "/v1/operator/offers", {}, body)
        return answer

    def request_rental(self, body: s.NewRental) -> s.RentalOut:
        """Ask for GPUs. The answer says whether they are granted; one that is still requested is decided in a
        moment."""
        answer: s.RentalOut = self.ask("POST", "/v1/rentals", {}, body)
        return answer

    def list_rentals(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["requested", "running", "noticed", "ended", "refused"] | None = None,
    ) -> s.Page[s.RentalOut]:
        """List the tenant's rentals, oldest first, those that have ended or were refused too."""
        answer: s.Page[s.RentalOut] = self.ask("GET", "/v1/rentals", {"limit": limit, "cursor": cursor, "state": state})
        return answer

    def read_rental(self, id: str) -> s.RentalOut:
        """Read a rental."""
        answer: s.RentalOut = self.ask("GET", f"/v1/rentals/{quoted(id)}", {})
        return answer

    def extend_rental(self, id: str, body: s.LongerRental) -> s.RentalOut:
        """Have a rental end later. It must be running and have no notice, and the offer and the price must last as
        long."""
        answer: s.RentalOut = self.ask("POST", f"/v1/rentals/{quoted(id)}/extend", {}, body)
        return answer

    def release_rental(self, id: str) -> s.RentalOut:
        """Give the GPUs of a rental back, now. Nothing is charged from then on; what was granted counts for a second
        at least."""
        answer: s.RentalOut = self.ask("POST", f"/v1/rentals/{quoted(id)}/release", {})
        return answer
