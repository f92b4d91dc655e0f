/**
 * Tells what the provider does with refresh tokens, by what the running instances
 * have seen of it: no metadata says so, and nothing is spent to find out.
 *
 * @module
 */

import { Trail } from '../../audit/trail.ts';
import { rfc3339 } from '../../base/clock.ts';
import { ProblemError } from '../../errors.ts';
import { RedisRotationNotes, type Rotation } from '../../oidc/rotation-notes.ts';
import { withRedis } from '../reach-redis.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, ok, skip } from './finding.ts';

const subject = 'rotation';

const said: Readonly<Record<Rotation, string>> = {
  rotates: 'a refresh gives another refresh token, so a lost answer can end a session (docs/refresh-failures.md)',
  keeps: 'a refresh gives the same refresh token again',
  'gives-none': 'a refresh gives no refresh token, and the one of the sign-in stays good',
};

/** What was seen last. The store was found to be fit before. */
export async function checkRotation({ config, own, clock }: Around): Promise<Finding> {
  const { store } = config;
  const { issuer, client } = own;
  if (store.kind === 'memory') return skip(subject, 'is noted in Redis alone');
  const trail = new Trail({ level: 'silent', stream: { write: () => undefined } });
  try {
    const seen = await withRedis({ ...store, clock, trail }, (redis) =>
      new RedisRotationNotes(redis, { issuer, clientId: client.id }).read(),
    );
    if (seen === undefined) return skip(subject, 'not seen yet: it is known after the first refresh');
    return ok(subject, `${said[seen.rotation]} (seen ${rfc3339(seen.seenAt)})`);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return skip(subject, 'could not be read from Redis: see above');
  }
}
