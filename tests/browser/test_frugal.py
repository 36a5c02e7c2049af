"""Pages are light and keep to themselves."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.states import STATES, Sites, every_state
from tests.browser.visits import Site, Visitor

MOST_BYTES = 100_000


@every_state
def test_no_page_breaks_its_policy_or_asks_another_host(
    state: str, visitor: Visitor, sites: Sites
) -> None:
    page = visitor.page()
    STATES[state](page, sites)
    page.wait_for_load_state("load")
    assert visitor.requests
    assert visitor.hosts == {"127.0.0.1"}
    assert not visitor.complaints


def test_the_first_page_is_light(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    network = page.context.new_cdp_session(page)
    received: list[float] = []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    network.send("Network.enable")
    page.goto(site("/"))
    expect(page.locator(".card img").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len(received) > 3
    assert sum(received) < MOST_BYTES
