// A plot of ratios: one line of bars per row, on a logarithmic scale around 1.
import { guestKeys } from './report.mjs';

const [LEFT, WIDTH, ROW, BAR, TOP, BOTTOM] = [170, 520, 20, 7, 56, 26];
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20];
const SERIES = [
  { other: 'qemu', arch: 'amd64', title: 'QEMU, amd64', colour: '#0b7a75' },
  { other: 'v86', arch: 'i386', title: 'v86, i386', colour: '#d1603d' },
];

const clamp = (ratio) => Math.min(Math.max(ratio, TICKS[0]), TICKS.at(-1));
const x = (ratio) => LEFT + (WIDTH * Math.log(clamp(ratio) / TICKS[0])) / Math.log(TICKS.at(-1) / TICKS[0]);
const text = (at, y, content, more = '') => `<text x="${at.toFixed(1)}" y="${y}" ${more}>${content}</text>`;
const middle = 'text-anchor="middle"';

function bar(ratio, y, colour) {
  if (ratio === undefined || Number.isNaN(ratio)) return '';
  const [from, to] = [Math.min(x(1), x(ratio)), Math.max(x(1), x(ratio))];
  return `<rect x="${from.toFixed(1)}" y="${y}" width="${(to - from).toFixed(1)}" height="${BAR}" fill="${colour}"><title>${ratio.toFixed(2)}</title></rect>`;
}

function line(name, at, samples, by) {
  const y = TOP + at * ROW;
  const bars = SERIES.map(({ other, arch, colour }, place) =>
    bar(samples.ratio(`${name} ${arch}`, other, by), y + 2 + place * (BAR + 1), colour),
  );
  return text(LEFT - 10, y + 13, name, 'text-anchor="end"') + bars.join('');
}

const tick = (value, height) =>
  `<line x1="${x(value).toFixed(1)}" x2="${x(value).toFixed(1)}" y1="${TOP - 4}" y2="${height - BOTTOM}" stroke="${value === 1 ? '#333' : '#ddd'}"/>` +
  text(x(value), height - 10, `${value} ×`, middle);

const legend = ({ title, colour }, at) =>
  `<rect x="${LEFT + at * 140}" y="30" width="10" height="10" fill="${colour}"/>${text(LEFT + at * 140 + 15, 39, title)}`;

/** The plot as SVG: the other emulator's time over Hotsocket's, so that bars to the right are rows where Hotsocket is faster. */
export function plot(samples, { by }) {
  const programs = guestKeys().filter(({ group }) => group !== 'console');
  const names = [...new Set(programs.map(({ name }) => name))].filter((name) =>
    SERIES.some(({ other, arch }) => samples.ratio(`${name} ${arch}`, other, by) !== undefined),
  );
  const height = TOP + names.length * ROW + BOTTOM;
  const width = LEFT + WIDTH + 30;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(LEFT, 20, 'Time of another emulator ÷ time of Hotsocket (right of 1: Hotsocket is faster)', 'font-weight="bold"'),
    ...SERIES.map(legend),
    ...TICKS.map((value) => tick(value, height)),
    ...names.map((name, at) => line(name, at, samples, by)),
    '</svg>\n',
  ].join('\n');
}
