"""Three pages for machines: what is measured, and whether we and the chain live."""

from aiohttp import web

from agents.metrics.exposition import CONTENT_TYPE, Exposition
from agents.metrics.readings import Readings


def app(exposition: Exposition, readings: Readings) -> web.Application:
    """The application.

    /metrics: Prometheus' text format. /healthz: 200 while this process answers.
    /readyz: 200 while the broker is there and clients get out, else 503.
    """

    async def metrics(request: web.Request) -> web.Response:
        del request
        headers = {"Content-Type": CONTENT_TYPE}
        return web.Response(body=exposition.text(), headers=headers)

    async def healthz(request: web.Request) -> web.Response:
        del request
        return web.Response(text="alive\n")

    async def readyz(request: web.Request) -> web.Response:
        del request
        if readings.carrying:
            return web.Response(text="carrying\n")
        cause = "no traffic gets out" if readings.connected else "the broker is away"
        return web.Response(status=503, text=f"{cause}\n")

    pages = web.Application()
    pages.router.add_get("/metrics", metrics)
    pages.router.add_get("/healthz", healthz)
    pages.router.add_get("/readyz", readyz)
    return pages
