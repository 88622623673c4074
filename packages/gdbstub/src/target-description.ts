import { type Description, type Feature, type GdbRegister, registersOf } from './registers.js';

/** Named bits or ranges of bits of a register, highest first, as `name: bit` or `name: [lowest, highest]`. */
type Fields = Readonly<Record<string, number | readonly [number, number]>>;

/** Intel SDM volume 1, 3.4.3 and 10.2.3; volume 3, 2.5 and 2.2.1. */
const EFLAGS: Fields = {
  ID: 21,
  VIP: 20,
  VIF: 19,
  AC: 18,
  VM: 17,
  RF: 16,
  NT: 14,
  IOPL: [12, 13],
  OF: 11,
  DF: 10,
  IF: 9,
  TF: 8,
  SF: 7,
  ZF: 6,
  AF: 4,
  PF: 2,
  CF: 0,
};
const CR0: Fields = { PG: 31, CD: 30, NW: 29, AM: 18, WP: 16, NE: 5, ET: 4, TS: 3, EM: 2, MP: 1, PE: 0 };
const CR4: Fields = {
  SMAP: 21,
  SMEP: 20,
  OSXSAVE: 18,
  PCIDE: 17,
  FSGSBASE: 16,
  UMIP: 11,
  OSXMMEXCPT: 10,
  OSFXSR: 9,
  PCE: 8,
  PGE: 7,
  MCE: 6,
  PAE: 5,
  PSE: 4,
  DE: 3,
  TSD: 2,
  PVI: 1,
  VME: 0,
};
const EFER: Fields = { FFXSR: 14, SVME: 12, NXE: 11, LMA: 10, LME: 8, SCE: 0 };
const MXCSR: Fields = {
  FZ: 15,
  RC: [13, 14],
  PM: 12,
  UM: 11,
  OM: 10,
  ZM: 9,
  DM: 8,
  IM: 7,
  DAZ: 6,
  PE: 5,
  UE: 4,
  OE: 3,
  ZE: 2,
  DE: 1,
  IE: 0,
};

const FEATURE_NAMES: Readonly<Record<Feature, string>> = {
  core: 'org.gnu.gdb.i386.core',
  sse: 'org.gnu.gdb.i386.sse',
  segments: 'org.gnu.gdb.i386.segments',
  system: 'org.hotsocket.x86.system',
};
const ARCHITECTURES: Readonly<Record<Description, string>> = { 'x86-64': 'i386:x86-64', i386: 'i386', i8086: 'i8086' };

function flagsType(id: string, bytes: number, fields: Fields): string {
  const lines = Object.entries(fields).map(([name, place]) => {
    const [start, end] = typeof place === 'number' ? [place, place] : place;
    return `    <field name="${name}" start="${start}" end="${end}"/>`;
  });
  return [`  <flags id="${id}" size="${bytes}">`, ...lines, '  </flags>'].join('\n');
}

const pageTableBase = (bytes: number): Fields => ({ PDBR: [12, bytes * 8 - 1], PCID: [0, 11] });

/** The views of an XMM register. */
const VECTORS: Readonly<Record<string, readonly [element: string, count: number]>> = {
  v4_float: ['ieee_single', 4],
  v2_double: ['ieee_double', 2],
  v16_int8: ['int8', 16],
  v8_int16: ['int16', 8],
  v4_int32: ['int32', 4],
  v2_int64: ['int64', 2],
};

function vectorTypes(): string {
  const entries = Object.entries(VECTORS);
  const vectors = entries.map(([name, [element, count]]) => `  <vector id="${name}" type="${element}" count="${count}"/>`);
  const fields = entries.map(([name]) => `    <field name="${name}" type="${name}"/>`);
  return [...vectors, '  <union id="vec128">', ...fields, '    <field name="uint128" type="uint128"/>', '  </union>'].join('\n');
}

function typesOf(feature: Feature, bytes: number): string[] {
  if (feature === 'core') return [flagsType('eflags', 4, EFLAGS)];
  if (feature === 'sse') return [vectorTypes(), flagsType('mxcsr', 4, MXCSR)];
  if (feature === 'segments') return [];
  const narrow = [flagsType('cr0', bytes, CR0), flagsType('cr3', bytes, pageTableBase(bytes)), flagsType('cr4', bytes, CR4)];
  return bytes === 8 ? [...narrow, flagsType('efer', bytes, EFER)] : narrow;
}

/** The target description in XML (GDB manual, appendix 'Target Descriptions'): architecture, and registers with their numbers and types. */
export function targetXml(description: Description): string {
  const registers = registersOf(description).map((register, number) => ({ register, number }));
  const features = (Object.keys(FEATURE_NAMES) as Feature[])
    .map((feature) => ({ feature, members: registers.filter(({ register }) => register.feature === feature) }))
    .filter(({ members }) => members.length > 0);
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `<architecture>${ARCHITECTURES[description]}</architecture>`,
    ...features.map(({ feature, members }) => featureXml(feature, members, description === 'x86-64' ? 8 : 4)),
    '</target>',
    '',
  ].join('\n');
}

function featureXml(feature: Feature, members: readonly { register: GdbRegister; number: number }[], bytes: number): string {
  const lines = members.map(
    ({ register: { name, bits, type }, number }) => `  <reg name="${name}" bitsize="${bits}" type="${type}" regnum="${number}"/>`,
  );
  return [`<feature name="${FEATURE_NAMES[feature]}">`, ...typesOf(feature, bytes), ...lines, '</feature>'].join('\n');
}
