/**
 * `claimcheck explain GET /api/orders/7`: what becomes of a request, step by step,
 * and where it ends. Where there are several frontends, a whole URL or `--frontend`
 * says which is asked.
 *
 * Nothing is decided here. A request of the page itself is made up and led through
 * the reader, the guards, the table and the story of the server itself; the parts
 * that would need a session, a token or an upstream say what they would do.
 *
 * @module
 */

import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { type ApiParts, answerApiCall } from '../api.ts';
import type { Config, FrontendConfig } from '../config/config.ts';
import { examine } from '../config/load.ts';
import { catalogue, type ErrorCode, ProblemError } from '../errors.ts';
import { TrustedProxies } from '../http/client-address.ts';
import { type Frontend, frontendOf } from '../http/frontend.ts';
import { Hosts } from '../http/host.ts';
import { authenticate, authorize, clear, type InboundRequest, type Kind, publicRequest } from '../http/inbound.ts';
import { isRefusal, Receiver } from '../http/receive-request.ts';
import { RequestRecord } from '../http/request-record.ts';
import { arrange, type Row, type Stages } from '../pipeline.ts';
import { type Route, Routes, upstreamTarget } from '../proxy/routes.ts';
import { corsStage } from '../stages/cors.ts';
import { Csrf } from '../stages/csrf.ts';
import { crossOriginStage, plainHttpStage } from '../stages/guards.ts';
import { securityHeadersStage } from '../stages/security-headers.ts';
import { chosenFrontend } from './chosen-frontend.ts';
import type { Command } from './command.ts';
import { columnsOf } from './table.ts';

/** Prints one line for each step; 1 when the request is refused whoever asks, or the configuration has faults. */
export const explainRequest: Command = {
  summary: 'tells which way a request goes, or why not: claimcheck explain GET /api/orders/7',
  takesArguments: true,
  run: async ({ env, files, write, complain }, { args }) => {
    const words = wordsIn(args);
    if (words === undefined) {
      complain(usage);
      return 2;
    }
    const { config, error } = examine(env, files);
    if (config === undefined) {
      complain(error?.report() ?? 'The configuration cannot be used.');
      return 1;
    }
    const steps: Step[] = [];
    const asked = askedOf(words, config);
    if ('complaint' in asked) {
      complain(asked.complaint);
      return 2;
    }
    const isAnswered = await follow(config, { ...asked, say: (name, text) => steps.push([name, text]) });
    for (const line of columnsOf(steps)) write(line);
    return isAnswered ? 0 : 1;
  },
};

const usage = `claimcheck explain METHOD PATH [--frontend ID]
claimcheck explain METHOD URL

  --frontend  whose path, where the rules file lists several frontends`;

interface Words {
  readonly method: string;
  readonly target: string;
  readonly frontend: string | undefined;
}

function wordsIn(args: readonly string[]): Words | undefined {
  try {
    const options = { frontend: { type: 'string' } } as const;
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [method, target, ...more] = positionals;
    const isAsked = method !== undefined && target !== undefined && more.length === 0;
    return isAsked ? { method, target, frontend: values.frontend } : undefined;
  } catch {
    return undefined; // an option that there is not: the usage answers it
  }
}

/** The request, with the host that it is sent to. */
function askedOf(
  { method, target, frontend }: Words,
  config: Config,
): Omit<Asked, 'say'> | { readonly complaint: string } {
  const [, host, rest = ''] = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(target) ?? [];
  if (host !== undefined && frontend === undefined) {
    return { method, target: rest.startsWith('/') ? rest : `/${rest}`, host };
  }
  const own = chosenFrontend(config, frontend);
  return 'complaint' in own ? own : { method, target, host: frontendOf(own).host };
}

type Step = readonly [name: string, text: string];

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly say: (name: string, text: string) => void;
}

const kinds: Readonly<Record<Kind, string>> = {
  P: 'a page',
  A: 'an auth route',
  I: 'an API call',
  U: 'an upgrade',
  O: 'an operations route',
};

async function follow(config: Config, asked: Asked): Promise<boolean> {
  const frontends = config.frontends.map(frontendOf);
  const receiver = new Receiver({ frontends, trustedProxies: new TrustedProxies(config.trustedProxies) });
  const named = new Hosts(frontends).find(asked.host);
  const from = madeUp(typeof named === 'string' ? '' : named.origin, asked);
  const request = receiver.read({ id: 'explain', startedAt: 0, record: new RequestRecord() }, from);
  if (isRefusal(request)) {
    asked.say('receive', refusalOf(request.code, request.detail));
    return false;
  }
  const { frontend } = request;
  const name = config.listsFrontends ? ` to the frontend ${frontend.name}` : '';
  asked.say('receive', `${kinds[request.kind]}${name}, sent by a script of ${frontend.origin}`);
  const own = chosenFrontend(config, frontend.name);
  if ('complaint' in own) throw new Error(own.complaint);
  return (await passes(request, { config: own, frontend, asked })) === 'answered';
}

interface Scene {
  readonly config: FrontendConfig;
  readonly frontend: Frontend;
  readonly asked: Asked;
}

/** Goes down the rows of the table that carry the letter of its kind. */
async function passes(request: InboundRequest, scene: Scene): Promise<'answered' | 'refused'> {
  for (const { name, guard, answer } of rowsFor(request.kind, scene)) {
    const step = guard?.(request) ?? 'next';
    if (step === 'answered') {
      scene.asked.say(name, 'answers by itself');
      return 'answered';
    }
    if (step !== 'next') {
      scene.asked.say(name, refusalOf(step));
      return 'refused';
    }
    if (guard !== undefined) scene.asked.say(name, 'lets it through');
    if (answer === undefined) continue;
    try {
      await answer(clear(request));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      const Allow = error.extras.headers?.['Allow'];
      scene.asked.say(name, refusalOf(error.code, Allow === undefined ? undefined : `Allow: ${Allow}`));
      return 'refused';
    }
  }
  return 'answered';
}

function rowsFor(kind: Kind, { config, frontend, asked }: Scene): readonly Row[] {
  const elsewhere = () => undefined;
  const stages: Stages = {
    securityHeaders: securityHeadersStage({
      frontend,
      endSessionOrigin: elsewhere,
      pageFromUpstream: config.page.kind === 'upstream',
    }),
    plainHttp: plainHttpStage(frontend, { forwardedProto: { inc: elsewhere } }), // nobody sent it, so it is not counted
    cors: corsStage(frontend),
    overload: () => 'next', // of a server that runs
    crossOrigin: crossOriginStage(frontend),
    signIn: ({ path }) => asked.say('sign-in', `answers ${path} by itself`),
    api: (request) => answerApiCall(request, narrating({ config, frontend, asked })),
    page: () =>
      asked.say(
        'page',
        config.page.kind === 'upstream' ? `from ${config.page.url}` : `a file of ${config.page.directory}`,
      ),
    upgrade: elsewhere,
  };
  return arrange(stages).filter((row) => row.kinds.includes(kind));
}

/** The parts of an API call, as far as they need nobody: the real routes and the real proof against forgery. */
function narrating({ config, asked: { say } }: Scene): ApiParts {
  const routes = new Routes(config.routes);
  const csrf = new Csrf({ mode: config.csrfMode });
  const proof = config.csrfMode === 'token' ? 'X-CSRF-Token with csrf_token of /session' : 'X-CSRF: 1';
  return {
    routes: {
      match: (request) => {
        const route = routes.match(request);
        say('route', `${route.path}, access: ${route.access}`);
        return route;
      },
    },
    sessions: {
      openHeld: () => undefined,
      open: async (request) => {
        say('session', `of the cookie; without one ${refusalOf('session-ended')}`);
        // As much of a session as the next steps look at.
        const session = { id: '', subject: '', csrfSecret: csrf.newSecret() } as Parameters<
          typeof csrf.check
        >[0]['session'];
        return authenticate(request, session as never);
      },
    },
    csrf: {
      check: (signed) => {
        say(
          'csrf',
          isProven(csrf, signed) ? 'no proof is asked for' : `${proof}; without it ${refusalOf('csrf-token-invalid')}`,
        );
      },
    },
    tokens: {
      attachFresh: () => undefined,
      attach: async (signed, route) => {
        say('token', tokenOf(route, config));
        return authorize(signed, undefined);
      },
      attachPublic: async (cleared, route) => {
        say('token', route.token === 'client' ? tokenOf(route, config) : 'none: nobody is asked who it is');
        return publicRequest(cleared);
      },
    },
    proxy: {
      forward: async ({ request }, route) => {
        say('upstream', `${request.method} ${route.upstream.origin}${upstreamTarget(route, request)}`);
      },
    },
  };
}

function isProven(csrf: Csrf, signed: Parameters<Csrf['check']>[0]): boolean {
  try {
    csrf.check(signed);
    return true;
  } catch (error) {
    if (error instanceof ProblemError) return false;
    throw error;
  }
}

function tokenOf({ token, audience, scopes, dpop }: Route, { apiAudience, client }: FrontendConfig): string {
  const needs =
    scopes.length === 0 ? 'no scope is needed' : `needs ${scopes.join(' ')}; without it ${refusalOf('scope-missing')}`;
  if (token === 'none') return `none is sent; ${needs}`;
  const whom = audience ?? apiAudience ?? 'whatever the provider chose';
  const what = { user: "the person's access token", client: "the client's own token" }[token as string];
  const proof = client.flow?.dpop === true && dpop !== false ? ', with a proof of its key (DPoP)' : '';
  return `${what ?? "what the person's token is exchanged for"} for ${whom}${proof}; ${needs}`;
}

function refusalOf(code: ErrorCode, detail?: string): string {
  return `${catalogue[code].status} ${code}${detail === undefined || detail === code ? '' : ` (${detail})`}`;
}

/** A request as a browser sends it for a script of the page itself, or for a person who opens an address. */
function madeUp(origin: string, { method, target, host }: Asked) {
  const message = new IncomingMessage(new Socket());
  const isOpened = method === 'GET' && !/^\/api(?:[/?]|$)/.test(target);
  Object.assign(message, { httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 });
  message.method = method;
  message.url = target;
  message.headers = {
    host,
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': isOpened ? 'navigate' : 'cors',
    ...(method === 'GET' || method === 'HEAD' ? {} : { origin }),
  };
  message.rawHeaders = Object.entries(message.headers).flat().map(String);
  return { message, response: new ServerResponse(message), upgrade: undefined };
}
