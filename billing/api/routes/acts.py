"""Routes by which the house acts on its tenants' books: issuing, giving back, noting payments; and new tenants."""

from billing.api.call import Calling, Done
from billing.api.moments import moment_of
from billing.api.problems import Fault, Problem, invalid
from billing.api.schemas.acts import (
    CreditNoteMade,
    Finalise,
    FinalisedAll,
    MadeTenant,
    NewCreditNote,
    NewPayment,
    NewTenant,
    PaymentNoted,
    credit_note_made,
    finalised_out,
    first_key,
    made_tenant,
    payment_noted,
)
from billing.api.sums import micro_of
from billing.api.table import Routes
from billing.closing.close_month import MonthOpenError
from billing.errors import BillingError, InvoiceError, StoreError
from billing.invoices.credit_note import Return
from billing.store import api_acts as store
from billing.store.door import Bound
from billing.store.tenant_first_key import first_key_of

routes = Routes()
_ABSENT = ("unknown_invoice",)
_CONFLICTS = ("conflict", "duplicate", "ambiguous_invoice")


@routes.post("/v1/operator/invoices/finalise", FinalisedAll)
def finalise_invoices(call: Calling, body: Finalise) -> FinalisedAll:
    """Issue the invoices of a month that is over and complete. Asked for again, it changes nothing."""
    house = call.house
    try:
        found = store.finalise(
            house.door, call.scope, call.policy.scope, house.terms, house.basis, body.period, body.tenant, call.now_s
        )
    except MonthOpenError as open_:
        reasons = [Fault(each.where, f"{each.count} {each.what}") for each in open_.reasons]
        raise Problem("month_open", reasons) from None
    except StoreError as error:
        if error.code != "no_terms":
            raise
        raise Problem("month_open", [Fault("terms", "there are none to bill by")]) from None
    return FinalisedAll(period=body.period, tenants=[finalised_out(each) for each in found])


@routes.post("/v1/operator/credit-notes", CreditNoteMade, status=201)
def create_credit_note(call: Calling, body: NewCreditNote) -> CreditNoteMade:
    """Give back lines of an invoice, parts of them, or all that is left of it."""
    wishes = [Return(each.line, *(int(number) for number in each.part.split("/"))) for each in body.lines]

    def work(bound: Bound) -> Done:
        try:
            note = store.give_back(bound, body.number, wishes, body.cause, body.reason, call.now_s)
        except InvoiceError as error:
            raise refusal(error) from None
        return Done(credit_note_made(note), None)

    made: CreditNoteMade = call.act(work)
    return made


@routes.post("/v1/operator/payments", PaymentNoted)
def note_payment(call: Calling, body: NewPayment) -> PaymentNoted:
    """Note what was paid of an invoice; exactly once by its reference."""
    at_s = call.now_s if body.time is None else moment_of(body.time, "body.time")
    amount_micro = micro_of(body.amount, "body.amount")

    def work(bound: Bound) -> Done:
        try:
            how = body.number, amount_micro, body.amount.currency, body.reference, at_s, call.now_s
            paid = store.note_payment(bound, *how)
        except BillingError as error:
            if isinstance(error, StoreError):
                raise
            raise refusal(error) from None
        return Done(payment_noted(paid), None)

    noted: PaymentNoted = call.act(work)
    return noted


@routes.post("/v1/operator/tenants", MadeTenant, status=201)
def create_tenant(call: Calling, body: NewTenant) -> MadeTenant:
    """Make a tenant, and its first key if asked to: shown this once. It is billed once the terms name it."""
    if body.first_key:
        call.scope.require("keys:write")

    def work(bound: Bound) -> Done:
        made = store.make_tenant(
            bound, body.name, body.id, body.organisation, body.regions, call.house.entropy, call.now_s
        )
        return Done(made_tenant(made), None)

    created = MadeTenant.model_validate(call.act(work))
    if not body.first_key:
        return created
    # Where the answer was lost before there was a key, the same request comes here again.
    with call.writing() as bound:
        key, text = first_key_of(bound, created.id, call.house.secrets, call.house.entropy, call.now_s)
    return created.model_copy(update={"key": first_key(key, text)})


def refusal(error: BillingError) -> Problem:
    """Return the problem of what cannot be done to a document, without the value that was found."""
    if error.code in _ABSENT:
        return Problem("not_found")
    allowed = f"; allowed: {error.allowed}" if error.allowed and error.code not in _CONFLICTS else ""
    if error.code in _CONFLICTS:
        return Problem("conflict", [Fault("body", error.message)])
    return invalid("body", f"{error.message}{allowed}")
