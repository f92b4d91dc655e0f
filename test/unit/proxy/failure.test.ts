/**
 * What went wrong at an upstream, and what may be sent again.
 *
 * @module
 */

import { errors } from 'undici';
import { describe, expect, it } from 'vitest';
import { DeadlineError } from '../../../src/base/deadline.ts';
import { ProblemError } from '../../../src/errors.ts';
import { isConnectionDeath, problemOfFailure } from '../../../src/proxy/failure.ts';
import { isRepeatable, isUnread, refusesToken } from '../../../src/proxy/repeat.ts';
import { WireError } from '../../../src/proxy/wire/wire-error.ts';

const withCode = (code: string) => Object.assign(new Error('the text decides nothing'), { code });

describe('problemOfFailure', () => {
  it.each([
    [new errors.HeadersTimeoutError(), 'upstream-timeout'],
    [new errors.BodyTimeoutError(), 'upstream-timeout'],
    [new errors.ConnectTimeoutError(), 'upstream-timeout'],
    [withCode('ETIMEDOUT'), 'upstream-timeout'],
    [new DeadlineError('the look-up of a name', 5_000), 'upstream-timeout'],
    [new WireError('closed', 'the connection was closed'), 'upstream-unreachable'],
    [new WireError('invalid', 'a length beside a transfer coding'), 'upstream-unreachable'],
    [new WireError('destroyed', 'the line was closed'), 'overloaded'],
    [new WireError('unwritable', 'a header that cannot be written'), 'internal'],
    [new errors.SocketError(), 'upstream-unreachable'],
    [new errors.HeadersOverflowError(), 'upstream-unreachable'],
    [new errors.HTTPParserError(), 'upstream-unreachable'],
    [new errors.ResponseContentLengthMismatchError(), 'upstream-unreachable'],
    [withCode('ECONNREFUSED'), 'upstream-unreachable'],
    [withCode('ENOTFOUND'), 'upstream-unreachable'],
    [withCode('CERT_HAS_EXPIRED'), 'upstream-unreachable'],
    [new Error('Headers Timeout Error'), 'upstream-unreachable'],
    ['no error at all', 'upstream-unreachable'],
    [new errors.ClientDestroyedError(), 'overloaded'],
    [new errors.ClientClosedError(), 'overloaded'],
    [new errors.InvalidArgumentError(), 'internal'],
  ])('ER-08: calls %s %s, and keeps it as the cause', (error, code) => {
    const problem = problemOfFailure(error);

    expect(problem.code).toBe(code);
    expect(problem.cause).toBe(error);
  });

  it('ER-08: leaves a problem what it is', () => {
    const problem = new ProblemError('body-too-large');

    expect(problemOfFailure(problem)).toBe(problem);
  });
});

describe('what may be sent again', () => {
  it.each([
    ['GET', {}, true, true],
    ['HEAD', {}, true, true],
    ['GET', { 'content-length': '0' }, true, true],
    ['GET', { 'content-length': '1' }, false, false],
    ['GET', { 'transfer-encoding': 'chunked' }, false, false],
    ['DELETE', {}, false, true],
    ['PUT', { 'content-length': '0' }, false, true],
    ['PUT', { 'content-length': '1' }, false, false],
    ['POST', {}, false, false],
    ['POST', { 'content-length': '0' }, false, false],
    ['PATCH', {}, false, false],
  ])('PX-13, PX-14: %s %j after a dead connection: %s, after a refused token: %s', (method, headers, dead, refused) => {
    expect(isRepeatable({ method, headers })).toBe(dead);
    expect(isUnread({ method, headers })).toBe(refused);
  });

  it('PX-14: takes a closed connection for one, and a refused or slow one for none', () => {
    expect([new errors.SocketError(), withCode('ECONNRESET'), withCode('EPIPE')].every(isConnectionDeath)).toBe(true);
    expect(
      [withCode('ECONNREFUSED'), new errors.HeadersTimeoutError(), new Error('ECONNRESET')].some(isConnectionDeath),
    ).toBe(false);
  });

  it.each([
    ['Bearer error="invalid_token"', true],
    ['Bearer realm="x", error="invalid_token", error_description="expired"', true],
    ['DPoP error=invalid_token', true],
    ['Bearer error="insufficient_scope"', false],
    ['Bearer error="invalid_token_type"', false],
    ['Bearer', false],
    [undefined, false],
  ])('PX-13: reads the challenge %s', (challenge, expected) => {
    expect(refusesToken(challenge === undefined ? {} : { 'www-authenticate': challenge })).toBe(expected);
  });
});
