"""How a report looks: on paper, on a light and on a dark screen, on a wide and on a narrow one."""

import re

from tacit.report.svg import COLORS, INK

LIGHT = {
    "paper": "#fdfdfb",
    "ink": "#1c1f24",
    "soft": "#5b616b",
    "axis": "#9a9fa8",
    "rule": "#dcdee2",
    "wash": "#f4f4f0",
    "gray": "#868b94",
    "none": "#8c9096",
    "link": "#005a8c",
}
DARK = {
    "paper": "#15171b",
    "ink": "#e8e6e1",
    "soft": "#a3a9b3",
    "axis": "#6d737d",
    "rule": "#30343b",
    "wash": "#1d2025",
    "gray": "#9298a2",
    "none": "#8c9096",
    "link": "#6cc0f0",
}
# blue and the dark orange are lifted on a dark screen, yellow is lowered on paper; everything else is as published
LIGHT |= {f"c{k}": color for k, color in enumerate(COLORS)} | {f"c{INK}": "#1c1f24", "c6": "#e3d41f"}
DARK |= {f"c{k}": color for k, color in enumerate(COLORS)} | {f"c{INK}": "#e8e6e1", "c0": "#2b95d6", "c4": "#e8702a"}

FIGURES = (
    "".join(f".c{k}{{fill:var(--c{k});stroke:var(--c{k})}}" for k in range(len(COLORS)))
    + """
.none { fill: var(--none); stroke: var(--none) }
.gray { fill: var(--gray); stroke: var(--gray) }
.solid { stroke: none }
.disk, .square, .plus, .line, .lead { fill: none }
.disk { stroke-linecap: round }
.square { stroke-linecap: square }
.see-through { opacity: .45 }
.line { stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round }
.gray.line { stroke-width: 2.6 }
.thin.line, .gray.thin.line { stroke-width: 1.3 }
.band { stroke: none; fill-opacity: .17 }
.whisker { stroke-width: 1.8; fill: none }
.lead { stroke-width: 1; opacity: .7 }
.bar { fill-opacity: .75 }
.rule { stroke: var(--rule); fill: none }
.axis { stroke: var(--axis); fill: none }
.reference { stroke: var(--soft); stroke-width: 1.4; stroke-dasharray: 5 4; fill: none }
.ink { fill: var(--ink) }
.ink-line { stroke: var(--ink) }
.halo { fill: none; stroke: var(--ink); stroke-width: 1.1 }
.ring { fill: var(--paper); stroke: var(--ink); stroke-width: 1.4 }
.cell { fill: none; stroke: var(--rule); stroke-width: .6 }
.right { fill: var(--c0) }
.wrong { fill: var(--c4) }
.pixelated { image-rendering: pixelated }
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  fill: var(--ink); unicode-bidi: isolate; font-variant-numeric: tabular-nums }
text.soft { fill: var(--soft) }
text.end { text-anchor: end }
text.middle { text-anchor: middle }
text.in-ring { font-size: 9.5px; font-weight: 600; text-anchor: middle }
text.on-dark { fill: #fff }
"""
)

PAGE = """
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.55 Charter, "Bitstream Charter", "Iowan Old Style", "Source Serif 4", Georgia, "DejaVu Serif", serif }
main, header, body > footer { max-width: 54rem; margin: 0 auto; padding: 0 1.25rem }
header { padding-top: 3.2rem }
h1 { font-size: 2.1rem; line-height: 1.15; font-weight: 600; letter-spacing: -.012em; margin: 0 0 1.4rem;
  overflow-wrap: anywhere }
h2 { font-size: 1.3rem; line-height: 1.25; font-weight: 600; margin: 0 0 .35rem; overflow-wrap: anywhere }
h2 .number { color: var(--soft); font-weight: 400; margin-right: .55em; font-variant-numeric: tabular-nums }
a { color: var(--link); text-underline-offset: .15em }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: 0 1.6rem; margin: 0;
  border-top: 1px solid var(--ink) }
.facts div { border-bottom: 1px solid var(--rule); padding: .5rem 0 .55rem; min-width: 0 }
.facts dt { color: var(--soft); font-size: .78rem }
.facts dd { margin: 0; font-size: .95rem; overflow-wrap: anywhere; font-variant-numeric: tabular-nums lining-nums }
.facts, nav, figure, .figure, table, .empty, body > footer {
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif }
nav { margin: 1.5rem 0 0; font-size: .88rem }
nav ol { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem }
nav li { max-width: 100%; overflow-wrap: anywhere }
nav .number { color: var(--soft); margin-right: .4em }
section { margin: 3.1rem 0 0; scroll-margin-top: 1rem }
.sentence { margin: 0 0 1.15rem; max-width: 44rem; overflow-wrap: anywhere }
.figure { margin: 0 0 1.4rem; font-size: .85rem; line-height: 1.4 }
svg { display: block; width: 100%; height: auto }
svg.map { border: 1px solid var(--rule); border-radius: 3px }
.figure.square > svg { max-width: 29rem }
.wide { overflow-x: auto }
.wide > svg { min-width: 31rem }
.figure.confusion .wide > svg { max-width: 44rem }
.with-legend { display: grid; grid-template-columns: minmax(0, 1fr) 12.5rem; gap: .5rem 1.5rem; align-items: start }
.with-legend > .note { grid-column: 1 }
.note { color: var(--soft); margin: .5rem 0 0; overflow-wrap: anywhere }
.legend { list-style: none; margin: 0; padding: 0 }
.legend li { display: flex; align-items: baseline; gap: .5rem; padding: .13rem 0; overflow-wrap: anywhere; min-width: 0 }
.legend bdi { min-width: 0 }
.legend .n { margin-left: auto; color: var(--soft); font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap }
.legend.long { max-height: 30rem; overflow-y: auto }
.legend.below { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 0 2.2rem; margin-top: .4rem }
.confusion .legend { max-width: 26rem }
.confusion .legend .n { padding-left: 1rem }
svg.swatch { width: .95rem; height: .95rem; flex: none; align-self: center }
.items { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.2rem, 1fr)); gap: .9rem .8rem }
.items figure { margin: 0; min-width: 0 }
.items img, .items svg.spark { display: block; width: 100%; height: auto; background: var(--wash);
  border: 1px solid var(--rule); border-radius: 2px }
.items img + img, .items svg + svg { margin-top: .3rem }
.items figcaption { color: var(--soft); font-size: .76rem; line-height: 1.3; margin-top: .25rem; overflow-wrap: anywhere }
.items.walk { grid-template-columns: none; grid-auto-flow: column; grid-auto-columns: minmax(3.6rem, 6rem);
  gap: .3rem; overflow-x: auto }
.items.walk figcaption { text-align: center }
.items.walk + .items.walk { margin-top: .7rem }
.items.heard { grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)) }
.items audio { display: block; width: 100%; height: 2.2rem; margin-top: .3rem }
.items .real img, .items .real svg.spark { border: 2px solid var(--link) }
table { border-collapse: collapse; width: 100%; font-size: .87rem; line-height: 1.4 }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem }
th, td { text-align: left; vertical-align: baseline; padding: .42rem 1.3rem .42rem 0; overflow-wrap: break-word }
td { max-width: 24rem }
th:last-child, td:last-child { padding-right: 0 }
thead th { font-weight: 600; border-top: 1px solid var(--ink); border-bottom: 1px solid var(--ink) }
tbody td { border-bottom: 1px solid var(--rule) }
tbody tr:last-child td { border-bottom-color: var(--ink) }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.table { margin: 0 0 1.4rem }
.empty { color: var(--soft); border-left: 2px solid var(--rule); padding: .1rem 0 .1rem .9rem; margin: 0 0 1.2rem; font-size: .92rem }
body > footer { color: var(--soft); font-size: .8rem; margin-top: 3.6rem; padding-bottom: 3rem; overflow-wrap: anywhere }
body > footer p { border-top: 1px solid var(--rule); padding-top: .8rem; margin: 0; white-space: pre-line }
@media (max-width: 44rem) {
  body { font-size: 16px }
  header { padding-top: 1.8rem }
  h1 { font-size: 1.6rem }
  .with-legend { grid-template-columns: minmax(0, 1fr) }
  .with-legend .legend { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0 1.4rem }
  .legend.below { grid-template-columns: minmax(0, 1fr) }
}
@media print {
  @page { margin: 16mm }
  body { font-size: 10.5pt }
  header { padding-top: 0 }
  main, header, body > footer { max-width: none; padding-left: 0; padding-right: 0 }
  nav, audio { display: none }
  .figure, table, tr, .items figure { break-inside: avoid }
  h2, .sentence { break-after: avoid }
  .wide, .items.walk, .legend.long { overflow: visible; max-height: none }
  .wide > svg { min-width: 0 }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
"""


def sheet() -> str:
    """The style sheet of a page: its colors follow the reader's screen, and paper is always light."""
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}.turns{{filter:invert(.9)}}}}"
        f"{FIGURES}{PAGE}"
    )


def fixed(theme: dict[str, str]) -> str:
    """The figures' rules with the colors of one theme written out, for a picture that stands alone."""
    return re.sub(r"var\(--([\w-]+)\)", lambda name: theme[name[1]], FIGURES)


def _variables(theme: dict[str, str]) -> str:
    return "".join(f"--{name}:{color};" for name, color in theme.items())
