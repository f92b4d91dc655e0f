/**
 * `claimcheck sessions list` and `claimcheck sessions end`: what operators may know
 * of a person's sessions, and how they end them or everybody's, in the store of the running
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
import type { Config, FrontendConfig } from '../config/config.ts';
import { examine } from '../config/load.ts';
import { codeOf } from '../errors.ts';
import { causeOf } from '../redis/connection.ts';
import { kindOf } from '../redis/node.ts';
import { type Meant, OperatorSessions } from '../session/operator-sessions.ts';
import { chosenFrontend } from './chosen-frontend.ts';
import type { Command, Surface } from './command.ts';
import { endAll } from './end-all-sessions.ts';
import { columnsOf } from './table.ts';

const usage = `claimcheck sessions list --sub SUBJECT [--issuer URL] [--sid SID] [--frontend ID]
claimcheck sessions end  --sub SUBJECT [--issuer URL] [--sid SID] [--frontend ID] [--id HANDLE]
claimcheck sessions end  --all [--frontend ID] [--confirm NUMBER]

  --sub       whose sessions, as the authorization server names the person
  --issuer    of which authorization server, if not ISSUER: of what ISSUER was before, or where frontends have several
  --sid       only those of this session at the authorization server
  --frontend  only those at this frontend of the rules file
  --id        only the one with this handle, as list shows it
  --all       everybody's; of the frontend that --frontend names, where there are several
  --confirm   how many that is: without it, or with another number, nobody's session ends and the number is told

Exit codes: 0 done, 1 settings or store, 2 not understood or not confirmed, 3 nothing there to end.`;

/** 0 when it was done; 1 for settings or a store that cannot be used; 2 for arguments that are not understood, or an end of all that is not confirmed; 3 when there was nothing to end. */
export const sessions: Command = {
  summary: "list or end the sessions of a person, or everybody's: sessions list|end --sub SUBJECT, sessions end --all",
  takesArguments: true,
  run: async (surface, { args }) => {
    const asked = askedIn(args);
    if (asked === undefined) {
      surface.complain(usage);
      return 2;
    }
    const config = configOf(surface);
    if (config === undefined) return 1;
    if (asked.action === 'end-all') return endEverybody(asked, { config, surface });
    const places = placesOf(asked, config);
    if ('complaint' in places) {
      surface.complain(places.complaint);
      return 2;
    }
    return withStores({ asked, config, places: places.at }, surface);
  },
};

interface Asked {
  readonly action: 'list' | 'end';
  readonly frontend: string | undefined;
  readonly meant: Meant;
  /** `undefined`: that of the configuration. */
  readonly issuer: string | undefined;
}

// A subject is somebody else at each issuer, so where there are several it must be said whose it is.
function placesOf(
  { frontend, issuer }: Asked,
  config: Config,
): { readonly at: readonly FrontendConfig[] } | { readonly complaint: string } {
  const of = (own: FrontendConfig) => ({ ...own, issuer: issuer ?? own.issuer });
  if (frontend !== undefined) {
    const own = chosenFrontend(config, frontend);
    return 'complaint' in own ? own : { at: [of(own)] };
  }
  const issuers = new Set(config.frontends.map((own) => own.issuer));
  if (issuer === undefined && issuers.size > 1) {
    return {
      complaint: `the frontends have several issuers; say with --issuer or --frontend whose subject it is: ${[...issuers].join(', ')}`,
    };
  }
  return { at: config.frontends.map(of) };
}

interface AskedForAll {
  readonly action: 'end-all';
  readonly frontend: string | undefined;
  readonly confirmed: number | undefined;
}

function askedIn(args: readonly string[]): Asked | AskedForAll | undefined {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch {
    return undefined; // an option that there is not, or one without a value: the usage answers it
  }
  const [action, ...more] = parsed.positionals;
  const { sub: subject, issuer, sid, id: handle, frontend } = parsed.values;
  if (parsed.values.all === true || parsed.values.confirm !== undefined) return askedForAll(parsed);
  const isEmpty = [subject, issuer, sid, handle, frontend].includes('');
  if (more.length > 0 || subject === undefined || isEmpty) return undefined;
  if (action !== 'end' && (action !== 'list' || handle !== undefined)) return undefined;
  return { action, frontend, meant: { subject, sid, handle }, issuer };
}

// Everybody and somebody at once is a mistake that must end nobody.
function askedForAll({ positionals, values }: ReturnType<typeof parse>): AskedForAll | undefined {
  const { all, confirm, frontend, ...others } = values;
  if (all !== true || positionals.join(' ') !== 'end' || Object.keys(others).length > 0 || frontend === '') {
    return undefined;
  }
  if (confirm !== undefined && !/^\d{1,15}$/.test(confirm)) return undefined;
  return { action: 'end-all', frontend, confirmed: confirm === undefined ? undefined : Number(confirm) };
}

const text = { type: 'string' } as const;
const all = { type: 'boolean' } as const;
const options = { sub: text, issuer: text, sid: text, id: text, frontend: text, confirm: text, all };

function parse(args: readonly string[]) {
  return parseArgs({ args: withValues(args), options, allowPositionals: true });
}

// A handle or a subject may begin with a hyphen, one in sixty-four does, and would be taken for an option.
function withValues(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [arg = '', value = ''] = args.slice(at, at + 2);
    if (optionIn(arg) === text && value.startsWith('-') && optionIn(value) === undefined) {
      joined.push(`${arg}=${value}`);
      at++;
    } else joined.push(arg);
  }
  return joined;
}

function optionIn(word: string): object | undefined {
  return Object.entries(options).find(([name]) => word === `--${name}`)?.[1];
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

interface Doing {
  readonly asked: Asked;
  readonly config: Config;
  readonly places: readonly FrontendConfig[];
}

/** What an operator may know and do at one frontend. */
interface Desk {
  readonly store: OperatorSessions;
  readonly meant: Meant;
  readonly id: string;
}

function withStores({ asked, config, places }: Doing, surface: Surface): Promise<number> {
  return atDesks({ config, places, surface }, (stores) => {
    const desks = stores.map(({ store, id }) => ({ store, id, meant: asked.meant }));
    if (asked.action === 'end') return end(desks, surface);
    return list(desks, { surface, namesFrontends: config.listsFrontends });
  });
}

interface Opening {
  readonly config: Config;
  readonly places: readonly FrontendConfig[];
  readonly surface: Surface;
}

async function atDesks(
  { config, places, surface }: Opening,
  task: (stores: readonly Omit<Desk, 'meant'>[]) => Promise<number>,
): Promise<number> {
  const { clock, complain } = surface;
  // The lines of the log are for a server; what was ended must be provable here, too.
  const trail = new Trail({ level: 'silent', stream: { write: (line) => complain(line.trimEnd()) } });
  const stores = places.map((own) => ({ store: new OperatorSessions(config, own, { trail, clock }), id: own.id }));
  try {
    for (const { store } of stores) if (!(await store.reach())) throw new StoreAwayError();
    return await task(stores);
  } catch (error) {
    if (!(error instanceof StoreAwayError) && codeOf(error) !== 'store-unavailable') throw error;
    complain(awayText(error));
    return 1;
  } finally {
    await Promise.all(stores.map(({ store }) => store.close()));
  }
}

// A user that may serve sessions need not be allowed to walk through all of them.
function awayText(error: unknown): string {
  if (error instanceof Error && kindOf(error.cause) === 'NOPERM') {
    return `Redis refuses it to the user of REDIS_URL (docs/redis.md has what it needs): ${causeOf(error.cause)}`;
  }
  return 'Redis cannot be reached with REDIS_URL, or does not answer in time. Ask again: what was ended stays so.';
}

class StoreAwayError extends Error {}

const head = ['HANDLE', 'CREATED', 'LAST SEEN', 'USER AGENT', 'ADDRESS'];

async function list(
  desks: readonly Desk[],
  { surface, namesFrontends }: { readonly surface: Surface; readonly namesFrontends: boolean },
): Promise<number> {
  const rows: (readonly string[])[] = [[...head, 'FRONTEND']];
  for (const { store, meant, id } of desks) {
    for (const { card, seenAt } of await store.list(meant)) {
      rows.push([card.handle, rfc3339(card.createdAt), rfc3339(seenAt), card.agent, card.address, id]);
    }
  }
  const shown = namesFrontends ? rows : rows.map((row) => row.slice(0, head.length));
  for (const line of columnsOf(shown)) surface.write(line);
  return 0;
}

async function end(desks: readonly Desk[], { write }: Surface): Promise<number> {
  let count = 0;
  for (const { store, meant } of desks) count += await store.end(meant);
  write(`ended ${count}`);
  return count === 0 ? 3 : 0;
}

async function endEverybody(
  { frontend, confirmed }: AskedForAll,
  { config, surface }: { readonly config: Config; readonly surface: Surface },
): Promise<number> {
  const own = chosenFrontend(config, frontend);
  if ('complaint' in own) {
    surface.complain(own.complaint);
    return 2;
  }
  const again = `claimcheck sessions end --all${frontend === undefined ? '' : ` --frontend ${frontend}`}`;
  return atDesks({ config, places: [own], surface }, async ([desk]) => {
    if (desk === undefined) throw new Error('a frontend without a store');
    return endAll(desk.store, { confirmed, again, surface });
  });
}
