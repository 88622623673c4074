// Tables in Markdown from samples.
import { EMULATORS } from './emulators.mjs';
import { RAM_MIB } from './guests.mjs';
import { GUEST_ROWS, HOST_ROWS } from './rows.mjs';
import { geometricMean } from './statistics.mjs';

const NONE = '–';
const OTHERS = ['qemu', 'v86'];
const ARCHS = ['amd64', 'i386'];
const KEYS_OF_HOST_ROW = {
  'hot-add': [
    ['hot-add reply', 'hot-add, command to reply'],
    ['hot-add online', 'hot-add, command to online'],
  ],
  qmp: [
    ['qmp median', 'QMP command with all CPUs busy, median'],
    ['qmp 99 %', 'QMP command with all CPUs busy, 99 %'],
  ],
  loops: [
    ['alu-loop', 'a loop in registers, no operating system'],
    ['memory-loop', 'a loop over memory, no operating system'],
    ['alu-loop interpreted', 'the loop in registers, by the interpreter alone'],
    ['memory-loop interpreted', 'the loop over memory, by the interpreter alone'],
  ],
  memory: ARCHS.map((arch) => [`memory ${arch}`, `peak resident memory after the ${arch} rows`]),
};

const digits = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
const number = (value) => (value === undefined || Number.isNaN(value) ? NONE : value.toFixed(digits(value)));
const times = (ratio) => (ratio === undefined || Number.isNaN(ratio) ? NONE : `${number(ratio)} ×`);
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Wall seconds, CPU seconds in brackets. */
function seconds(samples, row, emulator) {
  const wall = samples.median(row, emulator, 'wall');
  return wall === undefined ? NONE : `${number(wall)} (${number(samples.median(row, emulator, 'cpu'))})`;
}

/** Every guest row on every architecture: its key in the samples. */
export const guestKeys = (group) =>
  ARCHS.flatMap((arch) =>
    GUEST_ROWS.filter((row) => group === undefined || row.group === group).map((row) => ({ ...row, arch, key: `${row.name} ${arch}` })),
  );

/** The table of guest programs; `emulators` are those that ran. */
export function programTable(samples, { emulators, by }) {
  const others = OTHERS.filter((name) => emulators.includes(name));
  const measured = guestKeys().filter(({ key }) => emulators.some((name) => samples.median(key, name, 'wall') !== undefined));
  const rows = measured.map(({ name, arch, key }) => [
    name,
    arch,
    ...emulators.map((emulator) => seconds(samples, key, emulator)),
    ...others.map((other) => times(samples.ratio(key, other, by))),
  ]);
  const head = [
    'Row',
    'Guest',
    ...emulators.map((name) => EMULATORS[name].title),
    ...others.map((name) => `${EMULATORS[name].title} ÷ Hotsocket`),
  ];
  return rows.length === 0 ? '' : table(head, rows);
}

/** Ratios of the rows of a group, those that were measured. */
export const ratios = (samples, group, other, by, arch) =>
  guestKeys(group)
    .filter((row) => row.group !== 'console' && (arch === undefined || row.arch === arch))
    .map(({ key }) => samples.ratio(key, other, by))
    .filter((ratio) => ratio !== undefined && !Number.isNaN(ratio));

/** Geometric means by group, architecture and emulator. */
export function meanTable(samples, { emulators, by }) {
  const groups = [...new Set(GUEST_ROWS.map(({ group }) => group))].filter((group) => group !== 'console');
  const columns = OTHERS.filter((name) => emulators.includes(name)).flatMap((other) =>
    EMULATORS[other].archs.map((arch) => ({ other, arch })),
  );
  const cells = (group) => columns.map(({ other, arch }) => times(meanOf(ratios(samples, group, other, by, arch))));
  const head = ['Geometric mean', ...columns.map(({ other, arch }) => `${EMULATORS[other].title}, ${arch}`)];
  const rows = [...groups.map((group) => [group, ...cells(group)]), ['all', ...cells(undefined)]];
  const measured = rows.filter((row) => row.slice(1).some((cell) => cell !== NONE));
  return measured.length === 0 ? '' : table(head, measured);
}

/** Of no ratios: undefined. */
export const meanOf = (values) => (values.length === 0 ? undefined : geometricMean(values));

/** The table of what is timed from outside. */
export function hostTable(samples, { emulators }) {
  const keys = Object.entries(HOST_ROWS).flatMap(([name, { title, unit }]) =>
    (KEYS_OF_HOST_ROW[name] ?? [[name, title]]).map(([key, text]) => ({ key, text, unit })),
  );
  const cell = ({ key, unit }, emulator) =>
    unit === undefined ? seconds(samples, key, emulator) : number(samples.median(key, emulator, 'value'));
  const rows = keys
    .map((each) => [each.text, each.unit ?? 's', ...emulators.map((emulator) => cell(each, emulator))])
    .filter((row) => row.slice(2).some((text) => text !== NONE));
  return rows.length === 0 ? '' : table(['From outside', 'Unit', ...emulators.map((name) => EMULATORS[name].title)], rows);
}

const EXTRA_MIB = 400;
const atLeast = (bar) => ({ bar: `at least ${bar}`, holds: (value) => value >= bar });
const above = (bar) => ({ bar: `above ${bar}`, holds: (value) => value > bar });
const atMost = (bar) => ({ bar: `at most ${bar}`, holds: (value) => value <= bar });
const least = (values) => (values.length === 0 ? undefined : Math.min(...values));
const inverse = (value) => (value === undefined ? undefined : 1 / value);

/** What was promised, with the figure that decides it. */
function barsOf(samples, by) {
  const mean = (group, other) => meanOf(ratios(samples, group, other, by));
  const value = (row) => samples.median(row, 'hotsocket', 'value');
  const slowdown = ARCHS.map((arch) => [
    samples.median(`serial ${arch}`, 'hotsocket', by),
    samples.median(`post ${arch}`, 'hotsocket', by),
  ]);
  const serial = slowdown.filter(([a, b]) => a !== undefined && b !== undefined).map(([a, b]) => a / b);
  const peaks = ARCHS.map((arch) => value(`memory ${arch}`)).filter((peak) => peak !== undefined);
  return [
    ['686-pae boot, v86 ÷ Hotsocket', samples.ratio('boot-pae', 'v86', by), atLeast(2)],
    ['cloud amd64 boot, Hotsocket ÷ QEMU', inverse(samples.ratio('boot-cloud', 'qemu', by)), atMost(2)],
    ['all rows, v86 ÷ Hotsocket', mean(undefined, 'v86'), atLeast(1.5)],
    ['lowest row, v86 ÷ Hotsocket', least(ratios(samples, undefined, 'v86', by)), atLeast(0.9)],
    ['integer rows, QEMU ÷ Hotsocket', mean('integer', 'qemu'), atLeast(0.7)],
    ['SSE2 and packed integers, QEMU ÷ Hotsocket', mean('vector', 'qemu'), above(1)],
    ['string operations, QEMU ÷ Hotsocket', mean('strings', 'qemu'), above(1)],
    ['big and changing code, QEMU ÷ Hotsocket', mean('code', 'qemu'), above(1)],
    ['peak memory beyond the guest’s, MiB', peaks.length === 0 ? undefined : Math.max(...peaks) - RAM_MIB, atMost(EXTRA_MIB)],
    ['a halted guest, % of a core', value('idle'), atMost(2)],
    ['start to QMP greeting, s', samples.median('greeting', 'hotsocket', by), atMost(0.45)],
    ['hot-add, command to reply, ms', value('hot-add reply'), atMost(20)],
    ['QMP command, median, ms', value('qmp median'), atMost(1)],
    ['QMP command, 99 %, ms', value('qmp 99 %'), atMost(20)],
    ['time with serial output ÷ without', serial.length === 0 ? undefined : Math.max(...serial), atMost(1.1)],
  ];
}

/** The table of promises. */
export function barTable(samples, { by }) {
  const rows = barsOf(samples, by).filter(([, value]) => value !== undefined && !Number.isNaN(value));
  const cells = rows.map(([title, value, { bar, holds }]) => [title, number(value), bar, holds(value) ? 'met' : '**missed**']);
  return cells.length === 0 ? '' : table(['Promise', 'Measured', 'Bar', ''], cells);
}
