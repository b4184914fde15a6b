"""How the page of the report looks, on a screen and on paper."""

STYLE = """
:root { color-scheme: light; }
body {
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: #1b1b1b; background: #fff; max-width: 1040px; margin: 0 auto; padding: 24px 20px 60px;
}
h1 { font-size: 1.7em; margin: 0 0 4px; }
h2 { font-size: 1.3em; margin: 2.2em 0 .6em; border-bottom: 1px solid #ccc; }
h3 { font-size: 1.05em; margin: 1.6em 0 .4em; }
p { margin: .5em 0; max-width: 78ch; overflow-wrap: anywhere; }
.lead { color: #555; }
.note, figcaption { font-size: .88em; color: #555; overflow-wrap: anywhere; }
.absent { border-left: 4px solid #d55e00; background: #fdf3ec; padding: 8px 12px; }
nav ul { columns: 2; padding-left: 1.2em; margin: .4em 0; }
nav .missing { color: #8a4300; }
a { color: #005a8c; }
ul { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86em; margin: .6em 0; }
th, td { padding: 3px 9px; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid #888; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.pairs th { font-weight: 600; white-space: nowrap; }
.pairs td { overflow-wrap: anywhere; }
figure { margin: 1em 0; }
img { max-width: 100%; max-height: 1000px; width: auto; height: auto; }
@media print {
  body { max-width: none; padding: 0; font-size: 11px; }
  nav { display: none; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .wide { overflow: visible; }
}
"""
