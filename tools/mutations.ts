/**
 * Deliberate faults: each takes one guard away. `npm run mutate` applies them one
 * after the other and expects the named tests to fail.
 *
 * A new guard brings its row. `search` must stand exactly once in the file, so a
 * row that has gone stale is told apart from a guard that nobody tests.
 *
 * @module
 */

/** One deliberate fault. */
export interface Mutation {
  /** Says what is gone: `cross-origin: the Origin is not compared`. */
  readonly name: string;
  /** The file that is changed, from the root of the project. */
  readonly file: string;
  /** Text that stands there exactly once. */
  readonly search: string;
  readonly replace: string;
  /** The test files of which at least one must fail. */
  readonly noticedBy: readonly string[];
}

/** All of them. */
export const mutations: readonly Mutation[] = [
  {
    name: 'cross-origin: a foreign Origin is let through when the browser says nothing of the site',
    file: 'src/guards/cross-origin.ts',
    search: "  return site === undefined && isSelf(origin, policy) ? allow : deny('cross-origin');",
    replace: "  return site === undefined ? allow : deny('cross-origin');",
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: our own Origin is believed beside a foreign site',
    file: 'src/guards/cross-origin.ts',
    search: "  return site === undefined && isSelf(origin, policy) ? allow : deny('cross-origin');",
    replace: "  return isSelf(origin, policy) ? allow : deny('cross-origin');",
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: an unsafe request without Origin and site is let through',
    file: 'src/guards/cross-origin.ts',
    search: "return deny(site === undefined ? 'origin-unknown' : 'cross-origin');",
    replace: "return site === undefined ? allow : deny('cross-origin');",
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: a request that no page sent may change state',
    file: 'src/guards/cross-origin.ts',
    search: "  if (site === 'same-origin') return allow;\n",
    replace: "  if (site === 'same-origin' || site === 'none') return allow;\n",
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: another site may read',
    file: 'src/guards/cross-origin.ts',
    search: "  return site === 'cross-site' || site === 'same-site' ? deny('cross-origin') : allow;",
    replace: "  return site === 'same-site' ? deny('cross-origin') : allow;",
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: a sibling host may read',
    file: 'src/guards/cross-origin.ts',
    search: "  return site === 'cross-site' || site === 'same-site' ? deny('cross-origin') : allow;",
    replace: "  return site === 'cross-site' ? deny('cross-origin') : allow;",
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: frames and scripts may load an answer',
    file: 'src/guards/cross-origin.ts',
    search: "  if (!isDestinationAllowed(request.fetchDest, site)) return deny('cross-origin');\n",
    replace: '',
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: a socket is opened for any Origin',
    file: 'src/guards/cross-origin.ts',
    search: "  return policy.trustedOrigins.has(origin) || isSelf(origin, policy) ? allow : deny('cross-origin');",
    replace: "  return origin === '' ? deny('cross-origin') : allow;",
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'cross-origin: a socket is opened without Origin',
    file: 'src/guards/cross-origin.ts',
    search: "  if (origin === undefined) return deny('origin-unknown');",
    replace: '  if (origin === undefined) return allow;',
    noticedBy: ['test/unit/guards/cross-origin.test.ts'],
  },
  {
    name: 'csrf: the token is not verified',
    file: 'src/stages/csrf.ts',
    search: '        : isVerified(bagOf(session, request));',
    replace: '        : isVerified(bagOf(session, request)) || true;',
    noticedBy: ['test/unit/stages/csrf.test.ts'],
  },
  {
    name: 'csrf: any value of X-CSRF will do',
    file: 'src/stages/csrf.ts',
    search: "request.headers['x-csrf'] === '1'",
    replace: "request.headers['x-csrf'] !== undefined",
    noticedBy: ['test/unit/stages/csrf.test.ts'],
  },
  {
    name: 'csrf: an event stream is believed wherever it comes from',
    file: 'src/stages/csrf.ts',
    search: "  return isOurs && headers.accept === 'text/event-stream';",
    replace: "  return headers.accept === 'text/event-stream';",
    noticedBy: ['test/unit/stages/csrf.test.ts'],
  },
  {
    name: 'cors: every origin is shared with',
    file: 'src/stages/cors.ts',
    search: 'answer(null, origin !== undefined && frontend.trustedOrigins.has(origin))',
    replace: 'answer(null, origin !== undefined)',
    noticedBy: ['test/unit/stages/cors.test.ts'],
  },
  {
    name: 'cors: a preflight of a foreign origin is answered',
    file: 'src/stages/cors.ts',
    search: "    if (!apply(share, request)) return 'cross-origin';",
    replace: '    apply(share, request);',
    noticedBy: ['test/unit/stages/cors.test.ts'],
  },
  {
    name: 'pipeline: a refusal is not carried out',
    file: 'src/pipeline.ts',
    search: "      if (step === 'next') continue;",
    replace: "      if (step !== 'answered') continue;",
    noticedBy: ['test/contract/pipeline.test.ts', 'test/attack/forged-request.test.ts'],
  },
  {
    name: 'pipeline: a kind may lack its guards',
    file: 'src/pipeline.ts',
    search: '  if (missing.length > 0) throw',
    replace: '  if (missing.length > 99) throw',
    noticedBy: ['test/contract/pipeline.test.ts'],
  },
  {
    name: 'pipeline: cross origin is not asked of API calls',
    file: 'src/pipeline.ts',
    search: "row('cross origin', '     A    I    U     '",
    replace: "row('cross origin', '     A         U     '",
    noticedBy: ['test/contract/pipeline.test.ts'],
  },
  {
    name: 'return path: any origin is trusted',
    file: 'src/oidc/return-path.ts',
    search: '  return !isPath && policy.trustedOrigins.has(url.origin) ? url.href : undefined;',
    replace: '  return url.href;',
    noticedBy: ['test/unit/oidc/return-path.test.ts'],
  },
  {
    name: 'return path: control characters and backslashes are let through',
    file: 'src/oidc/return-path.ts',
    search: ' || forbiddenAnywhere.test(text)',
    replace: '',
    noticedBy: ['test/unit/oidc/return-path.test.ts'],
  },
  {
    name: 'return path: an encoded slash is let through',
    file: 'src/oidc/return-path.ts',
    search: '  return !encodedTwin.test(raw) && ',
    replace: '  return ',
    noticedBy: ['test/unit/oidc/return-path.test.ts'],
  },
  {
    name: 'return path: a sign-in leads into another sign-in',
    file: 'src/oidc/return-path.ts',
    search: "  return authPaths.has(pathname) ? '/' : ",
    replace: "  return authPaths.has('') ? '/' : ",
    noticedBy: ['test/unit/oidc/return-path.test.ts'],
  },
  {
    name: 'return path: it may be of any length',
    file: 'src/oidc/return-path.ts',
    search: 'Buffer.byteLength(text) > maxBytes || ',
    replace: '',
    noticedBy: ['test/unit/oidc/return-path.test.ts'],
  },
  {
    name: 'strict JSON: the last of two members wins',
    file: 'src/oidc/strict-json.ts',
    search: "  if (names.has(name)) throw new JsonError('duplicate-member');\n",
    replace: '',
    noticedBy: ['test/unit/oidc/strict-json.test.ts'],
  },
  {
    name: 'strict JSON: members are compared as they are written',
    file: 'src/oidc/strict-json.ts',
    search: 'String(JSON.parse(literal))',
    replace: 'literal',
    noticedBy: ['test/unit/oidc/strict-json.test.ts'],
  },
  {
    name: 'strict JSON: any depth is read',
    file: 'src/oidc/strict-json.ts',
    search: "      if (levels.length >= maxDepth) throw new JsonError('too-deep');\n",
    replace: '',
    noticedBy: ['test/unit/oidc/strict-json.test.ts'],
  },
  {
    name: 'strict JSON: a list is read for an object',
    file: 'src/oidc/strict-json.ts',
    search: ' && !Array.isArray(value)',
    replace: '',
    noticedBy: ['test/unit/oidc/strict-json.test.ts'],
  },
  {
    name: 'api: the session is opened, the token of the page is not asked for',
    file: 'src/api.ts',
    search: '  csrf.check(authenticated); //',
    replace: '  void csrf; //',
    noticedBy: ['test/attack/forged-request.test.ts'],
  },
  {
    name: 'receive: the session cookie may come twice',
    file: 'src/http/receive-request.ts',
    search:
      "    if (cookies.isRepeated) return refusal(from, { code: 'request-ambiguous', detail: 'repeated-cookie' });\n",
    replace: '',
    noticedBy: ['test/attack/forwarded-header.test.ts', 'test/unit/http/receive-request.test.ts'],
  },
  {
    name: 'receive: header lines are not looked at',
    file: 'src/http/receive-request.ts',
    search: '  const lines = faultOfHeaderLines(message.rawHeaders);',
    replace: '  const lines = faultOfHeaderLines([]);',
    noticedBy: ['test/attack/smuggled-request.test.ts', 'test/unit/http/receive-request.test.ts'],
  },
  {
    name: 'receive: TRACE and invented methods pass',
    file: 'src/http/receive-request.ts',
    search: "  if (!methods.has(message.method ?? '')) return { code: 'method-unknown', detail: 'method' };\n",
    replace: '',
    noticedBy: ['test/attack/smuggled-request.test.ts', 'test/unit/http/receive-request.test.ts'],
  },
  {
    name: 'plain http: what came in clear is answered',
    file: 'src/guards/plain-http.ts',
    search: "frontend.secure && forwardedProto === 'http'",
    replace: 'false',
    noticedBy: ['test/flow/behind-a-terminator.test.ts'],
  },
  {
    name: 'page: hidden files are listed',
    file: 'src/stages/page.ts',
    search: " && !path.endsWith('.map')",
    replace: '',
    noticedBy: ['test/flow/page.test.ts'],
  },
  {
    name: 'page: a path that looks like a file gets the shell',
    file: 'src/stages/page.ts',
    search: '  return !looksLikeFile && wantsPage',
    replace: '  return wantsPage',
    noticedBy: ['test/flow/page.test.ts'],
  },
  {
    name: 'page upstream: the upstream may set cookies',
    file: 'src/stages/page-upstream.ts',
    search: "  'set-cookie',\n",
    replace: '',
    noticedBy: ['test/flow/page.test.ts'],
  },
  {
    name: 'upgrade: an API may be upgraded',
    file: 'src/stages/upgrade.ts',
    search: '      isApi ||\n',
    replace: '',
    noticedBy: ['test/flow/page.test.ts'],
  },
  {
    name: 'session: an idle session lives on',
    file: 'src/session/session.ts',
    search: "? 'idle' : undefined",
    replace: '? undefined : undefined',
    noticedBy: ['test/unit/session/session.test.ts'],
  },
  {
    name: 'session: a session outlives its lifetime',
    file: 'src/session/session.ts',
    search: "return 'lifetime';",
    replace: 'return undefined;',
    noticedBy: ['test/unit/session/session.test.ts'],
  },
  {
    name: 'callback: a state may be used again',
    file: 'src/oidc/callback.ts',
    search: "  if (!(await parts.claims.claim(state))) return redirectReply('/');\n",
    replace: '',
    noticedBy: ['test/flow/two-tabs.test.ts'],
  },
  {
    name: 'callback: HEAD consumes',
    file: 'src/oidc/callback.ts',
    search:
      "  if (request.method !== 'GET') throw new ProblemError('method-not-allowed', { headers: { Allow: 'GET' } });\n",
    replace: '',
    noticedBy: ['test/flow/provider-callback.test.ts'],
  },
  {
    name: 'callback: any issuer in the response will do',
    file: 'src/oidc/callback.ts',
    search: '    return checkResponse(parameters, { issuer, namesIssuer: await provider.namesIssuer() });',
    replace: '    void checkResponse;\n    void parameters;\n    return undefined;',
    noticedBy: ['test/attack/faulty-provider.test.ts'],
  },
  {
    name: 'logout: no proof is asked for',
    file: 'src/oidc/logout.ts',
    search: '  checkProof({ request, session, isForm }, parts);\n',
    replace: '',
    noticedBy: ['test/attack/forged-request.test.ts'],
  },
  {
    name: 'cross-origin: the auth routes are exempt from it',
    file: 'src/stages/guards.ts',
    search: "request.kind === 'A' && open.has(",
    replace: "request.kind === 'A' || open.has(",
    noticedBy: ['test/flow/my-sessions.test.ts'],
  },
  {
    name: 'back-channel logout: a token without the explicit type is taken',
    file: 'src/oidc/provider.ts',
    search: "types: ['logout+jwt']",
    replace: "types: ['logout+jwt', '', 'jwt']",
    noticedBy: ['test/flow/back-channel-logout.test.ts'],
  },
  {
    name: 'back-channel logout: a token may be used again',
    file: 'src/oidc/back-channel-logout.ts',
    search: "  if (await sessions.wasClaimed('jti', name)) throw invalid('logout-token-used');\n",
    replace: '',
    noticedBy: ['test/flow/back-channel-logout.test.ts'],
  },
  {
    name: 'back-channel logout: a token is used up before its order was carried out',
    file: 'src/oidc/back-channel-logout.ts',
    search: "  if (await sessions.wasClaimed('jti', name)) throw invalid('logout-token-used');\n",
    replace:
      "  if (!(await sessions.claimOnce('jti', name, { id: randomToken(128), ttlMs: rememberedMs })))\n    throw invalid('logout-token-used');\n",
    noticedBy: ['test/flow/back-channel-logout.test.ts'],
  },
  {
    name: 'back-channel logout: the first of two tokens counts',
    file: 'src/oidc/back-channel-logout.ts',
    search: 'token === undefined || another !== undefined',
    replace: 'token === undefined',
    noticedBy: ['test/flow/back-channel-logout.test.ts'],
  },
  {
    name: 'back-channel logout: a token with a nonce is taken',
    file: 'src/oidc/logout-token.ts',
    search: "  if (Object.hasOwn(claims, 'nonce')) return 'logout-token-nonce';\n",
    replace: '',
    noticedBy: ['test/flow/back-channel-logout.test.ts'],
  },
  {
    name: 'back-channel logout: a token without its event is taken',
    file: 'src/oidc/logout-token.ts',
    search: "  if (!isJsonObject(events) || !isJsonObject(events[logoutEvent])) return 'logout-token-events';\n",
    replace: '',
    noticedBy: ['test/flow/back-channel-logout.test.ts'],
  },
  {
    name: 'back-channel logout: an old token is taken',
    file: 'src/oidc/logout-token.ts',
    search: ' || iat < now - maxAgeSeconds',
    replace: '',
    noticedBy: ['test/flow/back-channel-logout.test.ts'],
  },
  {
    name: 'back-channel logout: a sign-in of the same second escapes',
    file: 'src/oidc/logout-order.ts',
    search: '? receivedAt : iat * 1000 + 999;',
    replace: '? iat * 1000 : iat * 1000;',
    noticedBy: ['test/unit/oidc/logout-order.test.ts'],
  },
  {
    name: 'form body: a long body is read to its end',
    file: 'src/http/form-body.ts',
    search: "      if (received > maxBytes) stop(() => reject(new ProblemError('body-too-large')));\n",
    replace: '',
    noticedBy: ['test/unit/http/form-body.test.ts'],
  },
  {
    name: 'form body: a body may drip without end',
    file: 'src/http/form-body.ts',
    search: "    const cancel = clock.after(limitMs, () => stop(() => reject(new ProblemError('request-timeout'))));",
    replace: '    void limitMs;\n    const cancel = clock.after(2 ** 31 - 1, () => undefined);',
    noticedBy: ['test/unit/http/form-body.test.ts'],
  },
  {
    name: 'my sessions: ending one needs no proof',
    file: 'src/oidc/my-sessions.ts',
    search: '  parts.csrf.check({ request, session });\n',
    replace: '  void request;\n',
    noticedBy: ['test/flow/my-sessions.test.ts'],
  },
  {
    name: 'my sessions: a session that is idle is shown',
    file: 'src/session/own-sessions.ts',
    search:
      '    return clock.now() < Math.min(idleEndOf({ seenAt }, lifetimes), card.createdAt + lifetimes.lifetimeMs);',
    replace: '    void clock;\n    void idleEndOf({ seenAt }, lifetimes);\n    return card.createdAt > 0;',
    noticedBy: ['test/unit/session/own-sessions.test.ts'],
  },
  {
    name: 'session events: whoever listens may open any number of streams',
    file: 'src/oidc/session-events.ts',
    search: "    if (open >= perSession) throw new ProblemError('too-many-streams');\n",
    replace: '    void perSession;\n',
    noticedBy: ['test/flow/session-events.test.ts'],
  },
  {
    name: 'session events: a stream outlives its session',
    file: 'src/oidc/session-events.ts',
    search:
      "      stream.send('ended', { reason: publicReasonOf(change.reason), login_url: frontend.paths.login });\n      stream.end();\n",
    replace:
      "      stream.send('ended', { reason: publicReasonOf(change.reason), login_url: frontend.paths.login });\n",
    noticedBy: ['test/flow/session-events.test.ts'],
  },
  {
    name: 'event stream: a reader that takes nothing is kept',
    file: 'src/http/event-stream.ts',
    search: '    if (response.writableLength > mostWaitingBytes) response.destroy();\n',
    replace: '    void mostWaitingBytes;\n',
    noticedBy: ['test/unit/http/event-stream.test.ts'],
  },
  {
    name: 'session watch: an end by time is not noticed',
    file: 'src/session/session-watch.ts',
    search: '    return isInDoubt || now >= end || (now >= end - warningMs && warnedOf !== end);',
    replace: '    return isInDoubt || (now >= end - warningMs && warnedOf !== end);',
    noticedBy: ['test/unit/session/session-watch.test.ts'],
  },
  {
    name: 'session watch: an end that was missed is not looked for',
    file: 'src/session/session-watch.ts',
    search: '      () => this.#doubtAll(),',
    replace: '      () => undefined,',
    noticedBy: ['test/unit/session/session-watch.test.ts'],
  },
  {
    name: 'session watch: a store that is away ends sessions',
    file: 'src/session/session-watch.ts',
    search: '      watched.isInDoubt = true;\n      throw error;',
    replace: '      void error;\n      return undefined;',
    noticedBy: ['test/unit/session/session-watch.test.ts'],
  },
  {
    name: 'session watch: a session that ended just before is watched',
    file: 'src/session/session-watch.ts',
    search: '    const reason = this.#recent.reasonOf(session.id);',
    replace: "    const reason = undefined as ReturnType<RecentEnds['reasonOf']>;",
    noticedBy: ['test/unit/session/session-watch.test.ts'],
  },
  {
    name: 'sign-out: an answer of the API goes on after it',
    file: 'src/session/with-session.ts',
    search: "    if (kind === 'ended') cancel = clock.after(graceMs, () => request.response.destroy());",
    replace: "    if (kind === 'ended') cancel = clock.after(graceMs, () => undefined);",
    noticedBy: ['test/flow/session-events.test.ts'],
  },
  {
    name: 'refresh: a claim that has run out while it was made is used',
    file: 'src/token/refresh.ts',
    search: "if (begun === 'begun' && this.#hasLapsed(claim))",
    replace: "if (begun === 'begun' && false)",
    noticedBy: ['test/unit/token/refresh-failures.test.ts'],
  },
];
