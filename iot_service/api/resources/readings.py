"""What a device measured: for charts in a resolution that suits the span, and as exports of any size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from iot_service.api.dependencies import Now, TheCatalog, Transaction
from iot_service.api.resources.routing import resource
from iot_service.customers import store
from iot_service.db import Database
from iot_service.errors import InvalidInputError
from iot_service.history.bins import Bin
from iot_service.history.exports import Export, Page, as_csv, gzipped, read_pages
from iot_service.history.series import AUTO, Asked, Series, find_series
from iot_service.history.spans import DAY, RAW
from iot_service.model.device import Device
from iot_service.products.catalog import Catalog
from iot_service.products.documents import suggestion
from iot_service.products.model import ProductModel

router = resource("devices")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL_SPAN = timedelta(days=1)
_MOST_METRICS = 50
_PARQUET = "application/vnd.apache.parquet"

Resolution = Literal["auto", "raw", "1m", "5m", "15m", "1h", "6h", "1d", "7d"]


class PointOutput(BaseModel):
    """What a metric did in one stretch of time that begins at ``ts``; ``value`` is the mean of ``count`` readings."""

    ts: datetime
    value: float
    min: float
    max: float
    count: int


class GapOutput(BaseModel):
    """A stretch in which nothing was measured: it is not zero."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")


class SeriesOutput(BaseModel):
    """One metric. In the resolution ``raw`` each point is a reading; points stand only where something was measured."""

    metric: str
    unit: str | None
    resolution: str
    points: list[PointOutput]
    gaps: list[GapOutput]


class ReadingsOutput(BaseModel):
    """What a device measured from ``from`` to before ``to``."""

    device_id: str
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    series: list[SeriesOutput]


@router.get("/{device_id}/readings", response_model=ReadingsOutput)
def get_readings(
    request: Request,
    connection: Transaction,
    catalog: TheCatalog,
    now: Now,
    device_id: str,
    metric: Annotated[list[str] | None, Query(max_length=_MOST_METRICS)] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    points: Annotated[int, Query(ge=1, le=10_000)] = 2000,
    resolution: Resolution = "auto",
    format: Literal["json", "csv", "parquet"] = "json",  # noqa: A002  # as callers write it
) -> Any:
    """Return what was measured ``from`` (a day before ``to``) ``to`` (now), of each ``metric`` or of all.

    With ``format`` csv or parquet every reading is exported, or in the resolution that is asked for.
    """
    device = store.get_device(connection, device_id)
    product = catalog.products.get(device.product)
    begin, end = _span(since, until, now)
    metrics = _metrics(metric, device, catalog)
    if format == "json":
        found = [
            find_series(connection, device, product, Asked(name, begin, end, points, resolution), now=now)
            for name in metrics
        ]
        series = [_series_output(each, product) for each in found if metric or each.bins]
        return ReadingsOutput(device_id=device.id, since=begin, until=end, series=series)
    export = Export(device, product, metrics, begin, end, RAW if resolution == AUTO else resolution)
    return _exported(request, export, format, now)


def _span(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    end = until.astimezone(UTC) if until else now
    if end < _EARLIEST + DAY:
        raise InvalidInputError("must lie after 1970", field="to")
    begin = max(since.astimezone(UTC), _EARLIEST) if since else end - _USUAL_SPAN
    if begin > end:
        raise InvalidInputError("must not be after to", field="from")
    return begin, end


def _metrics(asked: list[str] | None, device: Device, catalog: Catalog) -> list[str]:
    product = catalog.products.get(device.product)
    known = list(product.metrics) if product else []
    for name in asked or []:
        if name not in known:
            raise InvalidInputError(f"no metric {name!r}{suggestion(name, known)}", field="metric")
    return list(dict.fromkeys(asked or known))


def _series_output(series: Series, product: ProductModel | None) -> SeriesOutput:
    metric = product.metrics.get(series.metric) if product else None
    return SeriesOutput(
        metric=series.metric,
        unit=metric.unit if metric else None,
        resolution=series.resolution,
        points=[_point(each) for each in series.bins],
        gaps=[GapOutput(since=gap.since, until=gap.until) for gap in series.gaps],
    )


def _point(each: Bin) -> PointOutput:
    return PointOutput(ts=each.at, value=each.mean, min=each.lowest, max=each.highest, count=each.readings)


def _exported(request: Request, export: Export, format_: str, now: datetime) -> Response:
    database: Database = request.app.state.database
    pages = read_pages(database, export, now=now)
    headers = {"Content-Disposition": f'attachment; filename="{export.device.id}.{format_}"', "Vary": "Accept-Encoding"}
    if format_ == "parquet":
        return StreamingResponse(_parquet(pages, export.resolution), media_type=_PARQUET, headers=headers)
    body = as_csv(pages, export.resolution)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzipped(body)
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


def _parquet(pages: Iterator[Page], resolution: str) -> Iterator[bytes]:
    try:
        from iot_service.history.parquet import as_parquet  # noqa: PLC0415  # an extra may be missing
    except ImportError:
        detail = "Parquet needs the extra of that name: pip install 'iot-service[parquet]'; or ask for format=csv"
        raise HTTPException(HTTPStatus.NOT_IMPLEMENTED, detail) from None
    return as_parquet(pages, resolution)
