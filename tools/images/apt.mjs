// apt with a state of its own: no root, no `dpkg --add-architecture`, nothing of the host's package lists is touched.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUITE } from './catalogue.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SOURCES = '/etc/apt';

/** Why an image cannot be had, in one line for the user. */
export class FetchError extends Error {
  name = 'FetchError';
}

/** The Debian mirror that this machine's own apt uses, or the one of HOTSOCKET_DEBIAN_MIRROR. */
function mirror() {
  if (process.env.HOTSOCKET_DEBIAN_MIRROR) return process.env.HOTSOCKET_DEBIAN_MIRROR;
  const parts = join(SOURCES, 'sources.list.d');
  const files = [join(SOURCES, 'sources.list'), ...(existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [])];
  const lines = files.filter((path) => existsSync(path)).flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  const addresses = lines.filter((line) => /^\s*(deb\s|URIs:)/.test(line)).flatMap((line) => line.match(/https?:\S+/g) ?? []);
  const found = addresses.find((address) => /\/debian\/?$/.test(address));
  if (found === undefined) throw new FetchError(`${SOURCES} names no mirror of Debian; set HOTSOCKET_DEBIAN_MIRROR`);
  return found;
}

const configuration = (root) => `APT::Architecture "amd64";
APT::Architectures { "amd64"; "i386"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Dir::State "${root}/state";
Dir::State::status "${root}/status";
Dir::Cache "${root}/cache";
Dir::Etc::sourcelist "${root}/sources.list";
Dir::Etc::sourceparts "-";
`;

/** SHA-256 of a file, hexadecimal. */
export async function sha256(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** Runs a command; `onStatus` gets the lines of its file descriptor 3. Resolves to its output, rejects with its last error line. */
export function run(command, args, { env = {}, cwd, onStatus } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe', ...(onStatus === undefined ? [] : ['pipe'])];
    const child = spawn(command, args, { cwd, env: { ...process.env, LC_ALL: 'C', ...env }, stdio });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.stdio[3]?.setEncoding('utf8').on('data', (text) => {
      for (const line of text.split('\n')) onStatus(line);
    });
    child.on('error', (error) => reject(new FetchError(error.code === 'ENOENT' ? `the command '${command}' is missing` : error.message)));
    child.on('close', (status) => {
      if (status === 0) resolve(out);
      else reject(new FetchError(reason(err) ?? `${command} ended with status ${status}`));
    });
  });
}

/** The first error apt names, without its prefix. */
const reason = (err) => {
  const lines = err.split('\n').filter((line) => line !== '');
  return (lines.find((line) => /^[EW]:|error:/.test(line)) ?? lines.at(-1))?.replace(/^[EW]: */, '');
};

const percentOf = (line) => Number(/^dlstatus:\d+:([\d.]+):/.exec(line)?.[1] ?? Number.NaN);

/** A private apt under `root`; with `sources` it also knows source packages. */
export class Apt {
  #root;
  #env;
  #kinds;

  constructor(root, { sources = false } = {}) {
    this.#root = root;
    this.#env = { APT_CONFIG: join(root, 'apt.conf') };
    this.#kinds = sources ? ['deb', 'deb-src'] : ['deb'];
  }

  /** Writes the configuration and fetches the package lists when there are none, or again when `force` is set. */
  async update(progress, force = false) {
    if (!existsSync(KEYRING)) throw new FetchError(`${KEYRING} is missing; install the package debian-archive-keyring`);
    for (const folder of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(this.#root, folder), { recursive: true });
    writeFileSync(join(this.#root, 'status'), '');
    writeFileSync(join(this.#root, 'apt.conf'), configuration(this.#root));
    const lines = this.#kinds.map((kind) => `${kind} [signed-by=${KEYRING}] ${mirror()} ${SUITE} main\n`);
    writeFileSync(join(this.#root, 'sources.list'), lines.join(''));
    if (!force && this.#hasLists()) return;
    progress.step(`package lists of Debian ${SUITE}`);
    await this.#apt('apt-get', ['update', '--error-on=any'], progress);
  }

  /** What the verified package index says of a package: its control fields. */
  async show(name, arch) {
    const text = await this.#apt('apt-cache', ['show', '--no-all-versions', `${name}:${arch}`]);
    const fields = Object.fromEntries([...text.matchAll(/^([A-Za-z0-9-]+): (.*)$/gm)].map(([, key, value]) => [key, value]));
    if (fields.SHA256 === undefined) throw new FetchError(`Debian ${SUITE} has no package ${name}:${arch}`);
    return fields;
  }

  /** Downloads one package into `folder`; resolves to the path of the .deb, whose SHA-256 is that of the index. */
  async download(fields, folder, progress) {
    progress.step(`${fields.Package} ${fields.Version} (${(Number(fields.Size) / 1e6).toFixed(1)} MB)`);
    mkdirSync(folder, { recursive: true });
    const spec = `${fields.Package}:${fields.Architecture === 'all' ? 'amd64' : fields.Architecture}=${fields.Version}`;
    await this.#apt('apt-get', ['download', spec], progress, folder);
    const name = readdirSync(folder).find((file) => file.startsWith(`${fields.Package}_`) && file.endsWith('.deb'));
    if (name === undefined) throw new FetchError(`apt-get left no file for ${spec}`);
    const path = join(folder, name);
    const sum = await sha256(path);
    if (sum !== fields.SHA256) throw new FetchError(`${name}: SHA-256 ${sum}, but the package index says ${fields.SHA256}`);
    return path;
  }

  /** Downloads the files of a source package into `folder`; apt compares them with the verified index. Resolves to the path of the upstream archive. */
  async downloadSource(name, folder, progress) {
    progress.step(`the source of ${name}`);
    mkdirSync(folder, { recursive: true });
    await this.#apt('apt-get', ['source', '--download-only', '--only-source', name], progress, folder);
    const archive = readdirSync(folder).find((file) => file.startsWith(`${name}_`) && /\.orig\.tar\.\w+$/.test(file));
    if (archive === undefined) throw new FetchError(`apt-get left no source of ${name}`);
    return join(folder, archive);
  }

  #hasLists() {
    const lists = readdirSync(join(this.#root, 'state/lists'));
    return ['amd64', 'i386'].every((arch) => lists.some((name) => name.includes(`_${SUITE}_main_binary-${arch}_Packages`)));
  }

  #apt(command, args, progress, cwd) {
    if (progress === undefined) return run(command, args, { env: this.#env });
    const onStatus = (line) => Number.isNaN(percentOf(line)) || progress.percent(percentOf(line));
    return run(command, ['-q', '-o', 'APT::Status-Fd=3', ...args], { env: this.#env, cwd, onStatus });
  }
}

/** Extracts from a .deb the one member that matches the pattern (`*` = anything but a slash) into `folder`; resolves to its path. */
export async function extract(deb, pattern, folder) {
  const list = await run('dpkg-deb', ['--contents', deb]);
  const names = list.split('\n').map((line) => line.split(/\s+/)[5] ?? '');
  const wanted = new RegExp(`^\\./${pattern.replace(/[.+]/g, '\\$&').replace('*', '[^/]*')}$`);
  const found = names.filter((name) => wanted.test(name));
  if (found.length !== 1) throw new FetchError(`${deb}: ${found.length} files match ${pattern}`);
  mkdirSync(folder, { recursive: true });
  await run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -x -f - -C "$2" "$3"', 'sh', deb, folder, found[0]]);
  return join(folder, found[0]);
}
