// Builds QEMU's device tests from their sources, without configuring QEMU: the tests, libqtest, libqos, and the parts of qobject and util they call.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../images/apt.mjs';
import { CACHE } from './fetch.mjs';

/** What a `configure` of QEMU would find out about this host, as far as the sources below ask. */
const CONFIG_HOST = {
  CONFIG_POSIX: 1,
  CONFIG_LINUX: 1,
  HOST_X86_64: 1,
  CONFIG_MADVISE: 1,
  CONFIG_POSIX_MADVISE: 1,
  CONFIG_SIGNALFD: 1,
  CONFIG_IOVEC: 1,
  CONFIG_PREADV: 1,
  CONFIG_BYTESWAP_H: 1,
  HAVE_STRCHRNUL: 1,
  HAVE_SYSTEM_FUNCTION: 1,
  HAVE_STRUCT_STAT_ST_ATIM: 1,
  QEMU_VERSION: '"7.2.0"',
  QEMU_VERSION_MAJOR: 7,
  QEMU_VERSION_MINOR: 2,
  QEMU_VERSION_MICRO: 0,
  HOST_DSOSUF: '".so"',
  CONFIG_TLS_PRIORITY: '"NORMAL"',
  CONFIG_PREFIX: '"/usr"',
  CONFIG_BINDIR: '"/usr/bin"',
  CONFIG_QEMU_LOCALSTATEDIR: '"/var"',
  CONFIG_KVM_TARGETS: '""',
};

/** Sources that every test is linked with; what a test does not reach is left out by the linker. */
const SHARED = [
  ...['libqtest', 'libqmp', 'libqos/libqos', 'libqos/qgraph', 'libqos/fw_cfg', 'libqos/pci', 'libqos/pci-pc'].map(
    (name) => `tests/qtest/${name}.c`,
  ),
  ...['json-lexer', 'json-parser', 'json-streamer', 'json-writer'].map((name) => `qobject/${name}.c`),
  ...['qbool', 'qdict', 'qjson', 'qlist', 'qlit', 'qnull', 'qnum', 'qobject', 'qstring'].map((name) => `qobject/${name}.c`),
  ...['cutils', 'error', 'error-report', 'hexdump', 'id', 'keyval', 'module', 'osdep', 'oslib-posix', 'qemu-print', 'unicode'].map(
    (name) => `util/${name}.c`,
  ),
  'stubs/error-printf.c',
  'stubs/monitor-core.c',
];

const WORK = join(CACHE, 'build');
const LIBRARIES = ['-lglib-2.0', '-lm', '-lpthread'];

/** Compiler options; the tree comes first, then what is generated beside it. */
function compilerOptions({ source, root, libraries }) {
  const folders = [
    WORK,
    join(WORK, 'qapi'),
    `${source}/include`,
    source,
    `${source}/linux-headers`,
    `${source}/tests/qtest`,
    `${source}/tests/qtest/libqos`,
  ];
  const glib = [`${root}/usr/include/glib-2.0`, `${libraries}/glib-2.0/include`];
  const defines = ['-D_GNU_SOURCE', '-D_FILE_OFFSET_BITS=64', '-D_LARGEFILE_SOURCE'];
  const language = ['-std=gnu11', '-O1', '-w', '-fno-strict-aliasing', '-fwrapv', '-ffunction-sections', '-fdata-sections'];
  return [...language, ...defines, ...[...folders, ...glib].map((folder) => `-I${folder}`), '-iquote', WORK];
}

/** Headers that QEMU's build makes: the host's configuration, the QAPI types, and trace points that do nothing. */
async function generate({ source }) {
  const lines = Object.entries(CONFIG_HOST).map(([name, value]) => `#define ${name} ${value}\n`);
  for (const folder of ['qapi', 'trace', 'objects', 'bin']) mkdirSync(join(WORK, folder), { recursive: true });
  writeFileSync(join(WORK, 'config-host.h'), lines.join(''));
  writeFileSync(join(WORK, 'config-poison.h'), '');
  await run('python3', ['scripts/qapi-gen.py', '-o', join(WORK, 'qapi'), '-b', 'qapi/qapi-schema.json'], { cwd: source });
  const trace = ['--group=util', '--format=h', '--backends=nop', 'util/trace-events', join(WORK, 'trace/trace-util.h')];
  await run('python3', ['scripts/tracetool.py', ...trace], { cwd: source });
}

const objectOf = (file) => join(WORK, 'objects', `${file.replaceAll('/', '_')}.o`);

async function compile(files, folders) {
  const queue = files.filter((file) => !existsSync(objectOf(file)));
  const worker = async () => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop())
      await run('gcc', [...compilerOptions(folders), '-c', join(folders.source, file), '-o', objectOf(file)]);
  };
  await Promise.all([worker(), worker()]);
}

async function link(name, { libraries }) {
  const objects = [`tests/qtest/${name}.c`, ...SHARED].map(objectOf);
  const search = [`-L${libraries}`, `-Wl,-rpath,${libraries}`];
  await run('gcc', ['-Wl,--gc-sections', '-o', join(WORK, 'bin', name), ...objects, ...search, ...LIBRARIES]);
}

/** Changes with the recipe and the compiler: then everything is built again. */
function recipe() {
  const compiler = spawnSync('gcc', ['--version'], { encoding: 'utf8' }).stdout ?? '';
  return createHash('sha256')
    .update(readFileSync(new URL(import.meta.url)))
    .update(compiler)
    .digest('hex');
}

/**
 * Builds the named tests and returns the folder of the programs. Rejects with FetchError when gcc or python3 is missing or a source does
 * not compile.
 */
export async function buildQtests(names, folders) {
  const stamp = join(WORK, 'recipe.txt');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== recipe()) {
    rmSync(WORK, { recursive: true, force: true });
    await generate(folders);
    writeFileSync(stamp, recipe());
  }
  const missing = names.filter((name) => !readdirSync(join(WORK, 'bin')).includes(name));
  if (missing.length > 0) await compile([...SHARED, ...missing.map((name) => `tests/qtest/${name}.c`)], folders);
  for (const name of missing) await link(name, folders);
  return join(WORK, 'bin');
}
