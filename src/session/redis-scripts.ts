/**
 * The writes of sessions, as scripts: each looks and writes in one step.
 *
 * All keys of a script have one hash tag, so it runs on one node of a cluster.
 * Durations are relative (PEXPIRE, in ms) and computed by our clock: a Redis whose
 * clock is wrong ends no session early and keeps none for longer than its lifetime.
 * Each may run twice: a caller whose deadline passed does not know of the first run.
 *
 * KEYS of a session, in this order: record, tokens, card.
 *
 * @module
 */

import { redisScript } from '../redis/script.ts';

/**
 * Adds a session. ARGV: sealed record, sealed tokens, sealed card, seen, ms to live.
 * 1: added, or added by the same call before (sealed bytes are never the same twice); 0: the id is taken.
 */
export const createScript = redisScript(
  'create',
  `if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HGET', KEYS[1], 'sealed') == ARGV[1] and 1 or 0
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'v', '1', 'sealed', ARGV[1], 'seen', ARGV[4])
redis.call('HSET', KEYS[2], 'v', '1', 'sealed', ARGV[2])
redis.call('SET', KEYS[3], ARGV[3])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
return 1`,
);

/**
 * Writes the record. KEYS: record alone. ARGV: the version it was made from, sealed record.
 * 1: written, or written by the same call before; 0: changed or gone.
 */
export const replaceRecordScript = redisScript(
  'replace record',
  `local v = redis.call('HGET', KEYS[1], 'v')
if not v then return 0 end
if v == ARGV[1] then
  redis.call('HSET', KEYS[1], 'v', string.format('%d', v + 1), 'sealed', ARGV[2])
  return 1
end
return redis.call('HGET', KEYS[1], 'sealed') == ARGV[2] and 1 or 0`,
);

/**
 * Puts newly sealed bytes of the same content in place of all three, and counts that. ARGV: version of the record, sealed record,
 * version of the tokens, sealed tokens, sealed card.
 * 1: written; 0: a part changed or is gone, so nothing was.
 */
export const resealScript = redisScript(
  'reseal',
  `if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] or redis.call('HGET', KEYS[2], 'v') ~= ARGV[3] then return 0 end
if redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'sealed', ARGV[2])
redis.call('HSET', KEYS[2], 'sealed', ARGV[4])
redis.call('SET', KEYS[3], ARGV[5], 'KEEPTTL')
redis.call('HSET', KEYS[1], 'reseals', (redis.call('HGET', KEYS[1], 'reseals') or 0) + 1)
return 1`,
);

/**
 * Notes activity. ARGV: seen, ms to live. An older activity than the one noted changes nothing.
 * 1: the session is there; 0: it is gone.
 */
export const touchScript = redisScript(
  'touch',
  `local seen = redis.call('HGET', KEYS[1], 'seen')
if not seen then return 0 end
if tonumber(ARGV[1]) < tonumber(seen) then return 1 end
redis.call('HSET', KEYS[1], 'seen', ARGV[1])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return 1`,
);

/** Claims the refresh token. KEYS: record, tokens. ARGV: version, owner, until. Answers the word of the contract. */
export const beginSpendingScript = redisScript(
  'begin spending',
  `if redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
local tokens = redis.call('HMGET', KEYS[2], 'v', 'spending', 'owner')
if not tokens[1] then return 'gone' end
if tokens[1] ~= ARGV[1] then return 'changed' end
if tokens[2] and tokens[3] ~= ARGV[2] then return 'busy' end
redis.call('HSET', KEYS[2], 'spending', ARGV[1], 'owner', ARGV[2], 'until', ARGV[3])
return 'begun'`,
);

// True while the claim of ARGV (version, owner) stands and the session lives.
const isMine = `local tokens = redis.call('HMGET', KEYS[2], 'v', 'spending', 'owner')
local mine = redis.call('EXISTS', KEYS[1]) == 1 and tokens[1] == ARGV[1] and tokens[2] == ARGV[1] and tokens[3] == ARGV[2]
`;

/** Moves `until` of one's own claim. KEYS: record, tokens. ARGV: version, owner, until. 1: moved; 0: not one's own. */
export const extendSpendingScript = redisScript(
  'extend spending',
  `${isMine}if not mine then return 0 end
redis.call('HSET', KEYS[2], 'until', ARGV[3])
return 1`,
);

/**
 * Gives a claim back. KEYS: record, tokens. ARGV: version, owner, the `until` at which it must stand, or nothing.
 * 1: given back; 0: it is not that owner's, or was moved on.
 */
export const abandonSpendingScript = redisScript(
  'abandon spending',
  `${isMine}if not mine then return 0 end
if ARGV[3] ~= '' and redis.call('HGET', KEYS[2], 'until') ~= ARGV[3] then return 0 end
redis.call('HDEL', KEYS[2], 'spending', 'owner', 'until')
return 1`,
);

/**
 * Writes new tokens and ends the claim. KEYS: record, tokens. ARGV: version, owner, sealed tokens.
 * `owner` stays and tells who wrote, so that a repeat is known by it: sealed again, the same tokens are other bytes.
 * 1: written, or written by the same claim before; 0: the claim was lost or the session is gone.
 */
export const saveTokensScript = redisScript(
  'save tokens',
  `${isMine}local following = string.format('%d', ARGV[1] + 1)
if mine then
  redis.call('HSET', KEYS[2], 'v', following, 'sealed', ARGV[3])
  redis.call('HDEL', KEYS[2], 'spending', 'until')
  return 1
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return tokens[1] == following and tokens[3] == ARGV[2] and 1 or 0`,
);

/**
 * Writes new tokens that a lost master took, as {@link saveTokensScript} did there. The claim may be lost with it, so nobody's
 * claim is as good as one's own; another's is not, nor are tokens that another wrote. 1: written; 0: not.
 */
export const restoreTokensScript = redisScript(
  'restore tokens',
  `if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local tokens = redis.call('HMGET', KEYS[2], 'v', 'spending', 'owner')
if tokens[1] ~= ARGV[1] or (tokens[2] and tokens[3] ~= ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], 'v', string.format('%d', ARGV[1] + 1), 'sealed', ARGV[3], 'owner', ARGV[2])
redis.call('HDEL', KEYS[2], 'spending', 'until')
return 1`,
);

/** Removes all parts, and tells all instances. ARGV: channel, message. 1: there was a session; 0: there was none. */
export const endScript = redisScript(
  'end',
  `local lived = redis.call('EXISTS', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
if lived == 1 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return lived`,
);

// Lengthens the life of a key to ARGV[n], never shortens it. A new key has none (-1).
const lengthen = `local function lengthen(key, ms)
  if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
end
`;

/**
 * Adds a member unless the sign-in is older than the not-before. KEYS: index, not-before.
 * ARGV: id, its end (ms), instant of the sign-in (ms), ms to live, now (ms). 1: added; 0: refused.
 */
export const addToIndexScript = redisScript(
  'add to index',
  `${lengthen}local bound = redis.call('GET', KEYS[2])
if bound and tonumber(ARGV[3]) < tonumber(bound) then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[5])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
lengthen(KEYS[1], ARGV[4])
return 1`,
);

/**
 * Sets the not-before, which only grows, and answers the members. KEYS: index, not-before.
 * ARGV: not-before (ms), ms to live, now (ms).
 */
export const setNotBeforeScript = redisScript(
  'set not-before',
  `${lengthen}local bound = redis.call('GET', KEYS[2])
if not bound or tonumber(ARGV[1]) > tonumber(bound) then redis.call('SET', KEYS[2], ARGV[1], 'KEEPTTL') end
lengthen(KEYS[2], ARGV[2])
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[3], '+inf')`,
);
