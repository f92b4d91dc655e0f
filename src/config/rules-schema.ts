/**
 * The form of the rules file: its keys, what each means, and what is said of a
 * value that has another form. docs/configuration.md and docs/rules.schema.json
 * are made from it. Reading a file is in rules-file.ts.
 *
 * @module
 */

import { z } from 'zod';
import { frontendSchemaWith } from './frontend-schema.ts';
import { expectationOf, saying, text } from './rule-types.ts';
import { upstreamSchema } from './upstream-rules.ts';
import { durationForm, readAudience, readDuration, readSize, readUrl, sizeForm } from './values.ts';

/** What a route may offer; `OPTIONS` is answered by us, other methods by nobody. */
export const routeMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What a route has where the file is silent. */
export const routeDefaults = {
  methods: routeMethods,
  access: 'session',
  timeout: '30s',
  max_body: '100MB',
  min_upload_rate: '240B',
} as const;

const segment = '(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]+';
const path = z.string(saying('must be a path such as /api/orders')).regex(new RegExp(`^/api(?:/${segment})*$`), {
  error: 'must be /api or a path below it, of letters, digits and . _ ~ -, without a slash at the end',
});

const method = z.enum(routeMethods, { error: `must be one of ${routeMethods.join(', ')}` });

// RFC 6749, 3.3: scope-token.
const scope = z
  .string(saying('must be a scope, a text'))
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'must be one scope without spaces (RFC 6749, 3.3)' });

const size = z.union([z.literal(0), text(readSize).meta({ pattern: sizeForm.source })], {
  error: () => expectationOf(readSize),
});

// RFC 6265bis, 4.1.1: cookie-name is a token. Prefixes promise what a browser holds against us: no upstream gets them.
const cookieName = z
  .string(saying('must be the name of a cookie'))
  .regex(/^(?!__)(?!claimcheck)[\w!#$%&'*+.^`|~-]{1,64}$/i, {
    error: 'must be the name of a cookie, none of ours and none that begins with two underscores',
  });

/** One route as it is written. */
export const routeSchema = z.strictObject(
  {
    path: path.meta({
      description:
        'Public prefix, /api or below it. Matched on segment borders and case-sensitively; the longest match wins.',
      examples: ['/api/orders'],
    }),
    upstream: text(readUrl).meta({
      description: 'URL of the service. The matched prefix is replaced by its path.',
      examples: ['https://orders.internal:8443/v2'],
    }),
    methods: z
      .array(method, saying(`must be a list of ${routeMethods.join(', ')}`))
      .min(1, { error: 'must name at least one method' })
      .optional()
      .meta({
        description: 'What is offered. GET brings HEAD with it; OPTIONS is answered by Claimcheck.',
        default: [...routeDefaults.methods],
      }),
    access: z.enum(['session', 'public'], { error: 'must be session or public' }).optional().meta({
      description: 'session: whoever is signed in. public: everybody, and no token of a person is sent.',
      default: routeDefaults.access,
    }),
    token: z
      .enum(['user', 'client', 'exchange', 'none'], { error: 'must be user, client, exchange or none' })
      .optional()
      .meta({
        description:
          'What goes to the upstream. user: the access token of the session. client: one of the client’s own, for this audience and these scopes (RFC 6749, 4.4). exchange: one that the session’s was exchanged for (RFC 8693). none: no token. By default user, and none where access is public.',
      }),
    audience: text(readAudience)
      .optional()
      .meta({
        description:
          'The resource that the access token shall be for (RFC 8707): an absolute URI, or with API_AUDIENCE_PARAMETER=audience a name. By default API_AUDIENCE.',
        examples: ['https://orders.example'],
      }),
    scopes: z
      .array(scope, saying('must be a list of scopes'))
      .optional()
      .meta({
        description:
          'What the access token must allow; where it does not, the answer is 403. A coarse check: the service itself decides about the object.',
        default: [],
        examples: [['orders.read']],
      }),
    timeout: text(readDuration).optional().meta({
      description: 'How long the upstream may take to begin its answer, and between two pieces of it.',
      default: routeDefaults.timeout,
      pattern: durationForm.source,
    }),
    max_body: size
      .optional()
      .meta({ description: 'The largest request body; 0 for no limit.', default: routeDefaults.max_body }),
    min_upload_rate: size.optional().meta({
      description:
        'What a client must send of a body each second, on average over each timeout of the route; 0 for no such limit. A slower one is answered 408.',
      default: routeDefaults.min_upload_rate,
    }),
    set_cookies: z
      .array(cookieName, saying('must be a list of cookie names'))
      .optional()
      .meta({
        description:
          'Which cookies the upstream may set, by name. They get Secure and HttpOnly, no Domain, and a Path within the route. No cookie is ever sent to an upstream.',
        default: [],
        examples: [['theme']],
      }),
    cache: z.boolean({ error: 'must be true or false' }).optional().meta({
      description:
        'Whether the Cache-Control of the upstream counts. With access: session only the browser may keep an answer (private), never a cache between.',
      default: false,
    }),
    mask_errors: z.boolean({ error: 'must be true or false' }).optional().meta({
      description: 'Puts our own body in the place of what the upstream says with a status of 400 or more.',
      default: false,
    }),
    websocket: z.boolean({ error: 'must be true or false' }).optional().meta({
      description:
        'Whether a page may open WebSockets below this path. The same session, scopes and token as for a GET; closed with 4401 when the session ends.',
      default: false,
    }),
    dpop: z.boolean({ error: 'must be true or false' }).optional().meta({
      description:
        'With DPOP=on. true: the token goes with a proof of possession (RFC 9449). false: it goes as a bearer token, to a service that knows no proofs.',
      default: true,
    }),
    insecureAllowHttpUpstream: z.boolean({ error: 'must be true or false' }).optional().meta({
      description:
        'Allows a plain http upstream on another machine. Whoever is on that network can then read tokens and answers, and change them.',
      default: false,
    }),
  },
  saying('must be a route, with path and upstream'),
);

const routeList = z
  .array(routeSchema, saying('must be a list of routes'))
  .min(1, { error: 'must name at least one route' })
  .optional();

/** One entry of `frontends` as it is written. */
export const frontendSchema = frontendSchemaWith(
  routeList.meta({
    description: 'Its own routes, each as at the top of the file. By default those at the top of the file.',
  }),
);

/** The whole file. */
export const rulesSchema = z.strictObject(
  {
    routes: routeList.meta({
      description:
        'Which public path leads to which upstream. A path that no route names is refused. Needed, unless each frontend has its own.',
    }),
    frontends: z
      .array(frontendSchema, saying('must be a list of frontends'))
      .min(1, { error: 'must name at least one frontend' })
      .optional()
      .meta({
        description:
          'Several single-page apps in one process, chosen by Host; see docs/frontends.md. PUBLIC_URL and CLIENT_ID are not in the environment then.',
      }),
    upstreams: z
      .array(upstreamSchema, saying('must be a list of upstreams'))
      .optional()
      .meta({ description: 'How upstreams are reached beyond their URL: addresses, authorities, our certificate.' }),
  },
  saying('must be a map with the key routes'),
);

/** One route as it is written. */
export type RouteRule = z.infer<typeof routeSchema>;

/** One entry of `frontends` as it is written: beside these two, the settings that it says for itself. */
export type FrontendRule = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly routes?: readonly RouteRule[] | undefined;
};

/** A file without a fault in its form. */
export type RulesData = z.infer<typeof rulesSchema>;

/** One key of a route, for documentation. */
export interface RouteKey {
  readonly name: string;
  readonly description: string;
  readonly isNeeded: boolean;
  /** As it would be written in the file; `undefined` where the description says it, or there is none. */
  readonly default: string | undefined;
}

/** The keys of a route in their order. */
export function routeKeys(): readonly RouteKey[] {
  return keysOf(routeSchema.shape);
}

/** The keys of an entry of `upstreams` in their order. */
export function upstreamKeys(): readonly RouteKey[] {
  return keysOf(upstreamSchema.shape);
}

function keysOf(shape: Readonly<Record<string, z.ZodType>>): readonly RouteKey[] {
  return Object.entries(shape).map(([name, type]) => {
    const { description = '', default: value } = type.meta() ?? {};
    return {
      name,
      description,
      isNeeded: !type.safeParse(undefined).success,
      default: value === undefined ? undefined : Array.isArray(value) ? `[${value.join(', ')}]` : String(value),
    };
  });
}

/** The form of the file as JSON Schema (draft 2020-12), for editors. */
export function rulesAsJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(rulesSchema, { io: 'input' });
  return {
    $schema,
    title: 'The rules file of Claimcheck',
    description: 'Which public path leads to which upstream, and for whom. Named by RULES_FILE.',
    anyOf: [{ required: ['routes'] }, { required: ['frontends'] }],
    ...rest,
  };
}
