/**
 * The plot of a run: a bar for each peer, as an SVG that reads well on a light and
 * on a dark page. Pure.
 *
 * @module
 */

import type { Measured } from '../measure.ts';

const width = 760;
const left = 190;
const right = 130;
const rowHeight = 38;
const top = 74;

const style = `
  text { font: 14px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 17px; font-weight: 600; }
  .small { font-size: 12px; fill: #57606a; }
  .bar { fill: #afb8c1; }
  .ours { fill: #0969da; }
  .track { stroke: #d0d7de; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #8d96a0; } .bar { fill: #484f58; } .ours { fill: #4493f8; } .track { stroke: #30363d; }
  }`;

/** CPU per request of each peer, cheapest first, with the ratio to ours behind it. */
export function plotOf(measured: readonly Measured[]): string {
  const sorted = [...measured].sort((one, other) => one.cpuUs - other.cpuUs);
  const most = Math.max(...sorted.map(({ cpuUs }) => cpuUs));
  const ours = sorted.find(({ name }) => name === 'claimcheck')?.cpuUs ?? Number.NaN;
  const height = top + sorted.length * rowHeight + 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="CPU per request of each peer">
<style>${style}
</style>
<text class="title" x="20" y="30">CPU for each request</text>
<text class="small" x="20" y="50">an authenticated GET of 200 bytes; µs of the whole process tree; shorter is better</text>
<line class="track" x1="${left}" y1="${top - 8}" x2="${left}" y2="${height - 16}"/>
${sorted.map((peer, index) => barOf(peer, { index, most, ours })).join('\n')}
</svg>
`;
}

interface Bar {
  readonly index: number;
  readonly most: number;
  readonly ours: number;
}

function barOf({ name, cpuUs }: Measured, { index, most, ours }: Bar): string {
  const y = top + index * rowHeight;
  const length = Math.max(2, (cpuUs / most) * (width - left - right));
  const middle = y + rowHeight / 2;
  const kind = name === 'claimcheck' ? 'ours' : 'bar';
  const ratio = name === 'claimcheck' ? '' : ` · ${(cpuUs / ours).toFixed(2)} ×`;
  return `<text x="${left - 12}" y="${middle}" text-anchor="end">${name}</text>
<rect class="${kind}" x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="${rowHeight - 16}" rx="3"/>
<text x="${(left + length + 10).toFixed(1)}" y="${middle}">${cpuUs.toFixed(0)} µs<tspan class="small">${ratio}</tspan></text>`;
}
