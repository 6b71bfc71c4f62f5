"""Sites: where a customer's devices stand."""

from __future__ import annotations

from fastapi import Response

from iot_service.api.dependencies import Transaction
from iot_service.api.paging import AtPage, Page
from iot_service.api.resources.routing import resource, same_id, say
from iot_service.customers import store
from iot_service.customers.inputs import SiteInput
from iot_service.model.customer import Site

router = resource("sites")


@router.get("")
def list_sites(connection: Transaction, paging: AtPage, customer_id: str | None = None) -> Page[Site]:
    """List sites by id, of one customer or of all."""
    rows = store.list_sites(connection, customer_id=customer_id, after=paging.after, limit=paging.fetch)
    return paging.page(rows, lambda site: site.id)


@router.get("/{site_id}")
def get_site(connection: Transaction, site_id: str) -> Site:
    """Return one site."""
    return store.get_site(connection, site_id)


@router.put("/{site_id}")
def put_site(connection: Transaction, response: Response, site_id: str, body: SiteInput) -> Site:
    """Create or change a site."""
    same_id(site_id, body.id)
    say(response, store.put_site(connection, body))
    return store.get_site(connection, site_id)
