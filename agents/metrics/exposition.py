"""Samples in the words of Prometheus. Owner of prometheus_client."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from agents.metrics.families import FAMILIES, Histogram, Kind, Sample
from agents.metrics.readings import Readings

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
INFINITE: Final = "+Inf"


class Exposition(Collector):
    """What is read at each scrape."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """The whole of it, in the text format."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing: who registers must not be asked for values yet."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every family that has a value now."""
        grouped: dict[str, list[Sample]] = defaultdict(list)
        for sample in self._readings.samples():
            grouped[sample.family.name].append(sample)
        for family in FAMILIES:
            if family.kind is Kind.HISTOGRAM:
                yield _histogram(self._readings.outages())
            elif samples := grouped.get(family.name):
                yield _plain(samples)


def _plain(samples: list[Sample]) -> Metric:
    family = samples[0].family
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = make(family.name, family.about, labels=family.labels)
    for sample in samples:
        metric.add_metric(sample.labels, sample.value)
    return metric


def _histogram(said: Histogram) -> Metric:
    metric = HistogramMetricFamily(said.family.name, said.family.about)
    bounds = (*map(str, said.bounds), INFINITE)
    counts = (*said.counts, said.count)
    metric.add_metric([], list(zip(bounds, counts, strict=True)), said.total)
    return metric
