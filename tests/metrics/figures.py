"""What a page of figures says."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from iot_service.metrics.exposition import page


def figure(name: str, text: str | None = None, **labels: str) -> float:
    """The sum of all samples called ``name`` with these labels, on this process's page or in ``text``."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text if text is not None else page().decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
