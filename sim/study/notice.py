"""How late capacity comes back that was sold with a notice."""

from math import exp


def notice_delay_days(notice_days: float, mean_lead_days: float) -> float:
    """Return by how much a recall is late on average: E[max(0, notice - lead)] = N - m (1 - e^(-N/m)).

    The lead, from the moment a need is known to the moment the nodes are needed, is exponential. Design 5.15, case V24.
    """
    return notice_days - mean_lead_days * (1 - exp(-notice_days / mean_lead_days))
