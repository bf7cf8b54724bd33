"""axe in a page: the page reads its half a megabyte once, and tells only what is wrong."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

LOADED = "() => 'axe' in window"

RUN = """async ([context, options]) => {
    const {violations} = await axe.run(context, options);
    const where = nodes => nodes.slice(0, 3).map(node => String(node.target)).join(', ');
    return violations.map(({id, nodes}) => `${id} at ${where(nodes)}`);
}"""

MEDIA_ONLY = {"assets": ["media"]}
"""axe would also parse all style sheets, for a rule that is experimental and so never runs. That takes longer than all
rules, and writes a style into the page, which the policy forbids."""


def violations(page: Page, *, exclude: str | None = None, **options: Any) -> list[str]:
    """Return what axe finds on the page as it looks now, outside the elements to exclude."""
    if not page.evaluate(LOADED):
        page.evaluate(AXE_SCRIPT)
    context = {"include": [["html"]], "exclude": [[exclude]] if exclude else []}
    return page.evaluate(RUN, [context, {"resultTypes": ["violations"], "preload": MEDIA_ONLY, **options}])
