"""The style of the page: one column on a telephone, light or dark as the reader has it."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --rule: #d5d5d5; --quiet: #f3f3f3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #16181b; --rule: #44484d; --quiet: #22262a; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 78rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; }
p, li { max-width: 45rem; overflow-wrap: anywhere; }
pre { background: var(--quiet); padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.wide { overflow-x: auto; max-width: 100%; margin: 1rem 0; }
.wide:focus-visible { outline: 2px solid #0072b2; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding: .25rem 0; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: normal; text-align: left; }
thead th { border-bottom: 2px solid var(--rule); font-weight: bold; }
tbody th, thead th:first-child { position: sticky; left: 0; background: var(--paper); }
caption span { position: sticky; left: 0; display: inline-block; max-width: calc(100vw - 2rem); }
.pictures { display: grid; gap: 1rem; }
.pictures { grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
img { max-width: 100%; height: auto; background: #ffffff; border-radius: .25rem; }
"""
