import type { StandardStreams } from './char/stdio.js';
import { QmpClient } from './qmp-client.js';
import { UsageError } from './usage-error.js';

const HELP = `Usage: hotsocket qmp SOCKET COMMAND [NAME=VALUE...]
Sends one QMP command to a running machine and prints what it returns, as JSON. Exit status 1 when it is refused.
SOCKET:  path of a Unix socket, or HOST:PORT
VALUE:   JSON (a number, true, "text", {...}), or else a text

  hotsocket qmp ./qmp.sock cpu-add id=1
  hotsocket qmp ./qmp.sock human-monitor-command command-line='info cpus'
`;

/** `hotsocket qmp`: one command over a QMP socket. Returns the exit status; rejects with UsageError. */
export async function qmpCommand(args: readonly string[], { stdout }: StandardStreams): Promise<number> {
  const [path, command, ...values] = args;
  if (path === undefined || /^--?h(elp)?$/.test(path)) {
    stdout.write(HELP);
    return 0;
  }
  if (command === undefined) throw new UsageError(`qmp ${path}: a command is missing; qmp --help explains`);
  const members = values.map((word) => readMember(word));
  const client = await QmpClient.connect(path);
  try {
    const result = await client.execute(command, members.length === 0 ? undefined : Object.fromEntries(members));
    stdout.write(typeof result === 'string' ? result.replaceAll('\r\n', '\n') : `${JSON.stringify(result, undefined, 2)}\n`);
    return 0;
  } finally {
    client.close();
  }
}

function readMember(word: string): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
  if (name === undefined || value === undefined) throw new UsageError(`qmp: '${word}' is not of the form NAME=VALUE`);
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}
