import type { Row } from '@hotsocket/x86-isa';
import type { Cpu, Halves, HelperFunction } from '../cpu.js';
import { CR4, RAX, RBX, RCX, RDX } from '../layout.js';
import { CR4_OSXSAVE } from './state.js';

/** The four registers of an answer. */
export interface CpuidAnswer {
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

export type CpuVendor = 'amd' | 'intel';

/** Vendors by the text of leaf 0. */
export const CPU_VENDORS: Readonly<Record<string, CpuVendor>> = { AuthenticAMD: 'amd', GenuineIntel: 'intel' };

/** A processor: what it is called, and what it can do. */
export interface CpuModelOptions {
  readonly name: string;
  readonly vendor: CpuVendor;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** Brand string of leaves 8000_0002h to 8000_0004h, at most 47 characters. */
  readonly brand: string;
  /** Names of features, see CPU_FEATURES. */
  readonly features: Iterable<string>;
  /** Names of features that the processor of this name has and the model has not. */
  readonly lacks?: readonly string[];
  /** Cores per socket, threads per core; 1 by default. */
  readonly cores?: number;
  readonly threads?: number;
}

/** A name that is no feature of any model. */
export class UnknownFeatureError extends RangeError {
  readonly code = 'UNKNOWN_CPU_FEATURE';
}

/** Feature bits by leaf and register, bit 0 first; '-' where there is none. Names are those that the instruction tables use. */
const BITS: Readonly<Record<string, string>> = {
  '1.edx': 'fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 - clflush - - - mmx fxsr sse sse2 - - - - -',
  '1.ecx':
    'sse3 pclmulqdq - monitor - - - - - ssse3 - - - cx16 - - - - - sse41 sse42 x2apic movbe popcnt tsc_deadline aes xsave - - - rdrand hypervisor',
  '7.ebx': 'fsgsbase tsc_adjust - bmi1 - - - smep bmi2 erms invpcid - - - - - - - rdseed adx - - - clflushopt clwb - - - - sha - -',
  '7.ecx': '- - - - - - - - - - - - - - - - - - - - - - rdpid - - - - - - - - -',
  '80000001.edx': '- - - - - - - - - - - syscall - - - - - - - - nx - - - - - pdpe1gb rdtscp - lm - -',
  '80000001.ecx': 'lahf - - - - lzcnt - - prefetchw - - - - - - - - - - - - - - - - - - - - - - -',
  '80000007.edx': '- - - - - - - - invtsc - - - - - - - - - - - - - - - - - - - - - - -',
  'd1.eax': 'xsaveopt xsavec - xsaves - - - - - - - - - - - - - - - - - - - - - - - - - - - -',
};

/** All features, in the order of their bits. */
export const CPU_FEATURES: ReadonlySet<string> = new Set(
  Object.values(BITS)
    .flatMap((names) => names.split(' '))
    .filter((name) => name !== '-'),
);

/** Other names by which people know features. */
const ALIASES: Readonly<Record<string, string>> = {
  pni: 'sse3',
  sse4_1: 'sse41',
  'sse4.1': 'sse41',
  sse4_2: 'sse42',
  'sse4.2': 'sse42',
  lahf_lm: 'lahf',
  abm: 'lzcnt',
  sha_ni: 'sha',
  'sha-ni': 'sha',
  '3dnowprefetch': 'prefetchw',
  constant_tsc: 'invtsc',
  'lahf-lm': 'lahf',
  'tsc-deadline': 'tsc_deadline',
  'tsc-adjust': 'tsc_adjust',
};

/** A feature's name in CPU_FEATURES; throws UnknownFeatureError. */
export function featureName(name: string): string {
  const known = ALIASES[name] ?? name;
  if (!CPU_FEATURES.has(known)) throw new UnknownFeatureError(`there is no CPU feature '${name}'`);
  return known;
}

/** Features of real processors that are not emulated here, under the names that people use; asking for one is no mistake. */
const NOT_EMULATED: ReadonlySet<string> = new Set(
  (
    'ds acpi ss ht tm ia64 pbe dtes64 ds-cpl vmx smx est tm2 cid fma xtpr pdcm pcid dca osxsave avx f16c hle avx2 rtm mpx smap ' +
    'avx512f avx512dq avx512ifma avx512pf avx512er avx512cd avx512bw avx512vl avx512vbmi avx512vbmi2 avx512vnni avx512bitalg intel-pt umip ' +
    'pku pks ospke waitpkg gfni vaes vpclmulqdq la57 cldemote movdiri movdir64b fsrm md-clear serialize tsx-ldtrk arch-lbr spec-ctrl stibp ' +
    'arch-capabilities core-capability ssbd avx-vnni mmxext fxsr-opt 3dnowext 3dnow cmp-legacy svm extapic cr8legacy sse4a misalignsse osvw ' +
    'ibs xop skinit wdt lwp fma4 tce nodeid-msr tbm topoext perfctr-core perfctr-nb clzero xsaveerptr wbnoinvd ibpb amd-ssbd virt-ssbd ' +
    'xgetbv1 xfd arat npt lbrv svm-lock nrip-save pfthreshold avic vgif rdpru kvmclock kvm-asyncpf kvm-steal-time kvm-pv-eoi kvm-pv-unhalt ' +
    'hv-vpindex hv-synic hv-time hv-stimer'
  ).split(' '),
);

/** True for a feature of real processors that no model here has. */
export const isNotEmulated = (name: string): boolean => NOT_EMULATED.has(name) || NOT_EMULATED.has(name.replaceAll('_', '-'));

/** Leaf 8000_0001h of AMD repeats these bits of leaf 1 EDX. */
const AMD_REPEATED = 0x0183_f3ff;
const VENDOR_NAMES: Readonly<Record<CpuVendor, string>> = { amd: 'AuthenticAMD', intel: 'GenuineIntel' };
const HYPERVISOR_NAME = 'Hotsocket   ';
const MAX_BASIC = 0xd;
/** Legacy region and header. */
const XSAVE_BYTES = 0x240;
const MAX_EXTENDED = 0x8000_0008;
/** 40 bits of physical, 48 of linear address. */
const ADDRESS_SIZES = 0x3028;
/** Leaf 4 of Intel processors: 32 KiB data, 32 KiB code, 4 MiB unified; 64-byte lines. */
const INTEL_CACHES: readonly (readonly [eax: number, ebx: number, sets: number])[] = [
  [0x121, 0x01c0_003f, 63],
  [0x122, 0x01c0_003f, 63],
  [0x143, 0x03c0_003f, 4095],
];

const bitsFor = (count: number): number => Math.ceil(Math.log2(Math.max(count, 1)));

const word = (text: string, at: number): number => {
  let value = 0;
  for (let n = 3; n >= 0; n--) value = (value << 8) | (text.charCodeAt(at + n) || 0);
  return value;
};

/** What a user changes of a model. */
export interface CpuModelChanges extends Partial<Omit<CpuModelOptions, 'name' | 'features'>> {
  readonly features?: Readonly<Record<string, boolean>>;
}

/** What CPUID tells, which registers exist, and which instructions are #UD. */
export class CpuModel {
  readonly name: string;
  readonly vendor: CpuVendor;
  /** EAX of leaf 1, EDX after reset. */
  readonly signature: number;
  readonly cores: number;
  readonly threads: number;
  readonly features: ReadonlySet<string>;
  /** Features that the processor of this name has and the model has not. */
  readonly lacks: readonly string[];
  readonly #brand: string;
  readonly #bits: Readonly<Record<string, number>>;

  /** Throws UnknownFeatureError. */
  constructor(options: CpuModelOptions) {
    this.name = options.name;
    this.vendor = options.vendor;
    this.signature = signatureOf(options.family, options.model, options.stepping);
    this.cores = options.cores ?? 1;
    this.threads = options.threads ?? 1;
    this.features = new Set([...options.features].map(featureName));
    this.lacks = options.lacks ?? [];
    this.#brand = options.brand.padEnd(48, '\0');
    this.#bits = Object.fromEntries(Object.entries(BITS).map(([place, names]) => [place, this.#mask(names)]));
  }

  has(feature: string): boolean {
    return this.features.has(feature);
  }

  /** True for rows of the instruction tables that this processor does not have. */
  readonly isInvalid = (row: Row): boolean => row.feature !== undefined && !this.features.has(row.feature);

  /** The same processor with features added (`true`) or taken away, another identity or topology. */
  with(changes: CpuModelChanges): CpuModel {
    const features = new Set(this.features);
    for (const [name, on] of Object.entries(changes.features ?? {})) {
      if (on) features.add(featureName(name));
      else features.delete(featureName(name));
    }
    const [family, model] = familyAndModel(this.signature);
    return new CpuModel({
      name: this.name,
      vendor: changes.vendor ?? this.vendor,
      family: changes.family ?? family,
      model: changes.model ?? model,
      stepping: changes.stepping ?? this.signature & 15,
      brand: changes.brand ?? this.#brand,
      features,
      lacks: this.lacks,
      cores: changes.cores ?? this.cores,
      threads: changes.threads ?? this.threads,
    });
  }

  #mask(names: string): number {
    return names.split(' ').reduce((mask, name, bit) => (this.features.has(name) ? mask | (1 << bit) : mask), 0);
  }

  #perPackage(): number {
    return this.cores * this.threads;
  }

  /** Fills in the answer for a leaf and sub-leaf on the CPU with this APIC identifier. */
  answer(leaf: number, subleaf: number, apicId: number, into: CpuidAnswer): void {
    const known = this.#known(leaf);
    into.eax = 0;
    into.ebx = 0;
    into.ecx = 0;
    into.edx = 0;
    if (known >= 0x8000_0000) this.#extended(known, into);
    else if (known >= 0x4000_0000) this.#hypervisor(known, into);
    else this.#basic(known, subleaf, apicId, into);
  }

  /** Leaves beyond the last basic one answer like that (Intel), or with zeros (AMD). */
  #known(leaf: number): number {
    if (leaf <= MAX_BASIC || (leaf >= 0x8000_0000 && leaf <= MAX_EXTENDED)) return leaf;
    if (leaf >= 0x4000_0000 && leaf < 0x5000_0000) return this.has('hypervisor') ? leaf : 0x4fff_ffff;
    return 0x4fff_ffff;
  }

  #basic(leaf: number, subleaf: number, apicId: number, into: CpuidAnswer): void {
    switch (leaf) {
      case 0:
        return this.#names(into, MAX_BASIC, VENDOR_NAMES[this.vendor]);
      case 1:
        return this.#identity(apicId, into);
      case 2:
        into.eax = 1;
        into.edx = 0x2c_307d;
        return;
      case 4:
        return this.#cache(subleaf, into);
      case 6:
        into.eax = 4;
        return;
      case 7:
        if (subleaf !== 0) return;
        into.ebx = this.#bits['7.ebx']!;
        into.ecx = this.#bits['7.ecx']!;
        return;
      case 0xb:
        return this.#topology(subleaf, apicId, into);
      case 0xd:
        return this.#saveArea(subleaf, into);
    }
  }

  #names(into: CpuidAnswer, max: number, name: string): void {
    into.eax = max;
    into.ebx = word(name, 0);
    into.edx = word(name, 4);
    into.ecx = word(name, 8);
  }

  #identity(apicId: number, into: CpuidAnswer): void {
    const logical = this.#perPackage();
    into.eax = this.signature;
    into.ebx = (apicId << 24) | (logical > 1 ? logical << 16 : 0) | 0x800;
    into.ecx = this.#bits['1.ecx']!;
    into.edx = this.#bits['1.edx']! | (logical > 1 ? 1 << 28 : 0);
  }

  #cache(subleaf: number, into: CpuidAnswer): void {
    const cache = this.vendor === 'intel' ? INTEL_CACHES[subleaf] : undefined;
    if (!cache) return;
    into.eax = cache[0] | ((this.cores - 1) << 26);
    into.ebx = cache[1];
    into.ecx = cache[2];
    into.edx = 1;
  }

  #topology(subleaf: number, apicId: number, into: CpuidAnswer): void {
    into.ecx = subleaf & 0xff;
    into.edx = apicId;
    if (subleaf > 1) return;
    const threadBits = bitsFor(this.threads);
    into.eax = subleaf === 0 ? threadBits : threadBits + bitsFor(this.cores);
    into.ebx = subleaf === 0 ? this.threads : this.#perPackage();
    into.ecx |= (subleaf + 1) << 8;
  }

  /** x87 and SSE state in an area that has one size in both forms. */
  #saveArea(subleaf: number, into: CpuidAnswer): void {
    if (!this.has('xsave')) return;
    if (subleaf === 1) into.eax = this.#bits['d1.eax']!;
    if (subleaf === 1 && this.has('xsavec')) into.ebx = XSAVE_BYTES;
    if (subleaf !== 0) return;
    into.eax = 3;
    into.ebx = XSAVE_BYTES;
    into.ecx = XSAVE_BYTES;
  }

  #hypervisor(leaf: number, into: CpuidAnswer): void {
    if (leaf !== 0x4000_0000) return;
    into.eax = leaf;
    into.ebx = word(HYPERVISOR_NAME, 0);
    into.ecx = word(HYPERVISOR_NAME, 4);
    into.edx = word(HYPERVISOR_NAME, 8);
  }

  #extended(leaf: number, into: CpuidAnswer): void {
    switch (leaf) {
      case 0x8000_0000:
        if (this.vendor === 'amd') return this.#names(into, MAX_EXTENDED, VENDOR_NAMES.amd);
        into.eax = MAX_EXTENDED;
        return;
      case 0x8000_0001:
        return this.#extendedFeatures(into);
      case 0x8000_0002:
      case 0x8000_0003:
      case 0x8000_0004:
        return this.#brandPart((leaf - 0x8000_0002) * 16, into);
      case 0x8000_0005:
        return this.#amdL1(into);
      case 0x8000_0006:
        into.ecx = 0x0200_8140;
        return;
      case 0x8000_0007:
        into.edx = this.#bits['80000007.edx']!;
        return;
      case 0x8000_0008:
        into.eax = ADDRESS_SIZES;
        if (this.#perPackage() > 1) into.ecx = (bitsFor(this.#perPackage()) << 12) | (this.#perPackage() - 1);
    }
  }

  #extendedFeatures(into: CpuidAnswer): void {
    const legacy = this.vendor === 'amd' && this.#perPackage() > 1 ? 2 : 0;
    into.ecx = this.#bits['80000001.ecx']! | legacy;
    into.edx = this.#bits['80000001.edx']!;
    if (this.vendor !== 'amd') return;
    into.eax = this.signature;
    into.edx |= this.#bits['1.edx']! & AMD_REPEATED;
  }

  #brandPart(at: number, into: CpuidAnswer): void {
    into.eax = word(this.#brand, at);
    into.ebx = word(this.#brand, at + 4);
    into.ecx = word(this.#brand, at + 8);
    into.edx = word(this.#brand, at + 12);
  }

  /** 64 KiB each, 64-byte lines, 2 ways. */
  #amdL1(into: CpuidAnswer): void {
    if (this.vendor !== 'amd') return;
    into.eax = 0x01ff_01ff;
    into.ebx = 0x01ff_01ff;
    into.ecx = 0x4002_0140;
    into.edx = 0x4002_0140;
  }
}

function signatureOf(family: number, model: number, stepping: number): number {
  const extended = family > 15 ? family - 15 : 0;
  return (extended << 20) | ((model >> 4) << 16) | (Math.min(family, 15) << 8) | ((model & 15) << 4) | stepping;
}

function familyAndModel(signature: number): readonly [family: number, model: number] {
  const family = ((signature >> 8) & 15) + ((signature >> 20) & 0xff);
  return [family, ((signature >> 4) & 15) | (((signature >> 16) & 15) << 4)];
}

/**
 * The default: an AMD64 processor that Linux takes to be free of Meltdown, L1TF and MDS, with a time-stamp counter of constant rate, so
 * that the kernel neither switches page tables on system calls nor looks for another clock.
 */
const BASIC_FEATURES =
  'fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 sse3 cx16 hypervisor syscall nx lm lahf prefetchw invtsc';
const MORE_FEATURES =
  'popcnt lzcnt movbe bmi1 bmi2 adx rdtscp rdpid rdrand rdseed fsgsbase smep pdpe1gb ssse3 sse41 sse42 aes pclmulqdq sha ' +
  'clflushopt clwb prefetchw tsc_adjust xsave xsaveopt xsavec';

/** The least that 64-bit processors of both vendors have. */
const COMMON_FEATURES =
  'fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 sse3 cx16 hypervisor syscall nx lm';

/** What a Core processor of the fourth generation has of the above (SDM volume 1, 'Intel Core processor family'). */
const HASWELL_FEATURES = 'popcnt lzcnt movbe bmi1 bmi2 rdtscp rdrand fsgsbase smep ssse3 sse41 sse42 aes pclmulqdq tsc_adjust';
const HASWELL_LACKS = 'avx avx2 fma f16c xsave pcid invpcid erms tsc_deadline x2apic hle rtm'.split(' ');

const AMD = { vendor: 'amd', family: 15, model: 107, stepping: 1 } as const;

const basicModel = (name: string): CpuModel =>
  new CpuModel({ ...AMD, name, brand: 'Hotsocket virtual CPU', features: BASIC_FEATURES.split(' ') });

/** Models by name. */
export const CPU_MODELS: Readonly<Record<string, CpuModel>> = {
  hotsocket64: basicModel('hotsocket64'),
  /** The same by the name that clients of QEMU give in `-cpu` and `device_add`. */
  qemu64: basicModel('qemu64'),
  max: new CpuModel({
    ...AMD,
    name: 'max',
    brand: 'Hotsocket virtual CPU, all features',
    features: `${BASIC_FEATURES} ${MORE_FEATURES}`.split(' '),
  }),
  kvm64: new CpuModel({
    vendor: 'intel',
    family: 15,
    model: 6,
    stepping: 1,
    name: 'kvm64',
    brand: 'Common 64-bit processor',
    features: COMMON_FEATURES.split(' '),
  }),
  Opteron_G1: new CpuModel({
    vendor: 'amd',
    family: 15,
    model: 6,
    stepping: 1,
    name: 'Opteron_G1',
    brand: 'AMD Opteron 240 (Gen 1 Class Opteron)',
    features: COMMON_FEATURES.split(' ').filter((name) => name !== 'cx16'),
  }),
  Haswell: new CpuModel({
    name: 'Haswell',
    vendor: 'intel',
    family: 6,
    model: 60,
    stepping: 4,
    brand: 'Intel Core Processor (Haswell)',
    features: `${BASIC_FEATURES} ${HASWELL_FEATURES}`.split(' ').filter((name) => name !== 'prefetchw'),
    lacks: HASWELL_LACKS,
  }),
};

export const DEFAULT_CPU_MODEL: CpuModel = CPU_MODELS.hotsocket64!;

export const modelOf = (cpu: Cpu): CpuModel => cpu.services.model ?? DEFAULT_CPU_MODEL;

const answer: CpuidAnswer = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

const APIC_BIT = 1 << 9;
const APIC_ENABLE = 0x800;
const base: Halves = { low: 0, high: 0 };

/** A local APIC that its base register switches off is not announced (SDM volume 3, 10.4.3). */
function isApicOff(cpu: Cpu): boolean {
  base.low = APIC_ENABLE;
  cpu.services.readApicBase?.(cpu.index, base);
  return (base.low & APIC_ENABLE) === 0;
}

/** CPUID. OSXSAVE follows CR4, APIC its base register. */
export const cpuid: HelperFunction = (cpu) => {
  const leaf = cpu.get32(RAX);
  modelOf(cpu).answer(leaf, cpu.get32(RCX), cpu.services.apicId?.(cpu.index) ?? cpu.index, answer);
  if (leaf === 1 && (cpu.get32(CR4) & CR4_OSXSAVE) !== 0) answer.ecx |= 1 << 27;
  if ((leaf === 1 || leaf === 0x8000_0001) && isApicOff(cpu)) answer.edx &= ~APIC_BIT;
  cpu.setHalves(RAX, answer.eax, 0);
  cpu.setHalves(RBX, answer.ebx, 0);
  cpu.setHalves(RCX, answer.ecx, 0);
  cpu.setHalves(RDX, answer.edx, 0);
  return undefined;
};
