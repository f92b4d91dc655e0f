/**
 * `claimcheck sessions list` and `claimcheck sessions end`: what operators may know
 * of a person's sessions, and how they end them, in the store of the running
 * instances. Reads the settings that those run with.
 *
 * Shows handle, instants, device family and truncated address. Who is meant is an
 * argument and never printed; tokens and secrets cannot be read by anybody here.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { Trail } from '../audit/trail.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Config } from '../config/config.ts';
import { examine } from '../config/load.ts';
import { codeOf } from '../errors.ts';
import { type Meant, OperatorSessions } from '../session/operator-sessions.ts';
import type { Command, Surface } from './command.ts';
import { columnsOf } from './table.ts';

const usage = `claimcheck sessions list --sub SUBJECT [--issuer URL] [--sid SID]
claimcheck sessions end  --sub SUBJECT [--issuer URL] [--sid SID] [--id HANDLE]

  --sub     whose sessions, as the authorization server names the person
  --issuer  of which authorization server, if not ISSUER: of what ISSUER was before
  --sid     only those of this session at the authorization server
  --id      only the one with this handle, as list shows it

Exit codes: 0 done, 1 settings or store, 2 not understood, 3 nothing there to end.`;

/** 0 when it was done; 1 for settings or a store that cannot be used; 2 for arguments that are not understood; 3 when there was nothing to end. */
export const sessions: Command = {
  summary: 'list or end the sessions of a person: sessions list|end --sub SUBJECT',
  takesArguments: true,
  run: async (surface, { args }) => {
    const asked = askedIn(args);
    if (asked === undefined) {
      surface.complain(usage);
      return 2;
    }
    const config = configOf(surface);
    if (config === undefined) return 1;
    return withStore({ asked, config: { ...config, issuer: asked.issuer ?? config.issuer } }, surface);
  },
};

interface Asked {
  readonly action: 'list' | 'end';
  readonly meant: Meant;
  /** `undefined`: that of the configuration. */
  readonly issuer: string | undefined;
}

function askedIn(args: readonly string[]): Asked | undefined {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch {
    return undefined; // an option that there is not, or one without a value: the usage answers it
  }
  const [action, ...more] = parsed.positionals;
  const { sub: subject, issuer, sid, id: handle } = parsed.values;
  const isEmpty = [subject, issuer, sid, handle].includes('');
  if (more.length > 0 || subject === undefined || isEmpty) return undefined;
  if (action !== 'end' && (action !== 'list' || handle !== undefined)) return undefined;
  return { action, meant: { subject, sid, handle }, issuer };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    options: { sub: text, issuer: text, sid: text, id: text },
    allowPositionals: true,
  });
}

function configOf({ env, files, complain }: Surface): Config | undefined {
  const { config, error } = examine(env, files);
  if (config === undefined) {
    complain(error?.report() ?? 'The configuration cannot be used.');
    return undefined;
  }
  if (config.store.kind !== 'memory') return config;
  complain('SESSION_STORE is memory: the sessions lie in the process that serves, and no other can reach them.');
  return undefined;
}

async function withStore(
  { asked, config }: { readonly asked: Asked; readonly config: Config },
  surface: Surface,
): Promise<number> {
  const { clock, complain } = surface;
  // The lines of the log are for a server; what was ended must be provable here, too.
  const trail = new Trail({ level: 'silent', stream: { write: (line) => complain(line.trimEnd()) } });
  const store = new OperatorSessions(config, { trail, clock });
  try {
    if (!(await store.reach())) throw new StoreAwayError();
    const { meant } = asked;
    return await (asked.action === 'list' ? list(store, { meant, surface }) : end(store, { meant, surface }));
  } catch (error) {
    if (!(error instanceof StoreAwayError) && codeOf(error) !== 'store-unavailable') throw error;
    complain('Redis cannot be reached with REDIS_URL, or does not answer in time. Ask again: what was ended stays so.');
    return 1;
  } finally {
    await store.close();
  }
}

class StoreAwayError extends Error {}

interface Doing {
  readonly meant: Meant;
  readonly surface: Surface;
}

const head = ['HANDLE', 'CREATED', 'LAST SEEN', 'USER AGENT', 'ADDRESS'];

async function list(store: OperatorSessions, { meant, surface }: Doing): Promise<number> {
  const rows = (await store.list(meant)).map(({ card, seenAt }) => [
    card.handle,
    rfc3339(card.createdAt),
    rfc3339(seenAt),
    card.agent,
    card.address,
  ]);
  for (const line of columnsOf([head, ...rows])) surface.write(line);
  return 0;
}

async function end(store: OperatorSessions, { meant, surface }: Doing): Promise<number> {
  const count = await store.end(meant);
  surface.write(`ended ${count}`);
  return count === 0 ? 3 : 0;
}
