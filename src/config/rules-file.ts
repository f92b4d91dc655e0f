/**
 * The rules file: which public path leads to which upstream, and for whom.
 *
 * Unknown keys, paths that could be read in two ways and contradictions are
 * faults; nothing is guessed.
 *
 * @module
 */

import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { RouteConfig } from './config.ts';
import { nearestOf } from './spelling.ts';
import { isSafeTransport, type Read, readDuration, readSize, readUrl } from './values.ts';

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const defaultMethods: readonly string[] = allMethods;

function text<Value>(read: (text: string) => Read<Value>) {
  return z.string().refine((value) => 'value' in read(value), {
    error: (issue) => {
      const result = read(String(issue.input));
      return 'expected' in result ? `must be ${result.expected}` : 'is not valid';
    },
  });
}

const path = z.string().regex(/^\/api(\/[A-Za-z0-9._~-]+)*$/, {
  error: 'must be /api or a path below it, of letters, digits and . _ ~ -, without a slash at the end',
});

const route = z.strictObject({
  path: path.meta({ description: 'Public prefix, matched on segment borders, case-sensitive, longest first.' }),
  upstream: text(readUrl).meta({ description: 'The prefix is replaced by the path of this URL.' }),
  methods: z
    .array(z.enum(allMethods, { error: `must be one of ${allMethods.join(', ')}` }))
    .min(1)
    .optional()
    .meta({ description: 'Default: all six. GET brings HEAD; OPTIONS is ours.' }),
  access: z
    .enum(['session', 'public'], { error: 'must be session or public' })
    .optional()
    .meta({ description: 'session (default): signed in. public: everybody, and no token is sent.' }),
  token: z
    .enum(['user', 'none'], { error: 'must be user or none; client and exchange are not available in this version' })
    .optional()
    .meta({ description: 'user (default): the access token of the session is attached. none: nothing is.' }),
  audience: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The resource the access token shall be for (RFC 8707). Default: API_AUDIENCE.' }),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'must be a scope (RFC 6749, 3.3)' }))
    .optional()
    .meta({ description: 'What the access token must allow; without it the answer is 403.' }),
  timeout: text(readDuration)
    .optional()
    .meta({ description: 'Until the answer begins, and between two pieces of it. Default 30s.' }),
  max_body: text(readSize).optional().meta({ description: 'Largest request body; 0 for no limit. Default 100MB.' }),
  websocket: z
    .literal(false, { error: 'must be false: WebSockets to an API are not available in this version' })
    .optional()
    .meta({ description: 'Whether the route may be upgraded to a WebSocket.' }),
  insecureAllowHttpUpstream: z.boolean().optional().meta({
    description:
      'Allows a plain http upstream outside of this machine: tokens and answers can then be read on the way.',
  }),
});

/** The form of the file. */
export const rulesSchema = z.strictObject({
  routes: z.array(route).min(1, { error: 'must name at least one route' }),
});

/** One route as it is written. */
export type RouteRule = z.infer<typeof route>;

/** What a rules file says, or its faults, each with its place in the file. */
export type Rules = { readonly routes: readonly RouteConfig[] } | { readonly faults: readonly string[] };

/** Reads the text of a rules file. `production`: plain http to other machines needs to be allowed by name. */
export function readRules(content: string, { production }: { readonly production: boolean }): Rules {
  const document = parseDocument(content, { uniqueKeys: true, strict: true });
  if (document.errors.length > 0)
    return { faults: document.errors.map(({ message }) => `RULES_FILE: ${firstLine(message)}`) };
  const parsed = rulesSchema.safeParse(document.toJS({ maxAliasCount: 50 }));
  if (!parsed.success) return { faults: parsed.error.issues.flatMap(faultsOf) };
  const faults = parsed.data.routes.flatMap((rule, at) =>
    contradictionsOf(rule, { at, all: parsed.data.routes, production }),
  );
  return faults.length > 0 ? { faults } : { routes: parsed.data.routes.map(routeFrom) };
}

/** The route that `API_UPSTREAM` stands for. */
export function routeOfApiUpstream(upstream: string): RouteConfig {
  return routeFrom({ path: '/api', upstream });
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function faultsOf(issue: z.core.$ZodIssue): readonly string[] {
  const place = placeOf(issue.path);
  if (issue.code !== 'unrecognized_keys') return [`RULES_FILE ${place}: ${issue.message}.`];
  const known = issue.path.length === 0 ? ['routes'] : Object.keys(route.shape);
  return issue.keys.map((key) => {
    const nearest = nearestOf(key, known);
    return `RULES_FILE ${place}: ${JSON.stringify(key.slice(0, 60))} is not known.${nearest ? ` Did you mean ${nearest}?` : ''}`;
  });
}

function placeOf(path: readonly PropertyKey[]): string {
  return (
    path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('')
      .replace(/^\./, '') || 'file'
  );
}

interface Among {
  readonly at: number;
  readonly all: readonly RouteRule[];
  readonly production: boolean;
}

function contradictionsOf(rule: RouteRule, { at, all, production }: Among): readonly string[] {
  const say = (key: string, sentence: string) => `RULES_FILE routes[${at}].${key}: ${sentence}`;
  const faults: string[] = [];
  if (all.findIndex((other) => other.path === rule.path) !== at) faults.push(say('path', 'is there twice.'));
  if (rule.access === 'public' && rule.token === 'user') {
    faults.push(say('token', 'user needs access: session. A public route sends no token.'));
  }
  if (rule.access === 'public' && rule.scopes?.length) faults.push(say('scopes', 'need access: session.'));
  if (production && !rule.insecureAllowHttpUpstream && !isSafeTransport(rule.upstream)) {
    faults.push(say('upstream', 'must be https. insecureAllowHttpUpstream: true allows plain http for this route.'));
  }
  return faults;
}

function routeFrom(rule: RouteRule): RouteConfig {
  const url = new URL(rule.upstream);
  const access = rule.access ?? 'session';
  return {
    path: rule.path,
    upstream: { origin: url.origin, path: url.pathname.replace(/\/$/, '') },
    methods: rule.methods ?? defaultMethods,
    access,
    token: rule.token ?? (access === 'public' ? 'none' : 'user'),
    audience: rule.audience,
    scopes: rule.scopes ?? [],
    timeoutMs: checked(readDuration(rule.timeout ?? '30s')),
    maxBody: checked(readSize(rule.max_body ?? '100MB')),
  };
}

function checked<Value>(result: Read<Value>): Value {
  if ('value' in result) return result.value;
  throw new Error('a rule was used before it was checked');
}
