/**
 * `claimcheck keys list|new|retire`: the keys with which the client proves itself.
 *
 * Keys that Claimcheck keeps (`CLIENT_KEY_ROTATION`) are listed, made ahead of their
 * time and withdrawn where all instances find them. Keys of a file are listed, and a
 * new one is printed to be put there. Lists show thumbprints, never a key.
 *
 * @module
 */

import { Trail } from '../audit/trail.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Config, FrontendConfig } from '../config/config.ts';
import { examine } from '../config/load.ts';
import { ProblemError } from '../errors.ts';
import { newClientKeyPem } from '../oidc/client-key.ts';
import { FileClientKeys } from '../oidc/client-keys.ts';
import { createClientKeys } from '../oidc/configured-client-keys.ts';
import type { ManagedClientKeys } from '../oidc/managed-client-keys.ts';
import { chosenFrontend } from './chosen-frontend.ts';
import type { Command, Surface } from './command.ts';
import { withRedis } from './reach-redis.ts';
import { columnsOf } from './table.ts';

const usage = `claimcheck keys list          every key: thumbprint, state, when it was made
claimcheck keys new           makes one; of a file: prints one, to be put behind those that are there
claimcheck keys retire KID    withdraws one: within seconds no instance signs with it or publishes it

  --frontend ID   whose client, where the rules file lists several frontends`;

/** 0 done, 1 settings or store, 2 not understood, 3 no such key. */
export const keys: Command = {
  summary: 'lists, makes and withdraws the keys of the client',
  takesArguments: true,
  run: async (surface, { args }) => {
    const words = wordsIn(args);
    if (words === undefined) {
      surface.complain(usage);
      return 2;
    }
    const { what, kid, frontend } = words;
    const { config, error } = examine(surface.env, surface.files);
    if (config === undefined) {
      surface.complain(error?.report() ?? 'The configuration cannot be used.');
      return 1;
    }
    const own = chosenFrontend(config, frontend);
    if ('complaint' in own) {
      surface.complain(own.complaint);
      return 2;
    }
    if (own.client.keyRotationMs !== undefined) return withManaged(surface, { config, own, what, kid });
    return ofFile(surface, { own, what });
  },
};

interface Words {
  readonly what: string;
  readonly kid: string | undefined;
  readonly frontend: string | undefined;
}

// By hand: a thumbprint can begin with a hyphen.
function wordsIn(args: readonly string[]): Words | undefined {
  const at = args.indexOf('--frontend');
  const frontend = at < 0 ? undefined : (args[at + 1] ?? '');
  const [what = '', kid, ...more] = at < 0 ? args : [...args.slice(0, at), ...args.slice(at + 2)];
  const isAsked = more.length === 0 && (what === 'retire') === (kid !== undefined);
  return isAsked && ['list', 'new', 'retire'].includes(what) ? { what, kid, frontend } : undefined;
}

interface Asked {
  readonly config: Config;
  readonly own: FrontendConfig;
  readonly what: string | undefined;
  readonly kid?: string | undefined;
}

function ofFile({ write, complain }: Surface, { own, what }: Omit<Asked, 'config'>): number {
  const { authMethod, key } = own.client;
  if (what === 'new') {
    write(newClientKeyPem().reveal().trim());
    return 0;
  }
  if (authMethod !== 'private_key_jwt' || key === undefined) {
    complain(`CLIENT_AUTH_METHOD=${authMethod}: the client has no keys that are published.`);
    return 1;
  }
  if (what === 'retire') {
    complain('These keys are those of CLIENT_KEY_FILE: take it out of that file and send SIGHUP to every instance.');
    return 1;
  }
  const rows = new FileClientKeys(key).published.map(({ kid }, at) => [kid, at === 0 ? 'signing' : 'published']);
  for (const line of columnsOf(rows)) write(line);
  return 0;
}

async function withManaged(surface: Surface, { config, own, what, kid }: Asked): Promise<number> {
  const { store, sessionSecrets } = config;
  if (store.kind === 'memory')
    throw new Error('kept keys lie in Redis; the configuration was used before it was checked');
  const { clock, complain } = surface;
  const trail = new Trail({ level: 'silent', stream: { write: (line) => complain(line.trimEnd()) } });
  try {
    return await withRedis({ ...store, clock, trail }, async (redis) => {
      const kept = createClientKeys({ config: own, sessionSecrets, redis, trail, clock });
      if (kept === undefined) throw new Error('no kept keys are configured');
      return done(kept, { surface, what, kid });
    });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    complain(`${error.code}: Redis cannot be reached or asked; claimcheck doctor says why.`);
    return 1;
  }
}

interface Doing {
  readonly surface: Surface;
  readonly what: string | undefined;
  readonly kid: string | undefined;
}

async function done(kept: ManagedClientKeys, { surface, what, kid = '' }: Doing): Promise<number> {
  const { write, complain } = surface;
  if (what === 'retire' && !(await kept.withdraw(kid))) {
    complain(`there is no key ${JSON.stringify(kid)} in use`);
    return 3;
  }
  await kept.inventory(); // what is there is read before it is added to
  if (what === 'new') await kept.add();
  const rows = (await kept.inventory()).map(({ kid: id, state, createdAt }) => [id, state, rfc3339(createdAt)]);
  for (const line of columnsOf(rows)) write(line);
  return 0;
}
