"""The page's style sheet."""

from typing import Final

STYLE: Final = """
:root{color-scheme:light}
body{margin:0;background:#f6f7f9;color:#1f2933;font:15px/1.5 system-ui,sans-serif}
main{max-width:1100px;margin:0 auto;padding:28px 24px 64px}
h1{font-size:28px;margin:0 0 4px}
h2{font-size:20px;margin:40px 0 10px}
.lead{font-size:18px;margin:0 0 10px}
table{border-collapse:collapse;width:100%;background:#fff;font-size:14px;
font-variant-numeric:tabular-nums;border:1px solid #dfe3e8}
th,td{padding:6px 9px;text-align:right;border-bottom:1px solid #eceff2;white-space:nowrap}
th{color:#5f6b7a;font-weight:600}
th:first-child,td:first-child{text-align:left}
tr.strong td{font-weight:600;background:#eef5fc}
details{margin:14px 0}
summary{cursor:pointer;font-weight:600}
li{margin:4px 0}
figure{margin:0 0 18px;background:#fff;border:1px solid #dfe3e8;border-radius:6px;padding:12px}
.event{border-left:4px solid #2f9e44}
.event.bad{border-left-color:#e03131}
figcaption{display:flex;justify-content:space-between;gap:16px;margin-bottom:8px}
figcaption span{color:#5f6b7a}
.alarms{margin:6px 0 0;font-size:13px;color:#5f6b7a}
svg{display:block;width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:#5f6b7a}
svg text.title{font-weight:600}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:18px}
@media(max-width:800px){.pair{grid-template-columns:1fr}table{display:block;overflow-x:auto}}
.keys{display:flex;flex-wrap:wrap;gap:6px 18px;font-size:13px;align-items:center}
.key::before{content:"";display:inline-block;width:18px;height:3px;margin-right:6px;
vertical-align:middle;background:currentColor}
.patch{display:inline-block;width:18px;height:12px;border-radius:2px;margin:0 -12px 0 0}
.grid{stroke:#e6e9ed}.tick{stroke:#9aa5b1}
.reading{fill:none;stroke:#3d6fa5;stroke-width:1}
.score{fill:none;stroke:#343a40;stroke-width:1.1}
.limit{stroke:#e8890c;stroke-dasharray:5 3}
svg text.limit-text{fill:#b3660a}
rect.normal{fill:none}
rect.commissioning{fill:#d0e6fb;fill-opacity:.75}.patch.commissioning{background:#d0e6fb}
rect.transient{fill:#ffecc2}.patch.transient{background:#ffecc2}
rect.steady{fill:#ffd3d0}.patch.steady{background:#ffd3d0}
rect.unlabelled{fill:#dee2e6}.patch.unlabelled{background:#dee2e6}
rect.alarm{fill:#2f9e44}.patch.alarm{background:#2f9e44}
rect.false-alarm{fill:#e03131}.patch.false-alarm{background:#e03131}
circle.hit{fill:#3d6fa5;fill-opacity:.65}circle.missed{fill:#e03131}
.curve{fill:none;stroke:currentColor;stroke-width:1.6}
.now{fill:currentColor;stroke:#fff;stroke-width:1.5}
.m0{color:#1c62b0;stroke-width:2.6}.m1{color:#e03131}.m2{color:#e8890c}.m3{color:#2f9e44}
.m4{color:#7048a8}.m5{color:#0c8599}
""".replace("\n", "")
